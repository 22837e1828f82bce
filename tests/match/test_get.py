"""Getting, paths, validation, Getter and AnyFound (spec 07, section 6)."""

import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import I, M, names, nodes_on_path, out, p, q, r, walk, x, y, z
from tests.strategies import iterative_matchers, shared_circuits


def test_get():
    assert r.get("nope") == set() and type(r.get(True)) is set
    assert r.get(~M(rc.Scalar)) == {r, p, q}
    for call in (r.get, M("x").get, I("x").get):
        with pytest.raises(TypeError):
            call("x" if call == r.get else r, 1)
    with pytest.raises(TypeError):
        M("x").get("r")


def test_get_unique():
    assert r.get_unique("x") == x == M("x").get_unique(r) == I("x").get_unique_op(r)
    assert r.get_unique_op("nope") is None
    with pytest.raises(RuntimeError, match="found no matches!"):
        r.get_unique("nope")
    for call in (r.get_unique, r.get_unique_op):
        with pytest.raises(RuntimeError, match="found 2 matches which is > 1") as caught:
            call({"x", "y"})
        assert '{"x", "y"}' in str(caught.value) and "'x'" in str(caught.value) and "'r'" in str(caught.value)
    with pytest.raises(RuntimeError, match="Didn't match all names"):
        r.get_unique("nope", fancy_validate=True)
    with pytest.raises(RuntimeError, match="Didn't match all names"):
        r.get_unique({"x", "y", "nope"}, True)


def test_paths():
    assert r.get_paths(rc.Scalar) == {x: [x, q, r], y: [y, p, r], z: [z, q, r]}
    assert list(r.get_paths(rc.Scalar)) == [x, y, z]
    assert r.get_all_paths("x") == {x: [[x, p, r], [x, q, r]]}
    assert r.get_paths({"r", "p"}) == {p: [p, r], r: [r]}
    d = rc.Add(x, x, name="d")
    assert d.get_all_paths("x") == {x: [[x, d], [x, d]]}
    assert M("x").get_paths(d) == I("x").get_paths(d) == {x: [x, d]}
    paths = out.get_all_paths("s.in")
    assert [[node.name for node in path] for [*every] in paths.values() for path in every] == [
        ["s.in", "body", "m1", "out"],
        ["s.in", "body", "m2", "out"],
    ]
    in_paths = r.get_all_circuits_in_paths("y")
    assert len(in_paths) == 3 and all(node in in_paths for node in (y, p, r)) and x not in in_paths
    assert r.get_paths("nope") == r.get_all_paths("nope") == {} and len(r.get_all_circuits_in_paths("nope")) == 0


def test_are_any_found_stops_at_the_first():
    asked = []

    def predicate(c):
        asked.append(c.name)
        return c.name == "x"

    for call in (r.are_any_found, lambda m: M(m).are_any_found(r), lambda m: rc.AnyFound()(r, m), lambda m: M(m).any_found()(r)):
        asked.clear()
        assert call(predicate) is True
        assert asked == list("rpx")
    assert not r.are_any_found("nope") and not r.are_any_found(I.term())


@given(shared_circuits(), iterative_matchers())
def test_paths_equal_the_walk(c, m):
    expected = {}
    for path, node, found in walk(m, c):
        if found:
            expected.setdefault(node, []).append(nodes_on_path(c, path)[::-1])
    got = c.get(m)
    assert c.get_all_paths(m) == expected
    assert list(c.get_all_paths(m)) == list(c.get_paths(m)) == sorted(expected)
    assert c.get_paths(m) == {node: paths[-1] for node, paths in expected.items()}
    assert set(expected) == got
    assert c.are_any_found(m) == bool(got) == m.any_found()(c)
    in_paths = c.get_all_circuits_in_paths(m)
    nodes = {node for paths in expected.values() for path in paths for node in path}
    assert len(in_paths) == len(nodes) and all(node in in_paths for node in nodes)


@given(shared_circuits(), iterative_matchers(), iterative_matchers())
def test_getters_agree_with_one_shot(c, a, b):
    getter = rc.Getter()
    any_found = rc.AnyFound()
    for _ in range(2):
        for m in (a, b):
            assert getter.get(c, m) == getter(c, m) == getter.bind(m)(c) == m.getter().get(c) == c.get(m)
            assert getter.get_paths(c, m) == rc.BoundGetter(getter, m).get_paths(c) == c.get_paths(m)
            assert getter.get_all_paths(c, m) == c.get_all_paths(m)
            in_paths = getter.get_all_circuits_in_paths(c, m)
            assert len(in_paths) == len(getter.bind(m).get_all_circuits_in_paths(c)) == len(c.get_all_circuits_in_paths(m))
            assert any_found(c, m) == any_found.bind(m).are_any_found(c) == c.are_any_found(m)
            assert c.get(m.any_found()) == c.get(M.match_any_found(m))


