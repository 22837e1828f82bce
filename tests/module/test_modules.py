"""The model, specs, checks, substitution, conforming (spec 08, sections 1 to 6)."""

import gc
import pickle
import uuid

import pytest
import torch
from module_cases import Fixture, array, einsum, module, rearrange, symbol

import pycircuit as rc


@pytest.fixture
def f():
    return Fixture(rc)


def value(c):
    return rc.substitute_all_modules(c).evaluate()


def close(a, b):
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-6)


# --- 1. the model


def test_all_parameters_at_once(f):
    m = module(rc, rc.Add(f.a, einsum(rc, "a,a->a", f.b, f.b)), [(f.a, f.b), (f.b, f.a)])
    assert m.substitute() == rc.Add(f.b, einsum(rc, "a,a->a", f.a, f.a, name="b * b"), name=m.op_name)


def test_free_symbols(f):
    assert rc.get_free_symbols(f.a) == [f.a]
    assert rc.get_free_symbols(rc.Add(f.b, f.a)) == [f.b, f.a]
    body = rc.Add(f.a, f.b)
    assert rc.get_free_symbols(module(rc, body, [(f.a, f.b)])) == [f.b]
    assert rc.get_free_symbols(module(rc, body, [(f.a, f.a)])) == [f.b, f.a]
    assert rc.get_free_symbols(module(rc, rc.Add(f.b), [(f.a, f.c)])) == [f.b, f.c]


def test_inner_wins(f):
    m = module(rc, rc.Add(module(rc, rc.Add(f.a), [(f.a, f.x)]), f.a), [(f.a, f.y)])
    assert close(value(m), f.x.value + f.y.value)


def test_later_wins(f):
    spec = rc.ModuleSpec(rc.Add(f.a), [rc.ModuleArgSpec(f.a)] * 2, check_all_inputs_used=False, check_unique_arg_names=False)
    m = rc.Module.new_flat(spec, f.x, f.y)
    assert spec.are_args_used() == [False, True]
    assert close(value(m), f.y.value)


def test_no_capture(f):
    nested = module(rc, rc.Add(f.a, f.b), [(f.b, f.y)])
    with pytest.raises(rc.SubstitutionCircuitHasFreeSymsBoundByNestedModuleError) as error:
        module(rc, nested, [(f.a, f.b)])
    assert (error.value.args[0].circ, error.value.args[0].sym, error.value.args[0].nested_module, error.value.args[0].bound_by_nested) == (
        f.b,
        f.a,
        nested,
        [f.b],
    )
    module(rc, module(rc, rc.Add(f.a, f.b), [(f.b, f.a)]), [(f.a, f.c)])  # no binding of c inside


@pytest.mark.parametrize("hidden", [False, True])
def test_no_near_miss(f, hidden):
    other = rc.Symbol((4, 3), f.a.uuid, "a")
    body = rc.Add(f.a, other)
    if hidden:  # in an unused argument of an inner Module
        unused = symbol(rc, "u", 4, 3)
        body = rc.Add(f.a, module(rc, f.b, [(unused, other), (f.b, f.y)]))
    with pytest.raises(rc.SubstitutionFoundNEQFreeSymbolWithSameIdentificationError) as error:
        module(rc, body, [(f.a, f.x)])
    assert (error.value.args[0].sym, error.value.args[0].matching_sym) == (f.a, other)


# --- 2, 3. specs


def test_arg_spec_is_a_value(f):
    s = rc.ModuleArgSpec(f.a)
    assert (s.batchable, s.expandable, s.ban_non_symbolic_size_expand) == (True, True, True)
    t = rc.ModuleArgSpec(f.a, expandable=False)
    assert s != t and t < s and hash(s) == hash(rc.ModuleArgSpec(f.a))
    t.expandable = True
    assert s == t and "ModuleArgSpec" in repr(s)
    just = rc.ModuleArgSpec.just_name_shape(f.x7)
    assert (just.symbol.op_name, just.symbol.shape, just.ban_non_symbolic_size_expand) == ("x", (7, 3), False)
    assert just.symbol.uuid != rc.ModuleArgSpec.just_name_shape(f.x7).symbol.uuid


