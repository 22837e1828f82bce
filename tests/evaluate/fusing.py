"""Comparing fused evaluation with evaluation node by node and with float64 (spec 12, sections 5 and 6.2)."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.circuits import TOLERANCE

PLAIN = rc.OptimizationSettings(fuse=False, fuse_attention=False, stream_concat=False, group_matmuls=False)
DTYPES = st.sampled_from([torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16])


def tensor(seed: int, *shape: int, dtype: torch.dtype = torch.float32, scale: float = 1.0) -> rc.Array:
    """Normally distributed numbers."""
    generator = torch.Generator().manual_seed(seed)
    return rc.Array((torch.randn(shape, generator=generator, dtype=torch.float64) * scale).to(dtype), f"t{seed}")


def plain(circuit: rc.Circuit) -> torch.Tensor:
    """The value node by node."""
    return rc.scheduled_evaluate(circuit, PLAIN)


def in_float64(circuit: rc.Circuit) -> torch.Tensor:
    """The value node by node, floating Arrays converted to float64 first."""

    def widen(node: rc.Circuit) -> rc.Circuit:
        if isinstance(node, rc.Array) and node.value.dtype.is_floating_point:
            return rc.Array(node.value.double(), node.op_name)
        return node

    return plain(rc.deep_map(rc.substitute_all_modules(circuit), widen))


def fused_nodes(circuit: rc.Circuit) -> int:
    """How many nodes disappear inside fused kernels."""
    return rc.circuit_to_schedule(circuit).get_stats().fused_nodes


def check_values(circuit: rc.Circuit, scale: float = 1.0) -> None:
    """Fused agrees with unfused within 6.2 of the magnitudes summed, and its error is at most twice the unfused one plus that."""
    fused, unfused, exact = circuit.evaluate(), plain(circuit), in_float64(circuit)
    assert fused.shape == unfused.shape == circuit.shape and fused.dtype == unfused.dtype
    exact = exact.double()
    largest = float(exact[exact.isfinite()].abs().max()) if exact.isfinite().any() else 0.0
    tolerance = TOLERANCE[fused.dtype] * max(scale, largest)
    assert torch.equal(fused.isnan(), unfused.isnan()), (fused, unfused)
    finite = unfused.isfinite()
    assert torch.equal(fused[~finite & ~unfused.isnan()], unfused[~finite & ~unfused.isnan()])
    error, unfused_error = (torch.where(finite, (value.double() - exact).abs(), 0.0) for value in (fused, unfused))
    worst = float(unfused_error.max()) if unfused_error.numel() else 0.0
    assert bool((error <= 2 * worst + tolerance).all()), (float(error.max()), worst, tolerance)


def fusions(circuit: rc.Circuit) -> dict[str, int]:
    """How many regions each fusion made."""
    return rc.circuit_to_schedule(circuit).get_stats().fusions


def check_fused(circuit: rc.Circuit, fusion: str, at_least: int = 1, scale: float = 1.0) -> None:
    """Values agree, the fusion was used, and that many nodes disappear."""
    check_values(circuit, scale)
    assert fusion in fusions(circuit) and fused_nodes(circuit) >= at_least, circuit.repr()


def check_not_fused(circuit: rc.Circuit, fusion: str) -> None:
    """Values agree, and the fusion was not used."""
    check_values(circuit)
    assert fusion not in fusions(circuit), circuit.repr()


def einsum(text: str, *nodes: rc.Circuit) -> rc.Circuit:
    return rc.Einsum.from_einsum_string(text, *nodes)


def letters(count: int) -> str:
    return "pqrs"[:count]


def function(name: str, *nodes: rc.Circuit) -> rc.Circuit:
    return rc.GeneralFunction.new_by_name(*nodes, spec_name=name)


def draw_shape(draw: Any, max_rank: int = 3, max_size: int = 4, min_size: int = 1) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(min_size, max_size), max_size=max_rank)))
