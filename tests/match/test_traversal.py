"""Traversals as regions, and names that show the walk (spec 07, sections 8 and 9)."""

import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import I, M, names, out, p, q, r, x, y, z
from tests.strategies import circuits, iterative_matchers, shared_circuits


def edge_names(traversal, circuit=r):
    return [node.name for node in traversal.traversal_edges(circuit)]


def test_edges():
    assert edge_names(rc.new_traversal(end_depth=2)) == ["p", "q"]
    assert edge_names(rc.new_traversal(end_depth=0)) == edge_names(rc.new_traversal(end_depth=1)) == ["r"]
    assert edge_names(rc.new_traversal()) == []
    assert edge_names(rc.new_traversal(end_depth=3), out) == ["body", "u", "w", "v"]
    assert edge_names(I(True).filter_module_spec(), out) == []
    assert edge_names(M(True)) == []


def test_replace_outside():
    inside, symbols = rc.replace_outside_traversal_symbols(r, rc.new_traversal(term_early_at="p"))
    assert type(inside.children[0]) is rc.Symbol and inside.children[0].name == "p" and inside.children[1] == q
    assert symbols == {inside.children[0]: p}
    inside, symbols = rc.replace_outside_traversal_symbols(r, rc.new_traversal(end_depth=3), lambda c: f"<{c.name}>")
    assert [(symbol.name, original) for symbol, original in symbols.items()] == [("<x>", x), ("<y>", y), ("<z>", z)]
    assert len(inside.get(rc.Symbol)) == 3
    _, symbols = rc.replace_outside_traversal_symbols(r, rc.new_traversal(end_depth=2), namer=lambda c: None)
    assert [symbol.op_name for symbol in symbols] == [None, None] and len({symbol.uuid for symbol in symbols}) == 2
    for bad in (3, b"x", x):
        with pytest.raises(TypeError):
            rc.replace_outside_traversal_symbols(r, rc.new_traversal(end_depth=2), lambda c, bad=bad: bad)


def test_apply_in_traversal():
    def reverse(c):
        assert [child.name for child in c.children] == ["p_symbol_replacement", "q_symbol_replacement"]
        return rc.Add(*c.children[::-1])

    result = rc.apply_in_traversal(r, rc.new_traversal(end_depth=2), reverse)
    assert result.children == [q, p] and result.name == "q_symbol_replacement + p_symbol_replacement"
    assert rc.new_traversal(end_depth=2).apply_in_traversal(r, reverse) == result
    with pytest.raises(TypeError):
        rc.apply_in_traversal(r, rc.new_traversal(), 3)


def test_one_symbol_per_node_in_several_states():
    # x is an edge below p and below q, and in the second state not.
    traversal = rc.new_traversal(end_depth=3)
    inside, symbols = rc.replace_outside_traversal_symbols(rc.Add(r, x, name="t"), traversal)
    assert inside.children[1] == x and set(symbols.values()) == {p, q}
    deep = rc.Add(rc.Add(x, name="d"), rc.Add(x, y, name="e"), name="t")
    _, symbols = rc.replace_outside_traversal_symbols(deep, I(rc.restrict(M(True), end_depth=3)))
    assert list(symbols.values()) == [x, y]


@given(circuits(named=True), iterative_matchers(1))
def test_apply_identity(c, m):
    c = rc.deep_map(c, lambda node: node if node.op_name or node.is_irreducible_node() else node.rename("n"))
    c = rc.deep_map(c, lambda node: node)
    try:
        assert rc.apply_in_traversal(c, m, lambda inside: inside) == c
        inside, symbols = rc.replace_outside_traversal_symbols(c, m)
    except (rc.IterativeMatcherExpectedModuleError, rc.IterativeMatcherChildNumbersOutOfBoundsError):
        return
    assert list(symbols.values()) == I(m).traversal_edges(c)


@given(shared_circuits(), iterative_matchers(1))
def test_apply_identity_on_named(c, m):
    assert rc.apply_in_traversal(c, m, lambda inside: inside) == c


def test_append_matchers_to_names():
    shown = rc.append_matchers_to_names(r, rc.new_traversal(end_depth=2), True)
    assert shown.name == "Restrict{depth_range: :2}"
    assert [child.name for child in shown.children] == ["Restrict{depth_range: :2, cur_depth:1}"] * 2
    assert names(shown.get(rc.Scalar)) == "x y z"
    assert rc.append_matchers_to_names(r, "x").name == 'r Matcher "x"'
    unnamed = rc.Add(rc.Add(x, y).rename(None), z, name="t")
    assert rc.append_matchers_to_names(unnamed, "x").children[0].op_name is None
    assert rc.append_matchers_to_names(unnamed, "x", True).children[0].name == '"x"'
    symbols = rc.append_matchers_to_names(out, "x", discard_old_name=True).get(rc.Symbol)
    assert names(symbols) == "s.in s.w"
