"""evaluate and check_evaluable, the value of each class, sharing and memory: spec 12, sections 1 to 4 and 11."""

from __future__ import annotations

import gc
import threading
import uuid

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

import pycircuit as rc
from tests.evaluate.circuits import Counting, apply, array, assert_agrees

SYMBOL = rc.Symbol((2,), uuid.UUID(int=1), "sym")
VAR = rc.DiscreteVar(rc.Array(torch.ones(3, 2)), rc.Tag(rc.Scalar(1 / 3, (3,)), uuid.UUID(int=2)), "var")


# --- section 1
@pytest.mark.parametrize(
    ("circuit", "blocking"),
    [
        (SYMBOL, "sym"),
        (rc.Add(SYMBOL, rc.Scalar(1.0)), "sym"),
        (rc.SetSymbolicShape(SYMBOL, (2,), "set"), "sym"),
        (VAR, "var"),
        (rc.Cumulant(VAR), "var"),
    ],
)
def test_not_computable(circuit: rc.Circuit, blocking: str) -> None:
    for call in (rc.evaluate, rc.check_evaluable, lambda c: c.evaluate()):
        with pytest.raises(rc.TensorEvalNotExplicitlyComputableError, match=blocking) as error:
            call(circuit)
        assert error.value.args[0].circuit == circuit


def test_leaves_are_their_tensors() -> None:
    tensor = torch.randn(3)
    assert rc.Array(tensor).evaluate() is tensor
    assert rc.Tag(rc.Array(tensor, "a"), uuid.UUID(int=1)).evaluate() is tensor
    scalar = rc.Scalar(2.5, (2, 3)).evaluate()
    assert scalar.dtype == torch.float64 and scalar.stride() == (0, 0) and scalar[1, 2] == 2.5


def test_gradients_flow() -> None:
    tensor = torch.randn(3, requires_grad=True)
    rc.Einsum.from_einsum_string("a,a->", rc.Array(tensor), rc.Array(tensor)).evaluate().backward()
    assert torch.equal(tensor.grad, 2 * tensor.detach())


def test_adds_keep_their_order() -> None:
    big, one = rc.Array(torch.tensor([1e8])), rc.Array(torch.tensor([1.0]))
    minus = rc.Array(torch.tensor([-1e8]))
    assert rc.Add(big, one, minus).evaluate().tolist() == [0]
    assert rc.Add(big, minus, one).evaluate().tolist() == [1]
    assert rc.Add().evaluate() == torch.tensor(0.0, dtype=torch.float64)


class Mine(Exception):
    pass


def test_exceptions_of_user_functions() -> None:
    raised = Mine("x")

    def fail(tensor: torch.Tensor) -> torch.Tensor:
        raise raised

    node = rc.Add(Counting(fail)(array(3)), rc.Scalar(1.0))
    schedule = rc.circuit_to_schedule(node)
    for call in (node.evaluate, schedule.evaluate, lambda: rc.scheduled_evaluate(node), lambda: rc.optimize_and_evaluate(node)):
        with pytest.raises(Mine) as error:
            call()
        assert error.value is raised


def test_wrong_results_of_user_functions() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        Counting(lambda t: torch.zeros(4))(array(3)).evaluate()
    with pytest.raises(rc.TensorEvalDeviceDtypeErrorError) as error:
        Counting(lambda t: t.double())(array(3)).evaluate()
    assert "float64" in str(error.value)
    with pytest.raises(TypeError):
        Counting(lambda t: 3)(array(3)).evaluate()


# --- section 2
X = rc.Array(torch.arange(6.0).reshape(2, 3), "x")


