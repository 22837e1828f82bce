"""Batching (spec 10, section 14)."""

from __future__ import annotations

import pytest

import pycircuit as rc
from tests.rewrite.helpers import array, assert_equal_value, assert_same, einsum, function, idx

x, w = array("x", 4, 3), array("w", 3, 5)
c = einsum("ij,jk->ik", function("sigmoid", x, name="g"), w, name="e")


def test_example() -> None:
    result = rc.batch_to_concat(c, 0, 3)
    assert result.name == "e(x idx, w) ++ e(x idx, w)" and isinstance(result, rc.Concat)
    first, last = result.children
    assert first.name == "e(x idx, w)"
    assert first.nodes == [idx(x, slice(0, 3)), w] and last.nodes == [idx(x, slice(3, 4)), w]
    symbols = [spec.symbol for spec in first.spec.arg_specs]
    assert [(symbol.name, symbol.shape) for symbol in symbols] == [("x", (3, 3)), ("w", (3, 5))]
    assert_same(first.spec.circuit, einsum("ij,jk->ik", function("sigmoid", symbols[0], name="g"), symbols[1], name="e"))
    assert [spec.symbol.uuid for spec in last.spec.arg_specs] == [symbol.uuid for symbol in symbols]
    assert last.spec.arg_specs[0].symbol.shape == (1, 3)
    spec = first.spec.arg_specs[0]
    assert (spec.batchable, spec.expandable, spec.ban_non_symbolic_size_expand) == (True, True, False)
    kept = rc.batch_to_concat(c, 0, 3, keep_non_axis_leaves=True)
    assert kept.children[0].nodes == [idx(x, slice(0, 3))]
    for batched in (result, kept):
        assert_equal_value(batched, c)
        assert_equal_value(rc.substitute_all_modules(batched), c)


def test_errors_and_edges() -> None:
    with pytest.raises(RuntimeError, match="nonexistent axis"):
        rc.batch_to_concat(c, 2, 1)
    with pytest.raises(RuntimeError, match="nonexistent axis"):
        rc.batch_to_concat(c, -1, 1)
    with pytest.raises(rc.BatchBatchSizeIsZeroError):
        rc.batch_to_concat(c, 0, 0)
    with pytest.raises(rc.BatchPartialBatchNotAllowedError):
        rc.batch_to_concat(c, 0, 3, allow_partial_batch=False)
    one = rc.batch_to_concat(c, 0, 10)
    assert len(one.children) == 1 and isinstance(one.children[0], rc.Module)
    empty = rc.Add(array("n", 0, 3))
    assert rc.batch_to_concat(empty, 0, 2) == empty


def test_node_with_and_without_the_axis() -> None:
    square = array("s", 3, 3)
    node = einsum("ij,jk->ik", square, square, name="e")
    result = rc.batch_to_concat(node, 0, 2)
    assert result.children[0].nodes == [idx(square, slice(0, 2)), square]
    assert_equal_value(result, node)


def test_modules_are_batched_through_their_batch_axes() -> None:
    sy = rc.Symbol.new_with_random_uuid((3,), "sy")
    by = rc.Symbol.new_with_random_uuid((3,), "by")
    body = rc.Add(function("softmax", sy), by, name="body")
    spec = rc.ModuleSpec(body, [rc.ModuleArgSpec(sy), rc.ModuleArgSpec(by)])
    node = rc.Add(rc.Module.new_flat(spec, function("sigmoid", x, name="in"), array("bias", 3), name="m"), x, name="top")
    result = rc.batch_to_concat(node, 0, 3)
    assert_equal_value(result, node)
    assert body in rc.all_children(result)
    assert result.children[0].nodes == [idx(x, slice(0, 3)), array("bias", 3)]
    with pytest.raises(RuntimeError, match="substitute"):
        rc.batch_to_concat(node, 1, 1)


def test_axes_that_cannot_be_resized_are_leaves() -> None:
    scatter = rc.Scatter(x, (slice(1, 5), slice(0, 3)), (6, 3), "pad")
    conv = rc.Conv(array("signal", 4, 5, 2), array("filter", 1, 3, 2), [1], 1, name="conv")
    joined = rc.Concat(x, x, axis=0, name="joined")
    fixed = idx(x, slice(0, 4), slice(0, 2), name="fixed")
    for leaf in (scatter, conv, joined, fixed, einsum("ij,jj->ij", x, array("d", 3, 3), name="diagonal")):
        node = function("sigmoid", leaf, name="f")
        result = rc.batch_to_concat(node, 0, 2)
        assert_equal_value(result, node)


def test_batch_einsum() -> None:
    a, b, d = array("a", 4, 6), array("b", 6, 4, 5), array("d", 4, 5)
    node = einsum("ij,jkl,kl->i", a, b, d, name="e")
    assert_equal_value(rc.batch_einsum(node), node)
    outer = einsum("i,j,i,j->i", array("p", 12), array("r", 10), array("s", 12), array("t", 10), name="o")
    assert_equal_value(rc.batch_einsum(outer, rc.OptimizationSettings(max_single_tensor_memory=8 * 12)), outer)
    with pytest.raises(rc.BatchRequiresMultipleAxesError):
        rc.batch_einsum(node, rc.OptimizationSettings(max_single_tensor_memory=8))


def test_too_many_pieces_are_refused():
    long = rc.Scalar(1.0, (2**40,), "long")
    with pytest.raises(rc.BatchError, match=r"'long'.*at least 1099512"):
        rc.batch_to_concat(long, 0, 1)
    with pytest.raises(rc.BatchError):
        rc.evaluate_batched(long, 0, 1)
    assert rc.batch_to_concat(long, 0, 1099512 * 1000).num_children == 1000
