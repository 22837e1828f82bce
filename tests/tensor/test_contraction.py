"""Values of Einsum, Add, Concat, Scatter, Conv, Index and Rearrange (spec 12, section 2; 03)."""

from __future__ import annotations

import itertools
import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

import pycircuit as rc

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
INTEGERS = [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8]
TOLERANCE = {torch.float64: 1e-13, torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}
BITS = {torch.int8: 8, torch.uint8: 8, torch.int16: 16, torch.int32: 32, torch.int64: 64}


def evaluate(circuit: rc.Circuit) -> torch.Tensor:
    value = rc.evaluate(circuit)
    assert tuple(value.shape) == circuit.shape
    if circuit.dtype is not None:
        assert value.dtype == circuit.torch_dtype
    return value


def brute_force(operands: list[torch.Tensor], labels: list[tuple[int, ...]], output: tuple[int, ...]) -> torch.Tensor:
    """Sum over all assignments of positions to labels, in Python numbers (exact for integers)."""
    sizes = {label: size for x, own in zip(operands, labels, strict=True) for label, size in zip(own, x.shape, strict=True)}
    names = list(sizes)
    out: dict[tuple[int, ...], float] = {}
    for at in itertools.product(*(range(sizes[name]) for name in names)):
        place = dict(zip(names, at, strict=True))
        product = math.prod(x[tuple(place[label] for label in own)].item() for x, own in zip(operands, labels, strict=True))
        key = tuple(place[label] for label in output)
        out[key] = out.get(key, 0) + product
    shape = [sizes[label] for label in output]
    flat = [out.get(at, 0) for at in itertools.product(*map(range, shape))]
    dtype = operands[0].dtype
    if dtype.is_floating_point:
        return torch.tensor(flat, dtype=torch.float64).reshape(shape)
    if dtype == torch.bool:
        return torch.tensor([bool(v) for v in flat], dtype=torch.bool).reshape(shape)
    bits, signed = BITS[dtype], dtype != torch.uint8
    wrapped = [int(v) % 2**bits for v in flat]
    wrapped = [v - 2**bits if signed and v >= 2 ** (bits - 1) else v for v in wrapped]
    return torch.tensor(wrapped, dtype=dtype).reshape(shape)


def random_tensor(shape: list[int], dtype: torch.dtype, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) < 0.4
    info = torch.iinfo(dtype)
    return torch.randint(info.min, info.max, shape, generator=generator, dtype=torch.int64).to(dtype)


@st.composite
def einsums(draw: st.DrawFn, dtypes: list[torch.dtype]) -> tuple[list[torch.Tensor], list[tuple[int, ...]], tuple[int, ...]]:
    pool = draw(st.lists(st.sampled_from([0, 1, 2, 25, 51, 52, 80, 255]), min_size=1, max_size=5, unique=True))
    sizes = {label: draw(st.sampled_from([1, 2, 3, 3, 0])) for label in pool}
    count = draw(st.integers(1, 4))
    labels = [tuple(draw(st.lists(st.sampled_from(pool), max_size=3))) for _ in range(count)]
    used = sorted({label for own in labels for label in own})
    output = tuple(draw(st.lists(st.sampled_from(used), max_size=3))) if used else ()
    dtype = draw(st.sampled_from(dtypes))
    operands = []
    for i, own in enumerate(labels):
        x = random_tensor([sizes[label] for label in own], dtype, i)
        if draw(st.booleans()):  # another layout of the same values
            x = x.mT.clone(memory_format=torch.contiguous_format).mT if x.dim() > 1 else x
        operands.append(x)
    return operands, labels, output


def circuit_of(operands: list[torch.Tensor], labels: list[tuple[int, ...]], output: tuple[int, ...]) -> rc.Einsum:
    return rc.Einsum(*zip(map(rc.Array, operands), labels, strict=True), out_axes=output)


@settings(max_examples=200)
@given(einsums(FLOATS))
def test_einsum_of_floats(case: tuple[list[torch.Tensor], list[tuple[int, ...]], tuple[int, ...]]) -> None:
    operands, labels, output = case
    expected = brute_force(operands, labels, output)
    magnitude = brute_force([x.abs() for x in operands], labels, output)
    value = evaluate(circuit_of(*case)).double()
    assert bool(((value - expected).abs() <= TOLERANCE[operands[0].dtype] * magnitude + 1e-30).all())


