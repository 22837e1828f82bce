"""Layer norm and root-mean-square norm as one kernel: spec 12, section 5; the form of 14, section 3.1."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit.module_library._norms import layernorm
from tests.evaluate.fusing import (
    DTYPES,
    check_fused,
    check_not_fused,
    check_values,
    draw_shape,
    einsum,
    function,
    fused_nodes,
    letters,
    plain,
    tensor,
)


def centered(x: rc.Circuit, form: int) -> rc.Circuit:
    p = letters(x.rank - 1)
    size = x.shape[-1]
    recip = function("reciprocal", function("last_dim_size", x))
    if form == 0:
        negative = einsum(f"{p}h,z,{p}->{p}z", x, rc.Scalar(-1.0, (1,)), recip)
    elif form == 1:
        mean = einsum(f"{p}h,->{p}", x, rc.Scalar(-1.0 / size))
        negative = rc.Rearrange(mean, rc.RearrangeSpec.unsqueeze(mean.rank, [mean.rank]))
    elif form == 2:
        negative = einsum(f"{p}z,->{p}z", einsum(f"{p}h,z->{p}z", x, rc.Scalar(1.0 / size, (1,))), rc.Scalar(-1.0))
    else:
        return rc.Add(einsum(f"{p}h,z,->{p}z", x, rc.Scalar(1.0 / size, (1,)), rc.Scalar(-1.0)), x)
    return rc.Add(x, negative)


def normed(c: rc.Circuit, form: int, eps: float = 1e-5) -> rc.Circuit:
    p = letters(c.rank - 1)
    if form % 2:
        variance = einsum(f"{p}h,{p}h,->{p}", c, c, rc.Scalar(1.0 / c.shape[-1]))
    else:
        square = einsum(f"{p}h,{p}h->{p}", c, c)
        variance = einsum(f"{p},{p}->{p}", square, function("reciprocal", function("last_dim_size", c)))
    shifted = rc.Add(rc.Scalar(eps), variance) if form // 2 % 2 else rc.Add(variance, rc.Scalar(eps, variance.shape))
    return einsum(f"{p}h,{p}->{p}h", c, function("rsqrt", shifted))


@st.composite
def norms(draw: st.DrawFn) -> tuple[rc.Circuit, float]:
    batch = draw_shape(draw)
    size = draw(st.integers(2, 9))
    dtype = draw(DTYPES)
    x = tensor(draw(st.integers(0, 50)), *batch, size, dtype=dtype, scale=draw(st.sampled_from([1.0, 30.0])))
    if draw(st.booleans()):
        x = function("sin", x)
    y = normed(centered(x, draw(st.integers(0, 3))) if draw(st.booleans()) else x, draw(st.integers(0, 3)))
    p = letters(len(batch))
    scale = draw(st.integers(0, 3))
    if scale == 1:
        y = einsum(f"{p}h,h->{p}h", y, tensor(60, size, dtype=dtype))
    elif scale == 2:
        y = einsum(f"{p}h,h,->{p}h", y, tensor(61, size, dtype=dtype), rc.Scalar(0.5))
    elif scale == 3:
        y = einsum(f"{p}h,{p}->{p}h", y, tensor(62, *batch, dtype=dtype))
    bias = draw(st.integers(0, 3))
    if bias == 1:
        y = rc.Add(y, tensor(63, size, dtype=dtype))
    elif bias == 2:
        y = rc.Add(tensor(64, *batch, size, dtype=dtype), y)
    elif bias == 3:
        y = rc.Add(y, rc.Scalar(0.25))
    return y, 4.0


@given(norms())
def test_norms_are_fused(example: tuple[rc.Circuit, float]) -> None:
    circuit, scale = example
    check_fused(circuit, "norm", at_least=2, scale=scale)
    check_values(rc.optimize_circuit(circuit), scale=scale)


@given(norms(), st.permutations([0, 1, 2, 3]))
def test_permuted_results(example: tuple[rc.Circuit, float], order: list[int]) -> None:
    circuit, scale = example
    axes = [axis for axis in order if axis < circuit.rank]
    check_values(rc.Rearrange(circuit, rc.RearrangeSpec.new_permute(axes)), scale=scale)


def module(x: rc.Circuit) -> rc.Circuit:
    size = x.shape[-1]
    return rc.Module.new_flat(layernorm.spec, x, tensor(1, size), tensor(2, size))


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7), (2, 1, 3, 7)])
def test_layernorm_of_the_library(shape: tuple[int, ...]) -> None:
    x = tensor(0, *shape)
    circuit = module(x)
    for each in (circuit, rc.optimize_circuit(circuit), module(rc.Add(x, rc.Scalar(1.0)))):
        check_fused(each, "norm", at_least=6, scale=4.0)
        bias, scale = (node.value for node in (tensor(1, 7), tensor(2, 7)))
        value = x.value + 1 if each is not circuit and each != rc.optimize_circuit(circuit) else x.value
        expected = torch.nn.functional.layer_norm(value, (7,), scale, bias)
        torch.testing.assert_close(each.evaluate(), expected)


def test_flat_einsum_in_another_axis_order() -> None:
    x = tensor(0, 3, 4, 5)
    c = centered(x, 0)
    deviation = normed(c, 1).children[1]
    circuit = einsum("pqh,pq,h->qph", c, deviation, tensor(1, 5))
    check_fused(circuit, "norm", at_least=4, scale=4.0)


def test_centered_value_used_elsewhere() -> None:
    c = centered(tensor(0, 3, 5), 0)
    y = normed(c, 0)
    both = rc.Concat(y, c, axis=0)
    check_values(both, scale=4.0)
    assert 0 < fused_nodes(both) < fused_nodes(y)


def test_what_is_used_elsewhere_is_not_fused() -> None:
    y = normed(tensor(0, 3, 5), 1)
    deviation = y.children[1]
    check_not_fused(rc.Concat(y, rc.Rearrange(deviation, rc.RearrangeSpec.from_string("a -> a 5")), axis=0), "norm")


@pytest.mark.parametrize("change", ["coefficient", "axis", "other", "cross"])
def test_lookalikes_are_not_fused(change: str) -> None:
    x, y = tensor(0, 4, 4), tensor(1, 4, 4)
    labels, factor, second = "ph,ph,->p", 0.25, x
    if change == "coefficient":
        factor = 0.3
    elif change == "axis":
        labels = "ph,ph,->h"
    elif change == "other":
        second = y
    elif change == "cross":
        labels = "ph,hp,->p"
    deviation = function("rsqrt", rc.Add(rc.Scalar(20.0), einsum(labels, x, second, rc.Scalar(factor))))
    check_not_fused(einsum("ph,p->ph", x, deviation), "norm")


def test_integers_and_sizes_of_one_and_none() -> None:
    for shape in ((3, 1), (0, 4), (0, 1)):
        c = centered(tensor(0, *shape), 0)
        check_values(normed(c, 0))


def test_gradients() -> None:
    x = torch.randn(3, 5, requires_grad=True)
    circuit = module(rc.Array(x, "x"))
    circuit.evaluate().sum().backward()
    fused, x.grad = x.grad, None
    plain(circuit).sum().backward()
    torch.testing.assert_close(fused, x.grad)