def test_spec_checks(f):
    A = rc.ModuleArgSpec
    with pytest.raises(rc.ConstructModuleSomeArgsNotPresentError) as error:
        rc.ModuleSpec(rc.Add(f.a), [A(f.a), A(f.b)])
    assert error.value.args[0].spec_circuit == rc.Add(f.a) and error.value.args[0].missing_symbols == {f.b}
    nameless = f.b.rename(None)
    with pytest.raises(rc.ConstructModuleSomeArgsNamedNoneError) as error:
        rc.ModuleSpec(rc.Add(f.a, nameless), [A(f.a), A(nameless)])
    assert error.value.args[0].symbols_named_none == [nameless]
    twin = rc.Symbol((3,), uuid.UUID(int=77), "a")
    with pytest.raises(rc.ConstructModuleArgsDupNamesError) as error:
        rc.ModuleSpec(rc.Add(f.a, twin), [A(f.a), A(twin)])
    assert error.value.args[0].dup_names == {"a": 2}
    spec = rc.ModuleSpec(rc.Add(f.a, f.b), [A(f.a), A(f.b)])
    assert spec == rc.ModuleSpec.new_free_symbols(rc.Add(f.a, f.b)) and hash(spec) == hash(rc.ModuleSpec.new_free_symbols(rc.Add(f.a, f.b)))
    assert spec.map_circuit(lambda c: f.a).circuit == f.a


def test_module_spec_is_a_copy(f):
    m = module(rc, f.inner, [(f.a, f.x), (f.b, f.y)], "m")
    spec = m.spec
    spec.circuit = f.a
    spec.arg_specs = []
    assert m.spec.circuit == f.inner and len(m.spec.arg_specs) == 2
    assert m.children == [f.inner, f.x, f.y] and m.nodes == m.non_free_children == [f.x, f.y]
    assert m.arg_items() == list(zip([f.x, f.y], m.spec.arg_specs, strict=True))


# --- 4. construction


def test_arguments_by_name(f):
    spec = rc.ModuleSpec.new_free_symbols(f.inner)
    assert rc.Module(spec, "m", b=f.y, a=f.x) == rc.Module.new_flat(spec, f.x, f.y, name="m")
    with pytest.raises(rc.ConstructModuleUnknownArgumentError) as error:
        rc.Module(spec, a=f.x, q=f.x)
    assert error.value.args[0].argument == "q" and error.value.args[0].all_module_inputs == ["a", "b"]
    with pytest.raises(rc.ConstructModuleMissingNamesError) as error:
        rc.Module(spec, b=f.x)
    assert error.value.args[0].missing_arguments == ["a"]
    with pytest.raises(rc.ConstructModuleWrongNumberChildrenError) as error:
        rc.Module.new_flat(spec, f.x)
    assert (error.value.args[0].expected, error.value.args[0].got, error.value.args[0].nodes) == (2, 1, [f.x])
    assert rc.Module.new_flat(spec, f.x, f.y).op_name == "inner(x, y)"


def test_shapes(f):
    def of(a, b):
        return module(rc, rc.Add(f.A, f.b), [(f.A, array(rc, "p", *a)), (f.b, array(rc, "q", *b))])

    assert of((7, 2, 3), (3,)).shape == (7, 2, 3)
    m = of((5, 7, 2, 3), (7, 3))
    assert m.shape == (5, 7, 2, 3) and m.aligned_batch_shape() == (5, 7)
    assert m.child_axis_map_inputs() == [[0, 1, 2, 3], [1, 3]]
    assert m.child_axis_map() == [[None, None], [0, 1, 2, 3], [1, 3]]
    assert of((2, 3), (7, 3)).shape == (7, 2, 3)
    with pytest.raises(rc.MiscInputNotBroadcastableError) as error:
        of((5, 7, 2, 3), (1, 3))
    assert [tuple(s) for s in error.value.args[0].shapes] == [(5, 7), (1,)]
    unused = module(rc, f.b, [(f.a, f.x7), (f.b, f.y)])
    assert unused.shape == (7, 3) and unused.substitute().shape == (7, 3)


def test_axis_map_of_crossing_paths():
    q = symbol(rc, "q", 3, 3)
    m = module(rc, rc.Add(q, rearrange(rc, q, "a b -> b a")), [(q, array(rc, "Q", 7, 3, 3))])
    assert m.child_axis_map_inputs() == [[0, None, None]]


