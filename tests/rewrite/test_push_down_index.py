"""Index push-down: the tables and examples of spec 10, section 12."""

from __future__ import annotations

import uuid

import pytest
import torch

import pycircuit as rc
from tests.rewrite.helpers import COLON, array, assert_equal_value, assert_same, einsum, function, idx, index_of, rearrange

x, w = array("x", 4, 3), array("w", 3, 2)
p, q = array("p", 2, 3), array("q", 4, 3)
concat = rc.Concat(p, q, axis=0, name="c")


def push(node: rc.Index, partial: bool = False, suffix: str | None = "S") -> rc.Circuit:
    result = rc.push_down_index_once(node, partial, suffix)
    assert_equal_value(result, node)
    return result


def test_add() -> None:
    o, k = array("o", 4, 1), rc.Scalar(2.0, (), "k")
    result = push(idx(rc.Add(x, o, k, name="s"), slice(1, 3), 0))
    parts = idx(x, slice(1, 3), 0, name="x_idx_S"), idx(o, slice(1, 3), 0, name="o_idx_S"), rc.Index(k, (), "k_idx_S")
    assert result == rc.Add(*parts, name="sS")
    push(idx(rc.Add(x, array("r", 1, 3)), slice(2, 2)))


def test_names_without_suffix_and_without_names() -> None:
    result = push(idx(rc.Add(x, x, name="s"), 0, name="dropped"), suffix=None)
    assert result == rc.Add(idx(x, 0), idx(x, 0), name="s")
    unnamed = x.rename(None)
    result = push(idx(rc.Add(unnamed, unnamed), 0))
    assert result == rc.Add(idx(unnamed, 0), idx(unnamed, 0)) and result.op_name is None


def test_concat() -> None:
    result = push(idx(concat, slice(1, 5), 1))
    assert result == rc.Concat(idx(p, slice(1, 2), 1, name="p_idx_S"), idx(q, slice(0, 3), 1, name="q_idx_S"), axis=0, name="cS")
    assert push(idx(concat, 3, COLON)) == idx(q, 1, COLON, name="cS")
    assert push(idx(concat, slice(0, 0))) == rc.Concat(idx(p, slice(0, 0), name="p_idx_S"), axis=0, name="cS")
    assert push(idx(concat, slice(6, 6))) == rc.Concat(idx(q, slice(0, 0), name="q_idx_S"), axis=0, name="cS")
    assert push(idx(concat, slice(3, 3))) == rc.Concat(idx(q, slice(1, 1), name="q_idx_S"), axis=0, name="cS")
    with pytest.raises(rc.PushDownIndexZeroLengthIndexAmbiguousError):
        push(idx(concat, slice(2, 2)))
    with pytest.raises(rc.PushDownIndexConcatSplitSectionsTensorUnsupportedError) as error:
        push(idx(concat, index_of([0, 5])))
    assert error.value.args[0].tensor.tolist() == [0, 5]
    with pytest.raises(rc.PushDownIndexNoopOnConcatError):
        push(idx(concat, index_of([0, 5])), partial=True)
    result = push(idx(concat, index_of([0, 5]), 1), partial=True)
    below = rc.Concat(idx(p, COLON, 1, name="p_idx_S"), idx(q, COLON, 1, name="q_idx_S"), axis=0, name="cS")
    assert result == idx(below, index_of([0, 5]), name="c_partial_S")


def test_general_function() -> None:
    x543 = array("x", 5, 4, 3)
    node = idx(function("softmax", x543, name="f"), 0, slice(1, 2), 1)
    below = function("softmax", idx(x543, 0, slice(1, 2), COLON, name="x_idx_S"), name="fS")
    assert push(node, partial=True) == idx(below, COLON, 1, name="f_partial_S")
    with pytest.raises(rc.PushDownIndexGeneralFunctionSomeAxesNotPossibleError) as error:
        push(node)
    payload = error.value.args[0]
    assert (payload.index_node, payload.is_batchable, payload.num_non_batch_out, payload.inner_rank) == (node, [True], 1, 3)
    assert payload.top_axis_indices == [1]
    with pytest.raises(rc.PushDownIndexNoopOnGeneralFunctionError):
        push(idx(function("softmax", array("v", 3)), 0), partial=True)


