// The rewrite rules (spec 10, sections 2 to 8): each takes a node of one class and returns an equal circuit, or null where it does not
// apply.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/all.h"

namespace pycircuit {

// Whether a child may be merged into the node (by the two flattening rules).
using MayMerge = std::function<bool(const Node& child)>;

// --- Einsum (section 2)
NodePtr einsum_elim_zero(const Einsum& einsum);
NodePtr einsum_elim_identity(const Einsum& einsum);
NodePtr einsum_flatten_once(const Einsum& einsum);
NodePtr einsum_flatten_where(const Einsum& einsum, const MayMerge& may_merge);
NodePtr einsum_of_permute_merge(const Einsum& einsum);
NodePtr einsum_merge_scalars(const Einsum& einsum);
NodePtr einsum_remove_one(const Einsum& einsum);
NodePtr einsum_pull_removable_axes(const Einsum& einsum);
NodePtr einsum_elim_removable_axes_weak(const Einsum& einsum);
NodePtr einsum_permute_to_rearrange(const Einsum& einsum);
NodePtr einsum_push_down_trace(const Einsum& einsum);

// --- Add (section 3)
NodePtr remove_add_few_input(const Add& add);
NodePtr add_flatten_once(const Add& add);
NodePtr add_flatten_where(const Add& add, const MayMerge& may_merge);
NodePtr add_elim_zeros(const Add& add);
NodePtr add_collapse_scalar_inputs(const Add& add);
NodePtr add_deduplicate(const Add& add);
NodePtr add_pull_removable_axes(const Add& add, bool remove_non_common_axes);
NodePtr add_elim_removable_axes_weak(const Add& add);
NodePtr add_pull_diags(const Add& add);
NodePtr add_fuse_scalar_multiples(const Add& add);
NodePtr add_make_broadcasts_explicit(const Add& add);

// --- Rearrange and Index (section 4)
NodePtr rearrange_elim_identity(const Rearrange& rearrange);
NodePtr rearrange_fuse(const Rearrange& rearrange);
NodePtr rearrange_merge_scalar(const Rearrange& rearrange);
NodePtr permute_of_einsum_merge(const Rearrange& rearrange);
NodePtr index_elim_identity(const Index& index);
NodePtr index_fuse(const Index& index);
NodePtr index_merge_scalar(const Index& index);
NodePtr index_split_axes(const Index& index, const std::vector<int64_t>& top_axes);

// --- GeneralFunction (section 5)
NodePtr generalfunction_pull_removable_axes(const GeneralFunction& function);
NodePtr generalfunction_merge_inverses(const GeneralFunction& function);
NodePtr generalfunction_special_case_simplification(const GeneralFunction& function);
NodePtr generalfunction_evaluate_simple(const GeneralFunction& function);
NodePtr generalfunction_gen_index_const_to_index(const GeneralFunction& function);

// --- Concat (section 6)
NodePtr concat_elim_identity(const Concat& concat);
NodePtr concat_elim_split(const Concat& concat);
NodePtr concat_pull_removable_axes(const Concat& concat);
NodePtr concat_merge_uniform(const Concat& concat);
NodePtr concat_drop_size_zero(const Concat& concat);
NodePtr concat_fuse(const Concat& concat);
NodePtr concat_repeat_to_rearrange(const Concat& concat);
NodePtr concat_to_scatter(const Concat& concat);
NodePtr index_concat_drop_unreached(const Index& index);
NodePtr einsum_concat_to_add(const Einsum& einsum);

// --- Scatter (section 7)
NodePtr scatter_elim_identity(const Scatter& scatter);
NodePtr scatter_fuse(const Scatter& scatter);
NodePtr scatter_pull_removable_axes(const Scatter& scatter);
NodePtr einsum_pull_scatter(const Einsum& einsum);
NodePtr add_pull_scatter(const Add& add);
NodePtr index_einsum_to_scatter(const Index& index);
NodePtr scatter_to_concat(const Scatter& scatter);

// --- Module (section 8)
NodePtr elim_empty_module(const Module& module);
NodePtr elim_no_input_module(const Module& module);

// --- The rule table (1.1)
struct RuleRow {
  Kind kind;
  std::string_view name;
  bool in_default, in_compiler_default;
  NodePtr (*apply)(const Node& node);  // of a node of `kind`
};
constexpr size_t kNumRules = 49;
// In the order of `all_names`, which is the order in which rules are tried.
const std::vector<RuleRow>& rule_table();
// The rows of a class, as a range of positions in the table.
struct RuleRange {
  size_t first = 0, last = 0;
};
RuleRange rules_of(Kind kind);

}  // namespace pycircuit
