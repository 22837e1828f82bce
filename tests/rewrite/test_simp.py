"""SimpFnSubset, simp and forms (spec 10, sections 1, 10, 13, 15, 16)."""

from __future__ import annotations

import uuid

import pytest
import torch

import pycircuit as rc
from tests.rewrite.helpers import array, assert_equal_value, assert_same, einsum, function, idx, rearrange

q = array("q", 3, 2)


def test_worked_example() -> None:
    e = einsum("ab,->ab", rearrange(q, "i j -> j i", "r"), rc.Scalar(1.0, (), "one"), name="e")
    assert_same(rc.simp(e), rearrange(q, "a b -> b a", "q"))


def test_rebuilding_names() -> None:
    a, b = array("a", 3), array("b", 3)
    assert rc.simp(rc.Add(a, b).rename(None)) == rc.Add(a, b)


def test_spec_circuits_take_part() -> None:
    a = rc.Symbol.new_with_random_uuid((3,), "a")
    body = rc.Add(rc.Add(a), a, rc.Scalar(0.0), name="body")
    m = rc.Module.new_flat(rc.ModuleSpec(body, [rc.ModuleArgSpec(a)]), array("v", 3), name="m")
    assert rc.simp(m).spec.circuit == rc.Add(rc.Einsum.scalar_mul(a, 2.0, "a_mul_count", "count_from_dedup"), name="body").children[0]


def test_shared_sums_and_deep_chains() -> None:
    node: rc.Circuit = array("x", 3)
    for _ in range(60):
        node = rc.Add(node, node)
    assert rc.count_nodes(rc.simp(node)) < 300
    chain: rc.Circuit = array("x", 3)
    for _ in range(100_000):
        chain = rc.Add(chain)
    assert rc.simp(chain) == array("x", 3)
    chain = array("x", 3)
    for _ in range(100_000):
        chain = function("sigmoid", chain)
    for form in (rc.simp, rc.deep_canonicalize, rc.deep_normalize, rc.strip_names_and_tags, rc.deep_push_down_index_raw):
        assert form(chain).shape == (3,)
    assert rc.count_nodes(rc.cast_circuit(chain, rc.TorchDeviceDtypeOp(dtype="float32"))) == 100_001


def test_rule_set_names() -> None:
    names = rc.SimpFnSubset.all_names()
    assert len(names) == 49 and names[0] == "einsum_elim_zero" and names[-1] == "elim_no_input_module"
    default, compiler = rc.SimpFnSubset.default(), rc.SimpFnSubset.compiler_default()
    missing = {"einsum_remove_one", "einsum_elim_removable_axes_weak", "add_elim_removable_axes_weak"}
    assert {name for name, on in compiler.values.items() if not on} == missing
    assert sum(default.values.values()) == 23
    assert rc.SimpFnSubset.all() == rc.SimpFnSubset.init_all_with(True)
    assert default.set() == default == default.set(concat_fuse=None)
    assert default.exclude(["concat_fuse"]) == default.set_all_to(["concat_fuse"], False) == default.set(concat_fuse=False)
    rc.SimpFnSubset.check_names(names)
    for call in (
        lambda: default.set(foo=True, concat_fuse=True, bar=None),
        lambda: default.include(["foo", "concat_fuse", "bar"]),
        lambda: rc.SimpFnSubset.check_names(["foo", "bar"]),
    ):
        with pytest.raises(rc.SimpConfigFnNamesNotValidError) as error:
            call()
        assert error.value.args[0].names == ["foo", "bar"]
        assert 'names=["foo", "bar"] (SimpConfigFnNamesNotValidError)' in str(error.value)
    with pytest.raises(TypeError):
        rc.SimpFnSubset()
    with pytest.raises(TypeError):
        default.set(concat_fuse=1)


def test_rule_set_text() -> None:
    assert repr(rc.SimpFnSubset.default()) == "SimpFnSubset.default()"
    expected = """SimpFnSubset.default().set(
    # Index
    index_fuse = True,
    # Concat
    concat_fuse = False,
)"""
    assert str(rc.SimpFnSubset.default().set(concat_fuse=False, index_fuse=True)) == expected
    text = rc.SimpFnSubset.none().set(scatter_fuse=True).none_repr()
    assert text.startswith("SimpFnSubset.none().set(\n    # Einsum\n    einsum_elim_zero = False,\n")
    assert "    einsum_concat_to_add = False,\n    # Array (none)\n    # Symbol (none)\n    # Scalar (none)\n    # Add\n" in text
    assert "    # Scatter\n    scatter_elim_identity = False,\n    scatter_fuse = True,\n" in text
    assert text.endswith("    # Cumulant (none)\n)")


