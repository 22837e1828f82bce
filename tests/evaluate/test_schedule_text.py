"""Text form of schedules: spec 12, section 8.5."""

from __future__ import annotations

import json
import pickle
import uuid

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.circuits import Counting, apply, array
from tests.strategies import computable_circuits

SYMBOL = rc.Symbol((2,), uuid.UUID(int=1), "sym")


def assert_same(loaded: rc.Schedule, schedule: rc.Schedule) -> None:
    """Equal value, statistics and keys."""
    assert repr(loaded) == repr(schedule)
    assert loaded.constants == schedule.constants and loaded.scalars == schedule.scalars
    mine, theirs = loaded.get_stats(), schedule.get_stats()
    assert repr(mine) == repr(theirs) and mine.max_mem_bytes == theirs.max_mem_bytes and mine.fused_nodes == theirs.fused_nodes
    for got, expected in zip(loaded.evaluate_many(), schedule.evaluate_many(), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


@given(st.lists(computable_circuits(max_steps=8), min_size=1, max_size=2), st.booleans())
def test_round_trip(circuits: list[rc.Circuit], optimize: bool) -> None:
    schedule = (rc.optimize_to_schedule_many if optimize else rc.circuit_to_schedule_many)(circuits)
    text = schedule.serialize()
    loaded = rc.Schedule.deserialize(text)
    assert_same(loaded, schedule)
    assert_same(rc.Schedule.deserialize(loaded.serialize()), schedule)


def test_fields() -> None:
    a = array(2, 3, name="a")
    total = rc.Add(apply("sigmoid", a), a, rc.Scalar(1.0))
    content = json.loads(rc.circuit_to_schedule_many([total, a]).serialize())
    assert [item["variant"] for item in content["instructions"]] == ["Compute", "Compute", "Drop"]
    assert [item["key"] for item in content["instructions"]] == [2, 3, 2]
    assert content["instructions"][1]["children"] == [2, 0, 1]
    assert "GeneralFunction sigmoid" in content["instructions"][0]["info"]
    assert set(content["constants"]) == {"0"} and a.tensor_hash_base16()[:24] in content["constants"]["0"]
    assert content["scalars"] == {"1": "0 [] Scalar 1"}
    assert content["outputs"] == [{"key": 3, "shape": [2, 3]}, {"key": 0, "shape": [2, 3]}]
    assert content["split_shapes"] == [[2, 3], [2, 3]]
    assert content["old_constant_hashes"] == [[a.hash.hex(), 0]]
    assert content["pycircuit"] == rc.__version__
    assert json.loads(rc.circuit_to_schedule(total).serialize())["split_shapes"] is None


def test_constants_stay_replaceable() -> None:
    a, b = array(3, name="a"), array(3, name="b")
    schedule = rc.optimize_to_schedule(rc.Add(rc.Einsum.from_einsum_string("a,->a", a, rc.Scalar(0.0)), b))
    loaded = rc.Schedule.deserialize(schedule.serialize())
    assert torch.equal(loaded.replace_tensors({a.hash: torch.ones(3), b.hash: torch.ones(3)}).evaluate(), torch.ones(3))
    with pytest.raises(RuntimeError):
        loaded.replace_tensors({a.hash: torch.ones(4)})


def test_errors() -> None:
    with pytest.raises(rc.SchedulingEvaluateCalledWithSymsError) as error:
        rc.circuit_to_schedule(rc.Add(SYMBOL, array(2))).serialize()
    assert list(error.value.args[0].syms) == [SYMBOL]
    a = array(2, name="a")
    with pytest.raises(RuntimeError):
        rc.circuit_to_schedule(a).replace_tensors({a.hash: torch.ones(2)}).serialize()
    with pytest.raises(RuntimeError, match="no path given"):
        rc.circuit_to_schedule(Counting()(a)).serialize()
    with pytest.raises(TypeError):
        rc.Schedule.deserialize(3)
    with pytest.raises(TypeError):
        rc.Schedule.deserialize("", 3)


def test_bad_text() -> None:
    text = rc.circuit_to_schedule(rc.Add(apply("sin", array(3)), array(3, name="b"))).serialize()
    content = json.loads(text)
    bad = ["", "{}", "[]", "null", text[:-5], text.replace("Add", "Adt"), json.dumps(content | {"format": 99})]
    bad += [
        json.dumps({key: value for key, value in content.items() if key != left_out}) for left_out in ("plan", "instructions", "outputs")
    ]
    for changes in (
        {"ranks": [0]},
        {"ranks": [1, 0, 5]},
        {"ranks": "x"},
        {"circuits": [99]},
        {"settings": {"unknown": 1}},
        {"nodes": [{}]},
    ):
        bad.append(json.dumps(content | {"plan": content["plan"] | changes}))
    for each in bad:
        with pytest.raises(RuntimeError, match="schedule deserialization failed"):
            rc.Schedule.deserialize(each)


def test_missing_tensors() -> None:
    text = rc.circuit_to_schedule(array(5, name="unstored")).serialize()
    key = array(5, name="unstored").tensor_hash_base16()
    with pytest.raises(RuntimeError, match="schedule deserialization failed"):
        rc.Schedule.deserialize(text.replace(key[:24], "0" * 24))


def test_tensors_come_through_the_cache() -> None:
    a = array(7, name="cached")
    text = rc.circuit_to_schedule(apply("sin", a)).serialize()
    cache = rc.TensorCacheRrfs(10**6, 10**6, 10**6, "cpu")
    loaded = rc.Schedule.deserialize(text, cache)
    assert cache.get_tensor_if_cached(a.tensor_hash_base16()[:24]) is not None
    assert torch.equal(loaded.evaluate(), torch.sin(a.value))


def test_deep_circuits() -> None:
    node: rc.Circuit = array(2)
    for _ in range(3000):
        node = rc.Add(apply("sin", node), rc.Scalar(1.0))
    schedule = rc.circuit_to_schedule(node)
    text = schedule.serialize()
    assert len(text) < 3_000_000
    assert_same(rc.Schedule.deserialize(text), schedule)


def test_names_like_references() -> None:
    inner = apply("sin", array(2, name="0")).rename("1")
    convolved = rc.Conv(array(1, 4, 2, name="0"), array(1, 3, 2, name="2"), [1], [(1, 1)], name="3").rename_axes({1: "time"})
    circuits = [rc.Add(inner, inner, name="0"), rc.Add(convolved, rc.Index(convolved, (0, 0, 0)), name="it's")]
    schedule = rc.circuit_to_schedule_many(circuits)
    loaded = pickle.loads(pickle.dumps(rc.Schedule.deserialize(schedule.serialize())))
    assert_same(loaded, schedule)
