"""IterativeMatcher: protocol and combinators (spec 07, sections 3 to 5), against brute force."""

import copy
import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.match.circuits import FINISHED, I, M, body, found_along, k, naive_get, names, out, p, q, r, s_in, states, u, v, w, walk, x, y, z
from tests.strategies import iterative_matchers, matchers, shared_circuits


def test_iterate_match_results():
    results = rc.IterateMatchResults()
    assert results.to_tup() == (None, False)
    results.updated = "x"
    results.found = True
    assert results.to_tup() == (I("x"), True)
    results.updated = FINISHED
    assert results.updated is FINISHED
    results.updated = ("x", FINISHED, M("y"))
    assert results.updated == [I("x"), FINISHED, I("y")]
    assert rc.IterateMatchResults({"a", "b"}).updated == I({"a", "b"})
    assert rc.IterateMatchResults.new_finished(True) == rc.IterateMatchResults(FINISHED, True)
    assert rc.IterateMatchResults(None).unwrap_or_same("x") == (I("x"), False)
    assert rc.IterateMatchResults(I("y"), True).unwrap_or_same("x") == (I("y"), True)
    assert rc.IterateMatchResults(["x"]) == rc.IterateMatchResults(("x",)) != rc.IterateMatchResults("x")
    for bad in (3, [None], ["x", 1]):
        with pytest.raises(TypeError):
            rc.IterateMatchResults(bad)
    for bad in (3, None, "yes"):
        with pytest.raises(TypeError):
            results.found = bad
    with pytest.raises(TypeError):
        rc.IterateMatchResults(None, 1)


def test_finished():
    assert isinstance(FINISHED, rc.Finished)
    assert pickle.loads(pickle.dumps(FINISHED)) is FINISHED and copy.deepcopy(FINISHED) is FINISHED
    with pytest.raises(TypeError):
        rc.Finished()
    assert I.term().match_iterate(r).updated is FINISHED


def test_constructors():
    assert I() == I.term() and names(I().get(r)) == ""
    assert I.noop_traversal() == I(True)
    assert names(I.term(True).get(r)) == "r" and names(I.term(True).get(p)) == "p"
    assert names(I.any().get(r)) == "" and names(I.all().get(r)) == "p q r x y z"
    assert I.any().match_iterate(r).updated is not FINISHED
    assert names(I("x", rc.restrict(rc.Add, end_depth=2)).get(r)) == "p q r x"
    # All: a child is visited only while every member visits it.
    assert names(I.all(True, rc.new_traversal(end_depth=2)).get(r)) == "p q r"
    assert names(I.any(True, rc.new_traversal(end_depth=2)).get(r)) == "p q r x y z"


def test_new_func():
    def only_left(c):
        return (
            rc.IterateMatchResults(["x" if c.num_children else FINISHED, FINISHED], c.name == "p")
            if c.children
            else rc.IterateMatchResults()
        )

    assert names(I.new_func(only_left).get(r)) == "x"
    assert names(I.new_func(lambda c: rc.IterateMatchResults(None, c.name == "p")).get(r)) == "p"
    with pytest.raises(TypeError):
        I.new_func(3)
    for bad in (True, None, (None, True), I("x")):
        with pytest.raises(TypeError):
            I.new_func(lambda c, bad=bad: bad).get(r)


def test_wrong_number_of_states():
    matcher = I.new_func(lambda c: rc.IterateMatchResults([FINISHED, "x", "y"]))
    for call in (matcher.get, matcher.match_iterate):
        with pytest.raises(rc.IterativeMatcherNumUpdatedMatchersNEQToNumChildrenError) as caught:
            call(r)
        payload = caught.value.args[0]
        assert (payload.num_updated_matchers, payload.num_children) == (3, 2)
        assert payload.updated_matchers == [FINISHED, I("x"), I("y")]
        assert payload.from_matcher == matcher