def test_argument_checks(f):
    spec = lambda **flags: rc.ModuleSpec(rc.Add(f.a, f.k), [rc.ModuleArgSpec(f.a, **flags)])  # noqa: E731
    with pytest.raises(rc.ExpandModuleRankReducedError):
        rc.Module.new_flat(spec(), f.k)
    with pytest.raises(rc.ExpandModuleTriedToBatchUnbatchableInputError):
        rc.Module.new_flat(spec(batchable=False), f.x7)
    with pytest.raises(rc.ExpandModuleTriedToExpandUnexpandableInputError):
        rc.Module.new_flat(spec(expandable=False), array(rc, "x", 4))
    with pytest.raises(rc.ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedError) as error:
        rc.Module.new_flat(spec(), array(rc, "x", 4))
    assert (error.value.args[0].new_size, error.value.args[0].old_size, error.value.args[0].dim) == (4, 3, 0)
    assert error.value.args[0].arg_spec == rc.ModuleArgSpec(f.a) and error.value.args[0].spec_circuit == rc.Add(f.a, f.k)
    assert rc.Module.new_flat(spec(ban_non_symbolic_size_expand=False), array(rc, "x", 4)).shape == (4,)


def test_errors_show_the_arguments(f):
    s0 = rc.symbolic_sizes()[0]
    p, q = symbol(rc, "p", s0), symbol(rc, "q", s0)
    with pytest.raises(rc.ConstructEinsumAxisSizeDifferentError, match="'long'"):
        module(rc, einsum(rc, "a,a->a", p, q, name="pq"), [(p, array(rc, "long", 5)), (q, array(rc, "short", 4))])
    ints = rc.Array(torch.zeros(3), "float32 one")
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError, match="float32 one"):
        module(rc, f.inner, [(f.a, ints), (f.b, f.y)])


def test_nested_arguments_are_checked(f):
    inner = module(rc, rc.Add(f.a, f.k), [(f.a, f.b)], "in")
    with pytest.raises(rc.ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedError):
        module(rc, rc.Add(inner, f.k), [(f.b, array(rc, "y", 4))], ban=False)


def test_flags(f):
    v = rc.DiscreteVar(f.x7)
    for argument in (f.x, v, f.c, rc.Cumulant(v)):
        m = module(rc, f.a, [(f.a, argument)])
        for flag in ("is_constant", "is_explicitly_computable", "can_be_sampled", "use_autoname", "no_unbound_symbols", "device_dtype"):
            assert getattr(m, flag) == getattr(argument, flag), flag
    plain = f.x.with_autoname_disabled()
    assert not module(rc, rc.Add(f.a), [(f.a, plain)]).use_autoname


def test_named_axes(f):
    named = f.x7.rename_axes({0: "batch", 1: "hidden"})
    m = module(rc, rc.Add(f.a, f.k), [(f.a, named)])
    assert m == m.rename_axes({0: "batch", 1: "hidden"}) and m != m.rename_axes({0: "batch"})


# --- 5. substitution


def test_substitute_example(f):
    m = module(rc, f.top(), [(f.a, f.x), (f.b, f.y)], "m")
    plain = m.substitute()
    assert [c.op_name for c in plain.children] == ["inner", "b * k", "const"] and plain.op_name == "m"
    renamed = m.substitute("p.", ".s")
    assert [c.op_name for c in renamed.children] == ["p.inner.s", "p.b * k.s", "const"] and renamed.op_name == "m"
    assert m.substitute(use_self_name_as_prefix=True).children[0].op_name == "m.inner"
    with pytest.raises(rc.ConstructModulePassedNamePrefixAndUseSelfNameAsPrefixError):
        m.substitute("p.", use_self_name_as_prefix=True)
    assert module(rc, f.a, [(f.a, f.x)], "m").substitute() == f.x


def test_substitute_with_batch(f):
    body = rc.Add(rc.Add(f.a, f.two, name="in2"), f.M, name="top")
    out = module(rc, body, [(f.a, f.x7)], "m").substitute()
    assert out.op_name == "m" and out.shape == (7, 4, 3)
    assert out.children[0].op_name == "in2 unsq_b_add" and out.children[0].shape == (7, 1, 3)
    assert close(out.evaluate(), f.x7.value[:, None] + 2 + f.M.value)


