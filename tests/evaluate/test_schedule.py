"""Schedules, replacing constants, statistics, memory limits: spec 12, sections 8 and 9."""

from __future__ import annotations

import pickle
import threading
import uuid

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.circuits import Counting, apply, array, assert_agrees, replay
from tests.strategies import computable_circuits

Settings = rc.OptimizationSettings
E = rc.Einsum.from_einsum_string("ab,bc->ac", array(2, 3, name="x"), array(3, 4, name="w"))
EXAMPLE = rc.Add(apply("sigmoid", E), E, rc.Scalar(1.0))
SYMBOL = rc.Symbol((2,), uuid.UUID(int=1), "sym")


def keys(schedule: rc.Schedule) -> list[int]:
    return [item if isinstance(item, int) else item[0] for item in schedule.instructions]


# --- 8.1, 8.2
def test_content_of_a_schedule() -> None:
    schedule = rc.circuit_to_schedule(EXAMPLE)
    assert schedule.constants == {0: E.children[0], 1: E.children[1]}
    assert schedule.scalars == {2: rc.Scalar(1.0)}
    assert keys(schedule)[:3] == [3, 4, 5] and sorted(keys(schedule)[3:]) == [3, 4]
    assert keys(schedule) == [3, 4, 5, 4, 3]
    stats = schedule.get_stats()
    assert (schedule.next_key(), stats.max_mem, stats.constant_mem) == (6, 24, 18)
    assert (stats.max_mem_bytes, stats.constant_mem_bytes, stats.num_computes) == (96, 72, 3)
    assert stats.python_calls is None
    shown = [item[1] for item in schedule.instructions if not isinstance(item, int)]
    assert [child.name for child in shown[0].children] == ["0", "1"] and [child.name for child in shown[2].children] == ["4", "3", "2"]
    assert stats.max_circuit_set == set(shown)
    lines = repr(schedule).splitlines()
    assert lines[0] == "Schedule: instructions" and lines[1] == "3 Einsum float32 0 1" and lines[3] == "5 Add float32 4 3 2"
    assert lines[-1] == "Tensors:  Arrays: 0 1 Symbols:  Scalars: 2"
    schedule.validate(True)
    assert torch.equal(schedule.evaluate(), EXAMPLE.evaluate())


def test_tags_have_no_instruction() -> None:
    tagged = rc.Tag(rc.Tag(apply("relu", array(3)), uuid.UUID(int=1)), uuid.UUID(int=2))
    schedule = rc.circuit_to_schedule(rc.Add(tagged, tagged))
    assert schedule.get_stats().num_computes == 2
    assert len(rc.circuit_to_schedule(rc.Tag(array(3), uuid.UUID(int=2))).instructions) == 0
    assert torch.equal(rc.circuit_to_schedule(tagged).evaluate(), tagged.evaluate())


def test_several_outputs() -> None:
    one, two = apply("sin", array(2, 3)), array(4)
    schedule = rc.circuit_to_schedule_many([one, two])
    flat = schedule.evaluate()
    assert torch.equal(flat, torch.cat([one.evaluate().flatten(), two.value]))
    assert [part.shape for part in schedule.split(flat)] == [(2, 3), (4,)]
    for part, expected in zip(schedule.evaluate_many(), [one, two], strict=True):
        assert torch.equal(part, expected.evaluate())
    with pytest.raises(RuntimeError):
        schedule.split(flat[1:])
    assert len(rc.circuit_to_schedule(one).evaluate_many()) == 1
    mixed = rc.circuit_to_schedule_many((one, rc.Array(torch.tensor([1, 2]))))
    assert [t.dtype for t in mixed.evaluate_many()] == [torch.float32, torch.int64]
    with pytest.raises(RuntimeError):
        mixed.evaluate()


def test_statistics_of_a_run() -> None:
    f = Counting()
    node = rc.Add(f(array(3)), f(f(array(3))))
    outputs, stats = rc.circuit_to_schedule(node).evaluate_with_stats()
    assert stats.python_calls == f.calls == 2
    assert torch.equal(outputs[0], node.evaluate())
    assert rc.circuit_to_schedule(EXAMPLE).evaluate_with_stats()[1].python_calls == 0


def test_text_of_statistics() -> None:
    def branch(i: int) -> rc.Circuit:
        return apply("sin", rc.Array(torch.ones(50, 50) * i, f"a{i}"))

    stats = rc.circuit_to_schedule(rc.Add(branch(1), branch(2))).get_stats()
    assert str(stats) == repr(stats) == "ScheduleStats: max: 7K const: 5K shapes: [50, 50] 33%, [50, 50] 33%, [50, 50] 33%"
    repr(rc.circuit_to_schedule(array(3)).get_stats())
    repr(rc.circuit_to_schedule(rc.Add(rc.Array(torch.zeros(0)))).get_stats())