@pytest.mark.parametrize(
    "matcher, found",
    [
        (M("p").chain("x"), "x"),
        (M("p").chain("z"), ""),
        (M("p").chain("p"), "p"),
        (M("p").chain("p", must_be_sub=True), ""),
        (M("r").chain("q", "x"), "x"),
        (M("p").chain("x", "x"), "x"),
        (M("r").chain(rc.restrict("x", end_depth=2)), ""),
        (M("r").chain(rc.restrict("x", end_depth=3)), "x"),
        (M("p").chain(rc.restrict("x", end_depth=2)), "x"),
        (M("p").chain(rc.restrict(True, start_depth=1, end_depth=2)), "x y"),
        (I("p").chain("x") | "z", "x z"),
        (M("p").chain(rc.restrict("x", term_early_at="p")), ""),
        (rc.restrict(M("p").chain("x"), term_early_at="p"), ""),
        (rc.restrict("p", term_early_at="p").chain("x"), "x"),
        (M("p").chain_many(["x"], ["y"]), "x y"),
        (M("p").chain_many(), ""),
        (I.new_chain("p"), "p"),
        (I.new_chain_many(["p", "x"], ["z"]), "x z"),
        (M("r").chain_many(["q", "x"], [rc.restrict("y", end_depth=2)]), "x"),
        (M(rc.Add).children_matcher({1}), "q y z"),
        (I.new_children_matcher("r", {0, 1}), "p q"),
        (I.term(True).children_matcher({0}).children_matcher({1}), "y"),
        (M("x").children_matcher(set()), ""),
        (rc.new_traversal(end_depth=2), "p q r"),
        (rc.new_traversal(1, 2), "p q"),
        (rc.new_traversal(2), "x y z"),
        (rc.new_traversal(term_early_at="p"), "p q r x z"),
        (rc.restrict({"p", "x"}, term_if_matches=True), "p x"),
        (rc.restrict(True, term_if_matches=True, start_depth=1), "p q"),
        (rc.restrict(True, term_early_at=rc.Add, start_depth=1), ""),
        (rc.restrict("y", term_early_at="p"), ""),
        (rc.restrict_sl(True, depth_slice=slice(1, 2)), "p q"),
        (rc.new_traversal(end_depth=0), ""),
    ],
    ids=lambda _: "value",
)
def test_found_in_r(matcher, found):
    assert names(r.get(matcher)) == found


@pytest.mark.parametrize(
    "matcher, found",
    [
        (True, "body k m1 m2 out s.in s.w u v w"),
        (I(rc.Module).spec_circuit_matcher(), "body"),
        (M("m1").spec_circuit_matcher().chain("k"), "k"),
        (I.new_spec_circuit_matcher("m1"), "body"),
        (I(rc.Module).module_arg_matcher("s.in"), "u v"),
        (M("m2").module_arg_matcher(True), "v w"),
        (M("m2").module_arg_matcher("body"), ""),
        (I.new_module_arg_matcher("m2", s_in), "v"),
        (I(True).filter_module_spec(), "m1 m2 out u v w"),
    ],
    ids=lambda _: "value",
)
def test_found_in_out(matcher, found):
    assert names(out.get(matcher)) == found


def test_errors():
    for matcher in (M("out").spec_circuit_matcher(), M("k").module_arg_matcher(True)):
        with pytest.raises(rc.IterativeMatcherExpectedModuleError) as caught:
            out.get(matcher)
        assert caught.value.args[0].circuit_type in (rc.Add, rc.Scalar)
    with pytest.raises(rc.IterativeMatcherChildNumbersOutOfBoundsError) as caught:
        r.get(M("r").children_matcher({0, 2}))
    assert (caught.value.args[0].child_numbers, caught.value.args[0].num_children) == ({0, 2}, 2)
    assert r.get(M("nope").children_matcher({7})) == set()
    with pytest.raises(OverflowError):
        M("r").children_matcher({-1})
    for bad in ([1], 1, {"1"}, {1.0}):
        with pytest.raises(TypeError):
            M("r").children_matcher(bad)
    for bad in ("ab", 3, {"a"}):
        with pytest.raises(TypeError):
            M("r").chain_many(bad)
        with pytest.raises(TypeError):
            I.new_chain_many(bad)
    with pytest.raises(RuntimeError):
        I.new_chain_many([])
    with pytest.raises(TypeError):
        M("r").filter_module_spec(1)


def test_restrict_arguments():
    for bad in (-1, 2**32):
        with pytest.raises(OverflowError):
            rc.restrict("a", start_depth=bad)
        with pytest.raises(OverflowError):
            rc.new_traversal(end_depth=bad)
    assert rc.new_traversal(end_depth=2**32 - 1).get(p) == {p, x, y}
    for bad in (1.0, "1"):
        with pytest.raises(TypeError):
            rc.restrict("a", end_depth=bad)
    with pytest.raises(TypeError):
        rc.restrict("a", 1)
    with pytest.raises(TypeError):
        rc.restrict("a", term_early_at=I("a"))
    with pytest.raises(ValueError):
        rc.restrict_sl("a", depth_slice=slice(0, 3, 1))
    with pytest.raises(OverflowError):
        rc.restrict_sl("a", depth_slice=slice(-1, None))
    with pytest.raises(TypeError):
        rc.restrict_sl("a", depth_slice=(0, 1))