def test_simp_step() -> None:
    node = rc.Add(rc.Scalar(0.0, (3,)), rc.Add(array("x", 3)))
    assert rc.SimpFnSubset.default().simp_step(node) == rc.Add(rc.Add(array("x", 3)))
    assert rc.compiler_simp_step(node) == rc.add_flatten_once(node)
    assert rc.SimpFnSubset.none().simp_step(node) is None


# --- section 10
def test_canonical_form() -> None:
    big, small = array("big", 4, 3), array("small", 3)
    assert rc.canonicalize_node(rc.Add(small, big, name="s")) == rc.Add(big, small, name="s")
    assert rc.canonicalize_node(einsum("b,ab->a", small, big, name="e")) == einsum("ab,b->a", big, small, name="e")
    assert rc.canonicalize_node(idx(big, -1, name="i")) == idx(big, 3, slice(0, 3), name="i")
    assert rc.canonicalize_node(rearrange(big, "a b -> (a b)", "r")).spec.to_string() == "a:4 b:3 -> (a:4 b:3)"
    x, y = array("x", 2, 3), array("y", 3, 4)
    assert rc.deep_normalize(einsum("ij,jk->ik", x, y)) == rc.deep_normalize(einsum("pq,qr->pr", x, y))
    assert rc.normalize_node(rc.Add(small, big)) == rc.Add(small, big)


def test_strip_names_and_tags() -> None:
    x = array("x", 3)
    t = rc.Tag.new_with_random_uuid(rc.Add(x, rc.Scalar(1.0, (), "k"), name="s"), "t")
    nil = rc.Tag(x, uuid.UUID(int=0)).rename(None)
    expected = rc.Add(nil, rc.Scalar(1.0)).rename(None)
    assert rc.strip_names_and_tags(t) == expected
    assert rc.strip_names_and_tags(expected) == expected


def test_strip_keeps_groups_apart() -> None:
    values = array("v", 3)
    one, two = rc.DiscreteVar.new_uniform(values, "one"), rc.DiscreteVar.new_uniform(values, "two")
    stripped = rc.strip_names_and_tags(rc.Add(one, two))
    assert stripped.children[0] != stripped.children[1]


# --- section 13
def test_pull_concat_once() -> None:
    p, r, w = array("p", 2, 3), array("q", 4, 3), array("w", 3, 5)
    e = einsum("ij,jk->ik", rc.Concat(p, r, axis=0, name="c"), w, name="e")
    parts = einsum("ij,jk->ik", p, w, name="e"), einsum("ij,jk->ik", r, w, name="e")
    assert_same(rc.pull_concat_once(e), rc.Concat(*parts, axis=0, name="c"))
    assert rc.pull_concat_once(rc.Scalar(1.0)) is None
    summed = einsum("ij->j", rc.Concat(p, r, axis=0, name="c"), name="e")
    assert isinstance(rc.pull_concat_once(summed), rc.Add)
    both = rc.Add(rc.Concat(p, r, axis=0, name="c"), array("row", 3), name="s")
    assert_equal_value(rc.pull_concat_once(both), both)
    assert_equal_value(rc.pull_concat_once_raw(both), both)
    assert rc.pull_concat_once(both).name == "c"
    f = function("sigmoid", rc.Concat(p, r, axis=0, name="c"), name="f")
    assert_same(rc.pull_concat_once(f), rc.Concat(function("sigmoid", p), function("sigmoid", r), axis=0, name="c"))
    deep = rc.deep_pull_concat(rc.Add(f, f.rename("g")))
    assert_equal_value(deep, rc.Add(f, f.rename("g")))


# --- section 15
def test_cast_circuit() -> None:
    x = rc.Array(torch.ones(3), "x").rename_axes({0: "row"})
    cast = rc.cast_circuit(rc.Add(x, rc.Scalar(1.0)), rc.TorchDeviceDtypeOp(dtype="float64"))
    assert cast.dtype == "float64" and cast.children[0].name == "x"
    assert cast.children[0] == rc.Array(torch.ones(3, dtype=torch.float64), "x").rename_axes({0: "row"})
    rows = rc.GeneralFunction.gen_index(x, rc.Array(torch.tensor([1, 2]), "rows"), index_dim=0)
    with pytest.raises(rc.MiscInputIndexDtypeNotI64Error):
        rc.cast_circuit(rows, rc.TorchDeviceDtypeOp(dtype="float32"))
    with pytest.raises((RuntimeError, ValueError)):
        rc.cast_circuit(x, rc.TorchDeviceDtypeOp(device="cuda:7"))


