"""What every node offers (spec 01, sections 2 to 5, 7 to 9, 13, 14)."""

import copy
import math
import uuid

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import ALL, COMPUTABLE, circuits, computable_circuits, nodes_of_class, shapes, tensors

KINDS = [
    rc.Einsum,
    rc.Array,
    rc.Symbol,
    rc.Scalar,
    rc.Add,
    rc.Rearrange,
    rc.Index,
    rc.GeneralFunction,
    rc.Concat,
    rc.Scatter,
    rc.Conv,
    rc.Module,
    rc.SetSymbolicShape,
    rc.Tag,
    rc.DiscreteVar,
    rc.StoredCumulantVar,
    rc.Cumulant,
]
SNAKE = "einsum array symbol scalar add rearrange index general_function concat scatter conv module set_symbolic_shape tag discrete_var "
SNAKE = (SNAKE + "stored_cumulant_var cumulant").split()
U = uuid.UUID(int=7)


def distinct_nodes(circuit):
    """Children before parents."""
    seen, out, stack = set(), [], [(circuit, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            out.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(child, False) for child in node.children]
    return out


def close(a, b):
    assert a.shape == b.shape and a.dtype == b.dtype
    return torch.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)


# --- classes
def test_classes_are_the_17_and_final():
    assert [cls.__name__ for cls in KINDS] == (
        "Einsum Array Symbol Scalar Add Rearrange Index GeneralFunction Concat Scatter Conv Module SetSymbolicShape Tag DiscreteVar "
        "StoredCumulantVar Cumulant"
    ).split()
    for cls in KINDS:
        assert cls.__bases__ == (rc.Circuit,)
        assert cls.__module__ == "pycircuit"
        with pytest.raises(TypeError):
            type("Mine", (cls,), {})
    with pytest.raises(TypeError):
        rc.Circuit()


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(st.data())
def test_class_tests(cls, data):
    node = data.draw(nodes_of_class(cls))
    assert type(node) is cls
    for other, snake in zip(KINDS, SNAKE, strict=True):
        assert getattr(node, f"is_{snake}")() is (cls is other)
        assert getattr(node, f"maybe_{snake}")() == (node if cls is other else None)
        if cls is other:
            assert getattr(node, f"cast_{snake}")() == node
        else:
            with pytest.raises(TypeError, match=f"expected {other.__name__} but got {cls.__name__}"):
                getattr(node, f"cast_{snake}")()
    groups = {
        "irreducible_node": (rc.Array, rc.Symbol),
        "leaf": (rc.Array, rc.Symbol, rc.Scalar),
        "leaf_constant": (rc.Array, rc.Scalar),
        "var": (rc.StoredCumulantVar, rc.DiscreteVar),
    }
    for group, members in groups.items():
        expected = cls in members
        assert getattr(node, f"is_{group}")() is expected
        assert getattr(rc, f"circuit_is_{group}")(node) is expected
        assert getattr(node, f"into_{group}")() == (node if expected else None)
        with pytest.raises(TypeError):
            getattr(rc, f"circuit_is_{group}")(3)
    assert isinstance(node, rc.Leaf) == node.is_leaf() and isinstance(node, rc.Var) == node.is_var()
    assert rc.print_circuit_type_check(cls) is cls


@pytest.mark.parametrize("wrong", [int, None, rc.Circuit, 3, "Add"])
def test_print_circuit_type_check_rejects(wrong):
    with pytest.raises(TypeError):
        rc.print_circuit_type_check(wrong)


def test_type_aliases_exist():
    names = (
        "Shape Axis IrreducibleNode Leaf LeafConstant Var Path Paths MatcherIn IterativeMatcherIn TransformIn SampleSpec SampleSpecIn "
        "TorchAxisIndex IntOrMatcher NestEinsumsSpecMultiple NestEinsumsSpecSub NestEinsumsSpec NestAddsSpecMultiple NestAddsSpecSub "
        "NestAddsSpec GeneralFunctionSpec Binder UpdatedIterativeMatcher UpdatedIterativeMatcherIn PrintOptionsBase CliColor "
        "CircuitColorer CircuitCommenter CircuitHtmlColorer NestedModuleNamer ModuleConstructCallback MaybeUpdate ConvPaddingShorthand"
    )
    for name in names.split():
        assert getattr(rc, name) is not None, name
    assert rc.Shape is tuple