def test_restrict_asks_in_order():
    asked = []

    def logged(name):
        return lambda c: bool(asked.append((name, c.name)))

    r.get(rc.restrict(logged("inner"), end_depth=2, term_early_at=logged("early")))
    assert asked == [("inner", "r"), ("early", "r"), ("inner", "p"), ("inner", "q")]


def test_states_stop_differing():
    state = I(rc.restrict("a", start_depth=2))
    seen = [state]
    for _ in range(5):
        _, (state, _) = states(state, r)
        seen.append(state)
    assert len(set(seen)) == 3


@given(shared_circuits(), iterative_matchers())
def test_get_equals_naive_walk(c, m):
    assert c.get(m) == naive_get(m, c)


@settings(max_examples=60)
@given(shared_circuits(), st.lists(iterative_matchers(1), min_size=1, max_size=3), st.booleans())
def test_chain_equals_definition(c, members, must_be_sub):
    expected = set()
    for path, node, _ in walk(I(True), c):
        for cuts in itertools.combinations_with_replacement(range(len(path) + 1), len(members) - 1):
            places = [*cuts, len(path)]
            if must_be_sub and len(set(places)) < len(places):
                continue
            starts = [0, *places[:-1]]
            nodes = [c]
            for i in path:
                nodes.append(nodes[-1].children[i])
            if all(
                found_along(I(member), nodes[start], path[start:end])[-1]
                for member, start, end in zip(members, starts, places, strict=True)
            ):
                expected.add(node)
    assert c.get(I.new_chain(*members, must_be_sub=must_be_sub)) == expected


@given(shared_circuits(), iterative_matchers(1), st.booleans(), matchers(0), st.tuples(*[st.one_of(st.none(), st.integers(0, 4))] * 2))
def test_restrict_equals_definition(c, inner, term_if_matches, term_early_at, depths):
    start, end = depths
    restricted = rc.restrict(inner, term_if_matches, start, end, term_early_at)
    expected = set()

    def visit(state, node, depth):
        if end is not None and depth >= end:
            return
        found, children = states(state, node)
        found = found and (start is None or depth >= start)
        if found:
            expected.add(node)
        if (found and term_if_matches) or (end is not None and depth + 1 >= end) or term_early_at(node):
            return
        for child, child_state in zip(node.children, children, strict=True):
            if child_state is not None:
                visit(child_state, child, depth + 1)

    visit(inner, c, 0)
    assert c.get(restricted) == expected
    assert c.get(rc.restrict(inner)) == c.get(inner)


@given(shared_circuits(), st.integers(0, 4), st.integers(0, 4))
def test_traversal_is_a_range_of_depths(c, i, j):
    assert c.get(rc.new_traversal(i, j)) == {node for path, node, _ in walk(I(True), c) if i <= len(path) < j}


@given(shared_circuits(), iterative_matchers(1), matchers(0))
def test_children_and_modules(c, a, symbol):
    adds = I.all(a, rc.Add)
    assert c.get(adds.children_matcher({0})) == {n.children[0] for n in c.get(adds)}
    modules = I.all(a, rc.Module)
    found = c.get(modules)
    assert c.get(modules.spec_circuit_matcher()) == {n.children[0] for n in found}
    assert c.get(modules.module_arg_matcher(True)) == {argument for n in found for argument in n.nodes}
    expected = {arg for n in found for arg, arg_spec in zip(n.nodes, n.spec.arg_specs, strict=True) if symbol(arg_spec.symbol)}
    assert c.get(modules.module_arg_matcher(symbol)) == expected


@given(shared_circuits(), iterative_matchers())
def test_filter_module_spec_leaves_out_spec_circuits(c, m):
    def visit(state, node):
        found, children = states(state, node)
        result = {node} if found else set()
        for i, child_state in enumerate(children):
            if child_state is not None and not (i == 0 and isinstance(node, rc.Module)):
                result |= visit(child_state, node.children[i])
        return result

    assert c.get(m.filter_module_spec()) == visit(m, c)


def test_default_var_matcher():
    var = rc.DiscreteVar.new_uniform(rc.Scalar(1.0, (3,), "values"), name="var")
    outer = rc.DiscreteVar.new_uniform(var.unsqueeze(0), name="outer")
    c = rc.Add(outer, rc.Cumulant(rc.DiscreteVar.new_uniform(rc.Scalar(2.0, (2,)), name="inside")), name="c")
    assert names(c.get(rc.default_var_matcher())) == "outer"
    assert rc.default_var_matcher() == rc.restrict(rc.DiscreteVar, term_if_matches=True, term_early_at=rc.Cumulant)


def test_unused_names_of_the_fixture():
    assert {body, k, u, v, w} <= out.get(True) and {y, z, q} <= r.get(True)
