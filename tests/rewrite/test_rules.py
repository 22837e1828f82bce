"""The examples of spec 10, sections 2 to 8: rule, input, exact result."""

from __future__ import annotations

import math

import pytest
import torch

import pycircuit as rc
from tests.rewrite.helpers import COLON, array, assert_equal_value, assert_same, einsum, function, idx, index_of, rearrange

v, v4 = array("v", 3), array("v4", 4)
x, y, w, q = array("x", 2, 3), array("y", 2, 3), array("w", 2, 3), array("q", 3, 2)
m = array("m", 3, 3)


def scalar(value: float, *shape: int, name: str | None = None) -> rc.Scalar:
    return rc.Scalar(value, shape, name)


# --- section 2
def test_einsum_elim_zero_and_identity() -> None:
    assert rc.einsum_elim_zero(einsum("ab,->ab", x, scalar(0.0), name="e")) == scalar(0.0, 2, 3, name="e")
    assert rc.einsum_elim_zero(einsum("ab,->ab", x, scalar(1.0))) is None
    assert rc.einsum_elim_identity(einsum("ab->ab", x)) == x
    assert rc.einsum_elim_identity(rc.Einsum.empty("e")) == scalar(1.0, name="e")
    assert rc.einsum_elim_identity(einsum("aa->aa", m)) is None
    assert rc.einsum_elim_identity(einsum("ab->ba", x)) is None


def test_einsum_flatten_once() -> None:
    result = rc.einsum_flatten_once(einsum("ab,b->a", einsum("x->xx", v, name="d"), array("w", 3)))
    assert result == einsum("a,a->a", v, array("w", 3))
    assert result.name == "v * w"
    f, g = array("f", 3, 4), array("g", 4, 3)
    inner = einsum("xy,yz->zx", f, g, name="m")
    assert_same(rc.einsum_flatten_once(einsum("pq,pq->", inner, inner)), einsum("ab,bc,ad,dc->", f, g, f, g))


def test_einsum_of_permute_merge() -> None:
    other = array("other", 3, 2)
    result = rc.einsum_of_permute_merge(einsum("ab,bc->ac", rearrange(q, "i j -> j i"), other, name="e"))
    assert result == einsum("ba,bc->ac", q, other, name="e")
    assert rc.einsum_of_permute_merge(einsum("ab->ba", rearrange(rearrange(q, "i j -> () i j"), "() i j -> i j"))) is None


def test_einsum_merge_scalars() -> None:
    assert rc.einsum_merge_scalars(einsum(",ab,->ab", scalar(2.0), x, scalar(3.0), name="e")) == einsum("ab,->ab", x, scalar(6.0))
    assert rc.einsum_merge_scalars(einsum(",ab,->ab", scalar(0.5), x, scalar(2.0))) == einsum("ab->ab", x)
    assert rc.einsum_merge_scalars(einsum("ab,->ab", x, scalar(3.0))) is None
    assert rc.einsum_remove_one(einsum("ab,,->ab", x, scalar(1.0), scalar(3.0))) == einsum("ab,->ab", x, scalar(3.0))


def test_einsum_pull_removable_axes() -> None:
    r = rearrange(v, "x -> 2 x", "r")
    q24 = array("q", 2, 4)
    assert rc.einsum_pull_removable_axes(einsum("ab,ac->bc", r, q24, name="e")) == einsum("b,ac->bc", v, q24, name="e")
    assert rc.einsum_pull_removable_axes(einsum("ab,b->b", r, v, name="e")) == einsum("b,b,->b", v, v, scalar(2.0), name="e")
    s = scalar(5.0, 2, 3, name="s")
    inner = einsum(",b->b", scalar(5.0, name="s_rem_ax"), v, name="e")
    result = rc.einsum_pull_removable_axes(einsum("ab,b->ba", s, v, name="e"))
    assert_same(result, rearrange(inner, "a:3 -> a:3 2"))
    assert result.name == "(e) rearrange"
    assert rc.einsum_pull_removable_axes(einsum("a->a", scalar(1.0, 2))) is None
    size = rc.symbolic_sizes()[0]
    assert rc.einsum_pull_removable_axes(einsum("a->", scalar(1.0, size))) is None


