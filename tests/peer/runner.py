"""Code that runs with either library: what it is given, and results in a form that can be compared. Free of pycircuit, as the worker is."""

from __future__ import annotations

from typing import Any

import torch

from tests.peer.program import Program, build, ordered, program_of


def numbering(circuit: Any) -> dict[Any, int]:
    """The position of every node in `ordered`, by which results name nodes."""
    return {node: number for number, node in enumerate(ordered(circuit))}


def describe(circuit: Any) -> dict[str, Any]:
    """What the tests compare of one node."""
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
    """Descriptions of all distinct nodes, in the order of `ordered`, with their children's positions."""
    numbers = numbering(circuit)
    return [{**describe(node), "children": [numbers[child] for child in node.children]} for node in numbers]


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} {tuple(value.shape)} {value.tolist()}"
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def lines_of(circuit: Any) -> list[str]:
    """The circuit as text, one line per node and symbol of a Module, with shapes and names: equal iff built alike."""
    rows = zip(program_of(circuit).rows, ordered(circuit, symbols=True), strict=True)
    return [f"{kind} {parts} {_plain(fields)} {name!r} {tuple(node.shape)}" for (kind, parts, fields, name), node in rows]


def _received(rc: Any, value: Any) -> Any:
    if isinstance(value, Program):
        return build(rc, value)
    return [_received(rc, item) for item in value] if isinstance(value, list) else value


def _returned(rc: Any, value: Any) -> Any:
    if isinstance(value, rc.Circuit):
        return describe(value)
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, (list, tuple, set)) and not isinstance(value, Program):
        return type(value)(_returned(rc, item) for item in value)
    return {key: _returned(rc, item) for key, item in value.items()} if isinstance(value, dict) else value


def run(rc: Any, code: str, arguments: dict[str, Any]) -> tuple[bool, Any]:
    """(failed, what the code assigned to `result`, or the class and message of the exception).

    Programs among the arguments, also in lists, are built as circuits; circuits in the result come back as their descriptions.
    """
    helpers = (describe, describe_nodes, lines_of, numbering, ordered, program_of)
    scope = {"rc": rc, "torch": torch, "M": rc.Matcher, "I": rc.IterativeMatcher, **{helper.__name__: helper for helper in helpers}}
    try:
        scope |= {name: _received(rc, value) for name, value in arguments.items()}
        exec(code, scope)
        return False, _returned(rc, scope["result"])
    except BaseException as error:  # rust_circuit panics with a class of its own
        return True, (type(error).__name__, str(error))
