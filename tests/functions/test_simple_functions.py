"""Simple functions and pow: values, shapes, dtypes, batching (spec 04, sections 5 to 7)."""

from __future__ import annotations

import math
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
import torch
from function_values import array, randn, value
from hypothesis import given

import pycircuit as rc

# name -> (k, r, definition, integers keep their dtype)
TABLE: dict[str, tuple[int, int, Callable[[torch.Tensor], torch.Tensor], bool]] = {
    "sin": (0, 0, torch.sin, False),
    "cos": (0, 0, torch.cos, False),
    "sigmoid": (0, 0, lambda x: 1 / (1 + torch.exp(-x)), False),
    "tanh": (0, 0, torch.tanh, False),
    "rsqrt": (0, 0, lambda x: 1 / torch.sqrt(x), False),
    "gelu": (0, 0, lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2, False),
    "gelu_new": (0, 0, lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), False),
    "relu": (0, 0, lambda x: torch.where(x > 0, x, torch.zeros_like(x)), True),
    "step": (0, 0, lambda x: (x > 0).to(x.dtype), True),
    "reciprocal": (0, 0, lambda x: 1 / x, False),
    "log_exp_p_1": (0, 0, lambda x: torch.where(x < 0, torch.log1p(torch.exp(x)), x + torch.log1p(torch.exp(-x))), False),
    "gaussian_pdf": (0, 0, lambda x: torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), False),
    "gaussian_cdf": (0, 0, lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2, False),
    "softmax": (1, 0, lambda x: torch.exp(x) / torch.exp(x).sum(-1, keepdim=True), False),
    "log_softmax": (1, 0, lambda x: x - torch.log(torch.exp(x).sum(-1, keepdim=True)), False),
    "min": (0, 1, lambda x: x.min(-1).values, True),
    "max": (0, 1, lambda x: x.max(-1).values, True),
    "last_dim_size": (0, 1, lambda x: torch.full(x.shape[:-1], x.shape[-1]).to(x.dtype), True),
    "abs": (0, 0, lambda x: torch.where(x < 0, -x, x), True),
    "exp": (0, 0, torch.exp, False),
    "log": (0, 0, torch.log, False),
    "logit": (0, 0, lambda x: torch.log(x / (1 - x)), False),
}
NAMES = list(TABLE)
POSITIVE = {"rsqrt", "log", "logit"}


def sample(name: str, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) if name in POSITIVE else randn(*shape)


@pytest.mark.parametrize("name", NAMES)
def test_definition(name: str) -> None:
    k, r, definition, _ = TABLE[name]
    x = sample(name, 4, 5, 3)
    node = getattr(rc, name)(array(x, "x"))
    assert node == rc.GeneralFunction.new_by_name(array(x, "x"), spec_name=name)
    assert node.name == f"{name}(x)"
    assert (node.num_non_batchable_output_dims, node.input_batchability) == (k, [True])
    assert node.shape == tuple(x.shape[: 3 - r])
    torch.testing.assert_close(value(node), definition(x), rtol=1e-12, atol=1e-14)
    batch = [i for i in range(3 - r - k)]
    assert node.child_axis_map() == [[i if i in batch else None for i in range(3)]]


