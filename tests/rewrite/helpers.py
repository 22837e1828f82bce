"""Small constructors for the tests of rewrites, and what counts as the same value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import pycircuit as rc


def array(name: str | None, *shape: int) -> rc.Array:
    """A float64 Array with values determined by name and shape."""
    generator = torch.Generator().manual_seed(hash((len(shape), *shape, *(name or "").encode())) % 2**31)
    return rc.Array(torch.randn(shape, generator=generator, dtype=torch.float64), name)


def einsum(string: str, *nodes: rc.Circuit, name: str | None = None) -> rc.Einsum:
    return rc.Einsum.from_einsum_string(string, *nodes, name=name)


def rearrange(node: rc.Circuit, string: str, name: str | None = None) -> rc.Rearrange:
    return rc.Rearrange.from_string(node, string, name)


def function(spec_name: str, *nodes: rc.Circuit, name: str | None = None) -> rc.GeneralFunction:
    return rc.GeneralFunction.new_by_name(*nodes, spec_name=spec_name, name=name)


def normal(circuit: rc.Circuit | None) -> rc.Circuit | None:
    """Labels and ints by first appearance, so that examples may be written with any letters."""
    return None if circuit is None else rc.deep_normalize(circuit)


def assert_same(got: rc.Circuit | None, expected: rc.Circuit | None) -> None:
    """The same circuit up to the numbering of labels."""
    got, expected = normal(got), normal(expected)
    assert got == expected, f"\n{got!r}\nis not\n{expected!r}"


def value(circuit: rc.Circuit) -> torch.Tensor:
    return circuit.evaluate().to(torch.float64)


def assert_equal_value(got: rc.Circuit, expected: rc.Circuit) -> None:
    """Same shape and, up to rounding, same value."""
    assert got.shape == expected.shape, f"\n{got!r}\nhas another shape than\n{expected!r}"
    torch.testing.assert_close(value(got), value(expected), rtol=1e-8, atol=1e-8, equal_nan=True)


def idx(node: rc.Circuit, *elements: Any, name: str | None = None) -> rc.Index:
    return rc.Index(node, elements, name)


def index_of(values: Sequence[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


S = slice
COLON = slice(None)
