"""OptimizationSettings and the optimizer: spec 12, sections 5 and 6, and the properties of 18."""

from __future__ import annotations

import copy
import gc
import pickle
import uuid
import warnings
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit.module_library import TransformerBlockParams, TransformerParams
from tests.evaluate.circuits import Counting, apply, array, assert_agrees
from tests.strategies import computable_circuits, random_circuits, symbolic_circuits

Settings = rc.OptimizationSettings
SYMBOL = rc.Symbol((2,), uuid.UUID(int=1), "sym")
VAR = rc.DiscreteVar(rc.Array(torch.ones(3, 2)), rc.Tag(rc.Scalar(1 / 3, (3,)), uuid.UUID(int=2)), "var")
DEFAULTS = {
    "verbose": 0,
    "max_memory": 9_000_000_000,
    "max_single_tensor_memory": 9_000_000_000,
    "max_memory_fallback": None,
    "scheduling_num_mem_chunks": 200,
    "distribute_min_size": None,
    "scheduling_naive": False,
    "scheduling_timeout": 5000,
    "scheduling_simplify": True,
    "adjust_numerical_scale": False,
    "numerical_scale_min": 1e-8,
    "numerical_scale_max": 1e8,
    "capture_and_print": False,
    "create_tests": False,
    "log_simplifications": False,
    "log_slow_einsums": False,
    "save_circ": False,
    "optimization_parallelism": None,
    "keep_all_names": False,
    "push_down_index": True,
    "deep_maybe_distribute": True,
}
SWITCHES = [name for name, value in DEFAULTS.items() if isinstance(value, bool) and name not in ("capture_and_print", "save_circ")]