def test_immutable_and_no_arithmetic():
    a = rc.Scalar(2.0, (2, 3), "a")
    with pytest.raises(AttributeError):
        a.name = "b"
    with pytest.raises(AttributeError):
        a.anything = 1
    for bad in (lambda: a + a, lambda: a * 2, lambda: a[0], lambda: len(a), lambda: iter(a), lambda: -a, lambda: a < 3):
        with pytest.raises(TypeError):
            bad()
    assert bool(rc.Scalar(0.0))


# --- properties of every node
@given(circuits())
def test_properties(c):
    for node in distinct_nodes(c):
        assert node.rank == node.ndim == len(node.shape) and isinstance(node.shape, tuple)
        assert node.numel == math.prod(node.shape)
        assert node.name == (node.op_name or "")
        assert node.num_children == len(node.children)
        assert node.children is not node.children
        assert node.non_free_children == (node.nodes if node.is_module() else node.children)
        assert node.device == node.device_dtype.device and node.dtype == node.device_dtype.dtype
        assert node.get_device_dtype() == node.device_dtype
        assert node.torch_dtype == (getattr(torch, node.dtype) if node.dtype else None)
        filled = node.get_compatible_device_dtype()
        assert (filled.device, filled.dtype) == (node.device or "cpu", node.dtype or "float64")
        assert node.hash.hex() == node.hash_base16 and len(node.hash) == 32
        assert [(s.rank, len(m)) for s, m in zip(node.children, node.child_axis_map(), strict=True)] == [
            (s.rank, s.rank) for s in node.children
        ]
        if node.is_leaf():
            with pytest.raises(RuntimeError):
                node.get_autoname()
            assert node.child_axis_map() == []
    assert c.total_flops() == sum(node.self_flops() for node in distinct_nodes(c))
    assert c.total_arrayconstant_size() == sum(node.numel for node in distinct_nodes(c) if node.is_array())
    sizes = {"float64": 8, "float32": 4, "int64": 8, "bool": 1}
    largest = [node.numel * sizes[node.dtype or "float64"] for node in distinct_nodes(c) if not node.is_leaf()]
    assert c.max_non_input_size() == max(largest, default=0)


@given(computable_circuits())
def test_shape_dtype_device_are_those_of_the_value(c):
    value = c.evaluate()
    assert c.shape == tuple(value.shape)
    assert c.dtype in (None, str(value.dtype).removeprefix("torch."))
    assert c.device in (None, str(value.device))
    if c.dtype is None:
        assert value.dtype == torch.float64
    assert close(rc.evaluate(c), value)


@given(computable_circuits(dtypes=[torch.float32, torch.int64, torch.bool]))
def test_other_dtypes_evaluate_as_declared(c):
    try:
        value = c.evaluate()
    except RuntimeError as error:  # relu and abs of bool
        assert "ool" in str(error)
        return
    assert c.shape == tuple(value.shape)
    assert c.dtype in (None, str(value.dtype).removeprefix("torch."))


@given(circuits())
def test_map_children_rebuilds(c):
    again = c.map_children(lambda child: child)
    assert type(again) is type(c) and again.children == c.children and again.shape == c.shape
    if c.op_name is not None and not c.is_leaf():
        assert again.rename_axes({}) == c.rename_axes({})
    assert c.map_children_enumerate(lambda i, child: (child, c.children[i])[1]) == again
    if c.is_leaf():
        assert again == c
    for ix in range(c.num_children):
        assert c.map_child(ix, lambda child: child) == again
    with pytest.raises(RuntimeError):
        c.map_child(c.num_children, lambda child: child)


@given(computable_circuits())
def test_map_children_keeps_the_value(c):
    assert close(c.map_children(lambda child: child).evaluate(), c.evaluate())


