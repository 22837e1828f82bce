"""Circuits as construction programs: plain data that either library can build. Imported by the worker too, so free of pycircuit."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple


class Program(NamedTuple):
    """Rows (class name, positions of the children, fields, name), children first; the last row is the circuit."""

    rows: list[tuple[str, list[int], dict[str, Any], str | None]]


def _library(node: Any) -> Any:
    """The library that a node is of."""
    loaded = (sys.modules.get(name) for name in ("pycircuit", "rust_circuit"))
    return next(library for library in loaded if library and isinstance(node, library.Circuit))


def _fields(node: Any) -> dict[str, Any]:
    kind = type(node).__name__
    if kind == "GeneralFunction":
        return {"text": _library(node).PrintOptions().repr_extra_info(node)}
    if kind == "Rearrange":
        spec = node.spec
        return {"spec": (spec.input_ints, spec.output_ints, spec.int_sizes)}
    names = {
        "Array": ["value"],
        "Symbol": ["shape", "uuid"],
        "Scalar": ["value", "shape"],
        "Index": ["idx"],
        "Concat": ["axis"],
        "Scatter": ["idx", "shape"],
        "Conv": ["stride", "padding"],
        "SetSymbolicShape": ["shape"],
        "Tag": ["uuid"],
        "StoredCumulantVar": ["uuid"],
    }
    fields = {name: getattr(node, name) for name in names.get(kind, [])}
    if kind == "Einsum":
        fields = {"axes": node.all_input_axes(), "out_axes": node.out_axes}
    if kind == "StoredCumulantVar":
        fields["numbers"] = list(node.cumulants)
    if kind == "Module":
        fields["flags"] = [(s.batchable, s.expandable, s.ban_non_symbolic_size_expand) for s in node.spec.arg_specs]
    return fields


def ordered(circuit: Any, symbols: bool = False) -> list[Any]:
    """Distinct nodes, children before parents, children left to right; with the symbols that Modules bind or without."""
    seen: set[Any] = set()
    nodes: list[Any] = []
    stack = [(circuit, False)]
    while stack:
        node, ready = stack.pop()
        if node in seen:
            continue
        if ready:
            seen.add(node)
            nodes.append(node)
        else:
            stack.append((node, True))
            stack += [(part, False) for part in reversed(_parts(node) if symbols else node.children)]
    return nodes


def _parts(node: Any) -> list[Any]:
    parts = list(node.children)
    return parts + [spec.symbol for spec in node.spec.arg_specs] if type(node).__name__ == "Module" else parts


def program_of(circuit: Any) -> Program:
    """Take a circuit of either library apart."""
    positions = {node: position for position, node in enumerate(ordered(circuit, symbols=True))}
    return Program([(type(n).__name__, [positions[part] for part in _parts(n)], _fields(n), n.op_name) for n in positions])


def _node(rc: Any, kind: str, parts: list[Any], f: dict[str, Any], name: str | None) -> Any:
    if kind == "Einsum":
        return rc.Einsum(*zip(parts, f["axes"], strict=True), out_axes=f["out_axes"], name=name)
    if kind in ("Add", "Cumulant"):
        return getattr(rc, kind)(*parts, name=name)
    if kind == "Concat":
        return rc.Concat(*parts, axis=f["axis"], name=name)
    if kind == "Rearrange":
        return rc.Rearrange(*parts, rc.RearrangeSpec(*f["spec"]), name)
    if kind == "GeneralFunction":
        return rc.GeneralFunction.new_from_parse(*parts, parse_string=f["text"], name=name)
    if kind == "StoredCumulantVar":
        return rc.StoredCumulantVar(dict(zip(f["numbers"], parts, strict=True)), f["uuid"], name)
    if kind == "Module":
        count = len(f["flags"])
        specs = [rc.ModuleArgSpec(symbol, *flags) for symbol, flags in zip(parts[count + 1 :], f["flags"], strict=True)]
        spec = rc.ModuleSpec(parts[0], specs, check_all_inputs_used=False, check_unique_arg_names=False)
        return rc.Module.new_flat(spec, *parts[1 : count + 1], name=name)
    return getattr(rc, kind)(*parts, *f.values(), name)


def build(rc: Any, program: Program) -> Any:
    """Build the circuit with a library. Unnamed nodes get automatic names; nodes named in the program get their names explicitly."""
    nodes: list[Any] = []
    for kind, parts, fields, name in program.rows:
        nodes.append(_node(rc, kind, [nodes[i] for i in parts], fields, name))
    return nodes[-1]
