"""Pickling of circuits: one flat list of nodes with sharing, tensors by value (spec 02, section 1.3)."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from pycircuit import _core
from pycircuit._core import Circuit


def _reduce_ex(self: Any, protocol: int) -> Any:
    """Pickle by protocol 2 or later: below it, Python makes an instance of the bindings' base class, which ends the process."""
    return object.__reduce_ex__(self, max(protocol, 2))


for _cls in vars(_core).values():
    if isinstance(_cls, type) and _cls.__reduce__ is object.__reduce__:
        _cls.__reduce_ex__ = _reduce_ex  # type: ignore[method-assign, assignment]


class _Tensors:
    """The tensors of one pickle, each distinct one once, as compact detached CPU copies with what is needed to put them back."""

    def __init__(self) -> None:
        self.records: list[tuple[torch.Tensor, str, bool]] = []
        self._numbers: dict[tuple[bytes, bool], int] = {}

    def add(self, tensor: torch.Tensor) -> int:
        key = (_core.hash_tensor(tensor), tensor.requires_grad)
        if key not in self._numbers:
            self._numbers[key] = len(self.records)
            self.records.append((_compact(tensor), str(tensor.device), tensor.requires_grad))
        return self._numbers[key]


def _compact(tensor: torch.Tensor) -> torch.Tensor:
    """Copy to the CPU, without the rest of the storage that a view keeps alive."""
    value = tensor.detach().resolve_conj().resolve_neg().cpu()
    return value if value.untyped_storage().nbytes() <= value.numel() * value.element_size() else value.clone()


def _restored(record: tuple[torch.Tensor, str, bool]) -> torch.Tensor:
    value, device, requires_grad = record
    return value.to(device).requires_grad_(requires_grad)


class _Fields(NamedTuple):
    """How the fields of one class become a tuple, and a node again with its children and the circuit's tensors."""

    take: Callable[[Any, _Tensors], tuple[Any, ...]]
    build: Callable[[list[Circuit], tuple[Any, ...], list[torch.Tensor], Any], Circuit]


def _take_index(element: Any, tensors: _Tensors) -> Any:
    if isinstance(element, slice):
        return element.start, element.stop
    return [tensors.add(element)] if isinstance(element, torch.Tensor) else element


def _build_index(element: Any, tensors: list[torch.Tensor]) -> Any:
    if isinstance(element, tuple):
        return slice(*element)
    return tensors[element[0]] if isinstance(element, list) else element


def _take_einsum(node: Any, tensors: _Tensors) -> tuple[Any, ...]:
    return [bytes(labels) for labels in node.all_input_axes()], bytes(node.out_axes)


def _take_symbols(node: Any, tensors: _Tensors) -> tuple[Any, ...]:
    flags = [(spec.batchable, spec.expandable, spec.ban_non_symbolic_size_expand) for spec in node.spec.arg_specs]
    return (flags,)


def _build_module(children: list[Circuit], fields: tuple[Any, ...], name: str | None) -> Circuit:
    (flags,) = fields
    count = len(flags)
    specs = [_core.ModuleArgSpec(symbol.cast_symbol(), *row) for symbol, row in zip(children[count + 1 :], flags, strict=True)]
    spec = _core.ModuleSpec(children[0], specs, check_all_inputs_used=False, check_unique_arg_names=False)
    return _core.Module.new_flat(spec, *children[1 : count + 1], name=name)


def _build_einsum(children: list[Circuit], fields: tuple[Any, ...], name: str | None) -> Circuit:
    labels, out_axes = fields
    return _core.Einsum(*zip(children, map(tuple, labels), strict=True), out_axes=tuple(out_axes), name=name)


def _build_stored(children: list[Circuit], fields: tuple[Any, ...], name: str | None) -> Circuit:
    numbers, uuid = fields
    return _core.StoredCumulantVar(dict(zip(numbers, children, strict=True)), uuid, name)