def test_map_children_errors():
    a = rc.Add(rc.Scalar(1.0, (), "x"), rc.Scalar(2.0, (), "y"))
    with pytest.raises(TypeError):
        a.map_children(lambda child: 3)
    with pytest.raises(TypeError):
        a.map_children(lambda: None)
    with pytest.raises(TypeError):
        a.map_children(3)
    with pytest.raises(ZeroDivisionError):
        a.map_children(lambda child: 1 // 0)
    with pytest.raises((TypeError, OverflowError)):
        a.map_child(-1, lambda child: child)
    calls = []
    assert a.map_child(1, lambda child: calls.append(child) or rc.Scalar(3.0)).children[0] == a.children[0]
    assert calls == [a.children[1]]


# --- rebuilt from accessors
REBUILD = {
    rc.Einsum: lambda c: rc.Einsum(*c.args, out_axes=c.out_axes, name=c.op_name),
    rc.Array: lambda c: rc.Array(c.value, c.op_name),
    rc.Symbol: lambda c: rc.Symbol(c.shape, c.uuid, c.op_name),
    rc.Scalar: lambda c: rc.Scalar(c.value, c.shape, c.op_name),
    rc.Add: lambda c: rc.Add(*c.nodes, name=c.op_name),
    rc.Rearrange: lambda c: rc.Rearrange(c.node, c.spec, c.op_name),
    rc.Index: lambda c: rc.Index(c.node, c.idx, c.op_name),
    rc.GeneralFunction: lambda c: rc.GeneralFunction(*c.nodes, spec=c.spec, name=c.op_name),
    rc.Concat: lambda c: rc.Concat(*c.nodes, axis=c.axis, name=c.op_name),
    rc.Scatter: lambda c: rc.Scatter(c.node, c.idx, c.shape, c.op_name),
    rc.Conv: lambda c: rc.Conv(c.input, c.filter, c.stride, c.padding, c.op_name),
    rc.Module: lambda c: rc.Module.new_flat(c.spec, *c.nodes, name=c.op_name),
    rc.SetSymbolicShape: lambda c: rc.SetSymbolicShape(c.node, c.shape, c.op_name),
    rc.Tag: lambda c: rc.Tag(c.node, c.uuid, c.op_name),
    rc.DiscreteVar: lambda c: rc.DiscreteVar(c.values, c.probs_and_group, c.op_name),
    rc.StoredCumulantVar: lambda c: rc.StoredCumulantVar(c.cumulants, c.uuid, c.op_name),
    rc.Cumulant: lambda c: rc.Cumulant(*c.nodes, name=c.op_name),
}


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
@settings(max_examples=15)
@given(st.data())
def test_rebuilt_from_accessors(cls, data):
    c = data.draw(nodes_of_class(cls))
    again = REBUILD[cls](c)
    assert again == c and hash(again) == hash(c) and copy.deepcopy(c) == c and copy.copy(c) == c


# --- flags
def flags(node):
    return node.is_constant, node.is_explicitly_computable, node.can_be_sampled


@given(circuits(classes=[cls for cls in ALL if cls is not rc.Module]))
def test_flags_follow_from_the_children(c):
    for node in distinct_nodes(c):
        constant, computable, sampleable = (all(values) for values in zip(*[(True, True, True), *map(flags, node.children)], strict=True))
        if node.is_symbol() or node.is_set_symbolic_shape():
            computable = False
        if node.is_discrete_var():
            constant, computable, sampleable = False, False, True
        if node.is_stored_cumulant_var():
            constant, computable, sampleable = False, False, max(node.cumulants) <= 2
        if node.is_cumulant():
            constant = True
        assert flags(node) == (constant, computable, sampleable), node
        if all(child.use_autoname for child in node.children):
            continue
        assert not node.use_autoname
    assert c.no_unbound_symbols == (not any(node.is_symbol() for node in distinct_nodes(c)))


def test_flags_table():
    s, symbol = rc.Scalar(1.0, (2,)), rc.Symbol((2,), U)
    array, var = rc.Array(torch.zeros(2)), rc.DiscreteVar(rc.Scalar(1.0, (2, 2)))
    yes, no = True, False
    stored = {1: s, 2: rc.Scalar(1.0, (2, 2)), 3: rc.Scalar(0.0, (2, 2, 2))}
    rows = [
        ([s, array, rc.Cumulant(), rc.Cumulant(s, array)], (yes, yes, yes)),
        ([symbol, rc.Einsum.identity(symbol), rc.Cumulant(symbol)], (yes, no, yes)),
        ([var, rc.DiscreteVar(symbol), rc.SetSymbolicShape(var, var.shape)], (no, no, yes)),
        ([rc.Cumulant(var)], (yes, no, yes)),
        ([rc.StoredCumulantVar(stored)], (no, no, no)),
        ([rc.StoredCumulantVar({1: s, 2: stored[2]})], (no, no, yes)),
    ]
    for nodes, expected in rows:
        for node in nodes:
            assert flags(node) == expected, node


@given(circuits(max_steps=4))
def test_module_of_an_identity_spec_has_the_flags_of_its_argument(c):
    symbol = rc.Symbol(c.shape, uuid.UUID(int=99), "the only symbol")
    module = rc.Module.new_flat(rc.ModuleSpec(symbol, [rc.ModuleArgSpec(symbol)]), c)
    assert flags(module) == flags(c) and module.no_unbound_symbols == c.no_unbound_symbols and module.use_autoname == c.use_autoname
    assert module.shape == c.shape and module.device_dtype == c.device_dtype


# --- axis maps
@settings(max_examples=150)
@given(computable_circuits(), st.data())
def test_child_axis_map_law(c, data):
    if not c.children or 0 in c.shape:
        return
    maps = c.child_axis_map()
    for axis in sorted({o for m in maps for o in m if o is not None}):
        position = data.draw(st.integers(0, c.shape[axis] - 1))
        # Indexed with a slice of length 1, so that ranks and axis numbers stay.
        children = []
        for child, axes in zip(c.children, maps, strict=True):
            index = [slice(position, position + 1) if o == axis else slice(None) for o in axes]
            children.append(rc.Array(rc.Index(child, index).evaluate()) if axis in axes else child)
        expected = c.index([slice(None)] * axis + [slice(position, position + 1)]).evaluate()
        got = rebuilt_sliced(c, children, axis)
        if got is not None:
            assert close(got.evaluate(), expected)


def rebuilt_sliced(c, children, axis):
    """The same operation on children sliced along one axis, with fields that name the size adapted; None where that has no meaning."""
    if c.is_module():
        try:
            expanded = rc.expand_node(c, children)
        except rc.ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedError:
            return None  # the argument spec fixes the sizes of the body
        return expanded if expanded.shape[axis] == 1 else None  # a slice of length 1 broadcasts against constants of the body
    if c.is_einsum() and any(axes.count(c.out_axes[axis]) > 1 for _, axes in c.args):
        return None  # the map has no entry where a label repeats within an operand (03, section 11), so that its size cannot change alone
    if c.is_rearrange():
        return rc.Rearrange(children[0], c.spec.expand_to(children[0].shape))
    if c.is_index():
        index = [slice(None) if m == axis else element for element, m in zip(c.idx, c.child_axis_map()[0], strict=True)]
        return rc.Index(children[0], index)
    if c.is_scatter():
        shape = [children[0].shape[i] if i == axis else size for i, size in enumerate(c.shape)]
        index = [slice(None) if i == axis else element for i, element in enumerate(c.idx)]
        return rc.Scatter(children[0], index, shape)
    return c.map_children_enumerate(lambda i, child: children[i])


def test_child_axis_map_examples():
    x = rc.Array(torch.zeros(4, 5, 6, 7), "x")
    index = rc.Index(x, (slice(1, 3), 0, slice(None), torch.tensor([1, 0])))
    assert index.child_axis_map() == [[None, None, 1, None]]
    assert index.child_axis_map_including_slices() == [[0, None, 1, None]]
    a, b = rc.Scalar(1.0, (2, 3)), rc.Scalar(1.0, (3, 2))
    assert rc.Einsum((a, (0, 1)), (b, (1, 2)), out_axes=(2, 0)).child_axis_map() == [[1, None], [None, 0]]
    assert rc.Einsum((rc.Scalar(1.0, (2, 2)), (0, 0)), out_axes=(0,)).child_axis_map() == [[None, None]]
    assert rc.Einsum((rc.Scalar(1.0, (2,)), (0,)), out_axes=(0, 0)).child_axis_map() == [[None]]
    assert rc.Add(a, rc.Scalar(1.0, (3,)), rc.Scalar(1.0, (1, 3))).child_axis_map() == [[0, 1], [1], [None, 1]]
    assert a.rearrange_str("a b -> b () a").child_axis_map() == [[2, 0]]
    assert rc.Concat(a, a, axis=0).child_axis_map() == [[None, 1], [None, 1]]
    assert rc.Scatter(a, (slice(0, 2), slice(1, 4)), (2, 5)).child_axis_map() == [[0, None]]
    assert rc.Conv(rc.Scalar(1.0, (8, 5, 1)), rc.Scalar(1.0, (2, 3, 1)), [1]).child_axis_map() == [[0, None, None], [None] * 3]
    assert rc.Tag(a, U).child_axis_map() == [[0, 1]] and rc.SetSymbolicShape(a, (2, 3)).child_axis_map() == [[0, 1]]
    assert rc.DiscreteVar(a).child_axis_map() == [[None, 0], [None]]
    assert rc.Cumulant(a, b).child_axis_map() == [[0, 1], [2, 3]]
    m, v = rc.Scalar(0.0, (2,)), rc.Scalar(0.0, (2, 2))
    assert rc.StoredCumulantVar({1: m, 2: v}).child_axis_map() == [[None], [None, None]]


# --- methods
AXES = st.one_of(st.none(), st.integers(-3, 2), st.lists(st.integers(-3, 2), max_size=4))


@given(shapes(min_rank=3, max_rank=3), AXES, st.data())
def test_reductions_agree_with_torch(shape, axis, data):
    value = data.draw(tensors(shape))
    x = rc.Array(value, "x")
    axes = [0, 1, 2] if axis is None else [axis] if isinstance(axis, int) else axis
    unique = sorted({a % 3 for a in axes})
    dims = tuple(unique)
    for method, function in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax), ("min", torch.amin)):
        expected = function(value, dim=dims) if dims else value
        assert close(getattr(x, method)(axis).evaluate(), expected), method
        assert getattr(x, method)(axis, name="n").op_name == "n"
        assert getattr(x, method)(axis) == x.reduce(method, axis)


