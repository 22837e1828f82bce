"""The worker's side: answers pickled (environment, code, arguments) on standard input with pickled (failed, answer) on standard output."""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
from types import ModuleType

import rust_circuit as rc
import torch


def loaded(name: str) -> ModuleType:
    """A module of this folder, loaded by its path: the package's own __init__ is the other side and imports pycircuit."""
    spec = importlib.util.spec_from_file_location(f"tests.peer.{name}", os.path.join(os.path.dirname(__file__), f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"tests.peer.{name}"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    torch.set_num_threads(1)
    for package in ("tests", "tests.peer"):
        sys.modules[package] = ModuleType(package)
    loaded("program")
    runner = loaded("runner")
    # What the library prints must not mix with the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            stores, code, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        os.environ.update(stores)
        pickle.dump(runner.run(rc, code, arguments), out)
        out.flush()


if __name__ == "__main__":
    main()
