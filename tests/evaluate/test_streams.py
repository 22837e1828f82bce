"""Batched evaluation, streams, work shared by pieces, grouped products, memory (spec 12, sections 13 to 16)."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.circuits import Counting, apply, array, assert_agrees

E = rc.Einsum.from_einsum_string
UNFUSED = rc.OptimizationSettings(fuse_attention=False, fuse=False, stream_concat=False, group_matmuls=False)


def mlp(samples: int, width: int = 6, hidden: int = 16, x: rc.Circuit | None = None) -> rc.Circuit:
    """[samples]; x [samples, width]."""
    x = array(samples, width, name="x") if x is None else x
    pre = E("bi,ih->bh", x, array(width, hidden, name="w"))
    return E("bh,h->b", apply("gelu", pre), array(hidden, name="v"))


def unfused(circuit: rc.Circuit) -> torch.Tensor:
    return rc.circuit_to_schedule(circuit, UNFUSED).evaluate()


@given(samples=st.integers(1, 9), data=st.data())
def test_batches_agree_with_the_whole(samples: int, data: st.DataObject) -> None:
    circuit = mlp(samples)
    axis = data.draw(st.sampled_from([0, -1]))
    size = data.draw(st.one_of(st.none(), st.integers(1, samples + 1)))
    optimize = data.draw(st.booleans())
    expected = unfused(circuit)
    assert_agrees(rc.evaluate_batched(circuit, axis, size, optimize=optimize), expected)
    assert_agrees(rc.batch_to_concat(circuit, 0, size or 1).evaluate(), expected)
    assert_agrees(rc.optimize_and_evaluate(rc.batch_to_concat(circuit, 0, size or 1)), expected)


@given(batch=st.integers(1, 4), other=st.integers(1, 4))
def test_a_sample_does_not_depend_on_its_batch_mates(batch: int, other: int) -> None:
    """Bit-equal where torch's products are: here every product has one row per sample of one length."""
    circuit = mlp(12)
    assert_agrees(rc.evaluate_batched(circuit, 0, batch), rc.evaluate_batched(circuit, 0, other))


def test_other_axes_and_no_samples() -> None:
    x = array(2, 5, 3, name="x")
    circuit = apply("sigmoid", E("abi,ih->ahb", x, array(3, 4, name="w")))
    for axis in (0, 1, 2, -1):
        assert_agrees(rc.evaluate_batched(circuit, axis, 2), unfused(circuit))
    empty = apply("sigmoid", E("bi,ih->bh", array(0, 3, name="none"), array(3, 4, name="w")))
    assert rc.evaluate_batched(empty).shape == (0, 4)


def test_wrong_batches() -> None:
    circuit = mlp(4)
    with pytest.raises(RuntimeError, match="nonexistent axis"):
        rc.evaluate_batched(circuit, 1)
    with pytest.raises(rc.BatchBatchSizeIsZeroError):
        rc.evaluate_batched(circuit, 0, 0)
    with pytest.raises((OverflowError, TypeError)):
        rc.evaluate_batched(circuit, 0, -1)
    with pytest.raises(rc.SchedulingEvaluateCalledWithSymsError):
        rc.evaluate_batched(rc.Symbol.new_with_random_uuid((3,)))
    with pytest.raises(RuntimeError, match="must agree"):
        rc.evaluate_batched_many([circuit, mlp(5)])
    assert rc.evaluate_batched_many([]) == []


def test_budgets_hold() -> None:
    """The peak that torch's allocator reports stays within the budget, in as few pieces as fit; less than one sample is refused."""
    circuit = mlp(512, width=32, hidden=512)
    whole = unfused(circuit)
    calls = []
    for budget in (400_000, 700_000, 4_000_000):
        settings = rc.OptimizationSettings(max_memory=budget)
        (value,), stats = rc.evaluate_batched_with_stats([circuit], settings=settings)
        assert_agrees(value, whole)
        assert stats.peak_bytes <= budget
        calls.append(stats.peak_bytes)
    assert calls == sorted(calls) and calls[0] < calls[-1]
    with pytest.raises(rc.SchedulingOOMManyError, match="bytes"):
        rc.evaluate_batched(circuit, settings=rc.OptimizationSettings(max_memory=1000))