_FIELDS: dict[str, _Fields] = {
    "Array": _Fields(lambda n, t: (t.add(n.value),), lambda c, f, t, name: _core.Array(t[f[0]], name)),
    "Symbol": _Fields(lambda n, t: (n.shape, n.uuid), lambda c, f, t, name: _core.Symbol(f[0], f[1], name)),
    # The bits of the value, so that NaN payloads survive every pickle protocol.
    "Scalar": _Fields(
        lambda n, t: (struct.pack("<d", n.value), n.shape),
        lambda c, f, t, name: _core.Scalar(struct.unpack("<d", f[0])[0], f[1], name),
    ),
    "Einsum": _Fields(_take_einsum, lambda c, f, t, name: _build_einsum(c, f, name)),
    "Add": _Fields(lambda n, t: (), lambda c, f, t, name: _core.Add(*c, name=name)),
    "Rearrange": _Fields(lambda n, t: (n.spec,), lambda c, f, t, name: _core.Rearrange(c[0], f[0], name)),
    "Index": _Fields(
        lambda n, t: tuple(_take_index(e, t) for e in n.idx),
        lambda c, f, t, name: _core.Index(c[0], [_build_index(e, t) for e in f], name),
    ),
    "GeneralFunction": _Fields(lambda n, t: (n.spec,), lambda c, f, t, name: _core.GeneralFunction(*c, spec=f[0], name=name)),
    "Concat": _Fields(lambda n, t: (n.axis,), lambda c, f, t, name: _core.Concat(*c, axis=f[0], name=name)),
    "Scatter": _Fields(
        lambda n, t: (n.shape, *(_take_index(e, t) for e in n.idx)),
        lambda c, f, t, name: _core.Scatter(c[0], [_build_index(e, t) for e in f[1:]], f[0], name),
    ),
    "Conv": _Fields(lambda n, t: (n.stride, n.padding), lambda c, f, t, name: _core.Conv(c[0], c[1], f[0], f[1], name)),
    "Module": _Fields(_take_symbols, lambda c, f, t, name: _build_module(c, f, name)),
    "SetSymbolicShape": _Fields(lambda n, t: (n.shape,), lambda c, f, t, name: _core.SetSymbolicShape(c[0], f[0], name)),
    "Tag": _Fields(lambda n, t: (n.uuid,), lambda c, f, t, name: _core.Tag(c[0], f[0], name)),
    "DiscreteVar": _Fields(lambda n, t: (), lambda c, f, t, name: _core.DiscreteVar(c[0], c[1], name)),
    "StoredCumulantVar": _Fields(
        lambda n, t: (tuple(n.cumulants), n.uuid),
        lambda c, f, t, name: _build_stored(c, f, name),
    ),
    "Cumulant": _Fields(lambda n, t: (), lambda c, f, t, name: _core.Cumulant(*c, name=name)),
}


def _parts(node: Circuit) -> list[Circuit]:
    """Return the circuits that a node is built from: its children and, of a Module, the Symbols of its arg specs."""
    symbols = [spec.symbol for spec in node.spec.arg_specs] if isinstance(node, _core.Module) else []
    return [*node.children, *symbols]


def reduce_circuit(circuit: Circuit) -> tuple[Any, ...]:
    """Return what `__reduce__` of a circuit returns: (load_circuit, (node records, tensor records)), children before parents."""
    tensors = _Tensors()
    numbers: dict[Circuit, int] = {}
    records: list[tuple[Any, ...]] = []

    def add(node: Circuit, parts: list[Circuit]) -> None:
        kind = type(node).__name__
        records.append((kind, [numbers[part] for part in parts], _FIELDS[kind].take(node, tensors), *_core._naming_of(node)))
        numbers[node] = len(records) - 1

    for node in _core._post_order(circuit):
        parts = _parts(node)
        # Only the Symbol of an unused parameter is not there yet.
        for part in itertools.filterfalse(numbers.__contains__, parts):
            add(part, [])
        add(node, parts)
    return load_circuit, (records, tensors.records)


def load_circuit(records: list[tuple[Any, ...]], tensor_records: list[tuple[torch.Tensor, str, bool]]) -> Circuit:
    """Rebuild the last circuit of the records; its nodes are checked as constructors check them."""
    tensors = [_restored(record) for record in tensor_records]
    nodes: list[Circuit] = []
    for kind, parts, fields, name, autoname_disabled, named_axes in records:
        node = _FIELDS[kind].build([nodes[part] for part in parts], fields, tensors, name)
        nodes.append(_core._with_naming(node, name, autoname_disabled, named_axes))
    return nodes[-1]
