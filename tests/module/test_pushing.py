"""Expander, binding, extraction, pushing, rebinding: the examples of spec 08, sections 7 to 12."""

import time
import uuid

import pytest
import torch
from module_cases import Fixture, array, einsum, module

import pycircuit as rc


@pytest.fixture
def f():
    return Fixture(rc)


def value(c):
    return rc.substitute_all_modules(c).evaluate()


def text(c):
    """Short form: name, or class with children."""
    if not c.children:
        return c.op_name or type(c).__name__
    names = [text(child) for child in c.children]
    if isinstance(c, rc.Module):
        bindings = ", ".join(f"{s.symbol.op_name} := {n}" for s, n in zip(c.spec.arg_specs, names[1:], strict=True))
        return f"{c.op_name!r}[{names[0]}; {bindings}]"
    return f"{c.op_name!r}({', '.join(names)})"


# --- 7


def test_expand_node_checks(f):
    node = rc.Add(f.x, f.two)
    assert rc.expand_node(node, [f.x, f.two]) == node
    with pytest.raises(rc.ExpandWrongNumChildrenError) as error:
        rc.expand_node(node, [f.x])
    assert (error.value.args[0].expected, error.value.args[0].got) == (2, 1)
    with pytest.raises(rc.ExpandBatchingRankTooLowError) as error:
        rc.expand_node(node, [f.k, f.two])
    assert (error.value.args[0].default, error.value.args[0].got) == ([1, 1], [0, 1])
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.expand_node(node, [f.x7, array(rc, "q", 5, 3)])
    m = module(rc, f.inner, [(f.a, array(rc, "X", 2, 3)), (f.b, f.y)], "m")
    with pytest.raises(RuntimeError, match="Expander"):
        rc.expand_node(m, [f.inner, m.nodes[0], f.y7])


def test_einsum_labels():
    p, q = array(rc, "p", 2, 3), array(rc, "q", 3, 4)
    out = rc.expand_node(einsum(rc, "ab,bc->ac", p, q), [array(rc, "p", 7, 2, 3), array(rc, "q", 3, 5)])
    assert [list(a) for _, a in out.args] == [[3, 0, 1], [1, 2]] and list(out.out_axes) == [3, 0, 2] and out.shape == (7, 2, 5)


def test_rearrange_relaxes():
    x = array(rc, "x", 6)
    node = rc.Rearrange(x, rc.RearrangeSpec.from_string("(a:2 b:3) -> a b"))
    assert rc.expand_node(node, [array(rc, "x", 8)]).shape == (2, 4)
    assert rc.expand_node(node, [array(rc, "x", 9)]).shape == (3, 3)
    with pytest.raises(rc.RearrangeSpecAmbiguousExpandError):
        rc.expand_node(node, [array(rc, "x", 12)])
    assert rc.expand_node(node, [array(rc, "x", 5, 6)]).shape == (5, 2, 3)


def test_fixed_sizes(f):
    longer = array(rc, "x", 4)
    for index in ((1,), (slice(0, 3),)):
        node = rc.Index(f.x, index)
        with pytest.raises(rc.ExpandFixedIndexError) as error:
            rc.expand_node(node, [longer])
        info = error.value.args[0]
        assert (info.index, tuple(info.old_shape), tuple(info.new_shape)) == (node, (3,), (4,))
    assert rc.expand_node(rc.Index(f.x, (slice(None),)), [longer]).shape == (4,)
    with pytest.raises(rc.ExpandFixedIndexError):
        rc.expand_node(rc.Scatter(f.x, (slice(1, 4),), (6,)), [longer])
    with pytest.raises(rc.ExpandConcatAxisError) as error:
        rc.expand_node(rc.Concat(f.x, f.two, axis=0), [longer, f.two])
    info = error.value.args[0]
    assert (info.axis, tuple(info.old_shape), tuple(info.new_shape)) == (0, (3,), (4,))
    with pytest.raises(rc.ExpandCumulantRankChangedError):
        rc.expand_node(rc.Cumulant(f.x, f.y), [f.x, f.y7])
    assert rc.expand_node(rc.Cumulant(f.x, f.y), [f.x7, f.y]).shape == (7, 3, 3)
    index = rc.Array(torch.tensor(1), "i")
    gather = rc.GeneralFunction.gen_index(f.x, index, 0)
    with pytest.raises(rc.ExpandGeneralFunctionTriedToBatchNonBatchableInputError) as error:
        rc.expand_node(gather, [f.x7, index])
    info = error.value.args[0]
    assert info.input_i == 0 and info.batched_inputs == [f.x7, index] and info.general_function == gather
    with pytest.raises(rc.ExpandNodeUnhandledVariantError) as error:
        rc.expand_node(rc.DiscreteVar(f.x), [f.x7, rc.DiscreteVar(f.x).children[1]])
    assert error.value.args[0].variant == "DiscreteVar"