def test_symbols() -> None:
    schedule = rc.optimize_to_schedule(rc.Add(SYMBOL, rc.Scalar(1.0)))
    for call in (schedule.check_no_syms, schedule.evaluate, schedule.evaluate_many):
        with pytest.raises(rc.SchedulingEvaluateCalledWithSymsError) as error:
            call()
        assert list(error.value.args[0].syms) == [SYMBOL]
    with pytest.raises(rc.SchedulingEvaluateCalledWithSymsError):
        rc.scheduled_evaluate(rc.Add(SYMBOL, rc.Scalar(1.0)))
    for dtype in (torch.float32, torch.float64, torch.int64):
        batch = torch.tensor([1, 2], dtype=dtype)
        assert schedule.replace_tensors({SYMBOL.hash: batch}).evaluate().tolist() == [2, 3]


def test_pickle() -> None:
    f = apply("gelu", array(4, name="a"))
    schedule = rc.optimize_to_schedule_many([EXAMPLE, rc.Add(f, SYMBOL.sum()), rc.Array(torch.tensor([1, 2]))])
    replaced = schedule.replace_tensors({SYMBOL.hash: torch.tensor([1.0, 2.0]), E.children[0].hash: torch.ones(2, 3)})
    for each in (schedule, replaced):
        loaded = pickle.loads(pickle.dumps(each))
        assert repr(loaded) == repr(each) and repr(loaded.get_stats()) == repr(each.get_stats())
        batch = {SYMBOL.hash: torch.tensor([1.0, 2.0])}
        ready = loaded.replace_tensors(batch)
        for got, expected in zip(ready.evaluate_many(), each.replace_tensors(batch).evaluate_many(), strict=True):
            assert torch.equal(got, expected)
    stats = schedule.get_stats()
    assert repr(pickle.loads(pickle.dumps(stats))) == repr(stats)
    irrelevant = rc.optimize_to_schedule(rc.Einsum.from_einsum_string("a,->a", array(4, name="a"), rc.Scalar(0.0)))
    pickle.loads(pickle.dumps(irrelevant)).replace_tensors({array(4, name="a").hash: torch.ones(4)})