def test_einsum_nest_path() -> None:
    x, y, z = array("x", 2, 3), array("y", 3, 4), array("z", 4, 5)
    e = einsum("ab,bc,cd->ad", x, y, z, name="e")
    result = rc.einsum_nest_path(e, [[0, 1], [0, 1]])
    inner = einsum("bc,ab->ac", y, x)
    assert set(rc.all_children(result)) >= {x, y, z}
    assert inner.name == "y * x"
    assert_equal_value(result, e)
    for path in ([[0, 1]], [], [[0, 3], [0, 1]], [[0, 0], [0, 1]]):
        with pytest.raises(ValueError):
            rc.einsum_nest_path(e, path)
    assert_equal_value(rc.einsum_nest_optimize(e), e)
    assert rc.einsum_nest_path(rc.Einsum.empty(), [[]]) == rc.Einsum.empty()


def test_deep_heuristic_nest_adds() -> None:
    a, b, c, d = (array(name, 3) for name in "abcd")
    ab, abc, abcd = rc.Add(a, b, name="ab"), rc.Add(a, b, c, name="abc"), rc.Add(a, b, c, d, name="abcd")
    result = rc.deep_heuristic_nest_adds(rc.Concat(ab, abc, abcd, axis=0))
    by_name = {node.name: node for node in rc.all_children(result)}
    names = {name: {child.name for child in by_name[name].children} for name in ("ab", "abc", "abcd")}
    assert names == {"ab": {"a", "b"}, "abc": {"ab", "c"}, "abcd": {"abc", "d"}}


def test_maybe_distribute() -> None:
    u, v, w = rearrange(array("u", 40), "a -> a 40"), rearrange(array("v", 40), "b -> 40 b"), array("w", 40)
    e = einsum("ab,b->a", rc.Add(u, v), w)
    for settings, largest in (
        (rc.OptimizationSettings(distribute_min_size=1600), 40),
        (rc.OptimizationSettings(distribute_min_size=1601), None),
    ):
        result = rc.maybe_distribute(e, settings)
        if largest is None:
            assert result is None
        else:
            assert max(node.numel for node in rc.all_children(result)) == largest
            assert_equal_value(result, e)
    assert rc.maybe_distribute_py(e) is None


def test_replace_all_randn_seeded() -> None:
    x = array("x", 50)
    rows = rc.Array(torch.tensor([1, 2]), "rows")
    node = rc.GeneralFunction.gen_index(rc.Add(x, idx(x, torch.arange(50).flip(0))), rows, index_dim=0)
    result = rc.replace_all_randn_seeded(node)
    assert result == rc.replace_all_randn_seeded(node) != node
    assert rows in rc.all_children(result) and x not in rc.all_children(result)
    assert result.shape == node.shape and result.dtype == node.dtype


# --- section 16
def test_named_axes() -> None:
    x, b, w = array("x", 2, 3), array("b", 3), array("w", 3, 4)
    e = einsum("ij,jk->ik", rc.Add(x, b, name="s"), w, name="e")
    result = rc.propagate_named_axes(e, {0: "I", 1: "K"}, False)
    names = {node.name: node for node in rc.all_children(result)}
    assert result == rc.set_named_axes(result, {0: "I", 1: "K"})
    assert names["x"] == rc.set_named_axes(x, {0: "I"}) and names["w"] == rc.set_named_axes(w, {1: "K"}) and names["b"] == b
    assert rc.propagate_named_axes(e, {}, True) == e
    with pytest.raises(rc.ConstructNamedAxisAboveRankError):
        rc.set_named_axes(x, {2: "K"})
    with pytest.raises(rc.NamedAxesForbiddenCharacterError) as error:
        rc.set_named_axes(x, {0: "a b"})
    assert error.value.args[0].name == "a b"
    trace = einsum("aa->a", rc.Add(array("m", 3, 3)), name="t")
    assert rc.propagate_named_axes(trace, {0: "I"}, True).children == trace.children
