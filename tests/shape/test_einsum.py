"""Einsum axes, strings, EinsumSpec and contraction paths (spec 03, sections 11 and 12)."""

import itertools
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import COMPUTABLE, nodes_of_class, shapes, tensors


def s(*shape, name=None):
    return rc.Scalar(1.0, shape, name)


@st.composite
def einsums(draw, max_operands=4, max_size=3, min_size=0):
    """(label lists, output labels with possible repeats, tensors)."""
    sizes = draw(st.lists(st.integers(min_size, max_size), min_size=1, max_size=5))
    labels = draw(st.permutations(range(256)))[: len(sizes)]
    operands = draw(st.lists(st.lists(st.sampled_from(range(len(sizes))), max_size=3), min_size=1, max_size=max_operands))
    used = sorted({k for operand in operands for k in operand})
    out = draw(st.lists(st.sampled_from(used), max_size=3)) if used else []
    values = [draw(tensors([sizes[k] for k in operand])) for operand in operands]
    return [[labels[k] for k in operand] for operand in operands], [labels[k] for k in out], values


def by_loops(inputs, out, values):
    """The definition: sum over all assignments, then the diagonal for repeated output labels."""
    sizes = {label: size for labels, value in zip(inputs, values, strict=True) for label, size in zip(labels, value.shape, strict=True)}
    result = torch.zeros([sizes[label] for label in out], dtype=torch.float64)
    names = list(sizes)
    for position in itertools.product(*[range(sizes[name]) for name in names]):
        at = dict(zip(names, position, strict=True))
        term = 1.0
        for labels, value in zip(inputs, values, strict=True):
            term *= value[tuple(at[label] for label in labels)].item()
        result[tuple(at[label] for label in out)] += term
    return result


@settings(max_examples=80)
@given(einsums())
def test_value_is_the_definition(case):
    inputs, out, values = case
    assume(math.prod(dict(zip(sum(inputs, []), sum(map(list, (v.shape for v in values)), []), strict=True)).values()) <= 243)
    c = rc.Einsum(*[(rc.Array(v), labels) for labels, v in zip(inputs, values, strict=True)], out_axes=out)
    assert torch.allclose(c.evaluate(), by_loops(inputs, out, values), rtol=1e-12, atol=1e-12)
    normal = c.normalize_ints()
    assert torch.allclose(normal.evaluate(), c.evaluate()) and normal.children == c.children
    assert sorted({k for labels in normal.all_input_axes() for k in labels}) == list(range(len({k for labels in inputs for k in labels})))
    assert c.reduced_axes() == {k for labels in inputs for k in labels} - set(out)
    assert c.next_axis() == max((k for labels in inputs for k in labels), default=-1) + 1


@settings(max_examples=60)
@given(einsums(max_operands=5, min_size=1))
def test_paths_keep_the_value(case):
    inputs, out, values = case
    c = rc.Einsum(*[(rc.Array(v), labels) for labels, v in zip(inputs, values, strict=True)], out_axes=out)
    spec = c.get_spec()
    for path in (spec.optimize(), spec.optimize(check_outer=True), spec.optimize(dont_contract_subsets_into=[0])):
        remaining = len(values)
        for step in path:
            assert step == sorted(set(step)) and all(0 <= k < remaining for k in step)
            remaining -= len(step) - 1
        assert remaining == 1
        nested = rc.einsum_nest_path(c, path)
        assert torch.allclose(nested.evaluate(), c.evaluate(), rtol=1e-9, atol=1e-9)