@settings(max_examples=200)
@given(einsums([*INTEGERS, torch.bool]))
def test_einsum_of_integers_is_exact(case: tuple[list[torch.Tensor], list[tuple[int, ...]], tuple[int, ...]]) -> None:
    assert torch.equal(evaluate(circuit_of(*case)), brute_force(*case))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_matrix_products_wrap(dtype: torch.dtype) -> None:
    a, b = random_tensor([7, 40], dtype, 0), random_tensor([40, 9], dtype, 1)
    expected = torch.tensor(
        [[sum(int(a[i, k]) * int(b[k, j]) for k in range(40)) % 2 ** BITS[dtype] for j in range(9)] for i in range(7)], dtype=torch.float64
    )
    value = evaluate(rc.Einsum.from_einsum_string("ab,bc->ac", rc.Array(a), rc.Array(b)))
    residues = torch.tensor([[int(v) % 2 ** BITS[dtype] for v in row] for row in value.tolist()], dtype=torch.float64)
    assert torch.equal(residues, expected)


def test_examples_of_integers() -> None:
    int8 = rc.Array(torch.tensor([100, 100], dtype=torch.int8))
    assert evaluate(int8.sum()).item() == -56
    uint8 = [rc.Array(torch.tensor(v, dtype=torch.uint8)) for v in ([200, 100], [2, 2])]
    assert evaluate(rc.Einsum.from_einsum_string("a,a->", *uint8)).item() == 88
    assert evaluate(rc.Array(torch.tensor([True, True])).sum()).item() is True
    ints = rc.Array(torch.tensor([1, 2]))
    assert evaluate(ints.add(rc.Scalar(0.5))).tolist() == [1, 2]
    assert evaluate(ints.mul_scalar(0.5)).tolist() == [0, 0]


def test_einsum_without_operands() -> None:
    value = evaluate(rc.Einsum.empty())
    assert value.dtype == torch.float64 and value.item() == 1.0