def test_einsum() -> None:
    result = push(idx(einsum("ab,bc->cab", x, w, name="e"), 0, slice(1, 3), COLON))
    expected = einsum("ab,b->ab", idx(x, slice(1, 3), COLON, name="x_idx_S"), idx(w, COLON, 0, name="w_idx_S"), name="eS")
    assert_same(result, expected)
    v, w4 = array("v", 3), array("w", 4)
    node = idx(einsum("a,b->aab", v, w4, name="d"), 0, COLON, slice(1, 2))
    below = einsum("a,b->aab", idx(v, COLON, name="v_idx_S"), idx(w4, slice(1, 2), name="w_idx_S"), name="dS")
    assert_same(push(node, partial=True), idx(below, 0, COLON, COLON, name="d_partial_S"))
    with pytest.raises(rc.PushDownIndexEinsumSomeAxesNotPossibleError) as error:
        push(node)
    assert error.value.args[0].out_axes == [0, 0, 1]
    assert error.value.args[0].int_indices == {0: None, 1: slice(1, 2)}
    with pytest.raises(rc.PushDownIndexEinsumNoopError):
        push(idx(einsum("a->aa", v), 0, 0), partial=True)
    with pytest.raises(rc.PushDownIndexEinsumNoopError):
        push(idx(einsum("ab,bc->ac", x, w), COLON, slice(0, 2)))


def test_rearrange() -> None:
    z = array("z", 6, 4)
    r = rearrange(z, "(x:2 y) w -> w y x 5", "r")
    assert push(idx(r, 0, 1, 0, 2)) == idx(z, 1, 0, name="z_idx_S")
    result = push(idx(r, 0, 1, COLON, slice(1, 3)))
    assert_same(result, rearrange(idx(z, index_of([1, 4]), 0, name="z_idx_S"), "a:2 -> a:2 2", "rS"))
    assert push(idx(rearrange(z, "a b -> (a b)"), 7)) == idx(z, 1, 3, name="z_idx_S")
    assert push(idx(rearrange(z, "a b -> a () b"), COLON, 0, slice(0, 1))) == idx(z, slice(0, 6), slice(0, 1), name="z_idx_S")
    with pytest.raises(rc.PushDownIndexRearrangeNotPossibleError) as error:
        push(idx(rearrange(z, "a b -> (a b)"), slice(1, 3)), partial=True)
    assert repr(error.value.args[0].spec) == "a b -> (a b)"


def test_scatter() -> None:
    s = rc.Scatter(array("v", 1, 3), (slice(0, 1), slice(1, 4)), (4, 5), "s")
    assert push(idx(s, 0)) == rc.Scatter(idx(array("v", 1, 3), 0, COLON, name="v_idx_S"), (slice(1, 4),), (5,), "sS")
    assert push(idx(s, 0, slice(1, 2)), partial=True).name == "s_partial_S"
    with pytest.raises(rc.PushDownIndexScatterSomeAxesNotPossibleError):
        push(idx(s, 0, slice(1, 2)))
    with pytest.raises(rc.PushDownIndexScatterNoopError):
        push(idx(s, 1))


def test_other_classes() -> None:
    tag = rc.Tag(x, uuid.UUID(int=3), "t")
    assert push(idx(tag, 0)) == rc.Tag(idx(x, 0, name="x_idx_S"), uuid.UUID(int=3), "tS")
    assert push(idx(rc.Scalar(2.0, (3,), "k"), 1, name="i")) == rc.Scalar(2.0, (), "i")
    group = rc.DiscreteVar.uniform_probs_and_group(4)
    var = rc.DiscreteVar(x, group, "var")
    result = rc.push_down_index_once(idx(var, 1), False, "S")
    assert result == rc.DiscreteVar(idx(x, COLON, 1, name="x_idx_S"), group, "varS")
    with pytest.raises(rc.PushDownIndexThroughIndexError) as error:
        push(idx(idx(x, 0), 0))
    assert error.value.args[0].circ_type is rc.Index
    for leaf, cls in ((x, rc.Array), (rc.Symbol.new_with_random_uuid((4,), "y"), rc.Symbol)):
        with pytest.raises(rc.PushDownIndexUnimplementedTypeError) as error:
            rc.push_down_index_once(idx(leaf, 0))
        assert error.value.args[0].circ_type is cls


def bound(body: rc.Circuit, symbol: rc.Symbol, argument: rc.Circuit) -> rc.Module:
    return rc.Module.new_flat(rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol)]), argument, name="m")