# --- 8.3
def test_replacing_constants() -> None:
    a = array(3, name="a")
    other = a.rename("other")
    circuit = rc.Add(a, rc.Einsum.from_einsum_string("a,->a", other, rc.Scalar(2.0)))
    for schedule in (rc.circuit_to_schedule(circuit), rc.optimize_to_schedule(circuit)):
        new = torch.tensor([1.0, 2.0, 3.0])
        replaced = schedule.replace_tensors({a.hash: new})
        assert_agrees(replaced.evaluate(), new + 2 * a.value)
        assert_agrees(schedule.evaluate(), 3 * a.value)
        assert any(isinstance(constant, torch.Tensor) for constant in replaced.constants.values())
        schedule.check_no_raw_tensor_constants()
        with pytest.raises(RuntimeError):
            replaced.check_no_raw_tensor_constants()
        assert_agrees(schedule.replace_tensors({a.hash: new.double()}).evaluate(), new + 2 * a.value)
        seen: list[bytes] = []
        schedule.map_tensors(lambda key, seen=seen: seen.append(key))
        assert sorted(seen) == sorted([a.hash, other.hash])
        with pytest.raises(ValueError):
            schedule.replace_tensors({b"short": new})
        with pytest.raises(KeyError, match=(b"\1" * 32).hex()):
            schedule.replace_tensors({b"\1" * 32: new})
        schedule.replace_tensors({b"\1" * 32: new}, allow_missing=True)
        for wrong in (torch.ones(4), torch.tensor([1, 2, 3])):
            with pytest.raises(RuntimeError):
                schedule.replace_tensors({a.hash: wrong})
            with pytest.raises(RuntimeError):
                schedule.map_tensors(lambda key, wrong=wrong: wrong)
        for call in (lambda s=schedule: s.replace_tensors({a.hash: 3}), lambda s=schedule: s.map_tensors(lambda key: 3)):
            with pytest.raises(TypeError):
                call()
        with pytest.raises(ZeroDivisionError):
            schedule.map_tensors(lambda key: 1 // 0)


def test_irrelevant_constants_are_accepted() -> None:
    a, b = array(3, name="a"), array(3, name="b")
    schedule = rc.optimize_to_schedule(rc.Add(rc.Einsum.from_einsum_string("a,->a", a, rc.Scalar(0.0)), b))
    assert torch.equal(schedule.replace_tensors({a.hash: torch.ones(3)}).evaluate(), b.value)
    with pytest.raises(RuntimeError):
        schedule.replace_tensors({a.hash: torch.ones(4)})


def test_plans_do_not_depend_on_values() -> None:
    x, index = array(3, 2, name="x"), rc.Array(torch.tensor([0, 2]))
    gathered = rc.GeneralFunction.gen_index(x, index, index_dim=-2, batch_x=True, batch_index=False)
    new = torch.tensor([2, 1])
    for schedule in (rc.optimize_to_schedule(gathered), rc.optimize_to_schedule_many([gathered])):
        assert torch.equal(schedule.replace_tensors({index.hash: new}).evaluate(), x.value[new])


def test_arrays_inside_modules_are_replaceable_and_bound_symbols_are_not() -> None:
    a = array(2, name="a")
    module = rc.Module.new_flat(rc.ModuleSpec(rc.Add(SYMBOL, a), [rc.ModuleArgSpec(SYMBOL)]), array(2, name="argument"))
    schedule = rc.optimize_to_schedule(module)
    assert_agrees(schedule.replace_tensors({a.hash: torch.zeros(2)}).evaluate(), array(2, name="argument").value)
    with pytest.raises(KeyError):
        schedule.replace_tensors({SYMBOL.hash: torch.zeros(2)})


@given(computable_circuits(), st.booleans())
def test_replacing_is_evaluating_with_other_leaves(circuit: rc.Circuit, optimize: bool) -> None:
    arrays = [node for node in rc.toposort_circuit(rc.substitute_all_modules(circuit)) if isinstance(node, rc.Array)]
    arrays = [node for node in arrays if node.value.is_floating_point()]
    if not arrays:
        return
    chosen = arrays[0]
    new = chosen.value.flip(0) * 0.5 + 0.25 if chosen.rank else chosen.value * 0.5 + 0.25
    schedule = (rc.optimize_to_schedule if optimize else rc.circuit_to_schedule)(circuit)
    expected = circuit.update(chosen, lambda node: rc.Array(new, node.name)).evaluate()
    assert_agrees(schedule.replace_tensors({chosen.hash: new}).evaluate(), expected, scale=100)


def test_concurrent_replacements() -> None:
    a = array(50, 50, name="a")
    schedule = rc.optimize_to_schedule(rc.Einsum.from_einsum_string("ab,bc->ac", a, apply("gelu", a)))
    results: dict[int, bool] = {}

    def work(i: int) -> None:
        new = torch.full((50, 50), float(i))
        mine = schedule.replace_tensors({a.hash: new})
        results[i] = all(torch.allclose(mine.evaluate(), new @ torch.nn.functional.gelu(new)) for _ in range(10))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), True)


# --- 9
def test_single_tensor_limit() -> None:
    c = rc.Einsum.from_einsum_string("ab,bc->ac", array(50, 50), array(50, 50, seed=1))
    rc.scheduled_evaluate(c, Settings(max_single_tensor_memory=10_000))
    with pytest.raises(rc.SchedulingOOMSingleError) as error:
        rc.scheduled_evaluate(c, Settings(max_single_tensor_memory=9_999))
    assert (error.value.args[0].numel, error.value.args[0].formatted) == (10_000, "10K")
    assert isinstance(error.value, rc.SchedulingOOMError) and isinstance(error.value, ValueError)
    rc.scheduled_evaluate(c, Settings(max_single_tensor_memory=1, max_memory=1, scheduling_naive=True))


def test_memory_limit() -> None:
    big = rc.Einsum.from_einsum_string("a,b->ab", array(1000), array(1000, seed=1))
    d = rc.Add(apply("gelu", apply("sigmoid", big)), apply("gelu", apply("relu", big)))
    assert rc.circuit_to_schedule(d, Settings(max_memory=12_000_000)).get_stats().max_mem == 3_000_000
    for limit in (8_000_000, 11_999_999):
        with pytest.raises(rc.SchedulingOOMManyError) as error:
            rc.circuit_to_schedule(d, Settings(max_memory=limit))
        info = error.value.args[0]
        assert (info.max_memory, info.memory_chunks) == (limit, 200) and len(info.node_memories) == 6
        assert "12000000" in info.string
    fallback = Settings(max_memory=8_000_000, max_memory_fallback=16_000_000)
    assert rc.circuit_to_schedule(d, fallback).get_stats().max_mem == 3_000_000
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.circuit_to_schedule(d, Settings(max_memory=8_000_000, max_memory_fallback=15_000_000))
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.circuit_to_schedule(apply("relu", array(2500)), Settings(max_memory=1))