def test_einsum_elim_removable_axes_weak() -> None:
    s = scalar(5.0, 2, 3, name="s")
    result = rc.einsum_elim_removable_axes_weak(einsum("ab,ab->ab", s, x, name="e"))
    assert result == einsum(",ab->ab", scalar(5.0, name="s_rem_ax"), x, name="e")
    assert rc.einsum_elim_removable_axes_weak(einsum("ab,ab->ab", s, s)) is None
    r = rearrange(v, "x -> 2 x", "r")
    assert rc.einsum_elim_removable_axes_weak(einsum("ab,ab->ab", r, r)) is None


def test_einsum_permute_to_rearrange() -> None:
    cube = array("q", 2, 3, 4)
    assert_same(rc.einsum_permute_to_rearrange(einsum("xyz->zxy", cube, name="e")), rearrange(cube, "a b c -> c a b", "e"))
    assert rc.einsum_permute_to_rearrange(einsum("->", scalar(1.0))) is None
    assert_same(rc.einsum_permute_to_rearrange(einsum("ab->ab", x, name="e")), rearrange(x, "a b -> a b", "e"))


def test_einsum_push_down_trace() -> None:
    result = rc.einsum_push_down_trace(einsum("aa,a->a", rc.Add(m, v, name="s"), v, name="e"))
    wide = rearrange(v, "a:3 -> 3 a:3")
    assert_same(result, einsum("a,a->a", rc.Add(einsum("aa->a", m), einsum("aa->a", wide)), v, name="e"))
    p, r = array("p", 3, 3, 2), array("r", 3, 3, 1)
    result = rc.einsum_push_down_trace(einsum("aab->ab", rc.Concat(p, r, axis=2, name="c"), name="e"))
    assert_same(result, einsum("ab->ab", rc.Concat(einsum("aac->ac", p), einsum("aac->ac", r), axis=1), name="e"))
    assert rc.einsum_push_down_trace(einsum("aa->a", m)) is None


# --- section 3
def test_small_adds() -> None:
    assert rc.remove_add_few_input(rc.Add(name="s")) == scalar(0.0, name="s")
    assert rc.remove_add_few_input(rc.Add(x)) == x
    assert rc.remove_add_few_input(rc.Add(x, y)) is None
    u = rc.Add(x, name="u")
    assert rc.add_flatten_once(rc.Add(x, rc.Add(y, u, name="t"), name="s")) == rc.Add(x, y, u, name="s")
    assert rc.add_elim_zeros(rc.Add(x, scalar(0.0), name="s")) == rc.Add(x, name="s")
    assert rc.add_elim_zeros(rc.Add(v, scalar(0.0, 2, 3), name="s")) is None
    assert rc.add_elim_zeros(rc.Add(scalar(0.0), name="s")) == rc.Add(name="s")
    assert rc.add_collapse_scalar_inputs(rc.Add(scalar(1.0, 3), x, scalar(2.0), name="s")) == rc.Add(x, scalar(3.0, 2, 3), name="s")
    assert rc.add_collapse_scalar_inputs(rc.Add(x, scalar(2.0))) is None


def test_add_deduplicate() -> None:
    twice = rc.Einsum.scalar_mul(x, 2.0, "x_mul_count", "count_from_dedup")
    assert rc.add_deduplicate(rc.Add(x, y, x, name="s")) == rc.Add(twice, y, name="s")
    nameless = x.rename(None)
    assert rc.add_deduplicate(rc.Add(nameless, nameless)) == rc.Add(rc.Einsum.scalar_mul(nameless, 2.0))
    assert rc.add_deduplicate(rc.Add(x, x.rename("other"))) is None