def test_reduction_errors():
    x = rc.Array(torch.zeros(2, 3), "x")
    for method in ("sum", "mean", "max", "min"):
        with pytest.raises(rc.MiscInputItemOutOfBoundsError):
            getattr(x, method)(2)
        with pytest.raises(TypeError):
            getattr(x, method)("a")
    with pytest.raises(rc.ConstructUnknownGeneralFunctionError):
        x.reduce("nothing_of_this_name")
    assert rc.Array(torch.zeros(0, 3)).mean(0).evaluate().isnan().all()
    assert rc.Array(torch.zeros(0, 3)).sum(0).evaluate().tolist() == [0, 0, 0]
    assert x.mean(0, scalar_name="s").children[1].op_name == "s"
    assert rc.Array(torch.zeros(2)).mean().children[1].op_name is None


@given(shapes(max_rank=3, min_size=0), st.data())
def test_shape_methods(shape, data):
    value = data.draw(tensors(shape))
    x = rc.Array(value, "x")
    count = data.draw(st.integers(0, 2))
    rank = len(shape) + count
    axes = data.draw(st.permutations(range(rank)))[:count] if rank else []
    axes = [axis - rank if data.draw(st.booleans()) else axis for axis in axes]
    wide = x.unsqueeze(axes)
    assert [size for i, size in enumerate(wide.shape) if i not in [a % rank for a in axes]] == list(shape) and wide.rank == rank
    assert close(wide.squeeze(axes).evaluate(), value)
    assert close(x.flatten().evaluate(), value.reshape(-1))
    assert close(x.flatten().unflatten(shape).evaluate(), value)
    if shape:
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        assert close(x.unflatten_axis(axis, (1, shape[axis])).evaluate(), value.unflatten(axis, (1, shape[axis])))
    counts = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    expanded = x.expand_at_axes(axes, counts)
    sizes = dict(zip([a % rank for a in axes], counts, strict=True))
    assert close(expanded.evaluate(), wide.evaluate().expand([sizes.get(i, s) for i, s in enumerate(wide.shape)]))


