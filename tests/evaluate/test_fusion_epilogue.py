"""Scale, bias and residual as epilogues of matrix products: spec 12, section 5."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.fusing import (
    DTYPES,
    check_fused,
    check_not_fused,
    check_values,
    draw_shape,
    einsum,
    function,
    fusions,
    letters,
    plain,
    tensor,
)


@st.composite
def sums(draw: st.DrawFn) -> rc.Circuit:
    """Sums of products, biases and residuals, some used elsewhere too."""
    rows, dtype = draw_shape(draw, max_rank=2), draw(DTYPES)
    inner, columns, p = draw(st.integers(1, 5)), draw(st.integers(1, 5)), letters(len(rows))
    residual = tensor(0, *rows, columns, dtype=dtype)
    if draw(st.booleans()):
        residual = function("sin", residual)
    shared = [residual]

    def product(seed: int) -> rc.Circuit:
        x, w = tensor(seed, *rows, inner, dtype=dtype), tensor(seed + 1, columns, inner, dtype=dtype)
        form = draw(st.integers(0, 4))
        if form == 0:
            return einsum(f"{p}h,oh,->{p}o", x, w, rc.Scalar(-0.5))
        if form == 1:
            return einsum(f"{p}o,->{p}o", einsum(f"oh,{p}h->{p}o", w, x), rc.Scalar(3.0))
        if form == 2 and inner == columns:
            return einsum(f"{p}h,oh->{p}o", residual, w)
        if form == 3:
            return einsum(f"{p}hz,ozh->{p}o", tensor(seed, *rows, inner, 2, dtype=dtype), tensor(seed + 1, columns, 2, inner, dtype=dtype))
        return einsum(f"{p}h,oh->{p}o", x, w)

    terms = [product(10 * (i + 1)) for i in range(draw(st.integers(1, 3)))]
    shared.append(terms[0])
    if draw(st.booleans()):
        terms.append(residual)
    if draw(st.booleans()):
        terms.append(tensor(2, columns, dtype=dtype))
    if draw(st.booleans()):
        terms.append(rc.Scalar(0.25))
    terms = draw(st.permutations(terms))
    node = terms[0]
    nesting = draw(st.integers(0, 2))
    if nesting == 0:
        node = rc.Add(*terms)
    for term in terms[1:] if nesting else []:
        node = rc.Add(node, term) if nesting == 1 else rc.Add(term, node)
    if draw(st.booleans()):
        node = function(draw(st.sampled_from(["gelu", "relu"])), node)
    if draw(st.booleans()):
        node = rc.Concat(node, draw(st.sampled_from(shared)), axis=node.rank - 1)
    return node


@given(sums())
def test_sums_of_products(circuit: rc.Circuit) -> None:
    check_values(circuit, scale=30.0)
    check_values(rc.optimize_circuit(circuit), scale=30.0)
    check_values(rc.Rearrange(circuit, rc.RearrangeSpec.new_permute(list(range(circuit.rank))[::-1])), scale=30.0)


def product(*rows: int, dtype: torch.dtype = torch.float32) -> rc.Circuit:
    p = letters(len(rows))
    return einsum(f"{p}h,oh->{p}o", tensor(10, *rows, 30, dtype=dtype), tensor(11, 20, 30, dtype=dtype))


@pytest.mark.parametrize("rows", [(7,), (3, 5), (300,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_what_is_fused(rows: tuple[int, ...], dtype: torch.dtype) -> None:
    p, residual, bias = letters(len(rows)), function("sin", tensor(0, *rows, 20, dtype=dtype)), tensor(1, 20, dtype=dtype)
    made = product(*rows, dtype=dtype)
    scaled = einsum(f"{p}o,->{p}o", made, rc.Scalar(0.5))
    for circuit in (
        rc.Add(made, bias),
        rc.Add(bias, made),
        rc.Add(residual, made),
        rc.Add(residual, scaled),
        rc.Add(tensor(0, *rows, 20, dtype=dtype), made),
        rc.Add(residual, made, bias),
        rc.Add(rc.Add(made, residual), bias),
        scaled,
    ):
        check_fused(circuit, "epilogue", at_least=1, scale=20.0)
    check_values(rc.Add(rc.Add(residual, made), scaled), scale=20.0)  # a product with two users


def test_nodes_that_disappear_are_counted() -> None:
    other = einsum("ph,oh->po", tensor(12, 7, 30), tensor(13, 20, 30))
    stats = rc.circuit_to_schedule(rc.Add(function("sin", tensor(0, 7, 20)), product(7), other)).get_stats()
    assert stats.fusions == {"epilogue": 1} and stats.fused_nodes == 2


def test_the_residual_is_written_over() -> None:
    circuit = rc.Add(function("sin", tensor(0, 4000, 20)), product(4000))
    settings = rc.OptimizationSettings(fuse=False)
    peaks = [rc.circuit_to_schedule(circuit, each).evaluate_with_stats()[1].peak_bytes for each in (rc.OptimizationSettings(), settings)]
    fused, unfused = peaks
    assert fused is not None and unfused is not None
    assert 4 * 4000 * 20 <= fused < 1.1 * 4 * 4000 * 20 < 1.9 * 4 * 4000 * 20 < unfused


def test_values_with_other_users_stay() -> None:
    x = tensor(0, 6, 20)
    residual = function("sin", x)
    before = x.value.clone()
    both = rc.Concat(rc.Add(residual, product(6)), residual, axis=0)
    check_values(both, scale=20.0)
    leaf = rc.Add(x, product(6))
    check_fused(leaf, "epilogue", scale=20.0)
    assert torch.equal(x.value, before)
    shared = product(6)
    check_not_fused(rc.Concat(rc.Add(residual, shared), shared, axis=0), "epilogue")
    square = einsum("pi,io->po", function("sin", tensor(1, 6, 6)), tensor(2, 6, 6))
    check_fused(rc.Add(square.children[0], square), "epilogue", scale=20.0)


def test_summands_keep_their_order() -> None:
    one = einsum("ph,ho->po", rc.Array(torch.full((2, 4), 0.25), "a"), rc.Array(torch.ones(4, 3), "b"))
    large = rc.Array(torch.full((3,), 1e8), "large")
    minus = rc.Array(torch.full((2, 3), -1e8), "minus")
    for order, expected in (((large, one, minus), 0.0), ((large, minus, one), 1.0), ((one, large, minus), 0.0)):
        for circuit in (rc.Add(*order), rc.Add(rc.Add(order[0], order[1]), order[2])):
            assert torch.equal(circuit.evaluate(), plain(circuit))
            assert torch.equal(circuit.evaluate(), torch.full((2, 3), expected))


def test_a_bias_before_a_function_is_left_to_the_elementwise_kernel() -> None:
    circuit = function("gelu", rc.Add(product(7), tensor(1, 20)))
    check_not_fused(circuit, "epilogue")
    assert fusions(circuit) == {"elementwise": 1}
    reasons = [(fusion, reason) for _, fusion, reason in rc.circuit_to_schedule(circuit).get_stats().not_fused]
    assert any(fusion == "epilogue" and "pass" in reason for fusion, reason in reasons), reasons


def test_not_fused_on_request() -> None:
    circuit = rc.Add(function("sin", tensor(0, 7, 20)), product(7))
    stats = rc.circuit_to_schedule(circuit, rc.OptimizationSettings(fuse=False)).get_stats()
    assert not stats.fusions and stats.fused_nodes == 0


def test_gradients() -> None:
    x, w, r = (torch.randn(*shape, requires_grad=True) for shape in ((7, 5), (5, 4), (7, 4)))
    circuit = rc.Add(rc.Array(r, "r"), einsum("ph,ho,->po", rc.Array(x, "x"), rc.Array(w, "w"), rc.Scalar(0.5)))
    circuit.evaluate().square().sum().backward()
    found = [t.grad for t in (x, w, r)]
    for t in (x, w, r):
        t.grad = None
    (r + 0.5 * x @ w).square().sum().backward()
    for value, t in zip(found, (x, w, r), strict=True):
        torch.testing.assert_close(value, t.grad)


def test_integers_and_sizes_of_none() -> None:
    a, b = rc.Array(torch.tensor([[100, 100]], dtype=torch.int8), "a"), rc.Array(torch.tensor([[1], [1]], dtype=torch.int8), "b")
    assert rc.Add(einsum("ph,ho->po", a, b), rc.Array(torch.tensor([[1]], dtype=torch.int8), "c")).evaluate().tolist() == [[-55]]
    for rows, inner in ((0, 3), (3, 0)):
        made = einsum("ph,oh->po", tensor(0, rows, inner), tensor(1, 4, inner))
        check_values(rc.Add(function("sin", tensor(2, rows, 4)), made))