def test_symbolic_sizes(f):
    body = einsum(rc, "h,oh->o", f.inp, f.w, name="body")
    P = module(rc, body, [(f.w, array(rc, "W", 5, 4))], "P")
    assert P.shape == (5,) and {str(c) for c in P.symbolic_size_constraints} == {"0s=4"}
    shaped = P.substitute().children[0]
    assert isinstance(shaped, rc.SetSymbolicShape) and shaped.shape == (4,) and shaped.children == [f.inp]
    full = module(rc, P, [(f.inp, array(rc, "X", 7, 4))])
    assert full.shape == (7, 5) and not full.symbolic_size_constraints and full.is_explicitly_computable
    with pytest.raises(rc.ConstructEinsumAxisSizeDifferentError):
        module(rc, P, [(f.inp, array(rc, "X", 7, 6))])


def test_modules_expand_inside(f):
    X, YY, XX = array(rc, "X", 2, 3), array(rc, "YY", 7, 3), array(rc, "XX", 5, 7, 2, 3)
    m = module(rc, rc.Add(f.a, f.b, name="top"), [(f.a, X), (f.b, array(rc, "Y", 3))], "m")
    out = rc.Expander(("Y", lambda _: YY))(m)
    assert out.op_name == "m" and out.shape == (7, 2, 3) and out.spec.to_string() == "a b c -> b a c"
    call = out.children[0]
    assert call.op_name == "m shift_batch" and call.shape == (2, 7, 3) and call.nodes == [X, YY]
    assert [s.symbol.shape for s in call.spec.arg_specs] == [(3,), (7, 3)] and call.spec.circuit.shape == (7, 3)
    both = rc.Expander(("Y", lambda _: YY), ("X", lambda _: XX))(m)
    call = both.children[0]
    assert both.spec.to_string() == "a b c d -> a c b d" and call.shape == (5, 2, 7, 3)
    assert [s.symbol.shape for s in call.spec.arg_specs] == [(7, 3), (7, 3)]
    assert call.nodes[0].op_name == "XX shift_batch" and call.nodes[0].shape == (5, 2, 7, 3)


# --- 8