def test_add_pull_removable_axes() -> None:
    r = rearrange(v, "x -> 4 x 2", "r")
    both = rc.Add(r, scalar(1.0, 4, 3, 2, name="s"), name="c")
    inner = rc.Add(v, scalar(1.0, name="s_rem_ax"), name="c")
    result = rc.add_pull_removable_axes(both, True)
    assert_same(result, rearrange(inner, "a:3 -> 4 a:3 2"))
    assert result.name == "(c) rearrange"
    inner = rc.Add(v, scalar(1.0, 3, name="s_rem_ax"), name="c")
    assert_same(rc.add_pull_removable_axes(both, False), rearrange(inner, "a:3 -> 4 a:3 2"))
    y432 = array("y", 4, 3, 2)
    one_sided = rc.Add(r, y432, name="c")
    assert_same(rc.add_pull_removable_axes(one_sided, True), rc.Add(rearrange(v, "a:3 -> a:3 ()"), y432, name="c"))
    assert rc.add_pull_removable_axes(one_sided, False) is None
    q13 = array("q", 1, 3)
    expected = rearrange(rc.Add(rearrange(q13, "() a:3 -> a:3", "q_rem_ax"), v, name="c"), "a:3 -> 2 a:3")
    for flag in (True, False):
        assert_same(rc.add_pull_removable_axes(rc.Add(q13, rearrange(v, "x -> 2 x", "r"), name="c"), flag), expected)


def test_add_elim_removable_axes_weak() -> None:
    result = rc.add_elim_removable_axes_weak(rc.Add(scalar(2.0, 2, 3, name="k"), x, name="s"))
    assert result == rc.Add(scalar(2.0, name="k_rem_ax"), x, name="s")
    assert rc.add_elim_removable_axes_weak(rc.Add(scalar(2.0, 2, 3), v)) is None


def test_add_pull_diags() -> None:
    w3 = array("w", 4)
    m34 = array("m", 3, 4)
    result = rc.add_pull_diags(rc.Add(einsum("a->aa", v), einsum("ab,b->aa", m34, w3), name="s"))
    expected = rc.Einsum.new_diag(rc.Add(einsum("a->a", v), einsum("ab,b->a", m34, w3), name="s"), (0, 0))
    assert_same(result, expected)
    assert result.name == "(s)" or result.name == expected.name
    assert rc.add_pull_diags(rc.Add()) is None


def test_add_fuse_scalar_multiples() -> None:
    p, r, u = scalar(2.0, name="p"), scalar(3.0, name="q"), scalar(5.0, name="u")
    y3 = array("y", 3)
    result = rc.add_fuse_scalar_multiples(rc.Add(einsum("a,->a", v, p, name="k"), einsum("a,->a", v, r, name="k"), y3, u, name="s"))
    expected = rc.Add(einsum("a,->a", v, scalar(5.0, name="p"), name="k"), einsum("a->a", y3), einsum("->", u), name="s")
    assert_same(result, expected)
    assert rc.add_fuse_scalar_multiples(rc.Add(einsum("a,->a", v, p, name="k"), einsum("a,->a", v, r, name="l"))) is None


def test_integers_are_left_to_rounding() -> None:
    ints = rc.Array(torch.tensor([1, 2]), "i")
    add = rc.Add(ints, scalar(0.5), scalar(0.5))
    assert rc.add_collapse_scalar_inputs(add) is None
    assert_equal_value(rc.compiler_simp(add), add)


def test_add_make_broadcasts_explicit() -> None:
    b = array("b", 3)
    result = rc.add_make_broadcasts_explicit(rc.Add(x, b, name="s"))
    assert_same(result, rc.Add(x, rearrange(b, "a:3 -> 2 a:3"), name="s"))
    assert result.children[1].name == "b rearrange"
    assert rc.add_make_broadcasts_explicit(rc.Add(x, y)) is None


