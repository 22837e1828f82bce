"""Trees of elementwise nodes in one pass: spec 12, section 5."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.fusing import (
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

SMOOTH = ("sigmoid", "tanh", "relu", "gelu", "gelu_new", "sin", "cos", "log_exp_p_1", "gaussian_pdf", "gaussian_cdf", "abs", "exp")
FUSED_DTYPES = st.sampled_from([torch.float32, torch.float32, torch.float16, torch.bfloat16])


class Trees:
    """Random trees over arrays of one shape, of broadcast shapes, and of results of functions that are not elementwise."""

    def __init__(self, draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        self.draw, self.shape, self.dtype = draw, shape, dtype
        self.pool = [self.leaf(shape), self.leaf(shape)]

    def leaf(self, shape: tuple[int, ...]) -> rc.Circuit:
        return tensor(self.draw(st.integers(0, 20)), *shape, dtype=self.dtype)

    def pick(self) -> rc.Circuit:
        return self.pool[-1 - self.draw(st.integers(0, min(len(self.pool) - 1, 3)))]

    def broadcast(self) -> rc.Circuit:
        cut = self.shape[self.draw(st.integers(0, len(self.shape))) :]
        return self.leaf(tuple(1 if size and self.draw(st.booleans()) else size for size in cut))

    def step(self) -> rc.Circuit:
        kind = self.draw(st.integers(0, 6))
        node, p = self.pick(), letters(len(self.shape))
        if kind == 0:
            return function(self.draw(st.sampled_from(SMOOTH)), function("sin", node))
        if kind == 1:
            others = [self.pick(), self.broadcast(), rc.Scalar(0.5)]
            return rc.Add(*self.draw(st.permutations([node, *others[: self.draw(st.integers(1, 3))]])))
        if kind == 2:
            return einsum(f"{p},->{p}", node, rc.Scalar(self.draw(st.sampled_from([-1.0, 0.25]))))
        if kind == 3:
            kept = "".join(letter for letter in p if self.draw(st.booleans()))
            other = self.leaf(tuple(size for letter, size in zip(p, self.shape, strict=True) if letter in kept))
            return einsum(f"{p},{kept},{p}->{p}", function("sin", node), other, function("cos", self.pick()))
        if kind == 4:
            order = self.draw(st.permutations(range(len(self.shape))))
            there = rc.Rearrange(node, rc.RearrangeSpec.new_permute(list(order)))
            back = [order.index(axis) for axis in range(len(self.shape))]
            return rc.Rearrange(function("tanh", there), rc.RearrangeSpec.new_permute(back))
        if kind == 5:
            return rc.GeneralFunction.new_by_name(function("sigmoid", node), self.broadcast(), spec_name="pow")
        return function("softmax", node) if self.shape else function("sin", node)


@st.composite
def trees(draw: st.DrawFn) -> rc.Circuit:
    builder = Trees(draw, draw_shape(draw, min_size=draw(st.integers(0, 1))), draw(FUSED_DTYPES))
    for _ in range(draw(st.integers(2, 7))):
        builder.pool.append(builder.step())
    root = builder.pool[-1]
    return rc.Add(root, builder.pick(), name="root") if draw(st.booleans()) else root


@given(trees())
def test_trees(circuit: rc.Circuit) -> None:
    check_values(circuit, scale=8.0)
    check_values(rc.optimize_circuit(circuit), scale=8.0)


def test_chains_are_fused() -> None:
    x, b = tensor(0, 3, 4), tensor(1, 4)
    check_fused(function("gelu", rc.Add(x, b)), "elementwise", at_least=1)
    check_fused(einsum("pq,p->pq", function("sin", rc.Add(x, rc.Scalar(1.0))), tensor(2, 3)), "elementwise", at_least=2)
    swapped = rc.Rearrange(function("sin", x), rc.RearrangeSpec.from_string("a b -> b () a"))
    check_fused(rc.Add(swapped, tensor(2, 4, 1, 1), tensor(3, 2 - 1, 3)), "elementwise", at_least=2)


def test_sums_keep_their_order() -> None:
    big, one, minus = (rc.Array(torch.tensor([value])) for value in (1e8, 1.0, -1e8))
    for nodes, value in (((big, one, minus), 0.0), ((big, minus, one), 1.0)):
        assert rc.Add(*nodes).evaluate().tolist() == [value]
        assert rc.Add(rc.Add(*nodes[:2]), nodes[2]).evaluate().tolist() == [value]
        assert function("abs", rc.Add(*nodes)).evaluate().tolist() == [value]


def test_arrays_are_not_written() -> None:
    x, b = tensor(0, 50), tensor(1, 50)
    before = x.value.clone(), b.value.clone()
    for circuit in (function("gelu", rc.Add(x, b)), rc.Add(x, b, x), rc.Add(function("sin", x), x, b)):
        first = circuit.evaluate().clone()
        assert torch.equal(first, circuit.evaluate())
    assert torch.equal(x.value, before[0]) and torch.equal(b.value, before[1])


def test_a_value_that_dies_read_in_two_layouts() -> None:
    s = function("softmax", tensor(0, 4, 4))
    transposed = rc.Rearrange(s, rc.RearrangeSpec.new_permute([1, 0]))
    check_values(function("sin", rc.Add(s, transposed)))
    check_values(rc.Add(s, transposed, s))


class FromNumpy(rc.GeneralFunctionSpecBase):
    """Returns memory that it still holds."""

    name = "from_numpy"

    def __init__(self) -> None:
        self.memory = torch.randn(4).numpy()

    def compute_hash_bytes(self) -> bytes:
        return b"from numpy"

    def function(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.memory)

    def get_shape_info(self, *shapes: tuple[int, ...]) -> rc.GeneralFunctionShapeInfo:
        return rc.GeneralFunctionShapeInfo(shapes[0], 0, [True])


def test_memory_of_user_functions_is_not_written() -> None:
    spec = FromNumpy()
    before = spec.memory.copy()
    node = rc.GeneralFunction(tensor(0, 4), spec=spec)
    for circuit in (function("sin", rc.Add(node, rc.Scalar(1.0))), rc.Add(node, tensor(1, 4)), rc.Add(node, tensor(1, 4), tensor(2, 4))):
        torch.testing.assert_close(circuit.evaluate(), plain(circuit))
    assert (spec.memory == before).all()


def test_used_elsewhere_and_small_inner_nodes() -> None:
    x, b = tensor(0, 3, 4), tensor(1, 4)
    inner = rc.Add(x, b)
    both = rc.Concat(function("gelu", inner), inner, axis=0)
    check_not_fused(both, "elementwise")
    small = function("gelu", b)
    circuit = function("sin", rc.Add(x, small))
    check_fused(circuit, "elementwise")
    assert fused_nodes(circuit) == 1  # the small one is computed once, not once per row


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.bool, torch.float64])
def test_other_dtypes_run_as_written(dtype: torch.dtype) -> None:
    x = rc.Array(torch.tensor([1, 0, 1]).to(dtype), "x")
    circuit = rc.Add(einsum("a,a->a", x, x), x)
    assert fused_nodes(circuit) == 0 and torch.equal(circuit.evaluate(), plain(circuit))


def test_mixed_dtypes() -> None:
    x, n = tensor(0, 3), rc.Array(torch.tensor([1, 2, 3]))
    check_values(function("sin", rc.Add(x, n)))
    symbol = rc.Symbol.new_with_random_uuid((3,), "s")
    circuit = function("sin", rc.Add(function("cos", symbol), rc.Scalar(0.5)))
    schedule = rc.circuit_to_schedule(circuit)
    for dtype in (torch.float32, torch.float64, torch.int64, torch.bfloat16):
        value = torch.tensor([1, 2, 3]).to(dtype)
        got = schedule.replace_tensors({symbol.hash: value}).evaluate()
        bound = rc.replace_expand_bottom_up(circuit, lambda node, value=value: rc.Array(value) if node.is_symbol() else None)
        expected = plain(bound)
        assert got.dtype == expected.dtype
        torch.testing.assert_close(got, expected)


def test_long_chains() -> None:
    node: rc.Circuit = tensor(0, 5)
    for _ in range(500):
        node = function("sin", rc.Add(node, rc.Scalar(0.5)))
    check_fused(node, "elementwise", at_least=900)


def test_infinities_and_nan() -> None:
    values = torch.tensor([-torch.inf, -1.0, 0.0, 1.0, torch.inf, torch.nan])
    for name in (*SMOOTH, "rsqrt", "reciprocal", "log", "logit", "step"):
        # torch's gelu of an infinity is NaN or not, depending on the position in the tensor.
        x = rc.Array(values[values.abs() != torch.inf] if name in ("gelu", "gelu_new") else values)
        check_values(rc.Add(function(name, x), rc.Scalar(0.5)))
