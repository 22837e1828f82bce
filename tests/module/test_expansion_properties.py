"""Values and shapes of random nested modules under every pass (spec 08, section 15)."""

import functools
import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from module_cases import array, class_nodes, einsum, module, symbol

import pycircuit as rc

A, B, C = (symbol(rc, name, 3) for name in "ABC")
TWO, M = rc.Scalar(2.0, (3,), "two"), array(rc, "M", 4, 3)
X = array(rc, "X", 2, 3)
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def value(c):
    return rc.substitute_all_modules(c).evaluate()


def close(a, b):
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def replaced(circuit, target, new):
    return rc.Expander((target, lambda _: new))(circuit)


def bodies(depth, symbols):
    """Circuits over free symbols of shape (3,), with nested Modules."""
    leaves = st.sampled_from([*symbols, TWO, array(rc, "v", 3)])
    if depth == 0:
        return leaves
    below = bodies(depth - 1, symbols)

    def nested(draw_body, argument, parameter, name):
        return module(rc, draw_body, [(parameter, argument)], name)

    names = st.sampled_from([None, "n", "m"])
    return st.one_of(
        leaves,
        st.builds(lambda p, q, n: rc.Add(p, q, name=n), below, below, names),
        st.builds(lambda p, q: p.mul(q) if p.shape == q.shape else rc.Add(p, q), below, below),
        st.builds(lambda p: rc.GeneralFunction.new_by_name(p, spec_name="sigmoid"), below),
        st.builds(lambda p: p.sum(-1).unsqueeze(-1) if p.rank else p, below).map(lambda p: rc.Add(p, TWO)),
        st.builds(lambda p: rc.Index(rc.Concat(p, p, axis=-1), (slice(None),) * (p.rank - 1) + (slice(1, 4),)), below),
        *[st.builds(nested, bodies(depth - 1, [s for s in symbols if s != p] + [p]), below, st.just(p), names) for p in (A, B, C)],
    )


def fine(build):
    """None where random scoping breaks a rule."""
    try:
        return build()
    except (rc.SubstitutionError, rc.MiscInputNotBroadcastableError):
        return None


@st.composite
def modules(draw):
    """A Module of A and B with random batch shapes."""
    body = draw(bodies(3, [A, B]))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    arguments = []
    for name in "xy":
        own = batch[draw(st.integers(0, len(batch))) :]
        arguments.append(array(rc, name, *own, 3))
    return fine(lambda: module(rc, body, [(A, arguments[0]), (B, arguments[1])], draw(st.sampled_from([None, "top"]))))


def safe(strategy):
    """Random bodies may break scoping rules while they are built: those are left out."""

    @st.composite
    def drawn(draw):
        try:
            return draw(strategy)
        except (rc.SubstitutionError, rc.MiscInputNotBroadcastableError):
            return None

    return drawn()


@SETTINGS
@given(safe(modules()))
def test_substitution_keeps_value(m):
    if m is None:
        return
    expected = value(m)
    assert expected.shape == m.shape
    one = m.substitute("p.", ".s")
    assert one.shape == m.shape and close(value(one), expected)
    assert set(rc.get_free_symbols(one)) <= set(rc.get_free_symbols(m))


@SETTINGS
@given(safe(modules()))
def test_batch_positions(m):
    if m is None:
        return
    whole, batch = value(m), m.aligned_batch_shape()
    for position in itertools.product(*map(range, batch)):
        arguments = []
        for argument, spec in m.arg_items():
            own = argument.rank - spec.symbol.rank
            arguments.append(rc.Array(argument.value[position[len(position) - own :]] if own else argument.value, "x"))
        assert close(value(rc.Module.new_flat(m.spec, *arguments)), whole[position])


@SETTINGS
@given(safe(modules()))
def test_conforming_keeps_value(m):
    if m is None:
        return
    expected = value(m)
    for conformed in (m.conform_to_input_shapes(), m.conform_to_input_batch_shape()):
        assert conformed.shape == m.shape and close(value(conformed), expected) and conformed.aligned_batch_shape() == ()
    every = rc.conform_all_modules(m)
    assert every.shape == m.shape and close(value(every), expected)
    assert rc.conform_all_modules(every) == every
    axis_map = m.child_axis_map_inputs()
    assert [len(axes) for axes in axis_map] == [a.rank for a in m.nodes]
    for argument, axes in zip(m.nodes, axis_map, strict=True):
        for axis, out in enumerate(axes):
            if out is not None:
                assert argument.shape[axis] == m.shape[out]