# --- section 4
def test_rearrange_rules() -> None:
    q43 = array("q", 4, 3)
    result = rc.rearrange_fuse(rearrange(rearrange(q43, "x y -> y x", "i"), "x y -> (x y)", "r"))
    assert_same(result, rearrange(q43, "a:4 b:3 -> (b:3 a:4)", "r"))
    assert rc.rearrange_elim_identity(rearrange(q43, "a b -> a b")) == q43
    assert rc.rearrange_elim_identity(rearrange(q43, "a b -> b a")) is None
    assert rc.rearrange_merge_scalar(rearrange(scalar(2.0, 3), "a -> a 2", "r")) == scalar(2.0, 3, 2, name="r")
    one, two = array("x", 2, 3), array("y", 3, 4)
    result = rc.permute_of_einsum_merge(rearrange(einsum("ab,bc->ac", one, two, name="e"), "i j -> j i", "r"))
    assert result == einsum("ab,bc->ca", one, two, name="r")


def test_index_rules() -> None:
    x5 = array("x", 5)
    fused = rc.index_fuse(idx(idx(x5, slice(1, 4)), 0))
    assert fused == idx(x5, 1)
    assert fused.name == "x idx"
    assert rc.index_fuse(idx(idx(x5, slice(1, 4)), index_of([-1, 0]))).idx[0].tolist() == [3, 1]
    assert rc.index_fuse(idx(idx(x5, index_of([4, 0, 2])), slice(1, 3))).idx[0].tolist() == [0, 2]
    assert rc.index_elim_identity(idx(x5, slice(0, 5))) == x5
    assert rc.index_elim_identity(idx(x5, index_of(range(5)))) is None
    assert rc.index_merge_scalar(idx(scalar(2.0, 3, 4), 0, name="i")) == scalar(2.0, 4, name="i")
    x45 = array("x", 4, 5)
    result = rc.index_split_axes(idx(x45, slice(1, 3), 0, name="i"), {0})
    assert result == idx(idx(x45, COLON, 0), slice(1, 3))
    assert result.name == "x idx idx"
    assert rc.index_split_axes(idx(x45, 0), {2}) is None


# --- section 5
def test_general_function_rules() -> None:
    result = rc.generalfunction_pull_removable_axes(function("sigmoid", rearrange(v, "x -> 2 x", "r"), name="g"))
    assert_same(result, rearrange(function("sigmoid", v, name="g"), "a:3 -> 2 a:3"))
    assert result.name == "g rearrange"
    assert rc.generalfunction_pull_removable_axes(function("softmax", rearrange(v, "x -> x 2", "r"))) is None
    assert rc.generalfunction_merge_inverses(function("reciprocal", function("reciprocal", x))) == x
    special = rc.generalfunction_special_case_simplification
    assert special(function("softmax", scalar(3.0, 2, 4), name="g")) == scalar(0.25, 2, 4, name="g")
    assert special(function("log_softmax", scalar(3.0, 2, 4), name="g")).value == pytest.approx(math.log(0.25))
    assert special(function("last_dim_size", x, name="g")) == scalar(3.0, 2, name="g")
    assert special(function("softmax", scalar(math.inf, 2))) is None
    assert special(function("softmax", x)) is None
    assert special(function("softmax", scalar(1.0, rc.symbolic_sizes()[0]))) is None
    assert rc.generalfunction_evaluate_simple(function("cos", scalar(0.0), name="g")) == scalar(1.0, name="g")
    assert rc.generalfunction_evaluate_simple(function("cos", scalar(0.0, 1))) is None


def test_gen_index_const_to_index() -> None:
    table = array("t", 2, 5, 3)
    rows = rc.Array(torch.tensor([4, 0]), "rows")
    node = rc.GeneralFunction.gen_index(table, rows, index_dim=-2, batch_x=True, batch_index=False, name="g")
    result = rc.generalfunction_gen_index_const_to_index(node)
    assert result.name == "g" and result.idx[1].tolist() == [4, 0]
    assert_equal_value(result, node)
    outside = rc.Array(torch.tensor([5]), "rows")
    node = rc.GeneralFunction.gen_index(table, outside, index_dim=-2, batch_x=True, batch_index=False)
    assert rc.generalfunction_gen_index_const_to_index(node) is None
    assert rc.generalfunction_gen_index_const_to_index(rc.GeneralFunction.gen_index(table, rows, index_dim=0)) is None