def test_sum_of_many_branches() -> None:
    branches = [apply("sigmoid", apply("relu", rc.Array(torch.full((1000,), float(i)), f"x{i}"))).sum() for i in range(20)]
    assert rc.circuit_to_schedule(rc.Add(*branches)).get_stats().max_mem == 2019


NOT_COMPUTED = (rc.Array, rc.Symbol, rc.Scalar, rc.Tag)


def computed(circuit: rc.Circuit) -> list[rc.Circuit]:
    return [node for node in rc.toposort_circuit(circuit) if not isinstance(node, NOT_COMPUTED)]


def below(node: rc.Circuit) -> rc.Circuit:
    while isinstance(node, rc.Tag):
        node = node.children[0]
    return node


def peak_of(order: list[rc.Circuit], root: rc.Circuit) -> int:
    users = {node: sum(node in map(below, user.children) for user in order) for node in order}
    live = peak = 0
    for node in order:
        live += node.numel
        peak = max(peak, live)
        for operand in {below(child) for child in node.children if not isinstance(below(child), NOT_COMPUTED)}:
            users[operand] -= 1
            if not users[operand] and operand != below(root):
                live -= operand.numel
    return peak


def best_peak(root: rc.Circuit) -> int:
    """The least peak over all orders, by the sets of what is computed."""
    nodes = computed(root)
    numbers = {node: i for i, node in enumerate(nodes)}
    operands = [{numbers[below(child)] for child in node.children if below(child) in numbers} for node in nodes]
    users = [{i for i in range(len(nodes)) if node in operands[i]} for node in range(len(nodes))]
    best = {frozenset[int](): 0}
    for _ in nodes:
        longer: dict[frozenset[int], int] = {}
        for done, peak in best.items():
            live = sum(nodes[i].numel for i in done if not users[i] <= done or nodes[i] == below(root))
            for i, node in enumerate(nodes):
                if i not in done and operands[i] <= done:
                    after = done | {i}
                    longer[after] = min(longer.get(after, peak + live + node.numel), max(peak, live + node.numel))
        best = longer
    (least,) = best.values()
    return least


def product_of(size: int, number: int, parts: list[rc.Circuit]) -> rc.Circuit:
    """One instruction of any size over any operands."""
    leaf = rc.Array(torch.ones(size) * number, f"leaf {number}")
    return rc.Einsum((leaf, (0,)), *[(part, (i + 1,)) for i, part in enumerate(parts)], out_axes=(0,))


@st.composite
def small_graphs(draw: st.DrawFn, forest: bool) -> rc.Circuit:
    """Up to five nodes of any sizes below a root; in a forest each has one user."""
    nodes: list[rc.Circuit] = []
    unused: list[rc.Circuit] = []
    for i in range(draw(st.integers(1, 5))):
        pool = unused if forest else nodes
        parts = draw(st.lists(st.sampled_from(pool), max_size=2, unique=True)) if pool else []
        nodes.append(product_of(draw(st.sampled_from([1, 2, 5, 9])), i, parts))
        unused = [each for each in unused if each not in parts] + [nodes[-1]]
    return product_of(draw(st.sampled_from([1, 9])), 9, unused)


@given(st.booleans().flatmap(lambda forest: small_graphs(forest)))
def test_peaks_are_minimal(circuit: rc.Circuit) -> None:
    assert rc.circuit_to_schedule(circuit).get_stats().max_mem == best_peak(circuit)


@st.composite
def chained_graphs(draw: st.DrawFn) -> rc.Circuit:
    """Up to twelve nodes in all; most are links of chains, or views, between the few that have several operands or users."""
    nodes: list[rc.Circuit] = [product_of(draw(st.sampled_from([1, 4, 9])), 0, [])]
    unused = [nodes[0]]
    for i in range(1, draw(st.integers(2, 11))):
        kind = draw(st.integers(0, 3))
        parts = [nodes[-1]] if kind else draw(st.lists(st.sampled_from(nodes), max_size=2, unique=True))
        node = product_of(draw(st.sampled_from([1, 2, 5, 9])), i, parts)
        if kind == 3:
            node = rc.Rearrange.from_string(draw(st.sampled_from(nodes)), "a -> a 1", name=f"view {i}").index((slice(None), 0))
            parts = [below(node.children[0].children[0])]
        nodes.append(node)
        unused = [each for each in unused if each not in parts] + [node]
    return product_of(1, 99, unused)