def repeat(node: rc.Circuit, count: int, place: int = 0) -> rc.Circuit:
    return rc.Rearrange(node, rc.RearrangeSpec.expand_at_axes(node.rank, [place], [count]))


def expanded_branch(samples: int, function: Counting) -> rc.Circuit:
    """[samples, 4]: chains that have the batch axis by expansion alone, of every class that repeats along with its operands."""
    w, v = array(4, name="w"), array(4, 4, name="v")
    inner = apply("sigmoid", function(repeat(w, samples)))
    scaled = E("na,ab,->nb", inner, v, rc.Scalar(2.0))
    return rc.Add(scaled, rc.Scalar(1.0, (samples, 4)), v.index((0,)), E("an->na", repeat(w, samples, 1)))


@pytest.mark.parametrize(
    "run", [lambda c: rc.evaluate_batched(c, 0, 3), lambda c: rc.batch_to_concat(c, 0, 3).evaluate()], ids=["batched", "concat"]
)
def test_what_only_repeats_is_computed_once_and_unexpanded(run: Callable[[rc.Circuit], torch.Tensor]) -> None:
    shapes = []

    def seen(x: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(x.shape))
        return torch.sin(x)

    circuit = rc.Add(mlp_rows(array(10, 4, name="x")), expanded_branch(10, Counting(seen)))
    expected = unfused(circuit)
    shapes.clear()
    assert_agrees(run(circuit), expected)
    assert shapes == [(4,)]


def mlp_rows(x: rc.Circuit) -> rc.Circuit:
    return apply("gelu", E("bi,ih->bh", x, array(4, 4, name="hidden")))


@given(data=st.data())
def test_random_expansions_keep_their_values(data: st.DataObject) -> None:
    """Trees of sums, products, functions and permutations over nodes that repeat along some axes and not along others."""

    def tree(depth: int) -> rc.Circuit:  # [n, m, 3]
        kind = data.draw(
            st.sampled_from(
                ["leaf", "repeat", "scalar"] if depth == 0 else ["function", "softmax", "add", "product", "matmul", "permute", "part"]
            )
        )
        if kind == "leaf":
            return array(n, m, 3, name=data.draw(st.sampled_from("abc")))
        if kind == "scalar":
            return rc.Scalar(data.draw(st.sampled_from([0.5, -1.0])), (n, m, 3))
        if kind == "repeat":
            shape, places = data.draw(st.sampled_from([((m, 3), [0]), ((n, 3), [1]), ((3,), [0, 1]), ((), [0, 1, 2]), ((n, m), [2])]))
            counts = [(n, m, 3)[place] for place in places]
            return rc.Rearrange(array(*shape, name="r"), rc.RearrangeSpec.expand_at_axes(len(shape), places, counts))
        below = tree(depth - 1)
        if kind in ("function", "softmax"):
            return apply("sigmoid" if kind == "function" else "softmax", below)
        if kind == "permute":
            return E("nmi->nmi", below) if n != m else E("nmi->mni", below)
        if kind == "part":
            return below.index((torch.arange(n).flip(0), slice(0, m)))
        if kind == "matmul":
            return E("nmi,ij->nmj", below, array(3, 3, name="square"))
        other = tree(data.draw(st.integers(0, depth - 1)))
        return rc.Add(below, other) if kind == "add" else E("nmi,nmi->nmi", below, other)

    n, m = data.draw(st.sampled_from([(4, 2), (3, 3)]))
    circuit = rc.Add(tree(3), array(n, m, 3, name="samples"))
    assert_agrees(rc.evaluate_batched(circuit, data.draw(st.integers(0, 1)), 2), unfused(circuit), scale=30)
    assert_agrees(rc.batch_to_concat(circuit, 0, 2).evaluate(), unfused(circuit), scale=30)


def cpu_allocation(rows: int) -> torch.Tensor:
    return torch.empty(rows * 2**44, dtype=torch.float64)  # more than there are addresses


def device_allocation(rows: int) -> torch.Tensor:
    raise torch.OutOfMemoryError(f"CUDA out of memory: {rows} rows")