def test_repeated_labels():
    v, m = rc.Array(torch.tensor([1.0, 2.0])), rc.Array(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    for text, node, value in [
        ("a->aa", v, [[1, 0], [0, 2]]),
        ("aa->aa", m, [[1, 0], [0, 4]]),
        ("aa->a", m, [1, 4]),
        ("aa->", m, 5),
    ]:
        assert rc.Einsum.from_einsum_string(text, node).evaluate().tolist() == value
    assert rc.Einsum.new_diag(v, (0, 0)).evaluate().tolist() == [[1, 0], [0, 2]]
    assert rc.Einsum.new_trace(m, (0, 0)).evaluate().tolist() == [1, 4]
    assert rc.Einsum.empty().evaluate().item() == 1.0 and rc.Einsum.empty().shape == ()
    assert rc.Einsum((s(0, 2), (0, 1)), out_axes=(1,)).evaluate().tolist() == [0, 0]


def test_dtypes_are_kept():
    ints = rc.Array(torch.tensor([2, 3]))
    assert rc.Einsum((ints, (0,)), (ints, (0,)), out_axes=()).evaluate().dtype == torch.int64
    flags = rc.Array(torch.tensor([True, False]))
    value = rc.Einsum((flags, (0,)), (flags, (1,)), out_axes=(0, 1)).evaluate()
    assert value.dtype == torch.bool and value.tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize(
    "call, error, payload",
    [
        (lambda: rc.Einsum((s(2), (0, 1)), out_axes=()), rc.ConstructEinsumLenShapeDifferentFromAxesError, ("len_axes", 2)),
        (lambda: rc.Einsum((s(2), (0,)), (s(3), (0,)), out_axes=()), rc.ConstructEinsumAxisSizeDifferentError, ("axis", 0)),
        (lambda: rc.Einsum((s(2, 3), (0, 0)), out_axes=()), rc.ConstructEinsumAxisSizeDifferentError, ("axis", 0)),
        (lambda: rc.Einsum((s(1), (0,)), (s(3), (0,)), out_axes=()), rc.ConstructEinsumAxisSizeDifferentError, None),
        (lambda: rc.Einsum((s(2), (0,)), out_axes=(1,), name="n"), rc.ConstructEinsumOutputNotSubsetError, ("circuit_name", "n")),
        (lambda: rc.Einsum.from_nodes_ints([s(2)], [], ()), rc.ConstructEinsumWrongNumChildrenError, ("actual_num_children", 1)),
        (lambda: rc.Einsum.from_einsum_string("a,b->", s(2)), rc.ConstructEinsumWrongNumChildrenError, None),
        (lambda: rc.Einsum.from_einsum_string("ab"), rc.ParseEinsumStringNoArrowError, ("string", "ab")),
        (lambda: rc.Einsum.from_einsum_string("a->b->c", s(2)), rc.ParseEinsumStringNoArrowError, None),
        (lambda: rc.Einsum.from_einsum_string("a1->a", s(2)), rc.ParseEinsumStringInvalidError, ("substring", "1")),
        (lambda: rc.Einsum.from_einsum_string("aω->a", s(2)), rc.ParseEinsumStringInvalidError, ("substring", "ω")),
        (lambda: rc.Einsum.from_einsum_string("a\tb->a", s(2)), rc.ParseEinsumStringInvalidError, None),
        (lambda: rc.Einsum.from_fancy_string("a b", s(2, 2)), rc.ParseEinsumStringNoArrowError, None),
        (lambda: rc.Einsum.new_diag(s(2), (0, 1)), rc.ConstructEinsumLenShapeDifferentFromAxesError, None),
        (lambda: rc.Einsum.new_trace(s(2, 3), (0, 0)), rc.ConstructEinsumAxisSizeDifferentError, None),
        (lambda: rc.Einsum.elementwise_broadcasted(s(2), s(3)), rc.MiscInputNotBroadcastableError, ("shapes", [(2,), (3,)])),
        (lambda: rc.Einsum.new_outer_product(s(2), out_axes_permutation=[1]), rc.MiscInputItemOutOfBoundsError, None),
        (lambda: rc.Einsum.new_outer_product(*[s(1, 1, 1)] * 90), rc.ConstructNotSupportedYetError, None),
        (lambda: rc.Einsum((s(2), (0,)), out_axes=(0,)).evolve(out_axes=(3,)), rc.ConstructEinsumOutputNotSubsetError, None),
        (lambda: rc.Einsum.from_fancy_string(" ".join(f"w{i}" for i in range(257)) + " ->", s(2)), rc.ParseEinsumStringInvalidError, None),
    ],
)
def test_errors(call, error, payload):
    with pytest.raises(error) as caught:
        call()
    if payload:
        assert caught.value.args[0].items()[payload[0]] == payload[1]


def test_strings():
    x = s(2, 3)
    assert rc.Einsum.from_einsum_string("ij->ji", x).all_input_axes() == [(8, 9)]
    assert rc.Einsum.from_einsum_string("i j -> j i", x) == rc.Einsum.from_einsum_string("ij->ji", x)
    assert rc.Einsum.from_einsum_string("αψ->ψ", x).all_input_axes() == [(52, 75)]
    assert rc.Einsum.from_einsum_string("->") == rc.Einsum.empty() and rc.Einsum.from_einsum_string("->", s()).num_children == 1
    assert rc.Einsum.from_einsum_string(",->", s(), s()).num_children == 2
    fancy = rc.Einsum.from_fancy_string("batch q, batch k q -> batch k", s(2, 3), s(2, 4, 3), name="n")
    assert fancy.args == [(s(2, 3), (0, 1)), (s(2, 4, 3), (0, 2, 1))] and fancy.out_axes == (0, 2) and fancy.op_name == "n"
    spec = rc.EinsumSpec
    assert spec.string_to_ints("ab,bc->ac") == ([[0, 1], [1, 2]], [0, 2])
    assert spec.fancy_string_to_ints("x y, y -> x") == ([[0, 1], [1]], [0])


@given(nodes_of_class(rc.Einsum, classes=COMPUTABLE))
def test_constructors_round_trip(c):
    assert rc.Einsum.from_nodes_ints(c.children, c.all_input_axes(), c.out_axes, c.op_name) == c
    assert rc.Einsum.from_nodes_ints(nodes=c.children, input_axes=c.all_input_axes(), output_ints=c.out_axes, name=c.op_name) == c
    assert rc.Einsum.from_spec_py(c.get_spec(), *c.children, name=c.op_name) == c
    assert c.evolve() == c and c.all_input_circuits() == c.children
    assert c.evolve(out_axes=()).op_name == c.op_name and c.evolve(args=c.args) == c
    spec = c.get_spec()
    assert spec.shapes() == ([child.shape for child in c.children], c.shape)
    assert spec.ints_in_input() == {k for labels in c.all_input_axes() for k in labels}
    letters = spec.to_einsum_string()
    assert rc.Einsum.from_einsum_string(letters, *c.children, name=c.op_name) == c
    assert spec.to_maybe_fancy_string({}, [{} for _ in c.children]) == letters


@given(st.lists(shapes(max_rank=2, min_size=1, max_size=3), min_size=1, max_size=3), st.data())
def test_products(sizes, data):
    nodes = [rc.Array(data.draw(tensors(shape))) for shape in sizes]
    expected = torch.ones((), dtype=torch.float64)
    for node in nodes:
        expected = expected[(..., *[None] * node.rank)] * node.value
    product = rc.Einsum.new_outer_product(*nodes)
    assert torch.allclose(product.evaluate(), expected)
    order = data.draw(st.permutations(range(product.rank)))
    assert torch.allclose(rc.Einsum.new_outer_product(*nodes, out_axes_permutation=order).evaluate(), expected.permute(order))
    try:
        shape = torch.broadcast_shapes(*sizes)
    except RuntimeError:
        with pytest.raises(rc.MiscInputNotBroadcastableError):
            rc.Einsum.elementwise_broadcasted(*nodes)
        return
    value = math.prod((node.value for node in nodes), start=torch.ones((), dtype=torch.float64))
    c = rc.Einsum.elementwise_broadcasted(*nodes)
    assert c.shape == shape and torch.allclose(c.evaluate(), value)


def test_product_labels():
    c = rc.Einsum.elementwise_broadcasted(s(3), s(2, 1))
    assert c.all_input_axes() == [(1,), (0, 2)] and c.out_axes == (0, 1)
    assert rc.Einsum.elementwise_broadcasted() == rc.Einsum.empty()
    mul = rc.Einsum.scalar_mul(s(2, 3, name="x"), 2.5, "n", "two")
    assert mul.args == [(s(2, 3, name="x"), (0, 1)), (rc.Scalar(2.5, (), "two"), ())] and mul.out_axes == (0, 1) and mul.op_name == "n"


# --- EinsumSpec
def spec_of(text, **sizes):
    inputs, _ = rc.EinsumSpec.string_to_ints(text)
    letters = text.split("->")[0].split(",")
    assert inputs is not None
    return rc.Einsum.from_einsum_string(text, *[s(*[sizes[k] for k in operand]) for operand in letters]).get_spec()


def test_flops():
    assert spec_of("ab,bc->ac", a=2, b=3, c=4).flops() == 24 + 8 * 2
    assert spec_of("a->a", a=5).flops() == 0 and spec_of("ab->a", a=5, b=3).flops() == 5 * 2
    assert rc.Einsum.empty().get_spec().flops() == 0 and spec_of("ab->", a=0, b=3).flops() == 0
    assert rc.Einsum((s(2**40), (0,)), (s(2**40), (1,)), out_axes=(0, 1)).self_flops() == 2**80


def test_spec_record():
    spec = spec_of("ab,bc->ac", a=2, b=3, c=4)
    assert (spec.input_ints, spec.output_ints, spec.int_sizes) == ([[0, 1], [1, 2]], [0, 2], [2, 3, 4]) and spec.validate()
    normal = rc.Einsum.from_einsum_string("xz,zy->xy", s(2, 3), s(3, 4)).get_spec().normalize()
    assert normal == spec and hash(normal) == hash(spec)
    assert spec.to_fancy_einsum_string({0: "i", 1: "k"}, [{0: "i", 1: "j"}, {0: "j", 1: "k"}]) == "fancy: i j, j k -> i k"
    assert spec.to_fancy_einsum_string({}, [{}, {}]) is None
    named = rc.Einsum.from_einsum_string("ab,cb->bc", s(4, 3), s(2, 3)).get_spec()
    text = named.to_fancy_einsum_string({0: "small", 1: "large"}, [{0: "rows", 1: "small"}, {0: "large", 1: "little"}])
    assert text == "fancy: rows small, large small -> small large"
    assert rc.Einsum((s(2, 3), (0, 80)), out_axes=(80,)).get_spec().to_maybe_fancy_string({}, [{}]) == "fancy: a x80 -> x80"


# --- paths
def cost(spec, path):
    """Sum of the sizes of the unions of labels."""
    operands = [set(labels) for labels in spec.input_ints]
    total = 0
    for step in path:
        picked = [operands[k] for k in step]
        operands = [o for k, o in enumerate(operands) if k not in step]
        union = set().union(*picked)
        total += math.prod(spec.int_sizes[k] for k in union)
        needed = set(spec.output_ints).union(*operands)
        operands.append(union & needed)
    return total


def best_cost(spec):
    """Minimum over all pairwise orders of connected operands without outer products."""
    sets = [frozenset(labels) for labels in spec.input_ints]
    everything = (1 << len(sets)) - 1

    def labels_of(mask):
        inside = set().union(*[sets[i] for i in range(len(sets)) if mask >> i & 1])
        outside = set(spec.output_ints).union(*[sets[i] for i in range(len(sets)) if not mask >> i & 1])
        return inside & outside if bin(mask).count("1") > 1 else inside

    best = {1 << i: 0 for i in range(len(sets))}
    for mask in range(1, everything + 1):
        if mask in best:
            continue
        options = []
        part = (mask - 1) & mask
        while part:
            rest = mask ^ part
            if part < rest and part in best and rest in best and labels_of(part) & labels_of(rest):
                size = math.prod(spec.int_sizes[k] for k in labels_of(part) | labels_of(rest))
                options.append(best[part] + best[rest] + size)
            part = (part - 1) & mask
        if options:
            best[mask] = min(options)
    return best.get(everything)


def test_path_example():
    spec = spec_of("ab,bc,cd->ad", a=2, b=3, c=4, d=5)
    assert spec.optimize() == [[0, 1], [0, 1]] and cost(spec, spec.optimize()) == 64
    assert rc.Einsum.empty().get_spec().optimize() == [[]] and spec_of("a->a", a=2).optimize() == [[0]]
    assert spec_of("a,b->ab", a=2, b=3).optimize() == [[0, 1]]


@settings(max_examples=40)
@given(st.data())
def test_paths_are_optimal(data):
    count = data.draw(st.integers(3, 7))
    labels = data.draw(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=3, unique=True), min_size=count, max_size=count))
    sets = list(map(set, labels))
    assume(not any(i != j and a <= b for (i, a), (j, b) in itertools.product(enumerate(sets), enumerate(sets))))
    sizes = data.draw(st.lists(st.integers(2, 9), min_size=7, max_size=7))
    used = sorted(set().union(*sets))
    out = data.draw(st.lists(st.sampled_from(used), max_size=3, unique=True))
    spec = rc.Einsum(*[(s(*[sizes[k] for k in operand]), operand) for operand in labels], out_axes=out).get_spec()
    best = best_cost(spec)
    assume(best is not None)
    assert cost(spec, spec.optimize_dp()) == best == cost(spec, spec.optimize())


