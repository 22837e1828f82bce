"""Built-in functions and index values compared with the peer library (spec 04, 12)."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests import strategies
from tests.peer import both, needs_peer, peer

pytestmark = needs_peer

COMPARED = ("class", "shape", "name", "device", "dtype", "is_constant", "is_explicitly_computable")


def assert_same(circuit: rc.Circuit, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    ours = {
        "class": type(circuit).__name__,
        "shape": circuit.shape,
        "name": circuit.op_name,
        "device": circuit.device,
        "dtype": circuit.dtype,
    }
    ours |= {"is_constant": circuit.is_constant, "is_explicitly_computable": circuit.is_explicitly_computable}
    theirs = peer().describe(circuit)
    assert ours == {key: theirs[key] for key in COMPARED}
    maps, value = peer().run("result = circuit.child_axis_map(), circuit.evaluate()", circuit=circuit)
    assert circuit.child_axis_map() == maps
    torch.testing.assert_close(rc.evaluate(circuit), value, rtol=rtol, atol=atol, equal_nan=True)


LAST_AXIS = ("softmax", "log_softmax", "min", "max", "last_dim_size")


def array(x: torch.Tensor, name: str | None = "x") -> rc.Array:
    return rc.Array(x, name)


SIMPLE = """sin cos sigmoid tanh rsqrt gelu gelu_new relu step reciprocal log_exp_p_1 gaussian_pdf gaussian_cdf softmax log_softmax min max
last_dim_size abs exp log logit""".split()


# With poles, ends of domains, signed zeros and what overflows, so that a function's nan and inf are the peer's.
VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, math.inf, -math.inf, math.nan, 1e-300, 1e300, -745.0, 710.0, 40.0, -40.0]),
    st.floats(-30, 30),
    st.floats(allow_nan=True),
)


@st.composite
def special_tensors(draw: st.DrawFn, min_rank: int = 0, dtype: torch.dtype | None = None) -> torch.Tensor:
    shape = draw(strategies.shapes(max_rank=3, max_size=3, min_rank=min_rank))
    count = math.prod(shape)
    values = torch.tensor(draw(st.lists(VALUES, min_size=count, max_size=count)), dtype=torch.float64).reshape(shape)
    return values.to(dtype or draw(st.sampled_from([torch.float64, torch.float32])))


@pytest.mark.parametrize("name", SIMPLE)
@settings(max_examples=12)
@given(st.data())
def test_simple_functions(name: str, data: st.DataObject) -> None:
    x = data.draw(special_tensors(min_rank=1 if name in LAST_AXIS else 0))
    # The formulas of both libraries may round differently, log_exp_p_1 near 1.
    assert_same(getattr(rc, name)(array(x)), rtol=1e-12 if x.dtype == torch.float64 else 1e-6, atol=4 * torch.finfo(x.dtype).eps)


@given(special_tensors(), st.sampled_from("float16 float32 float64 int64 int8 bool".split()), st.booleans())
def test_cast(x: torch.Tensor, dtype: str, required: bool) -> None:
    if not dtype.startswith("float"):
        x = x.nan_to_num(0.0, 3.0, -3.0).clamp(-100, 100)  # what others become is not defined
    code = """
c = rc.GeneralFunction.new_cast(x, rc.TorchDeviceDtypeOp(*before), rc.TorchDeviceDtypeOp(None, dtype), 'c')
value = c.evaluate()
result = describe(c)["dtype"], str(value.dtype), value.double().nan_to_num().tolist(), rc.PrintOptions().repr_extra_info(c)
"""
    before = ("cpu", str(x.dtype).removeprefix("torch.")) if required else (None, None)
    ours, theirs = both(code, x=array(x), before=before, dtype=dtype)
    assert ours == theirs


@given(st.data())
def test_explicit_index(data: st.DataObject) -> None:
    batch = data.draw(strategies.shapes(max_rank=2, max_size=3, min_rank=1))  # without batch axes the peer takes vectors only
    rest = data.draw(strategies.shapes(max_rank=2, max_size=3, min_rank=1))
    more = data.draw(strategies.shapes(max_rank=2, max_size=3))
    dim = data.draw(st.integers(-len(rest), len(rest) - 1))
    count = math.prod(batch + more)
    places = data.draw(st.lists(st.integers(-rest[dim], rest[dim] - 1), min_size=count, max_size=count))
    x = array(data.draw(strategies.tensors(batch + rest)))
    index = array(torch.tensor(places, dtype=torch.int64).reshape(batch + more), "i")
    assert_same(rc.GeneralFunction.explicit_index(x, index, dim, len(rest)))


@given(special_tensors(), st.data())
def test_pow_of_special_values(x: torch.Tensor, data: st.DataObject) -> None:
    exponents = data.draw(st.lists(VALUES, min_size=x.numel(), max_size=x.numel()))
    assert_same(rc.pow(array(x), array(torch.tensor(exponents, dtype=x.dtype).reshape(x.shape), "y")), rtol=1e-6)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_gen_index(data: st.DataObject) -> None:
    batch_x, batch_index = data.draw(st.booleans()), data.draw(st.booleans())
    index_shape = data.draw(strategies.shapes(max_rank=2))
    x_shape = data.draw(strategies.shapes(max_rank=3, min_rank=1))
    if batch_x and batch_index:
        if not index_shape:
            return  # the peer fails on a rank-0 index where x has rank 2 or more
        x_shape = index_shape + x_shape
    skipped = len(index_shape) if batch_x and batch_index else 0
    dim = data.draw(st.integers(-len(x_shape) + skipped, -1))
    size = x_shape[dim]
    index = torch.tensor(data.draw(st.lists(st.integers(0, size - 1), min_size=math.prod(index_shape), max_size=math.prod(index_shape))))
    x = data.draw(strategies.tensors(x_shape))
    assert_same(rc.GeneralFunction.gen_index(array(x), array(index.long().reshape(index_shape), "i"), dim, batch_x, batch_index))


@given(strategies.shapes(max_rank=2), strategies.shapes(max_rank=2, min_rank=1), st.data())
@settings(max_examples=40, deadline=None)
def test_pow(batch: tuple[int, ...], shape: tuple[int, ...], data: st.DataObject) -> None:
    base, exponent = data.draw(strategies.tensors(batch + shape)).abs(), data.draw(strategies.tensors(batch + shape))
    assert_same(rc.pow(array(base), array(exponent, "y")))


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial(replacement: bool) -> None:
    probs = torch.rand(3, 5, dtype=torch.float64) + 0.1
    assert_same(rc.multinomial(array(probs), array(torch.tensor(17), "seed"), (2, 2), replacement))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_index(data: st.DataObject) -> None:
    x = data.draw(strategies.tensors(data.draw(strategies.shapes(max_rank=3))))
    index = [data.draw(strategies.index_elements(size)) for size in x.shape]
    assert_same(rc.Index(array(x), index))