@pytest.mark.parametrize("allocate", [cpu_allocation, device_allocation])
@pytest.mark.parametrize("fitting", [1, 3, 8])
def test_pieces_that_do_not_fit_are_made_smaller(allocate: Callable[[int], torch.Tensor], fitting: int) -> None:
    sizes = []

    def limited(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        if len(x) > fitting:
            allocate(len(x))
        return torch.sin(x)

    x, w = array(13, 4, name="x"), array(4, 4, name="w")
    value = rc.evaluate_batched(E("bi,ih->bh", Counting(limited)(x), w))
    assert_agrees(value, torch.sin(x.value) @ w.value)
    assert sum(sizes[sizes.index(max(size for size in sizes if size <= fitting)) :]) == 13
    assert sizes[0] == 13 and sorted(sizes, reverse=True) == sizes


@pytest.mark.parametrize("allocate", [cpu_allocation, device_allocation])
def test_where_not_even_one_row_fits_the_error_is_that_of_the_allocator(allocate: Callable[[int], torch.Tensor]) -> None:
    function = Counting(lambda x: allocate(len(x)))
    with pytest.raises(RuntimeError, match="allocate memory|1 rows") as caught:
        rc.evaluate_batched(function(array(5, 4)))
    assert isinstance(caught.value, torch.OutOfMemoryError) == (allocate is device_allocation)
    assert function.calls == 4  # 5, 3, 2 rows and 1


def test_a_node_that_does_not_fit_is_named() -> None:
    long = [array(2**23, name=name) for name in ("u", "v")]
    outer = E("b,i,j->bij", array(3, name="x"), *long).rename("outer")
    circuit = apply("sigmoid", outer).index((slice(None), 0, 0))
    with pytest.raises(RuntimeError) as caught:
        rc.evaluate_batched(circuit, 0, 2)
    assert "outer" in str(caught.value) and "[1, 8388608, 8388608]" in str(caught.value)
    assert "not even one place along axis 0 fits" in str(caught.value)
    with pytest.raises(RuntimeError, match="outer"):
        circuit.evaluate()


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such thing")

    function = Counting(broken)
    with pytest.raises(RuntimeError, match="no such thing"):
        rc.evaluate_batched(function(array(5, 4)))
    assert function.calls == 1


def test_peak_does_not_grow_with_the_number_of_pieces() -> None:
    peaks = []
    for samples in (64, 512):
        stats = rc.evaluate_batched_with_stats([mlp(samples, hidden=256)], batch_size=8)[1]
        peaks.append(stats.peak_bytes - 4 * samples)
    assert peaks[1] <= peaks[0] * 1.05


def test_what_pieces_share_is_computed_once() -> None:
    of_weights, of_samples = Counting(label="weights"), Counting(label="samples")
    x, w = array(6, 3, name="x"), array(3, 4, name="w")
    circuit = E("bi,ih->bh", of_samples(x), of_weights(w))
    expected = unfused(circuit)
    for run in (
        lambda: rc.evaluate_batched(circuit, 0, 2),
        lambda: rc.evaluate_batched(circuit, 0, 4),
        lambda: rc.batch_to_concat(circuit, 0, 2).evaluate(),
        lambda: rc.optimize_and_evaluate(rc.batch_to_concat(circuit, 0, 2)),
    ):
        of_weights.calls = of_samples.calls = 0
        assert_agrees(run(), expected)
        assert of_weights.calls == 1 and of_samples.calls in (2, 3)


def test_circuits_share_their_pieces() -> None:
    """Pieces of several circuits run together: what they share is computed once per piece."""
    counting = Counting(label="shared")
    x = counting(array(6, 3, name="x"))
    circuits = [mlp(6, 3, x=x), E("bi->b", apply("sigmoid", x))]
    expected = [unfused(circuit) for circuit in circuits]
    for run in (
        lambda: rc.evaluate_batched_many(circuits, 0, 2),
        lambda: rc.circuit_to_schedule_many([rc.batch_to_concat(each, 0, 2) for each in circuits]).evaluate_many(),
        lambda: rc.optimize_and_evaluate_many([rc.batch_to_concat(each, 0, 2) for each in circuits]),
    ):
        counting.calls = 0
        for got, wanted in zip(run(), expected, strict=True):
            assert_agrees(got, wanted)
        assert counting.calls == 3


def test_unlike_pieces_share_their_user_functions() -> None:
    """Pieces that use what they share differently are optimized together: apart, only one would nest the shared sum."""
    counting = Counting(label="shared")
    a, b, c, d = (array(2, 3, name=name) for name in "abcd")
    partial = rc.Add(a, b)
    shared = counting(rc.Add(partial, c))
    circuit = rc.Concat(apply("sin", shared), rc.Add(apply("cos", shared), apply("exp", partial), d), axis=0)
    expected = unfused(circuit)
    counting.calls = 0
    assert_agrees(rc.optimize_and_evaluate(circuit), expected)
    assert counting.calls == 1


def test_the_example_of_the_spec() -> None:
    circuit = E("bh->b", apply("gelu", E("bi,ih->bh", array(1000, 64, name="x"), array(64, 256, name="w"))))
    schedule = rc.circuit_to_schedule(rc.batch_to_concat(circuit, 0, 10))
    stats = schedule.get_stats()
    assert stats.num_chunks == 100 and stats.max_mem_bytes <= 4_000 + 2 * 10_240 + 40 + 2_560
    value, of_run = schedule.evaluate_with_stats()
    assert of_run.peak_bytes <= 4_000 + 3 * 10_240 + 2 * 2_560
    assert rc.circuit_to_schedule(circuit).get_stats().max_mem_bytes == 2_048_000
    assert_agrees(value[0], unfused(circuit))
    schedule.validate(True)
    again = pickle.loads(pickle.dumps(schedule))
    assert torch.equal(again.evaluate(), value[0]) and str(again.get_stats()) == str(stats)


def test_streams_have_the_bits_of_the_plain_evaluation() -> None:
    batched = rc.batch_to_concat(mlp(7), 0, 3)
    plain = rc.OptimizationSettings(fuse_attention=False, fuse=False, group_matmuls=False)
    assert torch.equal(rc.circuit_to_schedule(batched, plain).evaluate(), unfused(batched))


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_over_pieces_accumulate(weighted: bool) -> None:
    """An Einsum over the axis of a Concat never holds the Concat."""
    x = array(64, 8, name="x")
    big = E("bi,ih->bh", x, array(8, 1000, name="w"))
    batched = rc.batch_to_concat(apply("sigmoid", big), 0, 4)
    total = E("bh,b->h", batched, array(64, name="weights")) if weighted else E("bh->h", batched)
    schedule = rc.circuit_to_schedule(total)
    assert schedule.get_stats().num_chunks == 16
    (value,), stats = schedule.evaluate_with_stats()
    assert stats.peak_bytes < 64 * 1000 * 4 / 2
    assert_agrees(value, unfused(total), scale=64)


def test_streams_within_streams() -> None:
    def pieces(depth: int, x: rc.Circuit) -> rc.Circuit:
        if depth == 0:
            return apply("sigmoid", x)
        return rc.Concat(*(pieces(depth - 1, rc.Add(x, rc.Scalar(float(i)))) for i in range(2)), axis=0)

    circuit = pieces(10, array(2, 3, name="x"))
    assert_agrees(circuit.evaluate(), unfused(circuit))


def test_a_concat_that_depends_on_another() -> None:
    x = array(4, 3, name="x")
    first = rc.Concat(apply("sigmoid", x), apply("tanh", x), axis=0)
    second = rc.Concat(apply("sin", first), apply("cos", first), axis=0)
    assert_agrees(second.evaluate(), unfused(second))
    both = rc.circuit_to_schedule_many([first, second])
    for got, circuit in zip(both.evaluate_many(), (first, second), strict=True):
        assert_agrees(got, unfused(circuit))


def test_errors_inside_pieces_name_the_node() -> None:
    def broken(_: torch.Tensor) -> torch.Tensor:
        raise ZeroDivisionError("inside")

    circuit = Counting(broken, label="broken")(array(4, 3, name="x"), "culprit")
    for run in (lambda: rc.evaluate_batched(circuit, 0, 2), lambda: rc.batch_to_concat(circuit, 0, 2).evaluate()):
        with pytest.raises(ZeroDivisionError, match="inside"):
            run()


def test_gradients_through_batches() -> None:
    x = torch.randn(4, 3, dtype=torch.float64)
    w = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        circuit = apply("sigmoid", E("bi,ih->bh", rc.Array(x, "x"), rc.Array(weights, "w")))
        return rc.evaluate_batched(circuit, 0, 2)

    assert torch.autograd.gradcheck(loss, (w,))


# --- grouped products


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4), rows=st.integers(1, 5), flipped=st.booleans())
def test_products_of_one_operand_are_grouped(sizes: list[int], rows: int, flipped: bool) -> None:
    x = array(2, rows, 7, name="x")
    weights = [array(size, 3, 7, name=f"w{i}") for i, size in enumerate(sizes)]
    text = "hkd,bsd->bhsk" if flipped else "bsd,hkd->bhsk"
    products = [E(text, w, x) if flipped else E(text, x, w) for w in weights]
    outputs = [apply("sigmoid", product) for product in products]
    schedule = rc.circuit_to_schedule_many(outputs)
    stats = schedule.get_stats()
    assert (stats.grouped_matmuls, stats.grouped_matmul_nodes) == (1, len(sizes))
    for got, circuit in zip(schedule.evaluate_many(), outputs, strict=True):
        assert_agrees(got, unfused(circuit))
    replaced = schedule.replace_tensors({weights[0].hash: torch.zeros(weights[0].shape)})
    assert (replaced.evaluate_many()[0] == 0.5).all()
    assert_agrees(schedule.evaluate_many()[0], unfused(outputs[0]))
    schedule.validate(True)


