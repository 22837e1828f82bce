"""gen_index, explicit_index, casts and multinomial (spec 04, sections 8 to 10)."""

from __future__ import annotations

import itertools
import math

import hypothesis.strategies as st
import pytest
import torch
from function_values import array, randn, value
from hypothesis import given

import pycircuit as rc

gen_index = rc.GeneralFunction.gen_index
explicit_index = rc.GeneralFunction.explicit_index

sizes = st.lists(st.integers(1, 3), max_size=3)


def positions(shape: list[int], bound: int, draw: st.DataObject, negative: bool = False) -> torch.Tensor:
    low = -bound if negative else 0
    count = math.prod(shape)
    return torch.tensor(draw.draw(st.lists(st.integers(low, bound - 1), min_size=count, max_size=count)), dtype=torch.int64).reshape(shape)


def loop_a(x: torch.Tensor, index: torch.Tensor, d: int) -> torch.Tensor:
    out = torch.empty((*index.shape, *x.shape[:d], *x.shape[d + 1 :]), dtype=x.dtype)
    for at in itertools.product(*map(range, index.shape)):
        out[at] = x.select(d, int(index[at]))
    return out


def loop_b(x: torch.Tensor, index: torch.Tensor, d: int) -> torch.Tensor:
    m = index.dim()
    rest = [size for i, size in enumerate(x.shape[m:]) if i != d]
    out = torch.empty((*index.shape, *rest), dtype=x.dtype)
    for at in itertools.product(*map(range, index.shape)):
        out[at] = x[at].select(d, int(index[at]))
    return out


def loop_c(x: torch.Tensor, index: torch.Tensor, d: int) -> torch.Tensor:
    out = torch.empty((*x.shape[:d], *index.shape, *x.shape[d + 1 :]), dtype=x.dtype)
    for pre in itertools.product(*map(range, x.shape[:d])):
        for at in itertools.product(*map(range, index.shape)):
            out[(*pre, *at)] = x[pre][int(index[at])]
    return out


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), sizes, st.data())
def test_shared_x(x_shape: list[int], index_shape: list[int], data: st.DataObject) -> None:
    """Modes A, C and D against loops."""
    x, n = randn(*x_shape), len(x_shape)
    d = data.draw(st.integers(-n, n - 1))
    index = positions(index_shape, x_shape[d], data)
    a = gen_index(array(x), array(index), d)
    assert torch.equal(value(a), loop_a(x, index, d % n))
    assert (a.num_non_batchable_output_dims, a.input_batchability) == (n - 1, [False, True])
    d_mode = gen_index(array(x), array(index), d, batch_index=False)
    assert torch.equal(value(d_mode), loop_c(x, index, d % n))
    assert (d_mode.num_non_batchable_output_dims, d_mode.input_batchability) == (len(d_mode.shape), [False, False])
    c = gen_index(array(x), array(index), d % n - n, batch_x=True, batch_index=False)
    assert torch.equal(value(c), loop_c(x, index, d % n))
    assert (c.num_non_batchable_output_dims, c.input_batchability) == (len(index_shape) + n - d % n - 1, [True, False])


