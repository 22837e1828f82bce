"""Symbolic sizes and helpers for building libraries of modules (spec 14, sections 1 and 2)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

import attrs

import pycircuit as rc
from pycircuit.py_utils import check

T = TypeVar("T")

P = rc.Parser()

_REM_UNUSED = " rem_unused"

(
    HIDDEN,
    SEQ,
    SEQ_Q,
    SEQ_K,
    HEADS,
    MLP_PROJ,
    BILINEAR_MLP_PROJ,
    QK_DIM,
    V_DIM,
    LOG_LIKELYHOOD_CLASSES,
    VOCAB_SIZE,
    HALF_ROTARY_DIM,
) = rc.symbolic_sizes()[:12]
OUT_HIDDEN = HIDDEN


def to_name_dict(*circs: rc.Circuit) -> dict[str, rc.Circuit]:
    """The circuits by name, in order; two of one name fail the check (spec 14, section 2)."""
    result: dict[str, rc.Circuit] = {}
    for circ in circs:
        check(circ.name not in result, f"two circuits are named {circ.name!r}")
        result[circ.name] = circ
    return result


def _parser_with(parser: rc.Parser, circs: dict[str, rc.Circuit]) -> rc.Parser:
    """A copy of the parser with further reference circuits."""
    return rc.Parser(
        reference_circuits={**parser.reference_circuits, **circs},
        tensors_as_random=parser.tensors_as_random,
        tensors_as_random_device_dtype=parser.tensors_as_random_device_dtype,
        allow_hash_with_random=parser.allow_hash_with_random,
        on_repeat_check_info_same=parser.on_repeat_check_info_same,
        module_check_all_inputs_used=parser.module_check_all_inputs_used,
        module_check_unique_arg_names=parser.module_check_unique_arg_names,
    )


def add_new_circs(s: str, circs: dict[str, rc.Circuit], parser: rc.Parser | None = None) -> dict[str, rc.Circuit]:
    """`circs` plus the top-level circuits of the text `s`, which may refer to `circs` by name (spec 14, section 2)."""
    parsed = _parser_with(parser or rc.Parser(), circs).parse_circuits(s)
    return {**circs, **to_name_dict(*parsed)}


def make_spec(
    body: rc.Circuit, order: Sequence[rc.Circuit] = (), exclude: rc.MatcherIn | Callable[[rc.Circuit], bool] = lambda _: False
) -> rc.ModuleSpec:
    """The spec that binds the free symbols of `body` not excluded: first those not in `order`, then by `order` (spec 14, section 2)."""
    position: dict[rc.Circuit, int] = {}
    for i, circ in enumerate(order):
        position.setdefault(circ, i)
    excluded = rc.Matcher(exclude)
    symbols = [symbol for symbol in rc.get_free_symbols(body) if not excluded(symbol)]
    symbols.sort(key=lambda symbol: position.get(symbol, -1))
    return rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol) for symbol in symbols])


def _remove_from_name_end(circuit: rc.Circuit) -> rc.Circuit:
    return circuit.rename(circuit.name.removesuffix(_REM_UNUSED))


def _zero_in(circuit: rc.Circuit, to_zero: str) -> rc.Circuit:
    """The circuit simplified with the nodes named `to_zero` replaced by zeros."""
    zeroed = circuit.update(to_zero, lambda node: rc.Scalar(0.0, node.shape))
    without_unused = rc.deep_module_remove_unused_inputs(rc.simp(zeroed))
    return without_unused.update(lambda node: node.name.endswith(_REM_UNUSED), _remove_from_name_end)


def zero_input(circs: dict[str, rc.Circuit], to_zero: str) -> dict[str, rc.Circuit]:
    """The library without the symbol named `to_zero`, which counts as zero; keys are the new names (spec 14, section 2)."""
    return to_name_dict(*(_zero_in(circuit, to_zero) for key, circuit in circs.items() if key != to_zero))


def rename_circs_to_keys(d: Mapping[str, rc.Circuit], rename_suffix: str = "") -> dict[str, rc.Circuit]:
    """The same keys, with each circuit named key plus suffix (spec 14, section 2)."""
    return {key: circuit.rename(key + rename_suffix) for key, circuit in d.items()}


def apply_prefix(d: dict[str, T], prefix: str) -> dict[str, T]:
    """The same values under the keys `prefix.key` (spec 14, section 2)."""
    return {f"{prefix}.{key}": value for key, value in d.items()}


def add_number(name: str, num: int) -> str:
    """The name with a number after its first component: `a.w.q`, 3 gives `a3.w.q` (spec 14, section 2)."""
    first, dot, rest = name.partition(".")
    return f"{first}{num}{dot}{rest}"


def print_uuid_list_repr(n: int) -> None:
    """Print the `repr` of a list of n random UUIDs (spec 14, section 2)."""
    print([UUID(int=random.SystemRandom().getrandbits(128), version=4) for _ in range(n)])


@attrs.frozen
class ModuleLibraryRet:
    """A module of the library: its circuits by name, its body, the spec binding the free symbols, its name (spec 14, section 2)."""

    circs: dict[str, rc.Circuit]
    body: rc.Circuit
    spec: rc.ModuleSpec
    name: str

    @classmethod
    def mk(cls, circs: dict[str, rc.Circuit], name: str) -> ModuleLibraryRet:
        """The module whose body is `circs[name]`; its arguments are in the order of `circs`."""
        body = circs[name]
        return cls(circs, body, make_spec(body, order=list(circs.values())), name)


def bind_one(spec_circuit: rc.Circuit, symbol: rc.Circuit, argument: rc.Circuit, name: str) -> rc.Module:
    """The Module that calls `spec_circuit` with its free symbol `symbol` bound to `argument`."""
    return rc.Module.new_flat(rc.ModuleSpec(spec_circuit, [rc.ModuleArgSpec(symbol.cast_symbol())]), argument, name=name)