def test_map_on_replaced_path(f):
    m = module(rc, f.top(), [(f.a, f.x), (f.b, f.y)], "m")
    seen = []
    out = m.map_on_replaced_path(lambda c: seen.append(c.op_name) or c.rename(c.op_name + "!"))
    assert seen == ["inner", "b * k", "top"] and out.op_name == "m"
    assert [c.op_name for c in out.spec.circuit.children] == ["inner!", "b * k!", "const"]
    assert out == m.rename_on_replaced_path(None, "!") and m.spec.rename_on_replaced_path(suffix="!") == out.spec
    with pytest.raises(ZeroDivisionError):
        m.map_on_replaced_path(lambda c: 1 // 0)


# --- 6. conforming


def test_conform(f):
    m = module(rc, rc.Add(f.A, f.b, name="body"), [(f.A, array(rc, "p", 5, 7, 2, 3)), (f.b, f.y7)], "m")
    whole = m.conform_to_input_shapes()
    assert whole.aligned_batch_shape() == () and whole.shape == m.shape and whole.op_name == "m" and close(value(whole), value(m))
    one = m.conform_to_input_batch_shape(1)
    assert one.aligned_batch_shape() == (5,) and one.spec.circuit.shape == (7, 2, 3)
    assert one.spec.circuit.children[1].op_name == "b rearrange" and one.spec.circuit.op_name == "body"
    assert close(value(one), value(m))
    assert m.conform_to_input_batch_shape().conform_to_input_batch_shape() == m.conform_to_input_batch_shape()
    assert m.conform_to_input_batch_shape(0).shape == m.shape
    with pytest.raises(RuntimeError):
        m.conform_to_input_batch_shape(3)
    with pytest.raises(rc.ConstructModuleWrongNumberChildrenError):
        m.spec.resize([(2, 3)] * 3)
    assert m.spec.resize([(7, 2, 3), (3,)]).circuit.shape == (7, 2, 3)


def test_conform_with_unused_batch(f):
    m = module(rc, f.b, [(f.a, f.x7), (f.b, f.y)], "m")
    assert m.conform_to_input_shapes().shape == (7, 3)
    assert rc.conform_all_modules(m).shape == (7, 3)


# --- 13. inlining


def test_inline(f):
    once = module(rc, rc.Add(f.a, f.two, name="t"), [(f.a, f.x)], "once")
    spec = rc.ModuleSpec.new_free_symbols(f.inner)
    two = [rc.Module.new_flat(spec, f.x, y, name=n) for y, n in ((f.y, "m"), (f.z, "n"))]
    out = rc.inline_single_callsite_modules(rc.Add(rc.Add(once, f.k), *two))
    assert [type(c).__name__ for c in out.children] == ["Add", "Module", "Module"]
    assert type(out.children[0].children[0]).__name__ == "Add"


# --- 15. size, caches, pickles


@pytest.mark.parametrize("kind", ["arguments", "specs", "outer symbol", "batch"])
def test_ten_thousand_nested(kind):
    n = 10_000
    a, z, one = symbol(rc, "a", 3), symbol(rc, "z", 3), rc.Scalar(1.0, (3,), "one")
    body = rc.Add(a, one, name="body")
    x = array(rc, "x", 3) if kind != "batch" else array(rc, "x", 2, 3)
    if kind in ("arguments", "batch"):
        c = x
        for _ in range(n):
            c = module(rc, body, [(a, c)], "m")
    else:
        inside = rc.Add(a, z, name="az") if kind == "outer symbol" else body
        symbols = [symbol(rc, f"s{i}", 3, number=10_000 + i) for i in range(n)]
        c = module(rc, inside, [(a, symbols[0])], "m")
        for i in range(n - 1):
            c = module(rc, c, [(symbols[i], symbols[i + 1])], "m")
        c = module(rc, c, [(symbols[-1], x)] + ([(z, one)] if kind == "outer symbol" else []), "m")
    assert c.shape == x.shape
    flat = rc.substitute_all_modules(c)
    assert flat.shape == x.shape
    if kind in ("arguments", "batch"):
        assert close(flat.evaluate(), x.value + n)
    c.substitute()
    del c, flat
    gc.collect()


def test_caches_do_not_keep_arrays(f):
    import weakref

    tensor = torch.randn(3, dtype=torch.float64)
    alive = weakref.ref(tensor)
    m = module(rc, f.inner, [(f.a, rc.Array(tensor, "t")), (f.b, f.y)], "m")
    rc.substitute_all_modules(m)
    del tensor
    gc.collect()
    assert alive() is not None
    del m
    gc.collect()
    assert alive() is None
    rc.clear_module_circuit_caches()


def test_pickle(f):
    m = module(rc, f.inner, [(f.a, f.x), (f.b, f.y)], "m")
    for thing in (m.spec, m.spec.arg_specs[0], m):
        assert pickle.loads(pickle.dumps(thing)) == thing