# --- section 5
def test_settings() -> None:
    settings = Settings()
    for name, value in DEFAULTS.items():
        assert getattr(settings, name) == value, name
    assert settings.simp_fn_subset == rc.SimpFnSubset.compiler_default()
    assert settings.fuse and settings.fuse_attention and settings.stream_concat and settings.group_matmuls
    positional = Settings(*DEFAULTS.values())
    assert positional == settings and repr(settings) == "OptimizationSettings()"
    assert Settings(1, 2) == Settings(verbose=1, max_memory=2) != settings
    settings.max_memory = 7
    assert settings.max_memory == 7 and repr(settings) == "OptimizationSettings(max_memory=7)"
    for copied in (copy.copy(settings), copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert copied == settings
        copied.verbose = 2
        assert settings.verbose == 0


def test_wrong_settings() -> None:
    for values in (
        {"verbose": "a"},
        {"max_memory": 1.5},
        {"push_down_index": 1},
        {"simp_fn_subset": 3},
        {"unknown": 3},
        {"max_memory": None},
    ):
        with pytest.raises(TypeError):
            Settings(**values)
    for values in ({"verbose": -1}, {"max_memory": 2**65}, {"max_memory_fallback": -1}):
        with pytest.raises(OverflowError):
            Settings(**values)
    with pytest.raises(TypeError):
        Settings().max_memory = "a"
    with pytest.raises(AttributeError):
        Settings().unknown  # noqa: B018
    with pytest.raises(TypeError):
        rc.optimize_circuit(array(3), None)


# --- 6.1
def test_distribution() -> None:
    u, v, w = array(40, name="u"), array(40, name="v"), array(40, name="w")
    total = rc.Add(rc.Rearrange.from_string(u, "a -> a 40"), rc.Rearrange.from_string(v, "a -> 40 a"))
    circuit = rc.Einsum.from_einsum_string("ab,b->a", total, w)

    def largest(settings: rc.OptimizationSettings) -> int:
        optimized = rc.optimize_circuit(circuit, settings)
        assert_agrees(optimized.evaluate(), circuit.evaluate(), scale=100)
        return max(node.numel for node in rc.all_children(optimized))

    assert largest(Settings(distribute_min_size=1600)) < 1600
    assert largest(Settings(max_single_tensor_memory=1600)) < 1600
    assert largest(Settings(distribute_min_size=1601)) == 1600
    assert largest(Settings(distribute_min_size=1600, deep_maybe_distribute=False)) == 1600


def test_indices_go_down() -> None:
    x = array(100, 8, name="x")
    circuit = rc.Index(apply("gelu", rc.Einsum.from_einsum_string("ab,bc->ac", x, array(8, 8, name="w"))), (3,))

    def elements(settings: rc.OptimizationSettings) -> int:
        return rc.optimize_to_schedule(circuit, settings).get_stats().max_mem

    assert elements(Settings()) <= 24
    assert elements(Settings(push_down_index=False)) >= 800
    assert_agrees(rc.optimize_and_evaluate(circuit), circuit.evaluate())


def test_partial_sums_are_shared() -> None:
    a, b, c, d = (apply("sin", array(5, name=name)) for name in "abcd")
    outputs = [rc.Add(a, b), rc.Add(a, b, c), rc.Add(a, b, c, d)]
    schedule = rc.optimize_to_schedule_many(outputs)
    sums = [item[1] for item in schedule.instructions if not isinstance(item, int) and isinstance(item[1], rc.Add)]
    assert [len(node.children) for node in sums] == [2, 2, 2]
    for got, output in zip(schedule.evaluate_many(), outputs, strict=True):
        assert_agrees(got, output.evaluate())


def test_einsums_are_contracted_pairwise() -> None:
    chain = rc.Einsum.from_einsum_string("ab,bc,cd->ad", *[apply("sin", array(20, 20, seed=i)) for i in range(3)])
    optimized = rc.optimize_circuit(chain)
    assert all(len(node.children) <= 2 for node in rc.all_children(optimized) if isinstance(node, rc.Einsum))
    assert_agrees(optimized.evaluate(), chain.evaluate(), scale=400)


def test_einsums_that_cannot_be_split_stay() -> None:
    wide = rc.Einsum.from_einsum_string("ab,cd->abcd", array(10, 10), array(10, 10, seed=1))
    rc.optimize_circuit(wide, Settings(max_single_tensor_memory=1000))
    with pytest.raises(rc.SchedulingOOMSingleError):
        rc.optimize_to_schedule(wide, Settings(max_single_tensor_memory=1000))


def test_names_are_kept_on_demand() -> None:
    node = rc.Add(apply("sin", array(3, name="a")).rename("inner"), array(3, name="b"), name="outer")
    kept = rc.optimize_circuit(node, Settings(keep_all_names=True))
    assert kept.name == "outer" and "inner" in {child.name for child in rc.all_children(kept)}
    dropped = rc.optimize_circuit(node)
    assert {child.name for child in rc.all_children(dropped) if not isinstance(child, rc.Array)}.isdisjoint({"outer", "inner"})
    assert {child.name for child in rc.all_children(dropped) if isinstance(child, rc.Array)} == {"a", "b"}


# --- 6.2
def test_dtype_of_what_vanishes() -> None:
    for dtype in (torch.float32, torch.float16, torch.float64, torch.int64):
        x = array(3, dtype=dtype)
        zero = rc.Einsum.from_einsum_string("a,->a", x, rc.Scalar(0.0))
        for circuit in (
            zero,
            rc.Concat(zero, zero, axis=0),
            rc.Add(zero, rc.Scalar(1.0)),
            apply("relu", zero) if dtype.is_floating_point else zero,
        ):
            got = rc.optimize_and_evaluate(circuit)
            assert got.dtype == dtype and torch.equal(got, circuit.evaluate())
            assert torch.equal(rc.optimize_circuit(circuit).evaluate(), circuit.evaluate())


def test_integers_stay_exact() -> None:
    ints = rc.Array(torch.tensor([1, 2]))
    halves = rc.Add(rc.Add(ints, rc.Scalar(0.5)), rc.Scalar(0.5))
    assert rc.optimize_and_evaluate(halves).tolist() == [1, 2]
    small = rc.Array(torch.tensor([100, 100, -3], dtype=torch.int8))
    product = rc.Einsum.from_einsum_string("a,a,->a", small, small, rc.Scalar(1.5))
    assert torch.equal(rc.optimize_and_evaluate(product), product.evaluate())


@st.composite
def settings(draw: st.DrawFn) -> rc.OptimizationSettings:
    switches = draw(st.lists(st.sampled_from([*SWITCHES, "fuse", "fuse_attention", "stream_concat", "group_matmuls"]), unique=True))
    chosen = Settings(**{name: not getattr(Settings(), name) for name in switches})
    chosen.distribute_min_size = draw(st.sampled_from([None, 0, 4]))
    return chosen


@given(computable_circuits(max_steps=8, dtypes=(torch.float64, torch.float32)), settings())
def test_all_ways_agree(circuit: rc.Circuit, chosen: rc.OptimizationSettings) -> None:
    expected = circuit.evaluate()
    before = copy.copy(chosen)
    assert_agrees(rc.scheduled_evaluate(circuit, chosen), expected)
    assert_agrees(rc.optimize_and_evaluate(circuit, chosen), expected, scale=300)
    optimized = rc.optimize_circuit(circuit, chosen)
    assert optimized.shape == circuit.shape and optimized == rc.optimize_circuit(circuit, chosen)
    assert_agrees(optimized.evaluate(), expected, scale=300)
    schedule = rc.optimize_to_schedule(circuit, chosen)
    schedule.validate(True)
    assert_agrees(schedule.evaluate(chosen), expected, scale=300)
    assert_agrees(pickle.loads(pickle.dumps(schedule)).evaluate(), expected, scale=300)
    assert_agrees(rc.Schedule.deserialize(schedule.serialize()).evaluate(), expected, scale=300)
    assert chosen == before


@given(computable_circuits(max_steps=8, dtypes=(torch.int64, torch.int8, torch.uint8, torch.bool)))
def test_integer_circuits_are_exact(circuit: rc.Circuit) -> None:
    try:
        expected = circuit.evaluate()
    except (RuntimeError, NotImplementedError):
        return  # a function that torch lacks for this dtype
    if not expected.dtype.is_floating_point:
        assert torch.equal(rc.optimize_and_evaluate(circuit), expected)


@given(st.lists(computable_circuits(max_steps=4, dtypes=(torch.float64, torch.float32)), max_size=4))
def test_lists_agree(circuits: list[rc.Circuit]) -> None:
    circuits = circuits + circuits[:1]
    results = rc.optimize_and_evaluate_many(circuits)
    assert len(results) == len(circuits)
    for got, circuit in zip(results, circuits, strict=True):
        assert_agrees(got, circuit.evaluate(), scale=300)
    if circuits:
        rc.optimize_to_schedule_many(tuple(circuits)).validate(True)


@given(st.one_of(symbolic_circuits(max_steps=5), random_circuits(max_steps=5)))
def test_any_circuit_can_be_optimized(circuit: rc.Circuit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rc.OptimizingSymbolicSizeWarning)
        assert rc.optimize_circuit(circuit).shape == circuit.shape


def test_user_functions_are_called_once_per_distinct_node() -> None:
    x = array(6, name="x")
    f = Counting()
    first, second = f(x), f(rc.Index(x, (slice(0, 3),)))
    outputs = [
        rc.Index(first, (slice(0, 2),)),
        rc.Index(first, (slice(4, 6),)),
        rc.Einsum.from_einsum_string("a,a->", rc.Add(first, x), rc.Add(first, rc.Scalar(2.0))),
        second,
        rc.Concat(second, second, axis=0),
    ]
    results = rc.optimize_and_evaluate_many(outputs, Settings(distribute_min_size=0))
    assert f.calls <= 2
    for got, output in zip(results, outputs, strict=True):
        assert_agrees(got, output.evaluate(), scale=10)


# --- 6.3
def test_entry_points() -> None:
    assert rc.optimize_and_evaluate_many([]) == []
    tensor = torch.randn(3)
    assert rc.optimize_and_evaluate(rc.Array(tensor)).data_ptr() == tensor.data_ptr()
    for call in (rc.optimize_and_evaluate_many, rc.optimize_to_schedule_many, rc.circuit_to_schedule_many):
        with pytest.raises(TypeError):
            call({array(3)})
    for bad in (SYMBOL, VAR, rc.Add(VAR, SYMBOL)):
        for call in (rc.optimize_and_evaluate, lambda c: rc.optimize_and_evaluate_many([array(3), c])):
            with pytest.raises(rc.SchedulingNotExplicitlyComputableError) as error:
                call(bad)
            assert error.value.args[0].circuit == bad
    for call in (rc.scheduled_evaluate, rc.circuit_to_schedule, rc.optimize_to_schedule):
        with pytest.raises(rc.SchedulingNotExplicitlyComputableError):
            call(VAR)
    mixed = [array(2), rc.Array(torch.tensor([1, 2])), rc.Scalar(1.0, (2,)), array(2)]
    assert [t.dtype for t in rc.optimize_and_evaluate_many(mixed)] == [torch.float32, torch.int64, torch.float64, torch.float32]


# --- 6.4
def test_symbolic_sizes_warn() -> None:
    big = rc.Scalar(1.0, (10007,))
    calls = (rc.optimize_circuit, rc.circuit_to_schedule, rc.optimize_to_schedule, rc.scheduled_evaluate, rc.optimize_and_evaluate)
    for call in calls:
        with pytest.warns(rc.OptimizingSymbolicSizeWarning) as record:
            call(big)
        assert record[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(rc.OptimizingSymbolicSizeWarning):
                call(big)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert big.evaluate().shape == (10007,)
        rc.scheduled_evaluate(big, Settings(scheduling_naive=True))
        size = rc.symbolic_sizes()[0]
        symbol = rc.Symbol((size,), uuid.UUID(int=9), "in")
        module = rc.Module.new_flat(rc.ModuleSpec(rc.Add(symbol, symbol), [rc.ModuleArgSpec(symbol)]), array(4))
        for call in calls:
            call(module)


def test_optimized_models_grow_with_their_depth() -> None:
    """Sums of the residual stream stay shared: the number of nodes is linear in the number of layers."""

    def nodes(layers: int) -> int:
        block = TransformerBlockParams()
        call, _, _ = TransformerParams(block, num_layers=layers).garbage_call(
            head_size=8, num_heads=2, seq_len=4, batch_shape=(2,), device_dtype=rc.TorchDeviceDtypeOp("cpu", "float64")
        )
        schedule = rc.optimize_to_schedule(call)
        torch.testing.assert_close(schedule.evaluate(), call.evaluate(), rtol=1e-7, atol=1e-7)
        return schedule.get_stats().num_computes

    two, four, six = nodes(2), nodes(4), nodes(6)
    assert abs((six - four) - (four - two)) <= 4


def test_long_chains_are_optimized() -> None:
    node: rc.Circuit = array(2)
    for _ in range(20_000):
        node = apply("sin", node)
    assert_agrees(rc.optimize_and_evaluate(node), node.evaluate())


def test_what_is_remembered_can_be_forgotten() -> None:
    """Optimized pieces are kept for the next batch of their form, with the weights in them, until the caches are emptied."""
    weights = torch.randn(3, 4)
    alive = weakref.ref(weights)
    x = array(6, 3, name="x")
    product = rc.Einsum.from_einsum_string("bi,ih->bh", x, rc.Array(weights, "w"))
    rc.optimize_and_evaluate(rc.batch_to_concat(apply("sin", product), 0, 2))
    del product, weights
    rc.clear_module_circuit_caches()
    gc.collect()
    assert alive() is None


class AskedForShapes(Counting):
    asked = 0

    def get_shape_info(self, *shapes: tuple[int, ...]) -> rc.GeneralFunctionShapeInfo:
        AskedForShapes.asked += 1
        return super().get_shape_info(*shapes)


def test_batches_of_samples_are_optimized_once() -> None:
    """Rebuilding a user function asks for its shape: what rewriting does beyond filling in happens for the first batch only."""
    function = AskedForShapes(label="asked")
    x = array(50, 3, name="data").index((torch.arange(8) * 5, slice(None)))
    product = rc.Einsum.from_einsum_string("bi,ih->bh", function(rc.Add(function(x), rc.Scalar(0.0))), array(3, 4, name="w"))
    asked = []
    for piece in rc.substitute_all_modules(rc.batch_to_concat(product, 0, 2)).children:
        AskedForShapes.asked = 0
        assert_agrees(rc.optimize_and_evaluate(piece), piece.evaluate())
        asked.append(AskedForShapes.asked)
    assert asked[1] == asked[2] == asked[3] < asked[0]
