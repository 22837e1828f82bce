"""Rotary position embedding as a general function (spec 04, section 14)."""

from __future__ import annotations

from uuid import UUID

import torch

import pycircuit as rc

_HASH_BYTES = UUID("a00070be-b82b-495f-953f-633d0ab6829b").bytes
_FREQUENCY_BASE = 10000.0


def rotate_every_two(x: torch.Tensor) -> torch.Tensor:
    """Map the last axis `(a0, a1, a2, a3, ..)` to `(-a1, a0, -a3, a2, ..)`; its size must be even."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((-odd, even), dim=-1).flatten(-2)


def duplicate_interleave(m: torch.Tensor) -> torch.Tensor:
    """Map a matrix `(p, q)` to `(p, 2q)` with every column repeated twice in place."""
    return m.repeat_interleave(2, dim=1)


def _angles(sequence_length: int, num_pairs: int) -> torch.Tensor:
    """`theta[s, m] = s * 10000**(-m / num_pairs)` in float32 on the CPU, shape `(sequence_length, num_pairs)`."""
    frequencies = _FREQUENCY_BASE ** (-torch.arange(num_pairs, dtype=torch.float32) / num_pairs)
    return torch.outer(torch.arange(sequence_length, dtype=torch.float32), frequencies)


class ApplyRotaryPosEmb(rc.GeneralFunctionSpecBase):
    """Rotates adjacent pairs of the flattened last two axes by position; shape `(..., S, 2, H)` stays (spec 04, section 14)."""

    @property
    def name(self) -> str:
        return "apply_rotary_pos_emb"

    @property
    def path(self) -> str:
        return "rust_circuit.generalfuncs.rotary_pos_emb:ApplyRotaryPosEmb"

    @classmethod
    def new(cls, x: rc.Circuit, name: str | None = None) -> rc.GeneralFunction:
        """The node that applies this function to `x`."""
        return rc.GeneralFunction(x, spec=cls(), name=name)

    def compute_hash_bytes(self) -> bytes:
        return _HASH_BYTES

    def get_shape_info(self, *shapes: rc.Shape) -> rc.GeneralFunctionShapeInfo:
        if len(shapes) != 1:
            raise ValueError(f"{self.name} takes one input, got {len(shapes)}")
        (shape,) = shapes
        if len(shape) < 3:
            raise ValueError(f"{self.name} needs an input of shape (..., seq, 2, half), got rank {len(shape)}: {tuple(shape)}")
        if shape[-2] != 2:
            raise ValueError(f"{self.name} needs size 2 at the second-to-last axis, got {shape[-2]} in {tuple(shape)}")
        return rc.GeneralFunctionShapeInfo(shape, 3, [True])

    def function(self, *tensors: torch.Tensor) -> torch.Tensor:
        (x,) = tensors
        sequence_length, _, half = x.shape[-3:]
        pairs = x.flatten(-2)
        angles = duplicate_interleave(_angles(sequence_length, half))
        cos, sin = (f(angles).to(device=x.device, dtype=x.dtype) for f in (torch.cos, torch.sin))
        return (pairs * cos + rotate_every_two(pairs) * sin).reshape(x.shape)
