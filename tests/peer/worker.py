"""The worker's side: answers pickled requests (code, arguments) on standard input with pickled (failed, answer) on standard output."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# Free of pycircuit: imported by path, since tests.peer's own __init__ is the other side.
import importlib.util  # noqa: E402

import rust_circuit as rc  # noqa: E402
import torch  # noqa: E402

_spec = importlib.util.spec_from_file_location("tests.peer.program", os.path.join(os.path.dirname(__file__), "program.py"))
program = importlib.util.module_from_spec(_spec)
sys.modules["tests.peer.program"] = program
_spec.loader.exec_module(program)


def describe(circuit: Any) -> dict[str, Any]:
    """What the tests compare of one circuit."""
    return {
        "class": type(circuit).__name__,
        "shape": tuple(circuit.shape),
        "name": circuit.op_name,
        "hash": circuit.hash_base16,
        "num_children": circuit.num_children,
        "is_constant": circuit.is_constant,
        "is_explicitly_computable": circuit.is_explicitly_computable,
        "can_be_sampled": circuit.can_be_sampled,
        "no_unbound_symbols": circuit.no_unbound_symbols,
        "device": circuit.device_dtype.device,
        "dtype": circuit.device_dtype.dtype,
    }


def describe_nodes(circuit: Any) -> list[dict[str, Any]]:
    """Descriptions of all distinct nodes, children before parents."""
    positions: dict[Any, int] = {}
    rows: list[dict[str, Any]] = []
    stack = [(circuit, False)]
    while stack:
        node, ready = stack.pop()
        if node in positions:
            continue
        if not ready:
            stack.append((node, True))
            stack += [(child, False) for child in reversed(node.children)]
            continue
        positions[node] = len(rows)
        rows.append({**describe(node), "children": [positions[child] for child in node.children]})
    return rows


def received(value: Any) -> Any:
    if isinstance(value, program.Program):
        return program.build(rc, value)
    return [received(item) for item in value] if isinstance(value, list) else value


def returned(value: Any) -> Any:
    if isinstance(value, rc.Circuit):
        return describe(value)
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, (list, tuple, set)):
        return type(value)(returned(item) for item in value)
    return {key: returned(item) for key, item in value.items()} if isinstance(value, dict) else value


def answer(code: str, arguments: dict[str, Any]) -> tuple[bool, Any]:
    scope = {"rc": rc, "torch": torch, "describe": describe, "describe_nodes": describe_nodes, "program_of": program.program_of}
    try:
        scope |= {name: received(value) for name, value in arguments.items()}
        exec(code, scope)
        return False, returned(scope["result"])
    except BaseException as error:  # the library panics with a class of its own
        return True, (type(error).__name__, str(error))


def main() -> None:
    torch.set_num_threads(1)
    # What the library prints must not mix with the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answer(*request), out)
        out.flush()


if __name__ == "__main__":
    main()