@pytest.mark.parametrize("name", NAMES)
def test_tester_accepts(name: str) -> None:
    tester = rc.GeneralFunctionSpecTester(start_shape_num=1, base_shapes_samples=20, end_ndim=5, end_shape_num=5)
    tester.test_many_shapes(getattr(rc, name)(array(sample(name, 2, 2))).spec)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_float_dtypes_are_kept_and_rounded_once(name: str, dtype: torch.dtype) -> None:
    x = sample(name, 30, 7).to(dtype)
    result = value(getattr(rc, name)(array(x)))
    assert result.dtype == dtype
    expected = value(getattr(rc, name)(array(x.double())))
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(result.double(), expected, rtol=4 * eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("name", NAMES)
def test_integers(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
    node = getattr(rc, name)(array(x))
    if dtype == torch.bool and name in ("relu", "abs"):
        with pytest.raises(RuntimeError, match="bool"):
            rc.evaluate(node)
        return
    keeps = TABLE[name][3]
    assert node.torch_dtype == (dtype if keeps else torch.float32)
    expected = value(getattr(rc, name)(array(x.float()))).to(node.torch_dtype)
    torch.testing.assert_close(value(node), expected, equal_nan=True)


def test_special_values() -> None:
    inf, nan = math.inf, math.nan
    cases = {
        "rsqrt": ([0.0, -1.0], [inf, nan]),
        "log": ([0.0, -1.0], [-inf, nan]),
        "logit": ([0.0, 1.0, -0.5, 1.5], [-inf, inf, nan, nan]),
        "step": ([0.0, nan, -1.0, 2.0], [0.0, 0.0, 0.0, 1.0]),
        "log_exp_p_1": ([1000.0, -1000.0], [1000.0, 0.0]),
        "gaussian_cdf": ([nan, -inf, inf], [nan, 0.0, 1.0]),
        "min": ([[1.0, nan]], [nan]),
        "max": ([[1.0, nan]], [nan]),
    }
    for name, (given_values, expected) in cases.items():
        result = value(getattr(rc, name)(array(torch.tensor(given_values, dtype=torch.float64))))
        torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64), equal_nan=True)


@pytest.mark.parametrize("name", ["min", "max"])
def test_empty_rows(name: str) -> None:
    with pytest.raises(IndexError):
        rc.evaluate(getattr(rc, name)(array(torch.zeros(2, 0))))


def test_shape_errors() -> None:
    with pytest.raises(rc.GeneralFunctionShapeNDimTooSmallError) as caught:
        rc.softmax(array(torch.zeros(())))
    assert caught.value.args[0].items() == {"ndim": 0, "num_non_batchable_output_dims": 1, "removed_from_end": 0}
    with pytest.raises(rc.GeneralFunctionShapeWrongNumShapesError) as caught:
        rc.GeneralFunction.new_by_name(spec_name="sin")
    assert caught.value.args[0].items() == {"got": 0, "expected": 1}


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.float16])
def test_last_dim_size_in_the_childs_dtype(dtype: torch.dtype) -> None:
    assert value(rc.last_dim_size(array(torch.zeros(2, 300).to(dtype)))).tolist() == torch.tensor([300, 300]).to(dtype).tolist()


def test_scalars_are_float64() -> None:
    node = rc.sigmoid(rc.Scalar(0.0, (2,)))
    assert node.dtype is None
    assert value(node).dtype == torch.float64


def test_gradients_flow() -> None:
    for name in NAMES:
        if name in ("step", "last_dim_size"):
            continue
        x = sample(name, 3, 4).requires_grad_()
        y = sample(name, 3, 4).requires_grad_()
        (ours,) = torch.autograd.grad(rc.evaluate(getattr(rc, name)(array(x))).sum(), x)
        (expected,) = torch.autograd.grad(TABLE[name][2](y).sum(), y)
        torch.testing.assert_close(ours, expected)


# --- pow


def test_pow() -> None:
    base, exponent = randn(4, 3).abs(), randn(3, seed=1)
    node = rc.pow(array(base, "x"), array(exponent, "y"))
    assert node.name == "pow(x, y)"
    assert (node.num_non_batchable_output_dims, node.input_batchability) == (1, [True, False])
    torch.testing.assert_close(value(node), base**exponent)
    special = value(rc.pow(array(torch.tensor([-8.0, 0.0])), array(torch.tensor([1 / 3, 0.0]))))
    torch.testing.assert_close(special, torch.tensor([math.nan, 1.0]), equal_nan=True)
    assert value(rc.pow(array(torch.tensor([2.0])), rc.Scalar(3.0, (1,)))).dtype == torch.float32
    assert value(rc.pow(array(torch.tensor([2, 3])), array(torch.tensor([3, 2])))).tolist() == [8, 9]
    with pytest.raises(RuntimeError):
        rc.evaluate(rc.pow(array(torch.tensor([2])), array(torch.tensor([-1]))))
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.pow(array(torch.zeros(2)), array(torch.zeros(3)))


