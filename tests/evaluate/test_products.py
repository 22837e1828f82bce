"""Matrix products large enough for every way there is to multiply, in all layouts: spec 12, section 2."""

from __future__ import annotations

import pytest
import torch

import pycircuit as rc
from tests.evaluate.fusing import check_values, einsum

SIZES = [(300, 260, 250), (8, 2100, 1000), (1000, 2, 9000)]


def laid_out(x: torch.Tensor, layout: str) -> torch.Tensor:
    """The same values: rows, columns or neither one after the other in memory."""
    if layout == "columns":
        return x.t().contiguous().t()
    if layout == "apart":
        return torch.stack([x, x * 0], dim=2)[:, :, 0]
    return x


@pytest.mark.parametrize("rows, inner, columns", SIZES)
@pytest.mark.parametrize("left", ["rows", "columns", "apart"])
@pytest.mark.parametrize("right", ["rows", "columns", "apart"])
def test_large_products(rows: int, inner: int, columns: int, left: str, right: str) -> None:
    generator = torch.Generator().manual_seed(rows)
    x, w = torch.randn(rows, inner, generator=generator), torch.randn(columns, inner, generator=generator)
    a, b = rc.Array(laid_out(x, left), "x"), rc.Array(laid_out(w, right), "w")
    for text in ("ik,jk->ij", "ik,jk->ji"):
        product = einsum(text, a, b)
        check_values(product, scale=float(inner) ** 0.5)
        assert torch.equal(product.evaluate(), product.evaluate())


def test_products_that_autograd_watches() -> None:
    x, w = torch.randn(300, 260, requires_grad=True), torch.randn(250, 260)
    einsum("ik,jk->ij", rc.Array(x, "x"), rc.Array(w, "w")).evaluate().sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, w.sum(0).expand_as(x), atol=1e-4, rtol=1e-4)