def test_module() -> None:
    sy = rc.Symbol.new_with_random_uuid((3,), "sy")
    body = function("sigmoid", sy, name="body")
    m = bound(body, sy, x)
    result = push(idx(m, 1))
    assert result == rc.Module.new_flat(m.spec, idx(x, 1, COLON, name="x_idx_S"), name="mS")
    with pytest.raises(rc.PushDownIndexModuleSomeAxesNotPossibleError, match="substitut") as error:
        push(idx(m, 1, 0))
    assert error.value.args[0].top_axis_indices == [0]
    assert push(idx(m, 1, 0), partial=True) == idx(result, 0, name="m_partial_S")
    until_symbol = rc.new_traversal(term_early_at={"sy", "x"})
    result = rc.push_down_index(idx(m, 1, 0), until_symbol, into_module_spec=True, suffix="S")
    inner = function("sigmoid", idx(sy, 0, name="sy_idx_S"), name="bodyS")
    spec = rc.ModuleSpec(inner, [rc.ModuleArgSpec(sy)])
    assert result == rc.Module.new_flat(spec, idx(x, 1, COLON, name="x_idx_S"), name="mS")
    with pytest.raises(rc.PushDownIndexUnimplementedTypeError):
        rc.push_down_index(idx(m, 1, 0), into_module_spec=True)


def test_module_with_symbolic_sizes() -> None:
    size = rc.symbolic_sizes()[0]
    sy = rc.Symbol.new_with_random_uuid((size, 3), "sy")
    m = bound(rc.Add(sy, sy, name="body"), sy, x)
    until_symbol = rc.new_traversal(term_early_at={"sy", "x"})
    node = idx(m, slice(0, 4), -2)
    assert_equal_value(rc.push_down_index(node, until_symbol, into_module_spec=True), node)
    with pytest.raises(rc.ExpandFixedIndexError):
        rc.push_down_index(idx(m, -1), until_symbol, into_module_spec=True)


def test_recursive() -> None:
    scores, w35, b = array("l", 4, 3), array("w", 3, 5), array("b", 5)
    f = function("softmax", scores, name="f")
    node = idx(rc.Add(einsum("ab,bc->ac", f, w35, name="e"), b, name="top"), 1)
    result = rc.push_down_index(node, suffix=".t")
    inner = einsum("b,bc->c", function("softmax", idx(scores, 1, COLON, name="l_idx_.t"), name="f.t"), w35, name="e.t")
    assert_same(result, rc.Add(inner, b, name="top.t"))
    kept = rc.push_down_index(node, suffix=".t", elim_identity=False)
    assert {child.name for child in rc.all_children(kept) if isinstance(child, rc.Index)} == {"l_idx_.t", "w_idx_.t", "b_idx_.t"}
    assert rc.push_down_index(node, rc.new_traversal(end_depth=1)) == node
    one = rc.push_down_index(node, rc.new_traversal(end_depth=2), suffix=".t")
    assert one == rc.push_down_index_once(node, False, ".t").update("b_idx_.t", lambda _: b)
    stopped = rc.push_down_index(node, rc.restrict(rc.default_index_traversal(), term_early_at="f"))
    assert idx(f, 1, COLON) in rc.all_children(stopped)


def test_deep_chain() -> None:
    node: rc.Circuit = array("x", 3)
    for i in range(50_000):
        node = rc.Add(node, rc.Scalar(1.0), name=f"n{i % 7}")
    result = rc.push_down_index(idx(node, 1))
    assert result.evaluate().item() == pytest.approx(array("x", 3).value[1].item() + 50_000)
    assert rc.deep_push_down_index_raw(rc.Add(idx(node, 1))).shape == ()


def test_deep_push_down_index_covers_all_users() -> None:
    x6, y6 = array("x", 6), array("y", 6)
    s = rc.Add(x6, y6, name="s")
    result = rc.deep_push_down_index_raw(rc.Concat(idx(s, slice(1, 3)), idx(s, slice(2, 4)), axis=0))
    smaller = rc.Add(idx(x6, slice(1, 4)), idx(y6, slice(1, 4)), name="s")
    assert result == rc.Concat(idx(smaller, slice(0, 2)), idx(smaller, slice(1, 3)), axis=0)
    whole = rc.Concat(idx(s, slice(1, 3)), s, axis=0)
    assert rc.deep_push_down_index_raw(whole) == whole
    apart = rc.Concat(idx(s, slice(0, 1)), idx(s, slice(5, 6)), axis=0)
    result = rc.deep_push_down_index_raw(apart)
    assert max(node.numel for node in rc.all_children(result) if isinstance(node, rc.Add)) == 2
    assert_equal_value(result, apart)
    assert rc.deep_push_down_index_raw(apart, 7) == apart


def test_values_of_tensor_elements_survive() -> None:
    node = idx(rc.Add(x, x), torch.tensor([3, -4, 3]), -1)
    assert_equal_value(rc.push_down_index(node), node)
