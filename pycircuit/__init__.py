"""pycircuit: take neural networks apart.

`import pycircuit as rc` exposes, flat in one namespace, circuits, matchers, modules, sampling, rewriting and evaluation (spec 01,
section 1).
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING

import torch as _torch

from pycircuit import _core

if _core.built_with_torch != _torch.__version__:
    raise ImportError(
        f"pycircuit was built against torch {_core.built_with_torch}, but torch {_torch.__version__} is installed; "
        "rebuild it with `pip install --no-build-isolation -e .` in its source folder"
    )

from pycircuit import _errors, _exceptions, _function_spec, _html, _pickle, _remote, _tensor_store, _typing  # noqa: E402, F401
from pycircuit._char_tokenizer import CharTokenizer  # noqa: E402
from pycircuit._errors import ExceptionWithRustContext, OptimizingSymbolicSizeWarning  # noqa: E402
from pycircuit._not_set import NOT_SET, NotSet  # noqa: E402

try:
    __version__ = _version("pycircuit")
except _PackageNotFoundError:  # used from its source folder without being installed
    __version__ = "0.1.0"

if _TYPE_CHECKING:  # _fill_namespace does the same at run time
    from pycircuit._core import *  # noqa: F403
    from pycircuit._exceptions import *  # noqa: F403
    from pycircuit._function_spec import *  # noqa: F403
    from pycircuit._html import *  # noqa: F403
    from pycircuit._remote import *  # noqa: F403
    from pycircuit._tensor_store import *  # noqa: F403
    from pycircuit._typing import *  # noqa: F403


def _fill_namespace() -> list[str]:
    names = dict(_errors.CLASSES)
    names |= {name: value for name, value in vars(_core).items() if not name.startswith("_") and name != "built_with_torch"}
    for module in (_function_spec, _html, _remote, _tensor_store, _typing):
        names |= {name: getattr(module, name) for name in module.__all__}
    for value in names.values():
        if getattr(value, "__module__", "").startswith("pycircuit._"):
            value.__module__ = "pycircuit"
    globals().update(names)
    return sorted(names)


__all__ = [
    *_fill_namespace(),
    "NOT_SET",
    "CharTokenizer",
    "ExceptionWithRustContext",
    "NotSet",
    "OptimizingSymbolicSizeWarning",
]

# Written on top of all of these names.
from pycircuit.sweeps import SweepResult, mean_ablation, patch_from, sweep, sweep_circuits, zero_ablation  # noqa: E402

__all__ += ["SweepResult", "mean_ablation", "patch_from", "sweep", "sweep_circuits", "zero_ablation"]
