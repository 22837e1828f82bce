"""Walking and editing (spec 10, section 17)."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.match.circuits import M, out, p, q, r, x, y, z
from tests.strategies import shared_circuits

a, b = (rc.Scalar(1.0, (2,), name) for name in "ab")
s = rc.Add(a, b, name="s")
g = rc.GeneralFunction.new_by_name(s, spec_name="sigmoid", name="g")
t = rc.Add(g, s, a, name="t")


def visited(c, visit=rc.visit_circuit):
    order = []
    visit(c, order.append)
    return order


def naive_preorder(c):
    seen = []
    stack = [c]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.append(node)
            stack += reversed(node.children)
    return seen


def test_examples():
    assert visited(t) == visited(t, lambda c, f: c.visit(f)) == [t, g, s, a, b]
    order = []
    assert rc.deep_map(t, lambda c: order.append(c) or c) == t
    assert order == [a, b, s, g, t]
    assert rc.path_get(t, [0, 0, 1]) == b and rc.path_get(t, []) == t and rc.path_get(t, [3]) is None and rc.path_get(t, [2, 0]) is None
    assert rc.count_nodes(t) == 5
    fresh = rc.Scalar(3.0, (2,), "z")
    u = rc.Add(a, a, name="u")
    u_replaced = rc.Add(fresh, fresh, name="u")
    expected = rc.Add(rc.GeneralFunction.new_by_name(u_replaced, spec_name="sigmoid", name="g"), u_replaced, fresh, name="t")
    assert rc.replace_nodes(t, {s: u, a: fresh}) == expected
    updated = rc.update_path(t, [0, 0, 1], lambda c: c.rename("B"))
    assert rc.path_get(updated, [0, 0, 1]).name == "B" and updated.children[1:] == t.children[1:]
    assert rc.update_path(t, [7, 0], lambda c: 1 / 0) == t
    assert rc.update_path(t, [], lambda c: a) == a


def test_errors_of_arguments():
    for edit in (rc.deep_map, rc.deep_map_preorder):
        with pytest.raises(TypeError):
            edit(t, lambda c: None)
        with pytest.raises(TypeError):
            edit(t, 3)
    with pytest.raises(TypeError):
        rc.filter_nodes(t, lambda c: 1)
    for visit in (lambda: rc.visit_circuit(t, lambda c: 3), lambda: t.visit(lambda c: c), lambda: t.visit(3)):
        with pytest.raises(TypeError):
            visit()
    for path in ([-1], [0, -2]):
        with pytest.raises(OverflowError):
            rc.path_get(t, path)
        with pytest.raises(OverflowError):
            rc.update_path(t, path, lambda c: c)
    with pytest.raises(TypeError):
        rc.path_get(t, ["0"])
    with pytest.raises(TypeError):
        rc.replace_nodes(t, {s: 3})
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.replace_nodes(t, {b: rc.Scalar(1.0, (3,))})


def test_visit_goes_on_after_an_error():
    order = []

    def f(c):
        order.append(c.name)
        if c.name in ("g", "s"):
            raise KeyError(c.name)

    with pytest.raises(KeyError, match="g"):
        rc.visit_circuit(t, f)
    assert order == ["t", "g", "s", "a"]


def test_visit_ends_at_an_interrupt():
    order = []

    def f(c):
        order.append(c.name)
        if c.name == "g":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rc.visit_circuit(t, f)
    assert order == ["t", "g"]


def test_mapping_that_contains_itself():
    for use in (
        lambda: rc.replace_nodes(r, {x: rc.Add(x, y)}),
        lambda: rc.deep_map_preorder(r, lambda c: rc.Add(c, c) if c == p else c),
        lambda: rc.update_nodes(r, "x", lambda c: rc.Add(c, name="around")),
    ):
        with pytest.raises(RuntimeError, match="does not end"):
            use()
    # A replacement is not replaced again, its children are.
    assert rc.replace_nodes(r, {p: x, x: y}) == rc.Add(x, rc.Add(y, z, name="q"), name="r")


def test_update_nodes():
    assert rc.update_nodes(r, "p", lambda c: q) == rc.Add(q, q, name="r")
    renamed = rc.update_nodes(r, {"x", "p"}, lambda c: c.rename(c.name + "'"))
    assert renamed == r.update({"x", "p"}, lambda c: c.rename(c.name + "'"))
    assert rc.update_nodes(r, M("p").chain("x"), lambda c: z) == rc.Add(rc.Add(z, y, name="p"), rc.Add(z, z, name="q"), name="r")


def test_always_rebuilt():
    unnamed = rc.Add(rc.Add(x, y).rename(None), z, name="r")
    for edit in (
        lambda: rc.deep_map(unnamed, lambda c: c),
        lambda: rc.deep_map_preorder(unnamed, lambda c: c),
        lambda: rc.replace_nodes(unnamed, {}),
    ):
        assert edit().children[0].name == "x + y"
    assert rc.update_path(unnamed, [1], lambda c: c) == unnamed


def test_prefix_all_names():
    prefixed = rc.prefix_all_names(r, "k.")
    assert [node.name for node in visited(prefixed)] == ["k.r", "k.p", "k.x", "k.y", "k.q", "k.z"]
    assert rc.prefix_all_names(rc.Scalar(1.0), "k.") == rc.Scalar(1.0)
    assert rc.prefix_all_names(rc.Add(x, y).rename(None), "k.").name == "k.x + k.y"
    with pytest.raises(TypeError):
        rc.prefix_all_names(r, None)


@given(shared_circuits())
def test_walks(c):
    order = naive_preorder(c)
    assert visited(c) == order
    assert rc.all_children(c) == set(order) and rc.count_nodes(c) == len(order)
    assert rc.filter_nodes(c, lambda n: n.name > "b") == {n for n in order if n.name > "b"}
    assert rc.total_flops(c) == sum(n.self_flops() for n in order) == c.total_flops()
    assert rc.deep_map(c, lambda n: n) == c == rc.deep_map_preorder(c, lambda n: n)


@given(shared_circuits())
def test_toposort(c):
    remaining = set(rc.all_children(c))
    taken = []
    while remaining:
        ready = [n for n in remaining if not any(n in parent.children for parent in remaining)]
        taken.append(min(ready))
        remaining.remove(taken[-1])
    assert rc.toposort_circuit(c) == taken[::-1]


@given(shared_circuits(), st.lists(st.integers(0, 3), max_size=4))
def test_paths(c, path):
    node = c
    for i in path:
        node = node.children[i] if node is not None and i < node.num_children else None
    assert rc.path_get(c, path) == node
    updated = rc.update_path(c, path, lambda n: n.rename("new"))
    if node is None:
        assert updated == c
    elif not M(rc.Module).any_found()(c):
        assert rc.path_get(updated, path) == node.rename("new")


@given(shared_circuits(), st.sampled_from("abc"), st.sampled_from("abc"))
def test_replace_leaves(c, old, new):
    old, new = (rc.Scalar(1.0, (), name) for name in (old, new))
    assert rc.replace_nodes(c, {old: new}) == c.update(old, lambda _: new)


def test_total_arrayconstant_size():
    import torch

    w = rc.Array(torch.zeros(2, 3), "w")
    assert rc.total_arrayconstant_size(rc.Add(w, rc.Add(w, rc.Scalar(1.0, (2, 3))))) == 6
    assert rc.total_flops(rc.Add(w, w)) == 12


def test_set_of_circuit_identities():
    identities = rc.SetOfCircuitIdentities()
    identities.insert(x)
    identities.insert(x)
    other = rc.SetOfCircuitIdentities({x.hash, y.hash})
    assert len(identities) == 1 and x in identities and y not in identities
    assert len(identities.union(other)) == 2 and len(identities.intersection(other)) == 1 and len(identities) == 1
    identities.extend(other)
    assert len(identities) == 2 and y in identities and identities == other
    assert pickle.loads(pickle.dumps(identities)) == identities
    for bad in ({b"x"}, {"x" * 32}, [x.hash], 3):
        with pytest.raises((TypeError, ValueError)):
            rc.SetOfCircuitIdentities(bad)
    with pytest.raises(TypeError):
        identities.insert("x")


def test_reaches_into_specs():
    assert rc.count_nodes(out) == 10
    assert [node.name for node in visited(out)] == ["out", "m1", "body", "s.in", "s.w", "k", "u", "w", "m2", "v"]
