"""Distributing Einsums over sums (spec 10, section 11)."""

from __future__ import annotations

import pytest

import pycircuit as rc
from tests.rewrite.helpers import array, assert_equal_value, assert_same, einsum, rearrange

x, w, b = array("x", 2, 3), array("w", 3, 4), array("b", 3)


def test_distribute_once() -> None:
    e = einsum("ij,jk->ik", rc.Add(x, b, name="s"), w, name="e")
    result = rc.distribute_once(e, 0, suffix=".h")
    wide = rearrange(b, "a:3 -> 2 a:3")
    expected = rc.Add(einsum("ij,jk->ik", x, w, name="x.h"), einsum("ij,jk->ik", wide, w, name="b rearrange.h"), name="e")
    assert_same(result, expected)
    assert_equal_value(result, e)
    plain = rc.distribute_once(e, 0)
    assert [child.name for child in plain.children] == ["x * w", "b rearrange * w"]
    prefixed = rc.distribute_once(einsum("ij,jk->ik", rc.Add(x.rename(None), x), w), 0, prefix="p.")
    assert [child.op_name for child in prefixed.children] == [None, "p.x"]


def test_errors() -> None:
    e = einsum("ij,jk->ik", rc.Add(x, b, name="s"), w, name="e")
    with pytest.raises(rc.DistributeOperandIdxTooLargeError) as error:
        rc.distribute_once(e, 2)
    assert error.value.args[0].einsum == e and error.value.args[0].operand_idx == 2
    with pytest.raises((OverflowError, TypeError)):
        rc.distribute_once(e, -1)
    with pytest.raises(rc.DistributeOperandIsNotAddError):
        rc.distribute_once(e, 1)
    with pytest.raises(rc.DistributeCouldntBroadcastError) as error:
        rc.distribute_once(e, 0, do_broadcasts=False)
    assert error.value.args[0].add == e.children[0] and error.value.args[0].do_broadcasts is False
    with pytest.raises(rc.DistributeEmptyAddUnsupportedError):
        rc.distribute_once(einsum(",->", rc.Add(), rc.Scalar(1.0)), 0)
    for call in (
        lambda: rc.distribute(e, 0, rc.traverse_until_depth(0)),
        lambda: rc.distribute(e, 1),
        lambda: rc.distribute(e, 7),
    ):
        with pytest.raises(rc.DistributeNoopError):
            call()
    with pytest.raises(rc.DistributeOperandIdxTooLargeError):
        rc.distribute(e, 7, allow_partial_distribute=False)
    with pytest.raises(rc.DistributeOperandIsNotAddError):
        rc.distribute(e, 0, rc.traverse_until_depth(2), allow_partial_distribute=False)


def test_distribute_all() -> None:
    y, u, v = array("y", 3), array("u", 3), array("v", 3)
    x3 = array("x", 3)
    e = einsum("a,a->a", rc.Add(x3, y), rc.Add(u, v), name="e")
    result = rc.distribute_all(e)
    assert result.name == "e"
    assert [child.name for child in result.children] == ["x * u", "x * v", "y * u", "y * v"]
    assert rc.distribute_all(einsum("a,a->a", x3, y)) is None
    nested = einsum("a,a->a", rc.Add(rc.Add(x3, y), u), v)
    assert len(rc.distribute_all(nested).children) == 2


def test_distribute_to_depth() -> None:
    x3, y, z, w3 = (array(name, 3) for name in "xyzw")
    s = rc.Add(rc.Add(x3, y, name="t"), z, name="s")
    e = einsum("a,a->", s, w3, name="e")
    one = rc.distribute(e, 0, suffix=".h")
    assert [child.name for child in one.children] == ["t.h", "z.h"]
    two = rc.distribute(e, 0, rc.traverse_until_depth(2), suffix=".h")
    inner = rc.Add(einsum("a,a->", x3, w3, name="x.h"), einsum("a,a->", y, w3, name="y.h"), name="t.h")
    assert_same(two, rc.Add(inner, einsum("a,a->", z, w3, name="z.h"), name="e"))
    assert rc.distribute(e, 0, rc.traverse_until_depth(), suffix=".h") == two
    assert rc.distribute(e, 0, rc.new_traversal(term_early_at="t"), suffix=".h") == one


def test_deep_and_shared_sums() -> None:
    total: rc.Circuit = array("x", 3)
    for i in range(20_000):
        total = rc.Add(total, rc.Scalar(1.0, (3,)), name=f"n{i % 5}")
    e = einsum("a,a->", total, array("w", 3))
    result = rc.distribute(e, 0, rc.traverse_until_depth())
    assert rc.count_nodes(result) > 20_000
    doubled: rc.Circuit = array("x", 3)
    for _ in range(60):
        doubled = rc.Add(doubled, doubled)
    assert rc.count_nodes(rc.distribute(einsum("a->", doubled), 0, rc.new_traversal())) < 300
