"""Epsilon attribution: random tensors of expectation 0 made from the arguments of a Cumulant (spec 09, section 13)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import pycircuit as rc

T = TypeVar("T")
Partition = list[list[T]]


def partition(collection: list[T]) -> Iterable[Partition[T]]:
    """All set partitions: those of the rest with the first element at the front of each block in turn, then as a block of its own."""
    if not collection:
        yield []
        return
    first, rest = collection[0], collection[1:]
    for blocks in partition(rest):
        for i, block in enumerate(blocks):
            yield [*blocks[:i], [first, *block], *blocks[i + 1 :]]
        yield [[first], *blocks]


def split_in_buckets(seq: Sequence[T], bucket_sizes: Iterable[int]) -> list[Sequence[T]]:
    """Consecutive slices of these sizes."""
    buckets, start = [], 0
    for size in bucket_sizes:
        buckets.append(seq[start : start + size])
        start += size
    return buckets


def cum_name_to_eps_name(cum_name: str) -> str:
    """The name with its leading "k" as "eps", else with the suffix "_eps"."""
    return f"eps{cum_name[1:]}" if cum_name.startswith("k") else f"{cum_name}_eps"


def kappa_hat(cumulant: rc.Cumulant) -> rc.Circuit:
    """A single argument minus its expectation; of several arguments the Cumulant itself. AssertionError for none."""
    arguments = cumulant.children
    assert arguments, "a Cumulant without arguments has no kappa_hat"
    if len(arguments) > 1:
        return cumulant
    name = None if cumulant.name is None else cum_name_to_eps_name(cumulant.name)
    return rc.Add.minus(arguments[0], cumulant, name=name)


def eps_term(args: Sequence[Sequence[tuple[int, rc.Circuit]]]) -> rc.Einsum:
    """The outer product of kappa_hat of one Cumulant per block of (position, circuit), axes by position."""
    return rc.kappa_term(args, on_sub_cumulant_fn=kappa_hat)[0]


def get_multiplier_default(p: Partition[Any]) -> float:
    """-1 to the power of the number of blocks with more than one element."""
    return (-1.0) ** sum(len(block) > 1 for block in p)


def eps_attrib_module(
    node_ranks: Sequence[int],
    non_centered: bool = False,
    name: str = "epsilon",
    extra_filter: Callable[[Partition[Any]], bool] = lambda p: True,
    get_multiplier: Callable[[Partition[Any]], float] = get_multiplier_default,
    symbolic_size_start: int = 50,
) -> rc.ModuleSpec:
    """Epsilon as a ModuleSpec with one argument `input_i` per rank (spec 09, section 13).

    ValueError if the symbolic sizes run out; ConstructModuleExtractNotPresentError if the filter leaves a symbol unused.
    """
    sizes = rc.symbolic_sizes()
    if symbolic_size_start + sum(node_ranks) > len(sizes):
        raise ValueError(f"eps_attrib_module: {sum(node_ranks)} symbolic sizes from number {symbolic_size_start} on are too many")
    shapes = split_in_buckets(sizes[symbolic_size_start:], node_ranks)
    symbols = [rc.Symbol(tuple(shape), uuid.uuid4(), f"input_{i}") for i, shape in enumerate(shapes)]
    circuit = _epsilon(symbols, non_centered, name, extra_filter, get_multiplier)
    return rc.ModuleSpec.new_extract(circuit, [(symbol, rc.ModuleArgSpec(symbol)) for symbol in symbols])


def _epsilon(
    symbols: list[rc.Symbol],
    non_centered: bool,
    name: str,
    extra_filter: Callable[[Partition[Any]], bool],
    get_multiplier: Callable[[Partition[Any]], float],
) -> rc.Circuit:
    if not symbols:
        return rc.Scalar(1.0, (), name)
    if non_centered and len(symbols) == 1:
        return symbols[0]
    chosen = [p for p in partition(list(enumerate(symbols))) if not (non_centered and len(p) == 1) and extra_filter(p)]
    return rc.Add(*(rc.Einsum.scalar_mul(eps_term(p), get_multiplier(p)) for p in chosen), name=f"{name}_sum")


def eps_attrib(
    cumulant: rc.Cumulant,
    non_centered: bool = False,
    name: str | None = None,
    extra_filter: Callable[[Partition[Any]], bool] = lambda p: True,
    get_multiplier: Callable[[Partition[Any]], float] = get_multiplier_default,
) -> rc.Module:
    """`eps_attrib_module` applied to the Cumulant's arguments, named `name` or after the Cumulant."""
    if name is None and cumulant.name is not None:
        name = cum_name_to_eps_name(cumulant.name)
    ranks = [node.rank for node in cumulant.children]
    spec = eps_attrib_module(ranks, non_centered, name or "epsilon", extra_filter, get_multiplier)
    return rc.Module.new_flat(spec, *cumulant.children, name=name)