@SETTINGS
@given(safe(modules()), st.integers(0, 6), st.booleans())
def test_pushing_keeps_value(m, depth, flatten):
    if m is None:
        return
    expected = value(m)
    callbacks = [
        getattr(rc.ModulePusher, f"{name}_callback")() for name in ("noop", "elim_no_input_modules", "remove_unused", "remove_and_elim")
    ]
    everywhere = set()
    for callback in callbacks:
        pusher = rc.ModulePusher(flatten_modules=flatten, module_construct_callback=callback)
        for traversal in (rc.new_traversal(end_depth=depth), rc.new_traversal()):
            pushed = pusher(m, traversal)
            assert pushed.shape == m.shape and close(value(pushed), expected)
        assert not any(isinstance(c, rc.Module) for c in rc.all_children(pushed))
        everywhere.add(pushed)
    assert len(everywhere) == 1


@settings(SETTINGS, max_examples=12)
@given(safe(modules()), st.sampled_from(["x", "y", "v", "two", "n", "m"]), st.booleans())
def test_extraction_keeps_value(m, name, conform):
    """What is taken out of a circuit with Modules is bound around it, or refused."""
    if m is None:
        return
    top = rc.Add(m, m.sum(), name="top")
    expected = value(top)
    try:
        extracted = rc.extract_rewrite(top, name)
    except (rc.ConstructModuleExtractNotPresentError, rc.ConstructModuleArgsDupNamesError, rc.SubstitutionError):
        extracted = None  # below another match, two of one name, or bound inside
    if extracted is not None:
        assert close(value(extracted), expected)
    for symbols in ([A], [B], [A, B, C]):
        try:
            extracted = rc.extract_symbols(top, symbols, conform_batch_if_needed=conform)
        except (rc.ExtractSymbolsError, rc.SubstitutionError):
            continue
        assert extracted.op_name == "top" and close(value(extracted), expected)


@SETTINGS
@given(safe(modules()), st.sampled_from([(2,), (3, 2)]))
def test_expander_batches(m, batch):
    """Replacing an argument by a batched one, inside or outside: each batch position is the circuit with that part."""
    if m is None:
        return
    tops = [m, rc.Add(m, M)] if m.rank == 1 else [m]
    for target in ("x", "v", "y"):
        for top in tops:
            found = [c for c in rc.all_children(top) if c.op_name == target]
            if len(found) != 1 or found[0].shape != (3,):
                continue
            new = array(rc, "new", *batch, 3)
            out = fine(functools.partial(replaced, top, target, new))
            if out is None:
                continue
            assert out.shape == batch + top.shape
            whole = value(out)
            for position in itertools.product(*map(range, batch)):
                one = rc.Array(new.value[position], "new")
                assert close(value(replaced(top, target, one)), whole[position])


# Not among them: a cumulant of constants is zero, a SetSymbolicShape is not computable. Their structure is compared with the peer.
@pytest.mark.parametrize("kind", sorted(class_nodes(rc, array(rc, "x", 3)).keys() - {"cumulant", "set shape"}))
def test_classes_batch(kind):
    node = class_nodes(rc, array(rc, "x", 3))[kind]
    new = array(rc, "new", 5, 7, 3)
    out = rc.Expander(("x", lambda _: new))(node)
    assert out.shape == (5, 7) + node.shape and out.op_name == node.op_name
    whole = out.evaluate()
    for position in itertools.product(range(5), range(7)):
        part = rc.Array(new.value[position], "new")
        assert close(replaced(node, "x", part).evaluate(), whole[position])


def test_set_symbolic_shape_vanishes():
    inner = rc.Add(array(rc, "x", 3), TWO, name="in")
    out = replaced(rc.SetSymbolicShape(inner, (3,)), "x", array(rc, "new", 5, 3))
    assert out.op_name == "in" and out.shape == (5, 3)


@SETTINGS
@given(st.permutations("xwb"), st.lists(st.booleans(), min_size=3, max_size=3))
def test_filling_in_any_order(order, through_symbols):
    s0, s1 = rc.symbolic_sizes()[:2]
    symbols = {"x": symbol(rc, "x", s0), "w": symbol(rc, "w", s1, s0), "b": symbol(rc, "b", s1)}
    real = {"x": array(rc, "rx", 7, 4), "w": array(rc, "rw", 5, 4), "b": array(rc, "rb", 5)}
    linear = einsum(rc, "h,oh->o", symbols["x"], symbols["w"], name="linear")
    circuit = rc.GeneralFunction.new_by_name(rc.Add(linear, symbols["b"], name="biased"), spec_name="softmax")
    for key, between in zip(order, through_symbols, strict=True):
        target = symbols[key]
        if between:
            other = symbol(rc, "other " + key, *[size if size != s0 else rc.symbolic_sizes()[5] for size in target.shape])
            circuit = replaced(circuit, target, other)
            target = other
        circuit = replaced(circuit, target, real[key])
    assert not any(isinstance(c, rc.SetSymbolicShape) for c in rc.all_children(circuit))
    assert not circuit.symbolic_size_constraints
    expected = torch.softmax(real["x"].value @ real["w"].value.T + real["b"].value, -1)
    assert close(circuit.evaluate(), expected)
