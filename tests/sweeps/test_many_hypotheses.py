"""Many hypotheses on common samples equal each by itself; paired differences; budgets (spec 13, sections 9 and 10)."""

from __future__ import annotations

import math
import uuid

import pytest
import torch

import pycircuit as rc
from pycircuit.causal_scrubbing.hypotheses import estimate_many
from pycircuit.causal_scrubbing.statistics import estimate, loss_recovered
from tests.evaluate.circuits import Counting
from tests.rewrite.helpers import array, einsum, function

ROWS, WIDTH = 5, 4


def group(number: int, weights: torch.Tensor | None = None) -> rc.Circuit:
    rows = rc.Scalar(1 / ROWS, (ROWS,)) if weights is None else rc.Array(weights)
    return rc.Tag(rows, uuid.UUID(int=number), f"group {number}")


def variable(number: int) -> rc.DiscreteVar:
    return rc.DiscreteVar(array("data", ROWS, WIDTH), group(number), f"x{number}")


def loss(inside: rc.Circuit, outside: rc.Circuit, weights: rc.Circuit) -> rc.Circuit:
    hidden = function("gelu", einsum("i,hi->h", inside, weights, name="pre"), name="hidden")
    return einsum("h,h->", hidden, function("tanh", outside), name="loss")


@pytest.fixture
def circuits() -> dict[str, rc.Circuit]:
    weights = array("w", WIDTH, WIDTH)
    x, y = variable(1), variable(2)
    return {"original": loss(x, x, weights), "scrubbed": loss(y, x, weights), "baseline": loss(y, y, weights)}


def sampler(count: int) -> rc.Sampler:
    return rc.Sampler(rc.RandomSampleSpec((count,), seeder=rc.default_hash_seeder(3)))


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("batch_size", [None, 1, 7, 100])
def test_values_are_those_of_each_circuit_alone(circuits, batch_size, optimize) -> None:
    many = estimate_many(circuits, sampler(20), batch_size=batch_size, optimize=optimize)
    assert list(many) == list(circuits) and len(many) == 3
    for name, circuit in circuits.items():
        alone = sampler(20).sample(circuit).evaluate()
        torch.testing.assert_close(many[name], alone, rtol=1e-10, atol=1e-10)
        assert many.estimate(name) == estimate(many[name])


@pytest.mark.filterwarnings("ignore:loss_recovered")
def test_differences_are_paired(circuits) -> None:
    many = estimate_many(circuits, sampler(50))
    difference = many.difference("scrubbed", "original")
    values = many["scrubbed"] - many["original"]
    assert difference.mean == pytest.approx(values.mean().item())
    assert difference.std_err == pytest.approx(values.std().item() / math.sqrt(50))
    assert many.difference("original", "original").std_err == 0
    recovered = many.loss_recovered("scrubbed", "original", "baseline")
    assert recovered == loss_recovered(many["original"], many["baseline"], many["scrubbed"])
    assert "scrubbed: " in repr(many) and "(n=50)" in repr(many)


def test_what_hypotheses_share_is_computed_once() -> None:
    counting = Counting(torch.sin)
    x, y = variable(1), variable(2)
    shared = counting(x, "shared")
    circuits = {str(i): einsum("i,i->", shared, rc.Add(y, rc.Scalar(float(i)))) for i in range(4)}
    estimate_many(circuits, sampler(12), batch_size=4)
    assert counting.calls == 3


def test_memory_budget(circuits) -> None:
    free = estimate_many(circuits, sampler(40))
    bound = estimate_many(circuits, sampler(40), settings=rc.OptimizationSettings(max_memory=4000))
    for name in circuits:
        torch.testing.assert_close(bound[name], free[name], rtol=1e-10, atol=1e-10)
    with pytest.raises(rc.SchedulingOOMManyError):
        estimate_many(circuits, sampler(40), settings=rc.OptimizationSettings(max_memory=8))


def test_every_row_of_a_data_set(circuits) -> None:
    many = estimate_many({"original": circuits["original"]}, rc.RunDiscreteVarAllSpec([group(1)]))
    assert many["original"].shape == (ROWS,)
    both = estimate_many(circuits, rc.RunDiscreteVarAllSpec([group(1), group(2)]))
    assert both["scrubbed"].shape == (ROWS * ROWS,)


def test_dataframe(circuits) -> None:
    pytest.importorskip("pandas")
    frame = estimate_many(circuits, sampler(20)).to_dataframe(original="original")
    assert list(frame.columns) == ["name", "mean", "std_err", "n", "difference", "difference_std_err"]
    assert frame.difference[0] == 0 and list(frame.n) == [20] * 3


def test_errors(circuits) -> None:
    with pytest.raises(ValueError, match="at least one circuit"):
        estimate_many({}, sampler(3))
    with pytest.raises(ValueError, match="at least one axis"):
        estimate_many(circuits, rc.RandomSampleSpec(()))
    uneven = group(1, torch.arange(1.0, ROWS + 1))
    with pytest.raises(ValueError, match="unequal weights"):
        estimate_many(circuits, rc.RunDiscreteVarAllSpec([uneven]))
    with pytest.raises(ValueError, match="shape"):
        estimate_many({"x": variable(1)}, sampler(3)).estimate("x")