def test_getter_remembers():
    asked = []

    def predicate(c):
        asked.append(c.name)
        return c.name == "x"

    getter = rc.Getter()
    for _ in range(2):
        assert getter.get(r, predicate) == {x} and getter.get_unique(r, predicate) == x and getter.get_paths(r, predicate)
    assert asked == list("rpxyqz")
    assert getter.get(rc.Add(r, r, name="new"), predicate) == {x}
    assert asked == [*"rpxyqz", "new"]


def test_getter_objects():
    getter = rc.Getter(True)
    bound = getter.bind("nope")
    assert bound.getter is getter and bound.matcher == I("nope")
    with pytest.raises(RuntimeError):
        bound.get(r)
    assert bound.get(r, fancy_validate=False) == set() == bound.get(r, False)
    getter.default_fancy_validate = False
    assert bound(r) == set()
    with pytest.raises(RuntimeError):
        bound.validate(r)
    bound.matcher = {"x", "p"}
    assert names(bound.get(r)) == "p x" and bound.validate(r) is None
    bound.getter = other = rc.Getter()
    assert bound.getter is other
    for use in (lambda: rc.Getter(1), lambda: getter.get(r, "x", 1), lambda: setattr(getter, "default_fancy_validate", 1)):
        with pytest.raises(TypeError):
            use()
    with pytest.raises(TypeError):
        bound.matcher = 3
    any_found = rc.AnyFound()
    bound = rc.BoundAnyFound(any_found, "x")
    assert bound.any_found is any_found and bound.matcher == I("x") and bound(p) and not bound.are_any_found(z)


@pytest.mark.parametrize(
    "matcher, message",
    [
        ("nope", "Didn't match all names"),
        ({"x", "nope"}, "Didn't match all names"),
        (rc.Einsum, "Didn't match all types"),
        ({rc.Add, rc.Einsum}, "Didn't match all types"),
        (rc.Scalar(2.0), "Didn't match all circuits"),
        ({x, rc.Scalar(2.0)}, "Didn't match all circuits"),
        (False, "This matcher matched nothing"),
        (rc.Regex("nope"), "This matcher matched nothing"),
        (lambda c: False, "This matcher matched nothing"),
        (M.any("x", "n"), "Didn't match all names"),
        (M.all(rc.Add, "x"), None),
        (M.all(True, True), None),
        *[(nothing, None) for nothing in (M.any(), M.all(), I.any(), I.all(), M("p").chain_many())],  # no members to ask
        (~M(True), None),
        (M.match_any_found("nope"), None),
        (rc.restrict("n"), "Didn't match all names"),
        (I("n").filter_module_spec(), "Didn't match all names"),
        (M("n").chain("x"), "Didn't match all names"),
        (M("p").chain("x"), None),
        (M("p").chain_many(["x"], ["n"]), "Didn't match all names"),
        (I.any("x", "n"), "Didn't match all names"),
        (I.all("x", "n"), None),
        (I.all("n"), None),
        (I.term(), None),
        (I("n").children_matcher({0}), None),
        (I("n").spec_circuit_matcher(), None),
        (I("n").module_arg_matcher("n"), None),
        (I.new_func(lambda c: rc.IterateMatchResults()), None),
        (set(), None),
        ({"x", "p"}, None),
    ],
    ids=lambda _: "value",
)
def test_validate(matcher, message):
    matcher = I(matcher)
    calls = [lambda: matcher.validate(r), lambda: r.get(matcher, True), lambda: rc.Getter().validate(r, matcher)]
    calls.append(lambda: matcher.validate_matched(r.get(matcher)))
    for call in calls:
        # M.all("Add", "x"): each member is checked on what both find, which is nothing.
        if message is None and not (matcher == I(M.all(rc.Add, "x"))):
            call()
        else:
            with pytest.raises(RuntimeError, match=message or "Didn't match all"):
                call()


def test_validate_message():
    with pytest.raises(RuntimeError, match=r'matcher: \{"n", "x"\}, found: \{"x"\}, missing: \{"n"\}'):
        M({"x", "n"}).validate(r)
    with pytest.raises(RuntimeError, match='matcher: "n", found: {}, missing: {"n"}'):
        M("n").validate_matched({x})
    with pytest.raises(TypeError):
        M("n").validate_matched([x])