def test_values_of_classes() -> None:
    x = X.value
    assert torch.equal(rc.Einsum.from_einsum_string("ab,ab->a", X, X).evaluate(), (x * x).sum(1))
    assert torch.equal(rc.Einsum((X, (0, 1)), out_axes=(0, 0, 1)).evaluate()[1, 1], x[1])
    assert rc.Einsum(out_axes=()).evaluate().item() == 1.0
    assert torch.equal(rc.Rearrange.from_string(X, "a b -> b a").evaluate(), x.T)
    index = torch.tensor([2, -1])
    rows = torch.tensor([1, 0, 1])
    assert torch.equal(rc.Index(X, (rows, index)).evaluate(), x[rows][:, index])
    assert torch.equal(rc.Index(X, (-1, slice(1, 3))).evaluate(), x[-1, 1:3])
    assert torch.equal(rc.Concat(X, X, axis=1).evaluate(), torch.cat([x, x], 1))
    scattered = rc.Scatter(X, (slice(1, 3), slice(0, 3)), (4, 3)).evaluate()
    assert torch.equal(scattered, torch.cat([torch.zeros(1, 3), x, torch.zeros(1, 3)]))
    assert torch.equal(rc.Cumulant(X).evaluate(), x) and rc.Cumulant().evaluate().item() == 1.0
    zeros = rc.Cumulant(X, X).evaluate()
    assert zeros.dtype == torch.float32 and zeros.shape == (2, 3, 2, 3) and not zeros.any()
    symbol = rc.Symbol((2, 3), uuid.UUID(int=3), "s")
    module = rc.Module.new_flat(rc.ModuleSpec(rc.Add(symbol, symbol), [rc.ModuleArgSpec(symbol)]), X)
    assert torch.equal(module.evaluate(), 2 * x)
    assert rc.Rearrange.from_string(X, "a b -> b a").evaluate().data_ptr() == x.data_ptr()


def test_empty_axes() -> None:
    empty = rc.Array(torch.zeros(0, 3))
    assert rc.Einsum.from_einsum_string("ab->b", empty).evaluate().tolist() == [0, 0, 0]
    assert rc.Add(empty, rc.Scalar(1.0)).evaluate().shape == (0, 3)
    assert rc.Concat(empty, X, axis=0).evaluate().shape == (2, 3)


def test_integers_and_bools() -> None:
    def ints(values: list[int], dtype: torch.dtype = torch.int64) -> rc.Array:
        return rc.Array(torch.tensor(values, dtype=dtype))

    total = ints([100, 100], torch.int8).sum().evaluate()
    assert total.dtype == torch.int8 and total.item() == -56
    product = rc.Einsum.from_einsum_string("a,a->", ints([200, 100], torch.uint8), ints([2, 2], torch.uint8)).evaluate()
    assert product.dtype == torch.uint8 and product.item() == 88
    either = ints([1, 1], torch.bool).sum().evaluate()
    assert either.dtype == torch.bool and either.item() is True
    both = rc.Einsum.from_einsum_string("a,a->a", ints([1, 0], torch.bool), ints([1, 1], torch.bool)).evaluate()
    assert both.tolist() == [True, False]
    assert rc.Add(ints([1, 2]), rc.Scalar(0.5)).evaluate().tolist() == [1, 2]
    assert rc.Einsum.from_einsum_string("a,->a", ints([1, 2]), rc.Scalar(0.5)).evaluate().tolist() == [0, 0]
    assert rc.Add(ints([0, 1], torch.bool), rc.Scalar(0.25)).evaluate().tolist() == [True, True]


def test_half_sums_are_accumulated_in_float32() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        values = torch.full((4096,), 1.0, dtype=dtype)
        assert rc.Array(values).sum().evaluate().item() == 4096


# --- sections 3 and 4
def test_distinct_nodes_are_computed_once() -> None:
    x = array(3, name="x")
    for evaluate in (rc.evaluate, rc.scheduled_evaluate, rc.optimize_and_evaluate):
        f = Counting()
        shared = rc.Add(f(x), rc.Einsum.from_einsum_string("a,a->a", f(x), f(x)), f(x))
        expected = 2 * torch.sin(x.value) + torch.sin(x.value) ** 2
        torch.testing.assert_close(evaluate(shared), expected)
        assert f.calls == 1
        g = Counting()
        evaluate(rc.Add(g(x), g(x).rename("o")))
        assert g.calls == (1 if evaluate is rc.optimize_and_evaluate else 2)
    h = Counting()
    rc.optimize_and_evaluate(rc.Add(h(x), h(x).rename("o")), rc.OptimizationSettings(keep_all_names=True))
    assert h.calls == 2


