"""adjust_numerical_scale: spec 12, section 7."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.circuits import apply, array, assert_agrees
from tests.strategies import computable_circuits

Settings = rc.OptimizationSettings
ADJUSTED = Settings(adjust_numerical_scale=True)


def number(value: float, dtype: torch.dtype = torch.float32, name: str | None = None) -> rc.Array:
    return rc.Array(torch.tensor(value, dtype=dtype), name)


def ways(circuit: rc.Circuit, settings: rc.OptimizationSettings = ADJUSTED) -> list[torch.Tensor]:
    return [
        rc.optimize_and_evaluate(circuit, settings),
        rc.optimize_and_evaluate_many([circuit], settings)[0],
        rc.scheduled_evaluate(circuit, settings),
        rc.circuit_to_schedule(circuit).evaluate(settings),
        rc.optimize_to_schedule(circuit).evaluate_many(settings)[0],
        rc.circuit_to_schedule(circuit).evaluate_with_stats(settings)[0][0],
    ]


def test_products_far_outside_the_range() -> None:
    circuit = rc.Einsum.from_einsum_string(",,->", number(1e30), number(1e30), rc.Scalar(1e-50))
    assert circuit.evaluate().isnan() and rc.optimize_and_evaluate(circuit) == 0
    for got in ways(circuit):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, torch.tensor(1e10))


def test_sums_and_concatenations_of_unlike_magnitudes() -> None:
    big, small = number(1e30), number(1e-30)
    product = rc.Einsum.from_einsum_string(",,->", rc.Add(big, rc.Scalar(1.0)), rc.Add(big, big), rc.Scalar(1e-50))
    for got in ways(product):
        torch.testing.assert_close(got, torch.tensor(2e10))
    for got in ways(rc.Add(big, small)):
        torch.testing.assert_close(got, torch.tensor(1e30))
    rows = rc.Concat(rc.Array(torch.full((2,), 1e30)), rc.Array(torch.full((2,), 1e-30)), axis=0)
    for got in ways(rows):
        torch.testing.assert_close(got, rows.evaluate(), rtol=1e-5, atol=0)


def test_every_class_keeps_the_value() -> None:
    x = rc.Array(torch.full((1, 4, 2), 1e-20), "x")
    w = rc.Array(torch.full((1, 3, 2), 1e-22), "w")
    convolved = rc.Conv(x, w, [1], [(1, 1)])
    tiny = rc.Einsum.from_einsum_string("abc,->abc", convolved, rc.Scalar(1e35))
    expected = torch.tensor([4.0, 6.0, 6.0, 4.0]).reshape(1, 4, 1) * 1e-7
    for got in ways(tiny):
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=0)
    zero = rc.Cumulant(x, w)
    for got in ways(zero):
        assert got.dtype == torch.float32 and not got.any()


def test_integers_and_bools_are_left_alone() -> None:
    ints = rc.Array(torch.tensor([10**12, -3]))
    for circuit in (
        rc.Add(ints, rc.Scalar(1e-9)),
        rc.Einsum.from_einsum_string("a,a,->a", ints, ints, rc.Scalar(2.0)),
        rc.Add(rc.Array(torch.tensor([True, False])), rc.Scalar(1e-20)),
        rc.Concat(ints, ints, axis=0),
    ):
        for got in ways(circuit):
            assert torch.equal(got, circuit.evaluate())


def test_leaves_and_infinities() -> None:
    for values in ([1e20, 1e-20], [float("inf"), 1.0], [0.0, -0.0], []):
        leaf = rc.Array(torch.tensor(values))
        for got in ways(leaf):
            torch.testing.assert_close(got, leaf.value)
    assert ways(rc.Scalar(-1e300))[0].item() == pytest.approx(-1e300)
    assert ways(rc.Add())[0].item() == 0


@given(computable_circuits(max_steps=8, dtypes=(torch.float64, torch.float32)), st.sampled_from([(1e-8, 1e8), (0.5, 2.0), (1.0, 1.0)]))
def test_values_are_those_of_plain_evaluation(circuit: rc.Circuit, limits: tuple[float, float]) -> None:
    settings = Settings(adjust_numerical_scale=True, numerical_scale_min=limits[0], numerical_scale_max=limits[1])
    expected = circuit.evaluate()
    assert_agrees(rc.scheduled_evaluate(circuit, settings), expected, scale=300)
    assert_agrees(rc.optimize_and_evaluate(circuit, settings), expected, scale=300)


def test_gradients_flow() -> None:
    tensor = torch.full((3,), 1e-20, requires_grad=True)
    circuit = rc.Einsum.from_einsum_string("a,a,->", rc.Array(tensor), rc.Array(tensor), rc.Scalar(1e30))
    (gradient,) = torch.autograd.grad(rc.optimize_and_evaluate(circuit, ADJUSTED), tensor)
    torch.testing.assert_close(gradient, torch.full((3,), 2e10), rtol=1e-5, atol=0)


def test_replaced_constants() -> None:
    a = array(3, name="a")
    schedule = rc.optimize_to_schedule(apply("abs", rc.Einsum.from_einsum_string("a,a->a", a, a)))
    new = torch.tensor([1e10, 2e10, -1e10])
    torch.testing.assert_close(schedule.replace_tensors({a.hash: new}).evaluate(ADJUSTED), new * new)
