"""Every rewrite keeps shape and value, on random circuits (spec 10, section 19)."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.rewrite.helpers import assert_equal_value
from tests.strategies import circuits, computable_circuits, nodes_of_class

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

RULES = {
    rc.Einsum: [
        rc.einsum_elim_zero,
        rc.einsum_elim_identity,
        rc.einsum_flatten_once,
        rc.einsum_of_permute_merge,
        rc.einsum_merge_scalars,
        rc.einsum_remove_one,
        rc.einsum_pull_removable_axes,
        rc.einsum_elim_removable_axes_weak,
        rc.einsum_permute_to_rearrange,
        rc.einsum_pull_scatter,
        rc.einsum_push_down_trace,
        rc.einsum_concat_to_add,
    ],
    rc.Add: [
        rc.remove_add_few_input,
        rc.add_flatten_once,
        rc.add_elim_zeros,
        rc.add_collapse_scalar_inputs,
        rc.add_deduplicate,
        lambda node: rc.add_pull_removable_axes(node, True),
        lambda node: rc.add_pull_removable_axes(node, False),
        rc.add_pull_scatter,
        rc.add_pull_diags,
        rc.add_fuse_scalar_multiples,
        rc.add_elim_removable_axes_weak,
        rc.add_make_broadcasts_explicit,
        rc.add_outer_product_broadcasts_on_top,
    ],
    rc.Rearrange: [rc.rearrange_elim_identity, rc.rearrange_fuse, rc.rearrange_merge_scalar, rc.permute_of_einsum_merge],
    rc.Index: [
        rc.index_elim_identity,
        rc.index_fuse,
        rc.index_merge_scalar,
        rc.index_einsum_to_scatter,
        rc.index_concat_drop_unreached,
        lambda node: rc.index_split_axes(node, {0}),
    ],
    rc.GeneralFunction: [
        rc.generalfunction_pull_removable_axes,
        rc.generalfunction_merge_inverses,
        rc.generalfunction_special_case_simplification,
        rc.generalfunction_evaluate_simple,
        rc.generalfunction_gen_index_const_to_index,
    ],
    rc.Concat: [
        rc.concat_elim_identity,
        rc.concat_elim_split,
        rc.concat_pull_removable_axes,
        rc.concat_merge_uniform,
        rc.concat_drop_size_zero,
        rc.concat_fuse,
        rc.concat_repeat_to_rearrange,
        rc.concat_to_scatter,
    ],
    rc.Scatter: [rc.scatter_elim_identity, rc.scatter_fuse, rc.scatter_pull_removable_axes, rc.scatter_to_concat],
    rc.Module: [rc.elim_empty_module, rc.elim_no_input_module],
}
# Pairs of classes between which rules act, so that examples hit them often.
BELOW = {
    rc.Einsum: (rc.Scalar, rc.Array, rc.Rearrange, rc.Einsum, rc.Scatter, rc.Concat, rc.Add, rc.Index),
    rc.Add: (rc.Scalar, rc.Array, rc.Rearrange, rc.Einsum, rc.Scatter, rc.Add),
    rc.Rearrange: (rc.Scalar, rc.Array, rc.Rearrange, rc.Einsum),
    rc.Index: (rc.Scalar, rc.Array, rc.Index, rc.Einsum, rc.Concat),
    rc.GeneralFunction: (rc.Scalar, rc.Array, rc.Rearrange, rc.GeneralFunction),
    rc.Concat: (rc.Scalar, rc.Array, rc.Rearrange, rc.Index, rc.Concat),
    rc.Scatter: (rc.Scalar, rc.Array, rc.Rearrange, rc.Scatter),
    rc.Module: (rc.Scalar, rc.Array, rc.Module, rc.Add),
}


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
@quick
@given(data=st.data())
def test_rules_keep_shape_and_value(cls: type, data: st.DataObject) -> None:
    node = data.draw(nodes_of_class(cls, BELOW[cls], max_steps=3))
    for rule in RULES[cls]:
        result = rule(node)
        if result is None:
            continue
        if rule is not rc.scatter_to_concat or node.rank > 0:
            assert result != node
        assert_equal_value(result, node)


def test_rules_refuse_other_classes() -> None:
    for cls, rules in RULES.items():
        for rule in rules:
            with pytest.raises(TypeError):
                rule(rc.Tag.new_with_random_uuid(rc.Scalar(1.0))) if cls is not rc.Tag else rule(None)


@quick
@given(computable_circuits())
def test_simp_keeps_value_and_reaches_a_fixed_point(circuit: rc.Circuit) -> None:
    for rules in (rc.SimpFnSubset.default(), rc.SimpFnSubset.compiler_default()):
        result = rules.simp(circuit)
        assert_equal_value(result, circuit)
        assert rules.simp(result) == result
        assert all(rules.simp_step(node) is None for node in rc.all_children(result))


@quick
@given(computable_circuits(), st.sets(st.sampled_from(rc.SimpFnSubset.all_names())))
def test_any_set_of_rules_terminates_and_keeps_value(circuit: rc.Circuit, names: set[str]) -> None:
    assert_equal_value(rc.SimpFnSubset.none().include(sorted(names)).simp(circuit), circuit)


@quick
@given(computable_circuits())
def test_no_rules_only_rebuild(circuit: rc.Circuit) -> None:
    assert rc.SimpFnSubset.none().simp(circuit) == rc.deep_map(circuit, lambda node: node)


@quick
@given(computable_circuits())
def test_canonical_and_normal_form(circuit: rc.Circuit) -> None:
    for form in (rc.deep_canonicalize, rc.deep_normalize, rc.strip_names_and_tags):
        result = form(circuit)
        assert_equal_value(result, circuit)
        assert form(result) == result


@quick
@given(st.data())
def test_canonical_form_does_not_depend_on_order(data: st.DataObject) -> None:
    add = data.draw(nodes_of_class(rc.Add))
    shuffled = rc.Add(*data.draw(st.permutations(add.children)), name=add.op_name)
    assert rc.canonicalize_node(shuffled) == rc.canonicalize_node(rc.Add(*add.children, name=add.op_name))
    product = data.draw(nodes_of_class(rc.Einsum))
    args = data.draw(st.permutations(product.args))
    shuffled = rc.Einsum(*args, out_axes=product.out_axes, name=product.op_name)
    assert rc.canonicalize_node(shuffled) == rc.canonicalize_node(product.evolve())


@quick
@given(st.data())
def test_push_down_index(data: st.DataObject) -> None:
    node = data.draw(nodes_of_class(rc.Index, max_steps=4))
    for push in (
        lambda: rc.push_down_index_once(node, True),
        lambda: rc.push_down_index_once(node, False, ".s"),
        lambda: rc.push_down_index(node, rc.new_traversal(end_depth=2), allow_partial_pushdown=True),
        lambda: rc.push_down_index(node, suffix=".s"),
        lambda: rc.push_down_index(node, rc.new_traversal(term_early_at={rc.Array, rc.Symbol, rc.Index}), allow_partial_pushdown=True),
        lambda: rc.push_down_index(node, rc.new_traversal(end_depth=2), into_module_spec=True, elim_identity=False),
    ):
        try:
            result = push()
        except rc.PushDownIndexError:
            continue
        assert_equal_value(result, node)


@quick
@given(computable_circuits(max_steps=8), st.sampled_from([None, 1, 5]))
def test_deep_push_down_index(circuit: rc.Circuit, min_size: int | None) -> None:
    result = rc.deep_push_down_index_raw(circuit, min_size)
    assert_equal_value(result, circuit)
    assert_equal_value(rc.deep_push_down_index_raw(rc.compiler_simp(result), min_size), circuit)


@quick
@given(st.data())
def test_distribute(data: st.DataObject) -> None:
    node = data.draw(nodes_of_class(rc.Einsum, (rc.Array, rc.Scalar, rc.Add, rc.Einsum, rc.Rearrange), max_steps=4))
    for result in (rc.distribute_all(node), *_distributed(node)):
        if result is not None:
            assert isinstance(result, rc.Add)
            assert_equal_value(result, node)


def _distributed(node: rc.Einsum) -> list[rc.Circuit]:
    results = []
    for operand in range(len(node.children)):
        for depth in (1, 2, None):
            try:
                results.append(rc.distribute(node, operand, rc.traverse_until_depth(depth), suffix=".s"))
                results.append(rc.distribute_once(node, operand))
            except rc.DistributeError:
                pass
    return results


@quick
@given(computable_circuits(max_steps=8))
def test_pull_concat(circuit: rc.Circuit) -> None:
    for result in (rc.pull_concat_once(circuit), rc.pull_concat_once_raw(circuit)):
        if result is not None:
            assert_equal_value(result, circuit)
    for deep in (rc.deep_pull_concat_messy, rc.deep_pull_concat_new, rc.deep_pull_concat):
        assert_equal_value(deep(circuit), circuit)


@quick
@given(computable_circuits(max_steps=6), st.integers(1, 5), st.booleans())
def test_batch_to_concat(circuit: rc.Circuit, batch_size: int, keep: bool) -> None:
    circuit = rc.substitute_all_modules(circuit)
    for axis in range(circuit.rank):
        result = rc.batch_to_concat(circuit, axis, batch_size, keep_non_axis_leaves=keep)
        assert_equal_value(result, circuit)
        assert_equal_value(rc.substitute_all_modules(result), circuit)
        assert result == rc.batch_to_concat(circuit, axis, batch_size, keep_non_axis_leaves=keep)


@quick
@given(st.data())
def test_split_and_join_again(data: st.DataObject) -> None:
    node = data.draw(computable_circuits().filter(lambda c: c.rank > 0 and 0 not in c.shape))
    axis = data.draw(st.integers(0, node.rank - 1))
    cuts = sorted(data.draw(st.sets(st.integers(1, node.shape[axis]), max_size=3)) | {node.shape[axis]})
    sections = [stop - start for start, stop in zip([0, *cuts], cuts, strict=False)]
    result = rc.concat_elim_split(rc.split_to_concat(node, axis, sections))
    if len(sections) > 1 or node.rank == 1:
        assert rc.index_elim_identity(result) == node


@quick
@given(st.data())
def test_extract_add(data: st.DataObject) -> None:
    children = data.draw(st.lists(st.sampled_from([rc.Scalar(float(i), (), f"c{i}") for i in range(3)]), max_size=6))
    add = rc.Add(*children, name="all")
    chosen = data.draw(st.lists(st.sampled_from(children), max_size=4)) if children else []
    sub = rc.Add(*chosen, name="some")
    result = rc.extract_add(add, sub)
    if result is None:
        assert any(chosen.count(c) > children.count(c) for c in chosen)
    else:
        assert sorted([*result.children[:-1], *sub.children]) == sorted(children)
        assert result.children[-1] == sub


@quick
@given(computable_circuits(max_steps=8))
def test_optimizer_steps_keep_value(circuit: rc.Circuit) -> None:
    assert_equal_value(rc.deep_heuristic_nest_adds(circuit), circuit)
    assert_equal_value(rc.deep_optimize_einsums(circuit), circuit)
    assert_equal_value(rc.deep_maybe_distribute(circuit, rc.OptimizationSettings(distribute_min_size=2)), circuit)
    assert_equal_value(rc.deep_module_remove_unused_inputs(circuit, elim_empty=True), circuit)


@quick
@given(nodes_of_class(rc.Einsum))
def test_nested_contraction_keeps_value(node: rc.Einsum) -> None:
    assert_equal_value(rc.einsum_nest_path(node, node.get_spec().optimize()), node)


@quick
@given(nodes_of_class(rc.Einsum), st.integers(1, 64))
def test_batch_einsum(node: rc.Einsum, elements: int) -> None:
    try:
        result = rc.batch_einsum(node, rc.OptimizationSettings(max_single_tensor_memory=8 * elements))
    except rc.BatchRequiresMultipleAxesError:
        return
    assert_equal_value(result, node)


@quick
@given(circuits((rc.Array, rc.Scalar, rc.Einsum, rc.Add, rc.Index, rc.Rearrange, rc.Module), 6))
def test_cast_circuit(circuit: rc.Circuit) -> None:
    target = rc.TorchDeviceDtypeOp("cpu", "float32")
    result = rc.cast_circuit(circuit, target)
    assert rc.cast_circuit(result, target) == result
    assert rc.cast_circuit(circuit, rc.TorchDeviceDtypeOp()) == circuit
    assert all(node.dtype == "float32" for node in rc.all_children(result) if isinstance(node, rc.Array))


@quick
@given(computable_circuits(), st.booleans())
def test_propagate_named_axes(circuit: rc.Circuit, abort_on_branch: bool) -> None:
    names = {axis: f"n{axis}" for axis in range(circuit.rank)}
    result = rc.propagate_named_axes(circuit, names, abort_on_branch)
    assert result.shape == circuit.shape
    assert_equal_value(result, circuit)


def test_rule_sets_compare_and_pickle() -> None:
    rules = rc.SimpFnSubset.default().set(index_fuse=True)
    assert rules != rc.SimpFnSubset.default()
    assert rules.set(index_fuse=False) == rc.SimpFnSubset.default()
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert hash(pickle.loads(pickle.dumps(rules))) == hash(rules)