@given(sizes, st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_paired(batch: list[int], rest: list[int], data: st.DataObject) -> None:
    """Mode B against loops, and explicit_index without axes of the index of its own."""
    x = randn(*batch, *rest)
    d = data.draw(st.integers(-len(rest), len(rest) - 1))
    index = positions(batch, rest[d], data, negative=True)
    node = gen_index(array(x), array(index), d, batch_x=True)
    assert torch.equal(value(node), loop_b(x, index, d % len(rest)))
    assert (node.num_non_batchable_output_dims, node.input_batchability) == (len(rest) - 1, [True, True])
    assert torch.equal(value(explicit_index(array(x), array(index), d, len(rest))), value(node))


@given(sizes, st.lists(st.integers(1, 4), min_size=1, max_size=3), sizes, st.data())
def test_explicit_index(batch: list[int], rest: list[int], own: list[int], data: st.DataObject) -> None:
    x = randn(*batch, *rest)
    d = data.draw(st.integers(-len(rest), len(rest) - 1))
    index = positions(batch + own, rest[d], data, negative=True)
    node = explicit_index(array(x), array(index), d, len(rest))
    expected = torch.empty(node.shape, dtype=x.dtype)
    for at in itertools.product(*map(range, index.shape)):
        expected[at] = x[at[: len(batch)]].select(d % len(rest), int(index[at]))
    assert torch.equal(value(node), expected)
    assert (node.num_non_batchable_output_dims, node.input_batchability) == (len(node.shape) - len(batch), [True, True])
    if batch:  # the batching law
        rows = explicit_index(array(x[-1]), array(index[-1]), d, len(rest))
        assert torch.equal(value(rows), expected[-1])


@pytest.mark.parametrize(
    ("x", "index", "dim", "flags", "shape"),
    [
        ((9, 4), (5,), 0, {}, (5, 4)),
        ((5, 7), (1, 4, 2), 1, {}, (1, 4, 2, 5)),
        ((5, 7), (), 0, {}, (7,)),
        ((2, 3, 9), (2, 3), -1, {"batch_x": True}, (2, 3)),
        ((6, 4, 5, 7), (6, 4), 1, {"batch_x": True}, (6, 4, 5)),
        ((5, 7), (), 0, {"batch_x": True}, (7,)),
        ((2, 9, 4), (3, 2), -2, {"batch_x": True, "batch_index": False}, (2, 3, 2, 4)),
        ((2, 9, 4), (3, 2), 1, {"batch_index": False}, (2, 3, 2, 4)),
    ],
)
def test_shapes_of_gen_index(x: tuple[int, ...], index: tuple[int, ...], dim: int, flags: dict[str, bool], shape: tuple[int, ...]) -> None:
    node = gen_index(array(randn(*x)), array(torch.zeros(index, dtype=torch.int64)), dim, **flags)
    assert node.shape == shape
    value(node)


@pytest.mark.parametrize(
    ("x", "index", "non_batch", "dim", "shape"),
    [((6, 5, 7), (6, 4), 2, 0, (6, 4, 7)), ((6, 5, 7), (6, 4), 2, -1, (6, 4, 5)), ((6, 5), (6,), 1, 0, (6,)), ((5, 7), (3,), 2, 0, (3, 7))],
)
def test_shapes_of_explicit_index(x: tuple[int, ...], index: tuple[int, ...], non_batch: int, dim: int, shape: tuple[int, ...]) -> None:
    assert explicit_index(array(randn(*x)), array(torch.zeros(index, dtype=torch.int64)), dim, non_batch).shape == shape


def test_names() -> None:
    x, i = array(randn(4, 5), "embeds"), array(torch.tensor([1, 2]), "toks")
    assert gen_index(x, i, 0).name == "gen_index_at_0_c(embeds, toks)"
    assert gen_index(x, i, -1, True, False, False).name == "gen_index_at_-1_batch_x_no_batch_index(embeds, toks)"
    assert explicit_index(x, i, 1, 2).name == "explicit_index_at_1_x_non_b_2_c(embeds, toks)"
    assert gen_index(x, i, 0) != gen_index(x, i, -2)


def test_construction_errors() -> None:
    x, i = array(randn(4, 5)), array(torch.tensor([1, 2]))
    with pytest.raises(rc.GeneralFunctionShapeWrongNumShapesError):
        rc.GeneralFunction.new_by_name(x, spec_name="gen_index_at_0_c")
    with pytest.raises(rc.GeneralFunctionShapeIndexShapeInvalidError) as caught:
        gen_index(x, i, 0, batch_x=True)
    assert caught.value.args[0].items() == {"x_shape": (4, 5), "index_shape": (2,), "batch_x": True}
    for dim in (2, -3):
        with pytest.raises(rc.MiscInputItemOutOfBoundsError):
            gen_index(x, i, dim)
    with pytest.raises(rc.MiscInputItemOutOfBoundsError):
        gen_index(array(torch.tensor(1.0)), i, 0)
    with pytest.raises(RuntimeError, match="negative"):
        gen_index(x, i, 0, batch_x=True, batch_index=False)
    with pytest.raises(rc.MiscInputIndexDtypeNotI64Error):
        gen_index(x, array(torch.tensor([1], dtype=torch.int32)), 0)
    with pytest.raises(rc.GeneralFunctionShapeExplicitIndexShapeInvalidError):
        explicit_index(x, i, 0, 1)
    for bad in ((1, 1), (0, 0)):
        with pytest.raises(rc.MiscInputItemOutOfBoundsError):
            explicit_index(x, i, *bad)
    with pytest.raises(OverflowError):
        explicit_index(x, i, 0, -1)


def test_index_values() -> None:
    x = array(torch.arange(12.0).reshape(3, 4))
    with pytest.raises(AssertionError, match="gen_index"):
        rc.evaluate(gen_index(x, rc.Scalar(0.5), 0))
    assert torch.equal(value(gen_index(x, rc.Scalar(1.5), 0, check_index_ints=False)), x.value[1])
    assert torch.equal(value(gen_index(x, rc.Scalar(2.0), 0)), x.value[2])
    for mode in ({}, {"batch_index": False}):
        for bad in (-1, 3):
            with pytest.raises(IndexError, match="out of range"):
                rc.evaluate(gen_index(x, array(torch.tensor([bad])), 0, **mode))
    for bad in (-5, 4):
        with pytest.raises(IndexError, match="out of range"):
            rc.evaluate(gen_index(x, array(torch.tensor([0, 0, bad])), 0, batch_x=True))
        with pytest.raises(IndexError, match="out of range"):
            rc.evaluate(explicit_index(x, array(torch.tensor([0, 0, bad])), 0, 1))


def test_index_dtype_of_x_is_kept() -> None:
    for dtype in (torch.bool, torch.uint8, torch.bfloat16):
        assert value(gen_index(array(torch.ones(3, 2).to(dtype)), array(torch.tensor([0, 2])), 0)).dtype == dtype


def test_empty_indices() -> None:
    empty = array(torch.zeros(0, 2, dtype=torch.int64))
    assert value(gen_index(array(randn(3, 4)), empty, 0)).shape == (0, 2, 4)
    assert value(explicit_index(array(randn(3, 4)), array(torch.zeros(3, 0, dtype=torch.int64)), 0, 1)).shape == (3, 0)


# --- casts


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
def test_cast(dtype: str) -> None:
    x = torch.tensor([0.0, 1.0, 7.0], dtype=torch.float32)
    node = rc.GeneralFunction.new_cast(array(x), output=rc.TorchDeviceDtypeOp(None, dtype))
    assert (node.dtype, node.device) == (dtype, "cpu")
    assert torch.equal(value(node), x.to(getattr(torch, dtype)))
    back = rc.GeneralFunction.new_cast(node, output=rc.TorchDeviceDtypeOp(dtype="float32"))
    if dtype != "bool":
        assert torch.equal(value(back), x)


def test_cast_checks() -> None:
    x = array(torch.zeros(2, dtype=torch.float16), "x")
    node = rc.GeneralFunction.new_cast(x, rc.TorchDeviceDtypeOp("cpu", "float16"), rc.TorchDeviceDtypeOp(None, "float64"))
    assert node.name == "cast_from_{device:cpu,dtype:float16}_to_{device:None,dtype:float64}(x)"
    assert node.spec.output == rc.TorchDeviceDtypeOp(None, "float64")
    with pytest.raises(rc.MiscInputCastIncompatibleDeviceDtypeError) as caught:
        rc.GeneralFunction.new_cast(x, rc.TorchDeviceDtypeOp(dtype=torch.int16))
    assert caught.value.args[0].required == rc.TorchDeviceDtypeOp(dtype="int16")
    assert caught.value.args[0].actual == rc.TorchDeviceDtypeOp("cpu", "float16")
    with pytest.raises(rc.MiscInputCastIncompatibleDeviceDtypeError):
        x.enforce_dtype_device(rc.TorchDeviceDtypeOp(dtype="float64"))
    symbol = rc.Symbol.new_with_random_uuid((2,))
    assert symbol.enforce_dtype_device(rc.TorchDeviceDtypeOp(dtype="float64")).dtype == "float64"


# --- multinomial


@given(
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(1, 5),
    st.lists(st.integers(0, 3), max_size=2),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_multinomial_is_torchs(rows: list[int], n: int, shape: list[int], seed: int, replacement: bool, dtype: torch.dtype) -> None:
    probs = torch.rand(*rows, n, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(dtype) + 0.1
    count = math.prod(shape)
    node = rc.multinomial(array(probs), array(torch.tensor(seed)), tuple(shape), replacement)
    assert (node.shape, node.dtype) == ((*rows, *shape), "int64")
    assert (node.num_non_batchable_output_dims, node.input_batchability) == (len(shape), [False, False])
    if count > n and not replacement:
        with pytest.raises(RuntimeError):
            rc.evaluate(node)
        return
    state = torch.get_rng_state()
    drawn = value(node)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(value(node), drawn)
    if count:
        generator = torch.Generator()
        generator.manual_seed(seed)
        expected = torch.multinomial(probs.reshape(-1, n), count, replacement, generator=generator)
        assert torch.equal(drawn, expected.reshape(drawn.shape))


def test_multinomial_checks() -> None:
    probs, seed = array(torch.tensor([0.5, 0.5]), "p"), array(torch.tensor(3), "s")
    assert rc.multinomial(probs, seed, (2,)).name == "multinomial(p, s)"
    assert rc.multinomial(probs, seed, (2,)).spec.shape == (2,)
    with pytest.raises(RuntimeError, match="seed input must be zero-dim"):
        rc.multinomial(probs, array(torch.tensor([3])), (2,))
    with pytest.raises(RuntimeError, match="probs must be >=1d"):
        rc.multinomial(seed, seed, (2,))
    with pytest.raises(RuntimeError):
        rc.multinomial(array(torch.tensor([1, 2])), seed, (2,))
    with pytest.raises(RuntimeError):
        rc.multinomial(probs, array(torch.tensor(3.0)), (2,))
    assert torch.equal(value(rc.multinomial(probs, rc.Scalar(3.7), (5,))), value(rc.multinomial(probs, seed, (5,))))
    for bad in ([-1.0, 1.0], [0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]):
        with pytest.raises(RuntimeError):
            rc.evaluate(rc.multinomial(array(torch.tensor(bad)), seed, (2,)))
