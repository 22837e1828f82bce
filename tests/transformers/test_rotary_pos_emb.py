"""Rotary position embedding (spec 04, section 14)."""

import pytest
import torch

import pycircuit as rc
from pycircuit.generalfuncs.rotary_pos_emb import ApplyRotaryPosEmb, duplicate_interleave, rotate_every_two


def test_helpers():
    assert rotate_every_two(torch.tensor([1.0, 2.0, 3.0, 4.0])).tolist() == [-2, 1, -4, 3]
    assert duplicate_interleave(torch.tensor([[1, 2], [3, 4]])).tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]


def test_example():
    x = torch.tensor([[[1.0], [0.0]], [[1.0], [0.0]]])
    value = ApplyRotaryPosEmb.new(rc.Array(x)).evaluate()
    angle = torch.tensor(1.0)
    torch.testing.assert_close(value, torch.stack((x[0], torch.stack((angle.cos(), angle.sin()))[:, None])))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_definition(dtype, batch):
    x = torch.randn(*batch, 5, 3, 2).to(dtype).transpose(-1, -2)
    value = ApplyRotaryPosEmb.new(rc.Array(x)).evaluate()
    assert value.dtype == dtype and value.shape == x.shape
    flat, rotated = x.double().flatten(-2), value.double().flatten(-2)
    for s in range(5):
        for m in range(3):
            theta = torch.tensor(s * 10000 ** (-m / 3), dtype=torch.float64)
            even, odd = flat[..., s, 2 * m], flat[..., s, 2 * m + 1]
            tolerance = 10 * max(torch.finfo(dtype).eps, torch.finfo(torch.float32).eps)
            torch.testing.assert_close(rotated[..., s, 2 * m], even * theta.cos() - odd * theta.sin(), rtol=0, atol=tolerance * 4)
            torch.testing.assert_close(rotated[..., s, 2 * m + 1], odd * theta.cos() + even * theta.sin(), rtol=0, atol=tolerance * 4)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="rank 2"):
        ApplyRotaryPosEmb.new(rc.Array(torch.randn(2, 3)))
    with pytest.raises(ValueError, match="got 4"):
        ApplyRotaryPosEmb.new(rc.Array(torch.randn(3, 4, 5)))


def test_identity():
    spec = ApplyRotaryPosEmb()
    assert spec.compute_hash_bytes() == bytes.fromhex("a00070beb82b495f953f633d0ab6829b")
    assert spec.path == "rust_circuit.generalfuncs.rotary_pos_emb:ApplyRotaryPosEmb"
    x = rc.Array(torch.randn(3, 2, 4), "x")
    assert ApplyRotaryPosEmb.new(x) == rc.GeneralFunction(x, spec=spec)