# --- section 6
def test_small_concats() -> None:
    assert rc.concat_elim_identity(rc.Concat(x, axis=0)) == x
    assert rc.concat_merge_uniform(rc.Concat(scalar(2.0, 3), scalar(2.0, 1), axis=0, name="c")) == scalar(2.0, 4, name="c")
    assert rc.concat_merge_uniform(rc.Concat(scalar(math.nan, 3), scalar(math.nan, 1), axis=0)) is None
    empty = array("e", 0, 3)
    assert rc.concat_drop_size_zero(rc.Concat(empty, x, axis=0, name="c")) == rc.Concat(x, axis=0, name="c")
    assert rc.concat_drop_size_zero(rc.Concat(empty, empty, axis=0, name="c")) == rc.Concat(empty, axis=0, name="c")
    assert rc.concat_drop_size_zero(rc.Concat(empty, axis=0)) is None
    nested = rc.Concat(x, rc.Concat(y, w, axis=0), axis=0, name="c")
    assert rc.concat_fuse(nested) == rc.Concat(x, y, w, axis=0, name="c")
    assert rc.concat_fuse(rc.Concat(x, rc.Concat(array("a", 2, 1), array("b", 2, 2), axis=1), axis=0)) is None


def test_concat_elim_split() -> None:
    x44 = array("x", 4, 4)
    pieces = (idx(x44, slice(0, 1), slice(2, 3)), idx(x44, slice(1, 4), slice(2, 3)))
    assert rc.concat_elim_split(rc.Concat(*pieces, axis=0, name="c")) == idx(x44, slice(0, 4), slice(2, 3), name="c")
    assert rc.concat_elim_split(rc.Concat(pieces[1], axis=0)) is None
    assert rc.concat_elim_split(rc.Concat(pieces[1], pieces[0], axis=0)) is None
    assert rc.concat_elim_split(rc.Concat(idx(x44, slice(0, 2)), idx(x44, slice(2, 4), slice(0, 4)), axis=0)) is None


def test_concat_pull_removable_axes() -> None:
    s = scalar(1.0, 4, 5, 2, name="s")
    result = rc.concat_pull_removable_axes(rc.Concat(rearrange(v, "x -> 4 x 2", "r"), s, axis=1, name="c"))
    assert_same(result, rearrange(rc.Concat(v, scalar(1.0, 5, name="s_rem_ax"), axis=0, name="c"), "a:8 -> 4 a:8 2"))
    assert result.name == "(c) rearrange"


def test_concat_repeat_to_rearrange() -> None:
    x43, y43 = array("x", 4, 3), array("y", 4, 3)
    result = rc.concat_repeat_to_rearrange(rc.Concat(x43, x43, x43, y43, axis=0, name="c"))
    assert_same(result, rc.Concat(rearrange(x43, "a:4 b:3 -> (3 a:4) b:3"), y43, axis=0, name="c"))
    assert result.children[0].name == "x rearrange"


def test_concat_to_scatter() -> None:
    x43 = array("x", 4, 3)
    result = rc.concat_to_scatter(rc.Concat(scalar(0.0, 2, 3), x43, scalar(0.0, 1, 3), axis=0, name="c"))
    assert result == rc.Scatter(rc.Concat(x43, axis=0, name="c"), (slice(2, 6), slice(0, 3)), (7, 3))
    assert result.name == "(c) scatter"
    assert rc.concat_to_scatter(rc.Concat(scalar(0.0, 2, 3), axis=0)) is None
    assert rc.concat_to_scatter(rc.Concat(scalar(0.0, 0, 3), x43, axis=0)) is None


def test_index_concat_drop_unreached() -> None:
    p, r = array("p", 2, 3), array("q", 4, 3)
    result = rc.index_concat_drop_unreached(idx(rc.Concat(p, r, axis=0, name="c"), 3, name="i"))
    assert result == idx(rc.Concat(r, axis=0, name="c"), 1, COLON, name="i")
    assert rc.index_concat_drop_unreached(idx(rc.Concat(p, r, axis=0), slice(1, 3))) is None
    assert rc.index_concat_drop_unreached(idx(rc.Concat(p, r, axis=0), slice(2, 2))) is None