# --- shape helpers


@pytest.mark.parametrize(
    ("shapes", "shape", "count", "flags"),
    [
        ([(5, 4, 3), (5, 4, 3)], (5, 4, 3), 0, [True, True]),
        ([(5, 4, 3), (5, 1, 3)], (5, 4, 3), 2, [True, True]),
        ([(5, 4, 3), (3,)], (5, 4, 3), 1, [True, False]),
        ([(5, 4, 3), ()], (5, 4, 3), 0, [True, False]),
        ([], (), 0, []),
    ],
)
def test_shape_info_broadcast(shapes: list[tuple[int, ...]], shape: tuple[int, ...], count: int, flags: list[bool]) -> None:
    info = rc.get_shape_info_broadcast(shapes)
    assert (info.shape, info.num_non_batchable_output_dims, info.input_batchability) == (shape, count, flags)


def test_shape_info_without_special_ones() -> None:
    assert rc.get_shape_info_broadcast([(5, 4), (4,)], special_case_ones=False).shape == (5, 4)
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.get_shape_info_broadcast([(5, 4), (5, 1)], special_case_ones=False)


def test_shape_info_simple() -> None:
    info = rc.get_shape_info_simple([[2, 3, 4]], 1, removed_from_end=1)
    assert (info.shape, info.num_non_batchable_output_dims, info.input_batchability) == ((2, 3), 1, [True])
    info.num_non_batchable_output_dims = 2
    info.shape = [7]
    info.input_batchability = [False]
    assert (info.shape, info.num_non_batchable_output_dims, info.input_batchability) == ((7,), 2, [False])
    with pytest.raises(TypeError):
        rc.GeneralFunctionShapeInfo((1,), 0, [1])
    with pytest.raises(OverflowError):
        rc.GeneralFunctionShapeInfo((1,), 256, [])
    with pytest.raises(OverflowError):
        rc.GeneralFunctionShapeInfo((-1,), 0, [])


@given(st.lists(st.lists(st.sampled_from([1, 2, 3]), max_size=4), min_size=1, max_size=3))
def test_broadcast_info_is_sound(shapes: list[list[int]]) -> None:
    """Indexing the batchable inputs on a batch axis is indexing the output."""
    try:
        info = rc.get_shape_info_broadcast(shapes)
    except rc.MiscInputNotBroadcastableError:
        return
    inputs = [randn(*shape, seed=i) for i, shape in enumerate(shapes)]
    whole = sum(inputs)
    assert info.shape == tuple(whole.shape)
    if len(info.shape) > info.num_non_batchable_output_dims and any(info.input_batchability):
        rows = sum(x[-1] if flag else x for x, flag in zip(inputs, info.input_batchability, strict=True))
        assert torch.equal(whole[-1], rows)


# --- dtypes of tensors


def test_upcast() -> None:
    f64, f32, i64 = torch.zeros(1, dtype=torch.float64), torch.zeros(1), torch.zeros(1, dtype=torch.int64)
    assert rc.upcast_tensor_device_dtypes([]) == []
    results = rc.upcast_tensor_device_dtypes([f64, f32, f64])
    assert [x.dtype for x in results] == [torch.float32] * 3
    assert results[1] is f32
    assert [x.dtype for x in rc.upcast_tensor_device_dtypes([f64, i64])] == [torch.int64] * 2
    assert [x.dtype for x in rc.upcast_tensor_device_dtypes([i64, f64, f32])] == [torch.float32] * 3
    same = rc.upcast_tensor_device_dtypes([f64, f64])
    assert same[0] is f64
    assert [x.dtype for x in rc.upcast_tensor_devices([f64, i64])] == [torch.float64, torch.int64]


def test_device_dtype_errors() -> None:
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError):
        rc.pow(array(torch.zeros(1)), array(torch.zeros(1, dtype=torch.float64)))
    assert rc.pow(array(torch.zeros(1)), array(torch.zeros(1, dtype=torch.int64))).dtype == "float32"