def test_shape_method_errors():
    x = rc.Array.randn(1, 3, 1)
    with pytest.raises(RuntimeError):
        x.squeeze([0, 1])
    with pytest.raises(rc.MiscInputItemOutOfBoundsError):
        x.squeeze(3)
    with pytest.raises(TypeError):
        x.squeeze()
    with pytest.raises(rc.ConstructUnflattenButNDimNot1Error) as error:
        x.unflatten((3,))
    assert error.value.args[0].ndim == 3
    with pytest.raises(rc.RearrangeSpecNotConformableError):
        x.flatten().unflatten((2,))
    with pytest.raises(rc.MiscInputItemOutOfBoundsError):
        x.unflatten_axis(3, (1,))
    with pytest.raises(rc.RearrangeSpecCantUnflattenScalarError):
        rc.Scalar(1.0).unflatten_axis(0, (1,))
    with pytest.raises(rc.RearrangeSpecAxesAndCountsDontMatchError):
        x.expand_at_axes([0, 1], [2])
    with pytest.raises((TypeError, ValueError)):
        x.expand_at_axes(0, -1)


@given(computable_circuits(max_steps=3))
def test_sub_is_add_of_the_negative(c):
    assert close(c.sub(c.mul_scalar(0.5)).evaluate(), c.add(c.mul_scalar(0.5).mul_scalar(-1.0)).evaluate())


def test_renaming():
    a = rc.Scalar(1.0, (2,), "a")
    assert a.rename("b").op_name == "b" and a.rename(None).op_name is None and a.rename("").op_name == "" != a.rename(None).op_name
    assert a.add_suffix("s").op_name == "a_s" and a.add_suffix(None) == a and a.rename(None).add_suffix("s").op_name is None
    with pytest.raises(UnicodeEncodeError):
        a.rename("\ud800")
    with pytest.raises(TypeError):
        a.rename(3)