def test_einsum_concat_to_add() -> None:
    p, r, c = array("p", 2, 3), array("q", 4, 3), array("v", 5)
    result = rc.einsum_concat_to_add(einsum("ab,c->bc", rc.Concat(p, r, axis=0, name="k"), c, name="e"))
    assert result == rc.Add(einsum("ab,c->bc", p, c), einsum("ab,c->bc", r, c))
    assert result.name == "p * v + q * v"


# --- section 7
def test_scatter_rules() -> None:
    inner = rc.Scatter(v, (slice(1, 4),), (5,), "i")
    assert rc.scatter_fuse(rc.Scatter(inner, (slice(2, 7),), (8,), "o")) == rc.Scatter(v, (slice(3, 6),), (8,), "o")
    assert rc.scatter_elim_identity(rc.Scatter(v, (slice(0, 3),), (3,))) == v
    wide = rearrange(v, "x -> 2 x", "r")
    result = rc.scatter_pull_removable_axes(rc.Scatter(wide, (slice(0, 2), slice(1, 4)), (2, 5)))
    assert_same(result, rearrange(rc.Scatter(v, (slice(1, 4),), (5,)), "a:5 -> 2 a:5"))
    padded = rc.scatter_to_concat(rc.Scatter(v, (slice(1, 4),), (5,), "s"))
    assert padded == rc.Concat(scalar(0.0, 1), v, scalar(0.0, 1), axis=0, name="s")


def test_einsum_pull_scatter() -> None:
    x43, w22 = array("x", 4, 3), array("w", 2, 2)
    s = rc.Scatter(x43, (slice(1, 5), slice(0, 3)), (6, 3), "s")
    t = rc.Scatter(w22, (slice(1, 3), slice(0, 2)), (3, 4), "t")
    result = rc.einsum_pull_scatter(einsum("ab,bc->ac", s, t, name="e"))
    inner = einsum("ab,bc->ac", idx(x43, slice(0, 4), slice(1, 3)), idx(w22, slice(0, 2), slice(0, 2)), name="e")
    assert result == rc.Scatter(inner, (slice(1, 5), slice(0, 2)), (6, 4))
    assert result.name == "(e) scatter"
    far = rc.Scatter(v, (slice(3, 6),), (6,))
    near = rc.Scatter(v, (slice(0, 3),), (6,))
    assert rc.einsum_pull_scatter(einsum("a,a->a", far, near, name="e")) == scalar(0.0, 6)


def test_add_pull_scatter() -> None:
    w2 = array("w", 2)
    p, r = rc.Scatter(v, (slice(1, 4),), (7,), "p"), rc.Scatter(w2, (slice(4, 6),), (7,), "q")
    result = rc.add_pull_scatter(rc.Add(p, r, name="s"))
    assert result == rc.Scatter(rc.Add(idx(p, slice(1, 6)), idx(r, slice(1, 6)), name="s"), (slice(1, 6),), (7,))
    assert rc.add_pull_scatter(rc.Add()) is None


def test_index_einsum_to_scatter() -> None:
    result = rc.index_einsum_to_scatter(idx(einsum("x->xx", v, name="d"), slice(0, 2), slice(1, 3), name="i"))
    inner = einsum("x->xx", idx(v, slice(1, 2)), name="d")
    assert result == idx(rc.Scatter(inner, (slice(1, 2), slice(0, 1)), (2, 2)), COLON, COLON)
    assert result.name == "(d) scatter idx"


# --- section 8
def module(body: rc.Circuit, *bindings: tuple[rc.Symbol, rc.Circuit], name: str | None = "m") -> rc.Module:
    spec = rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol) for symbol, _ in bindings], check_all_inputs_used=False)
    return rc.Module.new_flat(spec, *[argument for _, argument in bindings], name=name)