def test_subset_phase():
    spec = spec_of("ab,b,bc->ac", a=2, b=3, c=4)
    path, remaining = spec.optimize_pre_contract_subsets()
    assert path == [[0, 1]] and sorted(remaining) == [0b011, 0b110]
    path, remaining = spec.optimize_pre_contract_subsets(dont_contract_subsets_into=[0, 2])
    assert path == [] and sorted(remaining) == [0b010, 0b011, 0b110]


def test_caps_and_large_inputs():
    spec = spec_of("ab,bc,cd->ad", a=2, b=3, c=4, d=5)
    with pytest.raises(RuntimeError, match="couldn't find solution within cost cap"):
        spec.optimize(mem_cap=1)
    with pytest.raises(OverflowError):
        spec.optimize(mem_cap=-1)
    operands = [(s(2, 3), (k, k + 1) if k % 2 == 0 else (k + 1, k)) for k in range(100)]
    long = rc.Einsum(*operands, out_axes=(0,)).get_spec()
    path = long.optimize()
    assert len(path) == 99 and path == long.optimize()
    dense = rc.Einsum(
        *[
            (s(2, 2, 2), (k % 30, (7 * k + 1) % 30, (11 * k + 2) % 30))
            for k in range(40)
            if len({k % 30, (7 * k + 1) % 30, (11 * k + 2) % 30}) == 3
        ],
        out_axes=(),
    )
    assert dense.get_spec().optimize()
    with pytest.raises(ValueError):
        rc.einsum_nest_path(rc.Einsum(*operands[:3], out_axes=()), [[0, 1]])