@pytest.mark.parametrize(
    ("string", "shapes"),
    [
        ("ab,bc->ac", [(30, 40), (40, 20)]),
        ("ab,bc->ca", [(30, 40), (40, 20)]),
        ("bqhd,bkhd->bhqk", [(2, 9, 3, 8), (2, 7, 3, 8)]),
        ("bhqk,bkhd->bqhd", [(2, 3, 9, 7), (2, 7, 3, 8)]),
        ("bqhd,hdm->bqm", [(2, 9, 3, 8), (3, 8, 11)]),
        ("ab,b->a", [(30, 40), (40,)]),
        ("b,ab->a", [(40,), (30, 40)]),
        ("b,bc->c", [(40,), (40, 30)]),
        ("a,a->", [(1000,), (1000,)]),
        ("abc,ab->ac", [(5, 6, 7), (5, 6)]),
        ("abc,c->abc", [(5, 6, 7), (7,)]),
        ("a,b->ab", [(5,), (6,)]),
        ("abc,abc->a", [(5, 6, 7), (5, 6, 7)]),
        ("ab,cd->ac", [(5, 6), (7, 8)]),
        ("ab,bc,cd,de->ae", [(5, 6), (6, 7), (7, 8), (8, 9)]),
        ("sa,sb,sc->abc", [(20, 3), (20, 4), (20, 5)]),
    ],
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_einsum_agrees_with_torch(string: str, shapes: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    operands = [random_tensor(list(shape), dtype, i) for i, shape in enumerate(shapes)]
    value = evaluate(rc.Einsum.from_einsum_string(string, *map(rc.Array, operands)))
    expected = torch.einsum(string, *[x.double() for x in operands])
    magnitude = torch.einsum(string, *[x.double().abs() for x in operands])
    assert bool(((value.double() - expected).abs() <= TOLERANCE[dtype] * magnitude).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    ones = rc.Array(torch.ones(5000, dtype=dtype))
    eps = torch.finfo(dtype).eps
    for circuit in (ones.sum(), rc.Einsum.from_einsum_string("a,a->", ones, ones)):
        assert abs(evaluate(circuit).item() - 5000) <= 5000 * eps


def test_gradients_flow_through_einsums() -> None:
    a, b = torch.randn(3, 4, dtype=torch.float64, requires_grad=True), torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    ours = torch.autograd.grad(evaluate(rc.Einsum((rc.Array(a), (0, 1)), (rc.Array(b), (1, 1)), out_axes=(0, 0))).square().sum(), (a, b))
    theirs = torch.autograd.grad((a @ b.diagonal()).square().sum(), (a, b))
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x, y)


def test_no_outer_product_is_materialised() -> None:
    vectors = [rc.Array(torch.ones(2000)) for _ in range(6)]
    string = ",".join("abcdef") + "->"
    assert evaluate(rc.Einsum.from_einsum_string(string, *vectors)).item() == pytest.approx(2000.0**6)


# --- Add, Concat


def test_add_keeps_the_order() -> None:
    big, one, minus = (rc.Array(torch.tensor([v])) for v in (1e8, 1.0, -1e8))
    assert evaluate(rc.Add(big, one, minus)).item() == 0.0
    assert evaluate(rc.Add(big, minus, one)).item() == 1.0
    empty = evaluate(rc.Add())
    assert empty.dtype == torch.float64 and empty.item() == 0.0


@given(
    st.lists(st.sampled_from([(), (3,), (1,), (2, 1), (2, 3), (4, 1, 3)]), min_size=1, max_size=5),
    st.sampled_from([*FLOATS, *INTEGERS, torch.bool]),
)
def test_add(shapes: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    tensors = [random_tensor(list(shape), dtype, i) for i, shape in enumerate(shapes)]
    copies = [x.clone() for x in tensors]
    expected = tensors[0]
    for x in tensors[1:]:
        expected = expected + x
    circuit = rc.Add(*map(rc.Array, tensors))
    assert torch.equal(rc.scheduled_evaluate(circuit, rc.OptimizationSettings(fuse=False)), expected)
    if dtype in (torch.float16, torch.bfloat16) and len(tensors) > 2:  # fused sums of half precision keep their order and are rounded once
        wide = tensors[0].float()
        for x in tensors[1:]:
            wide = wide + x.float()
        expected = wide.to(dtype)
    assert torch.equal(evaluate(circuit), expected)
    assert all(map(torch.equal, tensors, copies))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(0, 2))
def test_concat(lengths: list[int], axis: int) -> None:
    shape = [2, 3, 2]
    tensors = [torch.randn(shape[:axis] + [length] + shape[axis + 1 :]) for length in lengths]
    assert torch.equal(evaluate(rc.Concat(*map(rc.Array, tensors), axis=axis)), torch.cat(tensors, axis))


# --- Index, Scatter, Rearrange


@st.composite
def elements(draw: st.DrawFn, size: int) -> object:
    kind = draw(st.sampled_from(["int", "slice", "tensor"]))
    if kind == "int" and size:
        return draw(st.integers(-size, size - 1))
    if kind == "tensor" and size:
        return torch.tensor(draw(st.lists(st.integers(-size, size - 1), max_size=5)), dtype=torch.int64)
    start = draw(st.integers(0, size))
    stop = draw(st.integers(start, size))
    return slice(
        draw(st.sampled_from([start, start - size if start < size else start])),
        draw(st.sampled_from([stop, stop - size if 0 < stop < size else stop])),
    )


@given(st.lists(st.integers(0, 4), max_size=4), st.data())
def test_index(shape: list[int], data: st.DataObject) -> None:
    x = torch.randn(shape)
    index = [data.draw(elements(size)) for size in shape]
    expected, axis = x, 0
    for size, element in zip(shape, index, strict=True):
        if isinstance(element, int):
            expected = expected.select(axis, element)
            continue
        at = list(range(size))[element] if isinstance(element, slice) else [int(i) % size for i in element]
        expected = expected.index_select(axis, torch.tensor(at, dtype=torch.int64))
        axis += 1
    assert torch.equal(evaluate(rc.Index(rc.Array(x), index)), expected)


def test_index_bounds() -> None:
    x = rc.Array(torch.randn(3, 4), "x")
    for bad in (3, -4, slice(0, 5), slice(3, 1), slice(-5, None), torch.tensor([0, 3]), torch.tensor([-4])):
        with pytest.raises(rc.IndexIndexOutOfBoundsError, match="out of bounds") as caught:
            rc.Index(x, [bad])
        info = caught.value.args[0]
        assert (info.shape, info.at, info.l) == ((3, 4), 0, 3)
        assert info.axis is bad or info.axis == bad
    with pytest.raises(rc.IndexIndexRankTooHighError):
        rc.Index(x, [0, 0, 0])
    for dtype in (torch.bool, torch.uint8, torch.float32):
        with pytest.raises(TypeError):
            rc.Index(x, [torch.tensor([0, 1]).to(dtype)])
    with pytest.raises(rc.IndexTensorNDimNot1Error):
        rc.Index(x, [torch.tensor([[0]])])
    assert rc.Index(x, [torch.tensor([0], dtype=torch.int8)]).idx[0].dtype == torch.int64
    given_tensor = torch.tensor([0, 2])
    assert rc.Index(x, [given_tensor]).idx[0] is given_tensor


def test_changed_index_tensors_are_noticed() -> None:
    index = torch.tensor([0, 2])
    circuit = rc.Index(rc.Array(torch.randn(3)), [index])
    index[0] = 7
    with pytest.raises((IndexError, rc.IndexIndexOutOfBoundsError), match="out of"):
        rc.evaluate(circuit)


def test_scatter() -> None:
    scatter = rc.Scatter(rc.Scalar(2.0, (2, 1)), (slice(1, 3), slice(0, 1)), (4, 2))
    assert evaluate(scatter).tolist() == [[0, 0], [2, 0], [2, 0], [0, 0]]
    x = torch.randn(2, 3)
    node = rc.Scatter(rc.Array(x), (torch.tensor([3, 4]), slice(-4, -1)), (6, 5))
    assert node.idx == (slice(3, 5), slice(1, 4))
    assert torch.equal(evaluate(rc.Index(node, node.idx)), x)
    torch.testing.assert_close(evaluate(node).abs().sum(), x.abs().sum())
    assert evaluate(rc.Scatter(rc.Array(x), (), (2, 3))) is x


def test_rearrange() -> None:
    x = torch.randn(6, 4)
    node = rc.Array(x).rearrange_str("(a b:3) c -> c b 2 a ()")
    expected = x.reshape(2, 3, 4).permute(2, 1, 0).unsqueeze(2).expand(4, 3, 2, 2).unsqueeze(-1)
    assert torch.equal(evaluate(node), expected)
    assert evaluate(rc.Array(x).rearrange_str("a b -> b a")).data_ptr() == x.data_ptr()
    scalar = evaluate(rc.Scalar(2.0).rearrange_str("-> 1000 1000"))
    assert scalar.shape == (1000, 1000) and scalar.stride() == (0, 0)


def test_scalars_and_arrays() -> None:
    x = torch.randn(2)
    assert evaluate(rc.Array(x)) is x
    value = evaluate(rc.Scalar(1.5, (3, 4)))
    assert value.dtype == torch.float64 and value.stride() == (0, 0) and bool((value == 1.5).all())


# --- Conv


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.integers(1, 2), max_size=2),
    st.data(),
    st.sampled_from([torch.float64, torch.float32, torch.float16, torch.int8, torch.int64, torch.bool]),
)
def test_conv(d: int, batch: list[int], data: st.DataObject, dtype: torch.dtype) -> None:
    stride = [data.draw(st.integers(1, 2)) for _ in range(d)]
    kernel = [data.draw(st.integers(1, 3)) for _ in range(d)]
    padding = [data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(d)]
    out = [data.draw(st.integers(0, 3)) for _ in range(d)]
    sizes = [n * s + k - 1 - a - b for n, s, k, (a, b) in zip(out, stride, kernel, padding, strict=True)]
    if min(sizes) < 0:
        return
    channels_in, channels_out = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    x = random_tensor([*batch, *sizes, channels_in], dtype, 0)
    filter = random_tensor([channels_out, *kernel, channels_in], dtype, 1)
    value = evaluate(rc.Conv(rc.Array(x), rc.Array(filter), stride, padding))
    assert value.shape == (*batch, *out, channels_out)
    wide = torch.float64 if dtype.is_floating_point else torch.int64
    flat = [p for pair in reversed(padding) for p in pair]
    padded = torch.nn.functional.pad(x.to(wide), [0, 0, *flat])
    expected = torch.zeros(value.shape, dtype=wide)
    for at in itertools.product(*map(range, out)):
        window = padded
        for i, (n, s, k) in enumerate(zip(at, stride, kernel, strict=True)):
            window = window.narrow(len(batch) + i, n * s, k)
        summed = (window.unsqueeze(len(batch)) * filter.to(wide)).flatten(len(batch) + 1).sum(-1)
        expected[(..., *at, slice(None))] = summed
    if dtype.is_floating_point:
        torch.testing.assert_close(value.double(), expected, rtol=TOLERANCE[dtype], atol=20 * TOLERANCE[dtype])
    else:
        assert torch.equal(value, expected.to(dtype))


def test_example_of_conv() -> None:
    value = evaluate(rc.Conv(rc.Array(torch.ones(1, 5, 1)), rc.Array(torch.ones(1, 3, 1)), stride=[1], padding=[(0, 1)]))
    assert value.tolist() == [[[3.0], [3.0], [3.0], [2.0]]]