def test_module_rules() -> None:
    a, b = rc.Symbol.new_with_random_uuid((3,), "a"), rc.Symbol.new_with_random_uuid((3,), "b")
    body = rc.Add(a, scalar(1.0), name="body")
    assert rc.elim_empty_module(module(a, (a, v))) == v
    assert rc.elim_empty_module(module(body, (a, v))) is None
    constant = rc.Add(v, scalar(1.0), name="body")
    assert rc.elim_no_input_module(module(constant)) == constant
    both = module(body, (a, v), (b, v))
    assert rc.module_remove_unused_inputs(both) == module(body, (a, v), name="m rem_unused")
    assert rc.module_remove_unused_inputs(both, add_suffix_on_remove_unused=False) == module(body, (a, v))
    assert rc.module_remove_unused_inputs(module(constant, (b, v))) == constant
    batched = rc.module_remove_unused_inputs(module(body, (a, v), (b, m)))
    assert batched.name == "m" and batched.shape == (3, 3)
    assert_equal_value(batched, module(body, (a, v), (b, m)))
    used = module(body, (a, v))
    assert rc.module_remove_unused_inputs(used) == used
    outer = rc.Add(both, v, name="o")
    assert rc.deep_module_remove_unused_inputs(outer) == rc.Add(module(body, (a, v), name="m rem_unused"), v, name="o")


def test_fuse_concat_modules() -> None:
    a = rc.Symbol.new_with_random_uuid((3,), "a")
    body = function("sigmoid", a, name="body")
    one, rows = module(body, (a, v), name="one"), module(body, (a, m), name="rows")
    top = rc.Add(one, rows, name="top")
    fused = rc.fuse_concat_modules(top, [one, rows], "fused")
    assert [node.name for node in rc.all_children(fused) if isinstance(node, rc.Module)] == ["fused"]
    assert_equal_value(fused, top)
    with pytest.raises(RuntimeError, match="no modules specified"):
        rc.fuse_concat_modules(top, [])
    with pytest.raises(RuntimeError, match="not all same"):
        rc.fuse_concat_modules(top, [one, module(rc.Add(a, name="body"), (a, v))])


# --- section 9
def test_make_broadcast() -> None:
    c = array("c", 1, 3)
    result = rc.make_broadcast(c, (5, 2, 3))
    assert_same(result, rearrange(c, "() a:3 -> 5 2 a:3"))
    assert result.name == "c rearrange"
    assert rc.make_broadcast(c, (1, 3)) == c
    assert rc.make_broadcast(c, (2, 4)) is None and rc.make_broadcast(c, (3,)) is None


def test_sums() -> None:
    a, b, c = (scalar(float(i), name=n) for i, n in enumerate("abc"))
    t = rc.Add(c, a, name="t")
    assert rc.extract_add(rc.Add(a, b, c, a, name="s"), t) == rc.Add(b, a, t, name="s")
    assert rc.extract_add(rc.Add(a, b), t) is None
    row, column, both = array("r", 1, 3), array("k", 2, 1), x
    assert rc.add_outer_product_broadcasts_on_top(rc.Add(row, both)) is None
    result = rc.add_outer_product_broadcasts_on_top(rc.Add(row, column, row))
    assert result == rc.Add(rc.Add(row, row), rc.Add(column))


def test_split_to_concat() -> None:
    x43 = array("x", 4, 3)
    result = rc.split_to_concat(x43, 0, [1, 3])
    assert result == rc.Concat(idx(x43, slice(0, 1)), idx(x43, slice(1, 4)), axis=0)
    assert result.name == "x idx ++ x idx"
    for axis, sections, error in (
        (2, [4], rc.MiscInputItemOutOfBoundsError),
        (-1, [3], rc.MiscInputItemOutOfBoundsError),
        (0, [3, 2], rc.IndexIndexOutOfBoundsError),
        (0, [2**62, 2**62], rc.IndexIndexOutOfBoundsError),
        (0, [4, 2**63 - 1], rc.IndexIndexOutOfBoundsError),
        (0, [3], ValueError),
        (0, [], rc.ConstructConcatZeroNodesError),
    ):
        with pytest.raises(error):
            rc.split_to_concat(x43, axis, sections)