# --- leaves
def test_array():
    value = torch.randn(3, 4)
    array = rc.Array(value, "v")
    assert array.value is value and array.shape == (3, 4) and array.dtype == "float32" and array.device == "cpu"
    assert array.tensor_hash_base16() == rc.hash_tensor(value).hex()
    with pytest.raises(TypeError):
        rc.Array([1.0, 2.0])
    with pytest.raises(TypeError, match="clone"):
        rc.Array(torch.nn.Parameter(value))
    assert rc.Array(torch.nn.Parameter(value).clone()).value.requires_grad
    for bad in (value.to_sparse(), torch.zeros(2, dtype=torch.complex64), torch.zeros(2, device="meta")):
        with pytest.raises(RuntimeError):
            rc.Array(bad)
    with pytest.raises(rc.ConstructArrayHasReservedSymbolicShapeError) as error:
        rc.Array(torch.zeros(20014))
    assert error.value.args[0].items() == {"number": 20014, "sym": "2*0s"}


def test_equal_tensors_keep_their_own_objects():
    plain = torch.ones(2)
    learned = torch.ones(2, requires_grad=True)
    a, b = rc.Array(plain), rc.Array(learned)
    assert a == b and hash(a) == hash(b) and a.value is plain and b.value is learned
    total = rc.Add(b, rc.Einsum.scalar_mul(b, 2.0)).evaluate().sum()
    total.backward()
    assert learned.grad.tolist() == [3, 3]
    assert torch.equal(rc.Array(torch.arange(6.0).reshape(2, 3).t()).evaluate(), torch.arange(6.0).reshape(2, 3).t())


def test_randn():
    torch.manual_seed(3)
    expected = torch.randn(2, 3)
    torch.manual_seed(3)
    assert torch.equal(rc.Array.randn(2, 3).value, expected)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    assert torch.equal(rc.Array.randn(2, 3, seed=3).value, expected)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert rc.Array.randn().shape == () and rc.Array.randn(2, name="n").op_name == "n"
    assert rc.Array.randn(2, device_dtype=rc.TorchDeviceDtypeOp("cpu", "float64")).dtype == "float64"
    assert rc.Array.randn(2, device_dtype=rc.TorchDeviceDtypeOp()).dtype == "float32"


def test_symbol():
    symbol = rc.Symbol((2, 10007), U, "s")
    assert symbol.uuid == U and symbol.ident() == (U, "s") and not symbol.no_unbound_symbols
    assert rc.Symbol.new_with_none_uuid((2,)).uuid == uuid.UUID(int=0)
    random = rc.Symbol.new_with_random_uuid((2,), "r")
    assert random.uuid.version == 4 and random != rc.Symbol.new_with_random_uuid((2,), "r")
    for bad in (3, "s", None, str(U), U.bytes):
        with pytest.raises(TypeError):
            rc.Symbol((2,), bad)
    with pytest.raises(rc.TensorEvalNotExplicitlyComputableError, match="'s'"):
        rc.Add(symbol, symbol).evaluate()


def test_scalar():
    assert rc.Scalar(True).value == 1.0 and rc.Scalar(3).value == 3.0 and math.isnan(rc.Scalar(math.nan).value)
    assert rc.Scalar(-0.0).is_zero() and not rc.Scalar(1e-300).is_zero() and rc.Scalar(1.0).is_one()
    assert rc.Scalar(0.0) != rc.Scalar(-0.0) and rc.Scalar(math.nan) == rc.Scalar(math.nan)
    evolved = rc.Scalar(2.0, (3,), "a").evolve_shape((4, 5))
    assert evolved == rc.Scalar(2.0, (4, 5), "a")
    value = rc.Scalar(2.0, (3, 10007)).evaluate()
    assert value.shape == (3, 10007) and value.dtype == torch.float64 and value.stride() == (0, 0)
    for bad in ("1", None, 1j, [1.0]):
        with pytest.raises(TypeError):
            rc.Scalar(bad)
    with pytest.raises(OverflowError):
        rc.Scalar(1.0, (-1,))
    with pytest.raises(OverflowError):
        rc.Scalar(1.0, (2**63,))
    assert rc.Scalar(1.0, (2**62, 2**62, 2**62)).numel == 2**186