UNFUSED = {"fuse": False, "fuse_attention": False, "stream_concat": False, "group_matmuls": False}


@given(chained_graphs())
@settings(max_examples=25)
def test_peaks_are_minimal_with_chains_and_views(circuit: rc.Circuit) -> None:
    assert rc.circuit_to_schedule(circuit, Settings(**UNFUSED)).get_stats().max_mem == best_peak(circuit)


def assert_consistent(schedule: rc.Schedule, circuits: list[rc.Circuit]) -> None:
    """Replaying the instructions by themselves gives the values and the accounted peaks."""
    schedule.validate(True)
    stats = schedule.get_stats()
    values, peak, peak_bytes = replay(schedule)
    assert (stats.max_mem, stats.max_mem_bytes) == (peak, peak_bytes)
    for got, circuit in zip(schedule.evaluate_many(), circuits, strict=True):
        assert_agrees(got, circuit.evaluate(), scale=300)
    left = {key: value for key, value in values.items() if key not in schedule.constants and key not in schedule.scalars}
    expected = [got for got, key in zip(schedule.evaluate_many(), schedule._outputs, strict=True) if key in left]
    for got, key in zip(expected, [key for key in schedule._outputs if key in left], strict=True):
        assert_agrees(left[key].to(got.dtype), got, scale=300)
    assert set(left) <= set(schedule._outputs)


@given(st.lists(computable_circuits(max_steps=8), min_size=1, max_size=2))
def test_schedules_of_random_circuits(circuits: list[rc.Circuit]) -> None:
    for make in (rc.circuit_to_schedule_many, rc.optimize_to_schedule_many):
        for chosen in (Settings(), Settings(**UNFUSED)):
            schedule = make(circuits, chosen)
            assert_consistent(schedule, circuits)
            stats = schedule.get_stats()
            chosen.max_memory = stats.max_mem_bytes
            assert make(circuits, chosen).get_stats().max_mem_bytes <= stats.max_mem_bytes
    naive = rc.optimize_to_schedule_many(circuits, Settings(scheduling_naive=True, keep_all_names=True))
    assert_consistent(naive, circuits)


@given(computable_circuits(max_steps=10))
def test_peaks_are_at_most_those_of_plain_order(circuit: rc.Circuit) -> None:
    substituted = rc.substitute_all_modules(circuit)
    stats = rc.circuit_to_schedule(circuit, Settings(**UNFUSED)).get_stats()
    assert stats.num_computes == len(computed(substituted))
    assert stats.max_mem_bytes <= 8 * peak_of(computed(substituted), substituted)


def test_schedules_of_attention_show_what_they_hide() -> None:
    q, k, v = (array(2, 5, 4, name=name) for name in "qkv")
    scores = rc.Einsum.from_einsum_string("bic,bjc->bij", q, k)
    circuit = rc.Einsum.from_einsum_string("bij,bjf->bif", apply("softmax", scores), v)
    schedule = rc.circuit_to_schedule(circuit)
    assert schedule.get_stats().fused_attention == 1 and schedule.get_stats().num_computes == 1
    assert_consistent(schedule, [circuit])
    assert_consistent(rc.circuit_to_schedule(circuit, Settings(**UNFUSED)), [circuit])


def test_graphs_of_many_nodes() -> None:
    node: rc.Circuit = array(4)
    earlier = [node]
    for i in range(33_000):
        node = rc.Add(apply("sin", node), earlier[i // 2], rc.Scalar(float(i % 5)))
        earlier.append(node)
    schedule = rc.circuit_to_schedule(node)
    schedule.validate(True)
    assert schedule.get_stats().num_computes == 66_000
    assert_agrees(schedule.evaluate(), node.evaluate())


def test_wide_trees() -> None:
    """Fused sums that would raise the peak are given up together, not one by one."""
    nodes: list[rc.Circuit] = [apply("sin", rc.Array(torch.full((1 + i % 5,), float(i))).sum()) for i in range(16_384)]
    while len(nodes) > 1:
        nodes = [rc.Add(left, right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
    schedule = rc.circuit_to_schedule(nodes[0])
    schedule.validate(True)
    assert_agrees(schedule.evaluate(), nodes[0].evaluate(), scale=16_384)


def test_large_graphs_are_scheduled_quickly() -> None:
    node: rc.Circuit = array(4)
    for i in range(1000):
        node = rc.Add(apply("sin", node), apply("cos", node), rc.Scalar(float(i)))
    rc.circuit_to_schedule(node).validate(True)
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.circuit_to_schedule(node, Settings(max_memory=10, scheduling_timeout=50))
