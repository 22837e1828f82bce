"""Small constructors, user functions that count their calls, and what counts as the same value (spec 12, 6.2)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

import pycircuit as rc


def array(*shape: int, name: str | None = None, dtype: torch.dtype = torch.float32, seed: int = 0) -> rc.Array:
    generator = torch.Generator().manual_seed(seed + 97 * sum(shape) + len(name or ""))
    return rc.Array(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype), name)


def apply(name: str, *nodes: rc.Circuit) -> rc.GeneralFunction:
    return rc.GeneralFunction.new_by_name(*nodes, spec_name=name)


NUMBERS = itertools.count()


class Counting(rc.GeneralFunctionSpecBase):
    """Elementwise `f` that counts its calls; f must be batchable."""

    def __init__(self, f: Callable[[torch.Tensor], Any] = torch.sin, label: str = "counting") -> None:
        self.f, self.label, self.calls = f, label, 0
        self.number = next(NUMBERS)

    @property
    def name(self) -> str:
        return self.label

    def compute_hash_bytes(self) -> bytes:
        return f"{self.label} {self.number}".encode()

    def function(self, *tensors: torch.Tensor) -> Any:
        self.calls += 1
        return self.f(*tensors)

    def get_shape_info(self, *shapes: tuple[int, ...]) -> rc.GeneralFunctionShapeInfo:
        return rc.GeneralFunctionShapeInfo(shapes[0], 0, [True] * len(shapes))

    def __call__(self, node: rc.Circuit, name: str | None = None) -> rc.GeneralFunction:
        return rc.GeneralFunction(node, spec=self, name=name)


TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


def assert_agrees(got: torch.Tensor, expected: torch.Tensor, scale: float | None = None) -> None:
    """Same shape and dtype, and values within 6.2."""
    assert got.shape == expected.shape and got.dtype == expected.dtype, (got.shape, got.dtype, expected.shape, expected.dtype)
    if not expected.dtype.is_floating_point:
        assert torch.equal(got, expected), (got, expected)
        return
    finite = expected[expected.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    tolerance = TOLERANCE[expected.dtype] * max(scale or 0.0, largest, 1.0)
    torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=tolerance, equal_nan=True)


def replay(schedule: rc.Schedule) -> tuple[dict[int, torch.Tensor], int, int]:
    """Values by key that are left after the instructions, each computed by plain evaluation; peaks in elements and in bytes."""
    values = {key: node.evaluate() for key, node in {**schedule.constants, **schedule.scalars}.items()}
    elements: dict[int, int] = {}
    sizes: dict[int, int] = {}
    peak = peak_bytes = 0
    for item in schedule.instructions:
        if isinstance(item, int):
            del elements[item], sizes[item], values[item]
            continue
        key, node = item  # maybe a whole region over Symbols
        values[key] = node.update(rc.Symbol, lambda symbol: rc.Array(values[int(symbol.name)])).evaluate()
        elements[key], sizes[key] = values[key].numel(), values[key].numel() * values[key].element_size()
        peak, peak_bytes = max(peak, sum(elements.values())), max(peak_bytes, sum(sizes.values()))
    return values, peak, peak_bytes