# --- variables
def test_tag():
    s = rc.Scalar(1.0, (2,), "s")
    assert rc.Tag(s, U) == rc.Tag(s, U) and rc.Tag(s, U).node == s and rc.Tag(s, U).uuid == U
    assert rc.Tag.new_with_random_uuid(s) != rc.Tag.new_with_random_uuid(s)
    assert rc.Tag(s, U).evaluate().tolist() == [1, 1]


def test_discrete_var():
    values, p = rc.Array(torch.arange(6.0).reshape(3, 2), "v"), rc.Scalar(1 / 3, (3,), "p")
    var = rc.DiscreteVar(values, p)
    assert var.shape == (2,) and var.values == values and var.probs_and_group == p and var.children == [values, p] and var.name == "v var"
    assert rc.DiscreteVar(values) != rc.DiscreteVar(values)
    group = rc.DiscreteVar.uniform_probs_and_group(3, "g")
    assert isinstance(group, rc.Tag) and group.op_name == "g" and group.node == rc.Scalar(1 / 3, (3,))
    assert rc.DiscreteVar.new_uniform(values).probs_and_group.node == rc.Scalar(1 / 3, (3,))
    with pytest.raises(rc.ConstructDiscreteVarNoSamplesDimError):
        rc.DiscreteVar(rc.Scalar(1.0))
    with pytest.raises(rc.ConstructDiscreteVarProbsMustBe1dError) as error:
        rc.DiscreteVar(values, rc.Scalar(1.0, (3, 1)))
    assert error.value.args[0].shape == (3, 1)
    with pytest.raises(rc.ConstructDiscreteVarWrongSamplesDimError) as error:
        rc.DiscreteVar(values, rc.Scalar(1.0, (2,)))
    assert error.value.args[0].items() == {"node": values, "probs": rc.Scalar(1.0, (2,))}
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError):
        rc.DiscreteVar(values, rc.Array(torch.full((3,), 1 / 3, dtype=torch.float64)))
    assert rc.DiscreteVar(rc.Array(torch.arange(3))).dtype == "int64"
    with pytest.raises(rc.TensorEvalNotExplicitlyComputableError):
        var.evaluate()


def test_stored_cumulant_var():
    m, v, third = (rc.Scalar(0.5, (2,) * k, f"k{k}") for k in (1, 2, 3))
    var = rc.StoredCumulantVar({3: third, 1: m, 2: v}, U)
    assert list(var.cumulants) == [1, 2, 3] and var.children == [m, v, third] and var.shape == (2,) and var.uuid == U
    assert var == rc.StoredCumulantVar.new_mv(m, v, {3: third}, U)
    assert rc.StoredCumulantVar({1: m, 2: v}).uuid.version == 4
    assert var.name == "StoredCumulantVar(1: k1, 2: k2, 3: k3)"
    with pytest.raises(rc.ConstructStoredCumulantVarNeedsMeanVarianceError):
        rc.StoredCumulantVar({1: m})
    with pytest.raises(rc.ConstructStoredCumulantVarInvalidCumulantNumberError) as error:
        rc.StoredCumulantVar({0: m, 1: m, 2: v})
    assert error.value.args[0].number == 0
    with pytest.raises(rc.ConstructStoredCumulantVarCumulantWrongShapeError) as error:
        rc.StoredCumulantVar({1: m, 2: v, 3: v})
    assert error.value.args[0].items() == {"base_shape": (2,), "cumulant_shape": (2, 2), "cumulant_number": 3}


def test_cumulant():
    a, b = rc.Array(torch.ones(2), "a"), rc.Array(torch.ones(3), "b")
    assert rc.Cumulant().shape == () and rc.Cumulant().evaluate().item() == 1.0
    assert rc.Cumulant().name == "K0()"
    assert rc.Cumulant(a, b).shape == (2, 3) and rc.Cumulant(a, b).cumulant_number == 2 and rc.Cumulant(a, b).name == "K2(a, b)"
    assert torch.equal(rc.Cumulant(a).evaluate(), a.value) and not rc.Cumulant(a, b).evaluate().any()
    assert rc.Cumulant().equivalent_explicitly_computable_circuit() == rc.Scalar(1.0)
    assert rc.Cumulant(a).equivalent_explicitly_computable_circuit() == a
    assert rc.Cumulant(a, b).equivalent_explicitly_computable_circuit() == rc.Scalar(0.0, (2, 3))
    with pytest.raises(rc.ConstructNoEquivalentExplicitlyComputableError):
        rc.Cumulant(rc.Symbol((2,), U)).equivalent_explicitly_computable_circuit()
    x, y = rc.Scalar(1.0, (2,), "b"), rc.Scalar(1.0, (3,), "a")
    canon = rc.Cumulant.new_canon_rearrange(x, y, name="c")
    assert canon.op_name == "c" and canon.shape == (2, 3) and canon.spec.to_string() == "a b -> b a"
    assert canon.node == rc.Cumulant(y, x, name="canon c")