def test_replace_expand(f):
    o = rc.Add(rc.Add(f.x, f.two, name="i"), f.y, name="o")
    assert rc.replace_expand_bottom_up_dict(o, {}) is not None and rc.replace_expand_bottom_up_dict(o, {}) == o
    out = rc.replace_expand_bottom_up_dict(o, {f.x: f.x7})
    assert out.shape == (7, 3) and out == rc.replace_expand_bottom_up(o, lambda c: f.x7 if c == f.x else None)
    with pytest.raises(ZeroDivisionError):
        rc.replace_expand_bottom_up(o, lambda c: 1 // 0)
    with pytest.raises(TypeError):
        rc.replace_expand_bottom_up(o, lambda c: 1)
    inside = module(rc, f.inner, [(f.a, f.x), (f.b, f.y)])
    assert text(rc.replace_expand_bottom_up_dict(inside, {f.a: f.z})).startswith("'inner(x, y)'['inner'(z, b)")


def test_expander(f):
    N7 = array(rc, "N", 7, 3)
    o = rc.Add(rc.Add(f.a, f.two, name="i"), f.c, name="o")
    expander = rc.Expander(("a", lambda _: N7), suffix="v")
    assert text(expander(o)) == "'o_v'('i_v'(N, two), c)" and expander(o).shape == (7, 3) and expander.batch(o) == expander(o)
    assert expander.suffix == "v" and len(expander.replacements) == len(expander.matchers) == 1
    with pytest.raises(RuntimeError, match="No matches found during expand"):
        expander(f.x, assert_any_found=True)
    expander.default_assert_any_found = True
    with pytest.raises(RuntimeError, match="No matches found during expand"):
        expander(f.x)
    assert expander(f.x, assert_any_found=False) == f.x
    two = rc.Expander(("a", lambda _: f.x), (rc.Symbol, lambda _: f.y), ban_multiple_matches_on_node=True)
    with pytest.raises(RuntimeError, match="multiple matches! got 2 != 1"):
        two(o)
    two = rc.Expander(("a", lambda _: f.x), (rc.Symbol, lambda _: f.y))
    assert text(two(o)) == "'o'('i'(x, two), y)"
    with pytest.raises(RuntimeError):
        rc.Expander(("nothing", lambda _: f.x))(o, fancy_validate=True)
    with pytest.raises(ZeroDivisionError):
        rc.Expander(("a", lambda _: 1 // 0))(o)


# --- 9


def test_bind(f):
    m = rc.module_new_bind(f.inner, ("a", f.x7), rc.BindItem("b", f.y, batchable=False), name="m")
    assert text(m) == "'m'['inner'(a, b); a := x, b := y]" and not m.spec.arg_specs[1].batchable
    assert isinstance(rc.BindItem("a", f.x).matcher, rc.IterativeMatcher)
    with pytest.raises(RuntimeError, match="found no matches!"):
        rc.module_new_bind(f.inner, ("q", f.x))
    with pytest.raises(RuntimeError, match="found 2 matches which is > 1"):
        rc.module_new_bind(f.inner, ({"a", "b"}, f.x))
    with pytest.raises(rc.ModuleBindExpectedSymbolError) as error:
        rc.module_new_bind(f.inner, ("inner", f.x))
    assert error.value.args[0].matched_circuit == f.inner and error.value.args[0].spec_circuit == f.inner
    with pytest.raises(rc.ConstructModuleSomeArgsNotPresentError):
        rc.module_new_bind(f.inner, ("a", f.x), ("a", f.y), check_unique_arg_names=False)


def test_extract(f):
    body = rc.Add(f.x, rc.Add(f.y, f.x, name="p.in"), name="p.body")
    m = rc.extract_rewrite(body, {"x", "y"}, "p.", "mm")
    assert text(m) == "'mm'['body'(x, 'p.in'(y, x)); x := x, y := y]" and m.nodes == [f.x, f.y]
    assert all((s.batchable, s.expandable, s.ban_non_symbolic_size_expand) == (True, True, False) for s in m.spec.arg_specs)
    assert torch.equal(value(m), body.evaluate())
    assert rc.extract_rewrite(body, input_matcher="x", require_all_args=True).nodes == [f.x]
    given = rc.ModuleArgSpec(rc.Symbol.new_with_random_uuid((9,)))  # nameless and of another shape
    raw = rc.extract_rewrite_raw(body, [(f.x, given)])
    assert raw.spec.arg_specs[0].symbol.shape == (3,) and raw.spec.arg_specs[0].symbol.op_name == "x"
    with pytest.raises(rc.ConstructModuleExtractNotPresentError) as error:
        rc.extract_rewrite(body, {"p.in", "y"})
    assert error.value.args[0].subcirc == f.y
    assert rc.extract_rewrite(body, {"p.in", "y"}, check_all_inputs_used=False).nodes == [body.children[1]]
    twin = rc.ModuleArgSpec(rc.Symbol((3,), f.a.uuid, "s"))
    with pytest.raises(rc.ConstructModuleSomeArgsNotPresentError):
        rc.ModuleSpec.new_extract(body, [(f.x, twin), (f.y, twin)], check_unique_arg_names=False)
    assert rc.extract_rewrite(body, "nothing").nodes == []


# --- 10


def test_extract_symbols(f):
    m, n = (module(rc, f.top(), [(f.a, f.x), (f.b, y)], name) for y, name in ((f.y, "m"), (f.z, "n")))
    two = rc.Add(m, n, name="two")
    out = rc.extract_symbols(two, [f.a])
    assert [c.op_name for c in out.spec.circuit.children] == ["m extracted", "n extracted"] and out.op_name == "two"
    assert out.nodes == [f.x] and torch.equal(value(out), value(two)) and out == rc.extract_symbols_get(two, "a")
    with pytest.raises(rc.ExtractSymbolsBoundInputInconsistentError) as error:
        rc.extract_symbols(two, {f.b})
    info = error.value.args[0]
    assert (info.symbol, info.old_bound, info.new_bound) == (f.b, f.y, f.z)
    part = rc.extract_symbols(two, {f.b}, traversal=rc.new_traversal(term_early_at="n"))
    assert part.nodes == [f.y] and torch.equal(value(part), value(two))
    with pytest.raises(rc.ExtractSymbolsGetFoundNonSymbolError):
        rc.extract_symbols_get(two, "inner")
    batched = module(rc, f.inner, [(f.a, f.x7), (f.b, f.y)], "bat")
    with pytest.raises(rc.ExtractSymbolsBatchedInputError):
        rc.extract_symbols(batched, {f.a})
    conformed = rc.extract_symbols(batched, {f.a}, conform_batch_if_needed=True)
    assert conformed.spec.arg_specs[0].symbol.shape == (7, 3) and torch.equal(value(conformed), value(batched))
    with pytest.raises(rc.ExtractSymbolsBoundInputInconsistentError) as error:
        rc.extract_symbols(rc.Add(m, f.a), {f.a})
    assert error.value.args[0].old_bound == f.a
    with pytest.raises(rc.ExtractSymbolsHasBindingsFromOuterModuleError) as error:
        rc.extract_symbols(f.outer(rc.Add(f.b, f.one)), {f.a})
    assert error.value.args[0].free_outer_symbols == {f.b}
    loose = rc.Module.new_flat(rc.ModuleSpec(m.spec.circuit, [rc.ModuleArgSpec(f.a, expandable=False), rc.ModuleArgSpec(f.b)]), f.x, f.y)
    with pytest.raises(rc.ExtractSymbolsArgSpecInconsistentError):
        rc.extract_symbols(rc.Add(m, loose), {f.a})
    # Conforming gives the outer Module's symbol another shape; the inner argument still depends on it.
    nested = module(rc, rc.Add(f.a, module(rc, rc.Add(f.b), [(f.b, f.a)])), [(f.a, f.x7)], "m")
    with pytest.raises(rc.ExtractSymbolsHasBindingsFromOuterModuleError):
        rc.extract_symbols(nested, [f.a, f.b], conform_batch_if_needed=True)


def test_pull_out(f):
    top = rc.Add(einsum(rc, "a,a->a", f.a, array(rc, "w", 3), name="aw"), f.b, name="top")
    m = module(rc, top, [(f.a, f.x), (f.b, f.y)], "m")
    out = rc.pull_out_of_modules(m, "aw", lambda c: None, rc.IterativeMatcher(False))
    assert text(out) == "'m'['top'(aw, b); a := x, b := y, aw := 'aw'(x, w)]" and torch.equal(value(out), value(m))
    spec = out.spec.arg_specs[-1]
    assert (spec.batchable, spec.expandable, spec.ban_non_symbolic_size_expand) == (True, True, False)
    assert out == rc.pull_out_of_modules(m, "aw", lambda c: None, rc.IterativeMatcher(False))
    with pytest.raises(RuntimeError):
        rc.pull_out_of_modules(m, "aw", lambda c: None)
    circuit, at_top = rc.pull_out_of_modules_get(m, "aw", lambda c: None)
    assert [c.op_name for c, _ in at_top] == ["aw"] and at_top[0][1].symbol in rc.get_free_symbols(circuit)
    nested = module(rc, rc.Add(f.outer(rc.Add(f.c, f.one)), f.one), [(f.c, f.z)], "t")
    pulled = rc.pull_out_of_modules(nested, "inner", lambda c: None, rc.IterativeMatcher(False))
    assert torch.allclose(value(pulled), value(nested))


# --- 11


def test_pushing_table(f):
    o = f.outer()
    push = rc.ModulePusher()
    x_plus_y = "'inner bind:m,o'(x, y)"
    assert text(push(o, rc.new_traversal())) == f"'o'('m bind:o'({x_plus_y}, {x_plus_y}), one)"
    q = "'inner bind:m,o'['inner'(a, b); b := y, a := x]"
    assert text(push(o, rc.new_traversal(term_early_at="inner"))) == f"'o'('m bind:o'({q}, {q}), one)"
    nested = "'inner bind:m,o'['inner bind:m'['inner'(a, b); a := x]; b := y]"
    assert (
        text(rc.ModulePusher(flatten_modules=False)(o, rc.new_traversal(term_early_at="inner")))
        == f"'o'('m bind:o'({nested}, {nested}), one)"
    )
    sq = "'sq'('inner'(a, b), 'inner'(a, b))"
    assert text(push(o, rc.new_traversal(term_early_at="sq"))) == f"'o'('sq bind:m,o'[{sq}; b := y, a := x], one)"
    m = f"'m'[{sq}; a := x]"
    assert text(push(o, rc.new_traversal(term_early_at="m"))) == f"'o'('m bind:o'[{m}; b := y], one)"
    for depth in range(3):
        assert push(o, rc.new_traversal(end_depth=depth)) == o
    q = "'inner bind:o'(a, y)"
    assert text(push(o, rc.new_traversal(), skip_module="m")) == f"'o'('m bind:o'['sq bind:o'({q}, {q}); a := x], one)"
    q = "'inner bind:m'(x, b)"
    assert text(push(o, rc.new_traversal(), skip_module="o")) == f"'o'['body'('m'({q}, {q}), one); b := y]"
    leaves = push(o, rc.new_traversal(term_early_at={"a", "b"}))
    assert "'a bind:m,o'[a; a := x]" in text(leaves) and "'b bind:m,o'[b; b := y]" in text(leaves)
    noop = rc.ModulePusher(module_construct_callback=rc.ModulePusher.noop_callback())(o, rc.new_traversal(term_early_at={"a", "b"}))
    assert "'a bind:m,o'[a; b := y, a := x]" in text(noop) and "'b bind:m,o'[b; b := y, a := x]" in text(noop)
    assert text(push.get_unique_push_down_modules(o, "m")) == f"'m bind:o'[{m}; b := y]"


def test_pushing_options(f):
    o = f.outer()
    seen = []

    def callback(module_, modules, count):
        seen.append((module_.op_name, [m.op_name for m in modules], count))
        return module_.rename("made")

    def namer(base, running, modules, count):
        return f"{base.op_name}/{len(modules)}/{count}"

    out = rc.ModulePusher(module_construct_callback=callback, namer=namer)(o, rc.new_traversal(term_early_at="sq"))
    assert seen == [("sq/2/2", ["m", "o"], 2)] and text(out).startswith("'o/0/None'('made'[")
    pusher = rc.ModulePusher(flatten_modules=False, bind_encountered_symbols=False)
    assert not pusher.flatten_modules and not pusher.bind_encountered_symbols
    with pytest.raises(rc.PushDownModulePushPastPreviouslyBoundSymbolError) as error:
        pusher(o, rc.new_traversal())
    assert error.value.args[0].symbol in (f.a, f.b)
    clash = module(rc, rc.Add(module(rc, rc.Add(f.a), [(f.a, f.x)], "skipped"), f.a), [(f.a, f.y)], "outer")
    with pytest.raises(rc.PushDownModulePushingPastModuleWhichOverridesSymError) as error:
        rc.ModulePusher()(clash, rc.new_traversal(), skip_module="skipped")
    assert error.value.args[0].symbol == f.a and error.value.args[0].skipped_module.op_name == "skipped"
    with pytest.raises(RuntimeError, match="found no matches!"):
        rc.ModulePusher().get_unique_push_down_modules(o, "nothing")
    assert rc.ModulePusher().get_unique_op_push_down_modules(o, "nothing") is None
    with pytest.raises(RuntimeError, match="found 2 matches which is > 1"):
        rc.ModulePusher().get_unique_op_push_down_modules(o, {"a", "b"})
    assert len(rc.ModulePusher().get_push_down_modules(o, {"inner", "sq"})) == 2


def test_skipped_modules_widen(f):
    """A skipped Module whose arguments are batched gets the new axes into its symbols."""
    o = f.outer(f.x5, f.y7)
    expected = value(o)
    for skip in ("m", "o"):
        for traversal in (rc.new_traversal(), rc.new_traversal(term_early_at="inner")):
            for flatten in (True, False):
                out = rc.ModulePusher(flatten_modules=flatten)(o, traversal, skip_module=skip)
                assert out.shape == o.shape and torch.allclose(value(out), expected)


# --- 12


def test_update_bindings(f):
    NEW = array(rc, "NEW", 3)
    update = lambda c: NEW if c.op_name == "x" else None  # noqa: E731
    out = rc.update_bindings_nested(f.outer(), update, "inner")
    q = "'inner upd_bind:m'['inner'(a, b); a := NEW]"
    body = f"'body upd_bind'('m upd_bind'['sq upd_bind'({q}, {q}); a := x], one)"
    assert text(out) == f"'o upd_bind'[{body}; b := y]"
    assert rc.update_bindings_nested(f.outer(), lambda c: None, "inner") == f.outer()
    chained = f.outer(rc.Add(f.b, f.one, name="xb"))
    y_new = lambda c: NEW if c.op_name == "y" else None  # noqa: E731
    for flatten in (False, True):
        out = rc.update_bindings_nested(chained, y_new, "inner", flatten_modules=flatten)
        assert torch.allclose(value(out), value(f.outer(rc.Add(NEW, f.one), NEW)))
    with pytest.raises(RuntimeError, match="conform"):
        rc.update_bindings_nested(f.outer(f.x7), lambda c: array(rc, "N", 7, 3) if c.op_name == "x" else None, "inner")
    keep = rc.default_update_bindings_nested_namer(keep_name_if_not_leaf=True)
    assert rc.update_bindings_nested(f.outer(), update, "inner", namer=keep).op_name == "o"


def test_update_bindings_does_not_capture(f):
    """The new binding stands inside a Module that would bind a free symbol of it."""
    m = module(rc, rc.Add(f.inner, f.one, name="t"), [(f.a, rc.Add(f.a, f.x, name="ax")), (f.b, f.y)], "m")
    with pytest.raises(RuntimeError, match="bound by"):
        rc.update_bindings_nested(m, lambda c: f.z if c.op_name == "x" else None, "inner")


def test_shadowed_symbols_keep_their_binding(f):
    """h uses the outer b, the node the inner one: rebinding the outer must not reach the node."""
    inside = module(rc, f.inner, [(f.a, rc.Add(f.b, f.one, name="h")), (f.b, f.z)], "in")
    o = module(rc, rc.Add(inside, f.one, name="body"), [(f.b, f.y)], "o")
    NEW = array(rc, "NEW", 3)
    out = rc.update_bindings_nested(o, lambda c: NEW if c.op_name == "y" else None, "inner")
    assert torch.allclose(value(out), NEW.value + 1 + f.z.value + 1)


def pushed_through(depth):
    """Modules, each in the spec circuit of the next, pushed down in several ways; their value, and seconds of processor time."""
    symbols = [rc.Symbol((), uuid.UUID(int=i + 1), f"s{i}") for i in range(depth)]
    node = rc.Add(rc.Scalar(0.5), symbols[0], symbols[-1], name="innermost")
    for i, symbol in enumerate(symbols):
        # Every argument but the last depends on the Module around it.
        argument = rc.Add(rc.Scalar(float(i)), symbols[i + 1], name="v") if i + 1 < depth else rc.Scalar(float(i))
        node = rc.Module.new_flat(rc.ModuleSpec(node, [rc.ModuleArgSpec(symbol)]), argument, name=f"m{i}").rename(None)
    pushers = [rc.ModulePusher(), rc.ModulePusher(flatten_modules=False)]
    pushers.append(rc.ModulePusher(module_construct_callback=rc.ModulePusher.noop_callback()))
    start = time.process_time()
    pushed = [pushers[0](node, rc.new_traversal())]
    pushed += [pusher(node, rc.restrict("innermost", term_if_matches=True)) for pusher in pushers]
    pushed += [pusher.get_unique_push_down_modules(node, "innermost") for pusher in pushers]
    return pushed, 0.5 + sum(range(depth)) + depth - 1, time.process_time() - start


def test_thousands_of_nested_modules():
    pushed, expected, _ = pushed_through(30)
    assert [value(node) for node in pushed] == [expected] * len(pushed)
    # Proportional to the depth: with its square, three times as long.
    pushed, expected, seconds = pushed_through(5000)
    assert pushed[0].evaluate() == expected
    assert seconds < 3, seconds
