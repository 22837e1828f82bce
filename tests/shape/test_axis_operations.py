"""Index, Scatter, Conv, Concat, broadcasting (spec 03, sections 13 to 18)."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import indices, shapes, tensors


def array(*shape, name=None):
    return rc.Array(torch.arange(float(np.prod(shape))).reshape(shape), name)


def dimwise(value, index):
    """Each element on its own axis, last axis first."""
    for axis in reversed(range(len(index))):
        element = index[axis]
        value = (
            value.index_select(axis, element % value.shape[axis])
            if isinstance(element, torch.Tensor)
            else value[(slice(None),) * axis + (element,)]
        )
    return value


# --- Index
@settings(max_examples=150)
@given(shapes(max_rank=4, min_size=0), st.data())
def test_index_is_dimwise(shape, data):
    x = rc.Array(data.draw(tensors(shape)), "x")
    index = data.draw(indices(shape))
    c = rc.Index(x, index)
    assert torch.equal(c.evaluate(), dimwise(x.value, index)) and c.shape == tuple(dimwise(x.value, index).shape)
    assert len(c.idx) == x.rank and rc.Index(x, c.idx) == c == rc.Index(x, list(index)) == rc.Index(node=x, idx=index)
    assert c.has_tensor_axes() == any(isinstance(e, torch.Tensor) for e in index)
    edges = c.slice_edges_to_none()
    assert torch.equal(edges.evaluate(), c.evaluate()) and edges.op_name == c.op_name
    assert all(e.start != 0 and e.stop != size for e, size in zip(edges.idx, shape, strict=True) if isinstance(e, slice))
    canonical = rc.canonicalize_node(c)
    assert torch.equal(canonical.evaluate(), c.evaluate())
    result = 0
    for axis, element in enumerate(c.idx):
        whole = isinstance(element, slice) and element.indices(shape[axis])[:2] == (0, shape[axis])
        assert c.child_axis_map()[0][axis] == (result if whole else None)
        assert c.child_axis_map_including_slices()[0][axis] == (result if isinstance(element, slice) else None)
        result += not isinstance(element, int)


def test_index_example():
    c = rc.Index(array(3, 4), (torch.tensor([0, 2]), torch.tensor([1, 1, 3])))
    assert c.shape == (2, 3) and c.evaluate().tolist() == [[1, 1, 3], [9, 9, 11]]


def test_index_elements():
    x = array(4, 5)
    assert rc.Index(x, (np.int64(1), torch.tensor(2))).idx == (1, 2)
    assert rc.Index(x, (True, False)).idx == (1, 0)
    assert rc.Index(x, (-1,)).idx == (-1, slice(None)) and rc.Index(x, (slice(None, 2),)).idx[0] == slice(None, 2)
    one = rc.Index(x, (torch.tensor([3]),))
    assert one.shape == (1, 5) and one.idx[0].dtype == torch.int64
    given_tensor = torch.tensor([0, -1])
    assert rc.Index(x, (given_tensor,)).idx[0] is given_tensor
    assert rc.Index(x, (torch.tensor([1], dtype=torch.int8),)).idx[0].dtype == torch.int64
    for dtype in (torch.int8, torch.int16, torch.int32):
        assert rc.Index(x, (torch.tensor([1], dtype=dtype),)) == rc.Index(x, (torch.tensor([1]),))


@pytest.mark.parametrize(
    "index",
    [
        (4,),
        (-5,),
        (slice(0, 5),),
        (slice(3, 1),),
        (slice(-5, None),),
        (slice(None), slice(6, None)),
        (torch.tensor([0, 4]),),
        (torch.tensor([-5]),),
    ],
    ids=str,
)
def test_index_out_of_bounds(index):
    with pytest.raises(rc.IndexIndexOutOfBoundsError, match="out of bounds") as error:
        rc.Index(array(4, 5), index)
    info = error.value.args[0]
    assert info.shape == (4, 5) and info.at == len(index) - 1 and info.l == (4, 5)[info.at]


def test_index_errors():
    x = array(4, 5)
    with pytest.raises(rc.IndexIndexRankTooHighError) as error:
        rc.Index(x, (0, 0, 0))
    assert error.value.args[0].items() == {"index_rank": 3, "node_rank": 2}
    with pytest.raises(rc.IndexUnsupportedSliceError, match="step must be None!") as error:
        rc.Index(x, (slice(0, 2, 1),))
    assert isinstance(error.value, TypeError) and isinstance(error.value, rc.IndexError)
    assert error.value.args[0].slice == slice(0, 2, 1)
    with pytest.raises(rc.IndexTensorNDimNot1Error):
        rc.Index(x, (torch.zeros(2, 2, dtype=torch.int64),))
    for wrong in (np.array([0]), [0], "0", 0.0, None, Ellipsis):
        with pytest.raises(TypeError):
            rc.Index(x, (wrong,))
    for wrong in (0, slice(None), None, "00", torch.tensor([0])):
        with pytest.raises(TypeError):
            rc.Index(x, wrong)
    assert rc.Index(x, (slice(2, 2),)).shape == (0, 5)


@settings(max_examples=60)
@given(st.data())
def test_synchronized(data):
    x = rc.Array(data.draw(tensors((4, 3, 2, 3))), "x")
    joint_shapes = [(2, 1), (3,), (), (2, 3)]
    index = []
    for size in x.shape[: data.draw(st.integers(1, 4))]:
        kind = data.draw(st.sampled_from(["tensor", "tensor", "int", "slice"]))
        if kind == "tensor":
            shape = data.draw(st.sampled_from(joint_shapes))
            index.append(
                torch.tensor(data.draw(st.lists(st.integers(-size, size - 1), min_size=6, max_size=6)))[: int(np.prod(shape))].reshape(
                    shape
                )
            )
        else:
            index.append(data.draw(st.integers(-size, size - 1)) if kind == "int" else slice(0, data.draw(st.integers(0, size))))
    if not any(isinstance(e, torch.Tensor) for e in index):
        with pytest.raises(RuntimeError, match="at least one tensor axis"):
            rc.Index.new_synchronized_to_start(x, index)
        return
    c = rc.Index.new_synchronized_to_start(x, index, name="n")
    joint = torch.broadcast_tensors(*[e for e in index if isinstance(e, torch.Tensor)])
    value = x.value.movedim([i for i, e in enumerate(index) if isinstance(e, torch.Tensor)], list(range(len(joint))))[joint]
    rest = [e for e in index if not isinstance(e, torch.Tensor)]
    expected = value[(slice(None),) * joint[0].dim() + tuple(rest)]
    assert torch.equal(c.evaluate(), expected) and c.shape == tuple(expected.shape) and c.op_name == "n"


def test_synchronized_structure():
    x = rc.Array.randn(11, 7, 5, 3, name="x")
    c = rc.Index.new_synchronized_to_start(
        x, (0, torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 1, dtype=torch.int64), slice(0, 2)), "n"
    )
    assert c.shape == (2, 3, 2)
    names = []
    while c.num_children:
        names.append((type(c).__name__, c.op_name))
        c = c.children[0]
    assert names == [("Index", "n"), ("Rearrange", "n_post_t_shape"), ("Index", "n_t_idx"), ("Rearrange", "n_pre_idx_flat")]
    with pytest.raises(rc.IndexIndexOutOfBoundsError):
        rc.Index.new_synchronized_to_start(x, (torch.tensor([11]),))
    with pytest.raises(rc.IndexIndexRankTooHighError):
        rc.Index.new_synchronized_to_start(x, (torch.tensor([1]),) * 5)


# --- Scatter
def test_scatter_example():
    c = rc.Scatter(rc.Scalar(2.0, (2, 1)), (slice(1, 3), slice(0, 1)), (4, 2))
    assert c.evaluate().tolist() == [[0, 0], [2, 0], [2, 0], [0, 0]] and c.evaluate().dtype == torch.float64
    assert c.idx == (slice(1, 3), slice(0, 1)) and c.shape == (4, 2) and not c.is_identity()
    assert rc.Scatter(array(2), (torch.tensor([1, 2]),), (4,)).idx == (slice(1, 3),)
    assert rc.Scatter(array(2, 3), (), (2, 3)).is_identity() and rc.Scatter(array(2), (slice(-2, None),), (4,)).idx == (slice(2, 4),)
    assert rc.Scatter(array(0), (torch.zeros(0, dtype=torch.int64),), (4,)).idx == (slice(0, 0),)
    assert rc.Scatter(node=array(2), idx=(slice(0, 2),), shape=(3,)).shape == (3,)


@given(shapes(max_rank=3, min_size=0), st.data())
def test_scatter_undoes_index(shape, data):
    value = data.draw(tensors(shape))
    before = [data.draw(st.integers(0, 2)) for _ in shape]
    outer = tuple(b + size + data.draw(st.integers(0, 2)) for b, size in zip(before, shape, strict=True))
    slices = tuple(slice(b, b + size) for b, size in zip(before, shape, strict=True))
    c = rc.Scatter(rc.Array(value), slices, outer)
    expected = torch.zeros(outer, dtype=value.dtype)
    expected[slices] = value
    assert torch.equal(c.evaluate(), expected) and torch.equal(rc.Index(c, slices).evaluate(), value)


def test_scatter_errors():
    x = array(2, name="x")
    with pytest.raises(rc.IndexIndexRankTooHighError):
        rc.Scatter(x, (slice(None), 0), (2,))
    with pytest.raises(rc.IndexIndexOutOfBoundsError):
        rc.Scatter(x, (slice(3, 5),), (4,))
    for index in ((0,), (torch.tensor([2, 0]),)):
        with pytest.raises(rc.ConstructScatterIndexTypeUnimplementedError):
            rc.Scatter(x, index, (4,))
    with pytest.raises(rc.ConstructScatterShapeWrongError) as error:
        rc.Scatter(x, (slice(0, 3),), (4,))
    assert error.value.args[0].items() == {"index": (slice(0, 3),), "shape": (4,), "index_shape": (3,)}
    assert "x" in str(error.value)


# --- Conv
@settings(max_examples=60)
@given(st.integers(1, 3), st.data())
def test_conv_is_torch_conv(dims, data):
    sizes = [data.draw(st.integers(1, 5)) for _ in range(dims)]
    padding = [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in sizes]
    padded = [size + sum(pad) for size, pad in zip(sizes, padding, strict=True)]
    kernel = [data.draw(st.integers(1, min(size, 3))) for size in padded]
    stride = [data.draw(st.sampled_from([k for k in (1, 2, 3) if (size - w + 1) % k == 0])) for size, w in zip(padded, kernel, strict=True)]
    batch = data.draw(st.lists(st.integers(1, 2), max_size=2))
    channels_in, channels_out = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    x, w = data.draw(tensors((*batch, *sizes, channels_in))), data.draw(tensors((channels_out, *kernel, channels_in)))
    c = rc.Conv(rc.Array(x, "x"), rc.Array(w, "w"), stride, padding)
    flat = torch.nn.functional.pad(x.reshape(-1, *sizes, channels_in).movedim(-1, 1), [p for pair in reversed(padding) for p in pair])
    conv = [None, torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d][dims]
    expected = conv(flat, w.movedim(-1, 1), stride=stride).movedim(1, -1)
    count = [(size - k + 1) // step for size, k, step in zip(padded, kernel, stride, strict=True)]
    expected = expected[tuple([slice(None), *[slice(0, n) for n in count]])].reshape(*batch, *count, channels_out)
    assert c.shape == tuple(expected.shape) and torch.allclose(c.evaluate(), expected)
    assert c.padding == padding and c.stride == c.strides == stride and c.dims() == dims and c.input_batch_shape() == tuple(batch)
    assert not c.is_identity() and c.name == "Conv(x, w)"


def test_conv_example_and_padding_forms():
    x, w = rc.Array(torch.ones(1, 5, 1)), rc.Array(torch.ones(1, 3, 1))
    c = rc.Conv(x, w, stride=[1], padding=[(0, 1)])
    assert c.shape == (1, 4, 1) and c.evaluate().flatten().tolist() == [3, 3, 3, 2]
    assert rc.Conv(x, w, [1], 2).padding == rc.Conv(x, w, [1], [2]).padding == [(2, 2)] and rc.Conv(x, w, [1]).padding == [(0, 0)]
    assert rc.Conv(x, rc.Array(torch.ones(1, 5, 1)), [1]).shape == (1, 1, 1)
    assert rc.Conv(rc.Array(torch.ones(1, 2, 1)), w, [1]).shape == (1, 0, 1)


@pytest.mark.parametrize(
    "x, w, stride, padding, error",
    [
        ((1, 5, 1), (1, 3, 1), [1], [0, 0], rc.ConstructConvStridePaddingNotFullError),
        ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1), [1] * 4, 0, rc.ConstructNotSupportedYetError),
        ((1,), (1, 1), [], 0, rc.ConstructNotSupportedYetError),
        ((5,), (1, 3, 1), [1], 0, rc.ConstructConvInputWrongShapeError),
        ((5, 1), (3, 1), [1], 0, rc.ConstructConvFilterWrongShapeError),
        ((5, 1), (2, 1, 3, 1), [1], 0, rc.ConstructNotSupportedYetError),
        ((5, 2), (1, 3, 1), [1], 0, rc.ConstructConvInputFilterDifferentNumInputChannelsError),
        ((5, 1), (1, 3, 1), [2], 0, rc.ConstructConvStrideMustDivideError),
        ((1, 1), (1, 9, 1), [1], 0, rc.ConstructError),
        ((5, 1), (1, 0, 1), [1], 0, rc.ConstructError),
        ((5, 1), (1, 3, 1), [0], 0, rc.ConstructError),
        ((5, 1), (1, 3, 1), [-1], 0, (rc.ConstructError, OverflowError)),
        ((5, 1), (1, 3, 1), [1], -1, (rc.ConstructError, OverflowError)),
        ((5, 1), (1, 3, 1), [1], 2**63 - 1, (rc.ConstructError, OverflowError)),
    ],
)
def test_conv_errors(x, w, stride, padding, error):
    with pytest.raises(error):
        rc.Conv(rc.Scalar(1.0, x), rc.Scalar(1.0, w), stride, padding)


# --- Concat
@given(shapes(min_rank=1, min_size=0), st.data())
def test_concat(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    values = []
    for _ in range(data.draw(st.integers(1, 3))):
        size = list(shape)
        size[axis] = data.draw(st.integers(0, 3))
        values.append(data.draw(tensors(size)))
    nodes = [rc.Array(value, f"n{i}") for i, value in enumerate(values)]
    c = rc.Concat(*nodes, axis=axis)
    assert torch.equal(c.evaluate(), torch.cat(values, axis)) and c.axis == axis % len(shape)
    assert c.get_sizes_at_axis() == [value.shape[axis] for value in values] and c.nodes == nodes
    same = [nodes[0]] * 3
    where = data.draw(st.integers(-len(shape) - 1, len(shape)))
    stacked = rc.Concat.stack(*same, axis=where)
    assert torch.equal(stacked.evaluate(), torch.stack([values[0]] * 3, where))
    assert [child.op_name for child in stacked.children] == ["n0_unsqueeze_stack"] * 3
    flat, back = rc.flat_concat_back(nodes)
    assert (
        flat == rc.flat_concat(nodes) and flat.op_name == "flat_concat" and [n.op_name for n in flat.children] == ["flatten"] * len(nodes)
    )
    assert torch.equal(flat.evaluate(), torch.cat([value.flatten() for value in values]))
    for circuit, value in zip(back, values, strict=True):
        assert torch.equal(circuit.evaluate(), value) and circuit.is_rearrange() and circuit.node.is_index()


def test_concat_errors():
    with pytest.raises(rc.ConstructConcatZeroNodesError):
        rc.Concat(axis=0)
    with pytest.raises(rc.ConstructConcatZeroNodesError):
        rc.flat_concat([])
    with pytest.raises(rc.ConstructConcatZeroNodesError):
        rc.Concat.stack(axis=0)
    with pytest.raises(rc.MiscInputItemOutOfBoundsError):
        rc.Concat(array(2), axis=1)
    with pytest.raises(rc.MiscInputItemOutOfBoundsError):
        rc.Concat(rc.Scalar(1.0), axis=0)
    for others in ((array(2, 3), array(2, 4)), (array(2, 3), array(2))):
        with pytest.raises(rc.ConstructConcatShapeDifferentError) as error:
            rc.Concat(*others, axis=0)
        assert error.value.args[0].shapes == [node.shape for node in others]
    with pytest.raises(rc.ConstructConcatShapeDifferentError):
        rc.Concat.stack(array(2), array(3), axis=0)
    assert rc.Concat.stack(rc.Scalar(1.0), rc.Scalar(2.0), axis=0).evaluate().tolist() == [1, 2]
    assert rc.flat_concat([rc.Scalar(1.0), array(2)]).shape == (3,)


# --- broadcasting
@pytest.mark.parametrize(
    "sizes, expected",
    [
        ([(4, 1), (3,)], (4, 3)),
        ([(2, 1, 5), (6, 1), ()], (2, 6, 5)),
        ([(2, 0), (1, 1)], None),
        ([(3, 4), (4, 1)], None),
        ([], ()),
        ([(0,), (0,)], (0,)),
        ([(0,), ()], (0,)),
        ([(0,), (1,)], None),
        ([(10007,), (1,)], (10007,)),
        ([(10007,), (3,)], None),
        ([(5, 0, 2)], (5, 0, 2)),
    ],
)
def test_broadcast_examples(sizes, expected):
    for order in itertools.permutations(sizes):
        if expected is None:
            with pytest.raises(rc.MiscInputNotBroadcastableError) as error:
                rc.broadcast_shapes(*order)
            assert error.value.args[0].shapes == list(order)
        else:
            assert rc.broadcast_shapes(*order) == expected


@given(st.lists(shapes(max_size=3), max_size=3))
def test_broadcasting_is_torchs(sizes):
    try:
        expected = tuple(torch.broadcast_shapes(*sizes))
    except RuntimeError:
        expected = None
    if expected is None:
        with pytest.raises(rc.MiscInputNotBroadcastableError):
            rc.broadcast_shapes(*sizes)
        return
    assert rc.broadcast_shapes(*sizes) == expected
    total = rc.Add(*[rc.Scalar(1.0, shape) for shape in sizes])
    assert total.shape == expected and bool((total.evaluate() == len(sizes)).all())


def test_broadcast_wrong_arguments():
    for wrong in (3, None, "ab", [0.5]):
        with pytest.raises(TypeError):
            rc.broadcast_shapes(wrong)
    with pytest.raises(OverflowError):
        rc.broadcast_shapes((-1,))
