"""rust_circuit 0.4.12 as an opponent: the same script builds the same circuits with it, and times its ways to evaluate them.

`make bench` installs it into `build/peer`, apart from the version that tests compare with. Run as a script this is the worker.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping

from bench.timing import Work
from bench.workers import ROOT, Worker, serve

FOLDER = ROOT / "build" / "peer"
NAME = "rust_circuit"


def start(group: str, quick: bool) -> Worker | None:
    """The worker for a group, if the library is installed."""
    return Worker(NAME, sys.executable, "bench.peer", [FOLDER], group, quick) if (FOLDER / NAME).is_dir() else None


def cases_of(group: str, quick: bool) -> Iterator[tuple[str, Mapping[str, Work]]]:
    """Our own cases, with the other library under our name."""
    for module in ("", ".model_rewrites", ".module_library", ".py_utils"):
        sys.modules[f"pycircuit{module}"] = importlib.import_module(f"{NAME}{module}")
    from bench.cases import GROUPS, Options

    for case in GROUPS[group](Options(quick=quick)):
        yield case.name, case.ours


if __name__ == "__main__":
    serve(cases_of)
