"""The compiled core. Its classes and functions document themselves: see help(pycircuit)."""

from typing import Any

def __getattr__(name: str) -> Any: ...
