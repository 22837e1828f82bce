"""Values and circuits that the tests of functions share."""

from __future__ import annotations

import torch

import pycircuit as rc

UNSPECIFIED = rc.TorchDeviceDtypeOp()


def array(x: torch.Tensor, name: str | None = None) -> rc.Array:
    return rc.Array(x, name)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def value(circuit: rc.Circuit) -> torch.Tensor:
    """Evaluate, checking what the node declares about its value."""
    result = rc.evaluate(circuit)
    assert tuple(result.shape) == circuit.shape
    if circuit.dtype is not None:
        assert result.dtype == circuit.torch_dtype
    if circuit.device is not None:
        assert str(result.device) == circuit.device
    return result