def test_lists_share_their_nodes() -> None:
    x = array(3, name="x")
    for evaluate in (rc.optimize_and_evaluate_many, lambda cs: rc.circuit_to_schedule_many(cs).evaluate_many()):
        f = Counting()
        results = evaluate([rc.Index(f(x), (0,)), f(x), rc.Add(f(x), rc.Scalar(1.0)), f(x)])
        assert f.calls == 1
        torch.testing.assert_close(results[0], torch.sin(x.value)[0])
        torch.testing.assert_close(results[2], torch.sin(x.value) + 1)


class Alive:
    """Tensors made by user functions and not yet freed."""

    def __init__(self) -> None:
        self.storages: list[StorageWeakRef] = []
        self.most = 0
        self.count = 0

    def now(self) -> int:
        return sum(not storage.expired() for storage in self.storages)

    def make(self, tensor: torch.Tensor) -> torch.Tensor:
        self.count += 1
        result = tensor + 1
        self.storages.append(StorageWeakRef(result.untyped_storage()))
        self.most = max(self.most, self.now())
        return result


def chain_of(alive: Alive, length: int) -> rc.Circuit:
    node: rc.Circuit = array(5, name="x")
    for i in range(length):
        node = Counting(alive.make, f"f{i}")(node)
    return node


def test_values_are_dropped_after_their_last_use() -> None:
    for evaluate in (rc.evaluate, rc.scheduled_evaluate, rc.optimize_and_evaluate):
        alive = Alive()
        result = evaluate(chain_of(alive, 20))
        assert alive.count == 20 and alive.most <= 2
        gc.collect()
        assert alive.now() == 1
        del result


def test_nothing_stays_alive_after_an_exception() -> None:
    def fail(tensor: torch.Tensor) -> torch.Tensor:
        raise Mine

    for evaluate in (rc.evaluate, rc.scheduled_evaluate, rc.optimize_and_evaluate):
        alive = Alive()
        node = rc.Add(chain_of(alive, 3), Counting(fail)(chain_of(alive, 4)))
        for _ in range(2):
            with pytest.raises(Mine):
                evaluate(node)
        gc.collect()
        assert alive.now() == 0


# --- section 11
def test_concurrent_evaluations_agree() -> None:
    circuits = [
        rc.Einsum.from_einsum_string("ab,bc->ac", apply("gelu", array(40, 30, seed=i)), array(30, 20, seed=i + 100)) for i in range(8)
    ]
    expected = [circuit.evaluate() for circuit in circuits]
    results: dict[int, torch.Tensor] = {}

    def work(i: int) -> None:
        for _ in range(5):
            results[i] = rc.optimize_and_evaluate(circuits[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, value in enumerate(expected):
        assert_agrees(results[i], value)


def test_deep_chains() -> None:
    node: rc.Circuit = rc.Array(torch.ones(2))
    for _ in range(100_000):
        node = rc.Add(node, rc.Scalar(1.0))
    assert node.evaluate().tolist() == [100_001, 100_001]
    assert rc.scheduled_evaluate(node).tolist() == [100_001, 100_001]


def test_wrong_arguments() -> None:
    for call in (rc.evaluate, rc.check_evaluable, rc.scheduled_evaluate, rc.optimize_and_evaluate, rc.circuit_to_schedule):
        for argument in (None, 3, torch.zeros(2)):
            with pytest.raises(TypeError):
                call(argument)


def test_lazily_negated_tensors_are_their_values() -> None:
    lazy = torch.randn(4, 5, dtype=torch.complex64).conj().imag
    assert lazy.is_neg()
    x = rc.Array(lazy)
    circuit = rc.Add(rc.GeneralFunction.new_by_name(x, spec_name="exp"), x)
    expected = lazy.resolve_neg().exp() + lazy.resolve_neg()
    for value in (circuit.evaluate(), rc.optimize_and_evaluate(circuit), rc.evaluate_batched(circuit, 0, 2)):
        torch.testing.assert_close(value, expected)