# --- worked examples (section 13)
def test_worked_examples():
    a, b = rc.Scalar(2.0, (2, 3), "a"), rc.Scalar(5.0, (2, 3), "b")
    assert a.add(b).name == "a + b" and a.add(b).evaluate().tolist() == [[7.0] * 3] * 2
    assert a.sub(b).name == "a + neg b" and a.sub(b).evaluate()[0, 0] == -3
    assert a.mul(b).add(a).name == "a * b + a"
    assert a.add(b).mul(a).name == "(a + b) * a"
    assert a.sum(1).shape == (2,) and a.sum(1).name == "a" and a.sum(1).is_einsum()
    total = a.sum().evaluate()
    assert total.item() == 12.0 and total.dtype == torch.float64
    z = rc.Array(torch.zeros(3), "z")
    assert rc.Add(a, z).dtype == "float32" and rc.Add(a, z).evaluate().dtype == torch.float32
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.Add(a, rc.Scalar(1.0, (2,)))
    assert rc.Add(rc.Array(torch.zeros(3)), rc.Array(torch.zeros(3, dtype=torch.int8))).dtype == "float32"
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError):
        rc.Add(rc.Array(torch.zeros(3)), rc.Array(torch.zeros(3, dtype=torch.float64)))
    assert a.mean(0).children[1] == rc.Scalar(0.5, (), "mean_div_a")
    assert a.mean(0).name == "a * mean_div_a"
    assert a.max(1).name == "max(a rearrange)"
    assert a.index((0,)).name == "a idx" and a.index((0,)).shape == (3,)
    assert a.unsqueeze([0, -1]).shape == (1, 2, 3, 1)
    assert a.expand_at_axes(0, 4).shape == (4, 2, 3)
    assert a.flatten().name == "a rearrange" and a.flatten().shape == (6,)
    assert a.rename(None).add(b).op_name is None
    assert a.mul_scalar(2.0).op_name is None
    with pytest.raises(TypeError, match="expected Add but got Scalar"):
        a.cast_add()


def test_print_stats(capfd):
    rc.Add(rc.Scalar(1.0, (3,), "a"), rc.Scalar(2.0, (3,), "b")).print_stats()
    rc.Scalar(1.0).print_stats()
    assert capfd.readouterr().out == "a + b Add nodes 3 max_size 24 flops 6\n Scalar nodes 1 max_size 0 flops 0\n"


def test_to_py_says_why():
    with pytest.raises(NotImplementedError):
        rc.Scalar(1.0).to_py()


def test_add_members():
    a, b = rc.Scalar(1.0, (2, 3), "a"), rc.Scalar(2.0, (3,), "b")
    add = rc.Add(a, b, a)
    assert add.nodes == add.children and add.has_broadcast() and not rc.Add(a, a).has_broadcast()
    assert add.nodes_and_rank_differences() == [(a, 0), (b, 1), (a, 0)]
    assert add.to_counts() == {a: 2, b: 1}
    weighted = rc.Add.from_weighted_nodes((a, 1.0), (b, 3.0))
    assert weighted.children == [a, rc.Einsum.scalar_mul(b, 3.0)] and weighted.evaluate()[0, 0] == 7
    assert rc.Add.from_weighted_nodes((a, 1.0), use_1_weights=True).children[0].is_einsum()
    assert rc.Add.minus(a, b, "d") == a.sub(b, "d")
    assert rc.Add().shape == () and rc.Add().evaluate().item() == 0.0 and rc.Add().op_name is None


@given(st.data())
def test_add_of_integer_and_float(data):
    ints = rc.Array(data.draw(tensors((3,), torch.int64)))
    floats = rc.Array(data.draw(tensors((3,), torch.float32)))
    add = rc.Add(ints, floats)
    assert add.dtype == "float32" and torch.equal(add.evaluate(), ints.value.to(torch.float32) + floats.value)
    half = rc.Add(ints, rc.Scalar(0.5))
    assert half.dtype == "int64" and torch.equal(half.evaluate(), ints.value)


@pytest.mark.parametrize("cls", COMPUTABLE, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(st.data())
def test_every_class_evaluates(cls, data):
    c = data.draw(nodes_of_class(cls))
    assert c.shape == tuple(c.evaluate().shape)