def test_products_that_depend_on_each_other_are_not_grouped() -> None:
    w = array(3, 3, name="w")
    x = array(2, 3, name="x")
    first = E("ai,ij->aj", x, w)
    second = E("ai,ij->aj", apply("sigmoid", first), w)
    schedule = rc.circuit_to_schedule(second)
    assert schedule.get_stats().grouped_matmuls == 0
    assert_agrees(schedule.evaluate(), unfused(second))


def test_grouping_keeps_to_the_limit() -> None:
    x = array(64, 8, name="x")
    total = rc.Add(*(E("ab->", apply("sin", E("ai,ib->ab", x, array(8, 100, name=f"w{i}")))) for i in range(4)))
    free = rc.circuit_to_schedule(total)
    assert free.get_stats().grouped_matmuls == 1
    tight = rc.circuit_to_schedule(total, rc.OptimizationSettings(max_memory=free.get_stats().max_mem_bytes))
    assert tight.get_stats().grouped_matmuls == 0
    assert_agrees(tight.evaluate(), free.evaluate(), scale=6400)
    naive = [rc.OptimizationSettings(scheduling_naive=True, max_memory=limit) for limit in (10**9, 1000)]
    assert [rc.optimize_to_schedule(total, each).get_stats().grouped_matmuls for each in naive] == [1, 0]


def test_reasons_are_given_once() -> None:
    """Also where the compiler looks at a circuit with streams and again without."""
    wide = array(2, 3, 3, dtype=torch.float64, name="wide")
    refused = E("bij,bjf->bif", apply("softmax", E("bic,bjc->bij", wide, wide)), wide)
    big, small = array(8000, name="big", dtype=torch.float64), array(4000, name="small", dtype=torch.float64)
    shared = apply("cos", small)
    first = rc.Add(E("i->", apply("sin", big)), E("i->", shared)).unsqueeze([0])
    second = E("i->", apply("exp", shared)).unsqueeze([0])
    circuit = rc.Add(rc.Concat(first, second, axis=0), E("bif->b", refused))
    stats = rc.circuit_to_schedule(circuit).get_stats()
    assert stats.num_chunks == 0, "streaming would hold the shared node beside the large one"
    assert stats.not_fused and len(stats.not_fused) == len(set(stats.not_fused))


def test_budgets_of_long_axes_are_found_without_all_pieces() -> None:
    """The search for a batch size looks at two pieces, however many there would be."""
    long = rc.Scalar(0.5, (2**40,), "long")
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.evaluate_batched(apply("sin", long), settings=rc.OptimizationSettings(max_memory=2**20))
