// The rule table (spec 10, section 1.1): its order is that of `all_names`, of printing, and of trying.
#include <array>

#include "rewrite/rules.h"

namespace pycircuit {
namespace {

template <class T, NodePtr (*Rule)(const T&)>
NodePtr on(const Node& node) {
  return Rule(static_cast<const T&>(node));
}

NodePtr add_pull_all_removable_axes(const Add& add) { return add_pull_removable_axes(add, true); }

// Columns D and C of the table.
enum class In { both, default_only, compiler_only };

template <class T, NodePtr (*Rule)(const T&)>
RuleRow row(std::string_view name, In in) {
  return {T::kKind, name, in != In::compiler_only, in != In::default_only, &on<T, Rule>};
}

}  // namespace

const std::vector<RuleRow>& rule_table() {
  static const auto* table = new std::vector<RuleRow>{
      row<Einsum, einsum_elim_zero>("einsum_elim_zero", In::both),
      row<Einsum, einsum_elim_identity>("einsum_elim_identity", In::both),
      row<Einsum, einsum_flatten_once>("einsum_flatten", In::compiler_only),
      row<Einsum, einsum_of_permute_merge>("einsum_of_permute_merge", In::both),
      row<Einsum, einsum_merge_scalars>("einsum_merge_scalars", In::compiler_only),
      row<Einsum, einsum_remove_one>("einsum_remove_one", In::default_only),
      row<Einsum, einsum_pull_removable_axes>("einsum_pull_removable_axes", In::compiler_only),
      row<Einsum, einsum_elim_removable_axes_weak>("einsum_elim_removable_axes_weak", In::default_only),
      row<Einsum, einsum_permute_to_rearrange>("einsum_permute_to_rearrange", In::both),
      row<Einsum, einsum_pull_scatter>("einsum_pull_scatter", In::compiler_only),
      row<Einsum, einsum_push_down_trace>("einsum_push_down_trace", In::compiler_only),
      row<Einsum, einsum_concat_to_add>("einsum_concat_to_add", In::compiler_only),
      row<Add, remove_add_few_input>("remove_add_few_input", In::both),
      row<Add, add_flatten_once>("add_flatten", In::compiler_only),
      row<Add, add_elim_zeros>("add_elim_zeros", In::both),
      row<Add, add_collapse_scalar_inputs>("add_collapse_scalar_inputs", In::compiler_only),
      row<Add, add_deduplicate>("add_deduplicate", In::both),
      row<Add, add_pull_all_removable_axes>("add_pull_removable_axes", In::compiler_only),
      row<Add, add_pull_scatter>("add_pull_scatter", In::compiler_only),
      row<Add, add_pull_diags>("add_pull_diags", In::compiler_only),
      row<Add, add_fuse_scalar_multiples>("add_fuse_scalar_multiples", In::compiler_only),
      row<Add, add_elim_removable_axes_weak>("add_elim_removable_axes_weak", In::default_only),
      row<Rearrange, rearrange_elim_identity>("rearrange_elim_identity", In::both),
      row<Rearrange, rearrange_fuse>("rearrange_fuse", In::both),
      row<Rearrange, rearrange_merge_scalar>("rearrange_merge_scalar", In::both),
      row<Rearrange, permute_of_einsum_merge>("permute_of_einsum_merge", In::both),
      row<Index, index_elim_identity>("index_elim_identity", In::both),
      row<Index, index_fuse>("index_fuse", In::compiler_only),
      row<Index, index_merge_scalar>("index_merge_scalar", In::both),
      row<Index, index_einsum_to_scatter>("index_einsum_to_scatter", In::compiler_only),
      row<Index, index_concat_drop_unreached>("index_concat_drop_unreached", In::compiler_only),
      row<GeneralFunction, generalfunction_pull_removable_axes>("generalfunction_pull_removable_axes", In::compiler_only),
      row<GeneralFunction, generalfunction_merge_inverses>("generalfunction_merge_inverses", In::compiler_only),
      row<GeneralFunction, generalfunction_special_case_simplification>("generalfunction_special_case_simplification", In::compiler_only),
      row<GeneralFunction, generalfunction_evaluate_simple>("generalfunction_evaluate_simple", In::compiler_only),
      row<GeneralFunction, generalfunction_gen_index_const_to_index>("generalfunction_gen_index_const_to_index", In::compiler_only),
      row<Concat, concat_elim_identity>("concat_elim_identity", In::both),
      row<Concat, concat_elim_split>("concat_elim_split", In::compiler_only),
      row<Concat, concat_pull_removable_axes>("concat_pull_removable_axes", In::compiler_only),
      row<Concat, concat_merge_uniform>("concat_merge_uniform", In::both),
      row<Concat, concat_drop_size_zero>("concat_drop_size_zero", In::both),
      row<Concat, concat_fuse>("concat_fuse", In::both),
      row<Concat, concat_repeat_to_rearrange>("concat_repeat_to_rearrange", In::both),
      row<Concat, concat_to_scatter>("concat_to_scatter", In::compiler_only),
      row<Scatter, scatter_elim_identity>("scatter_elim_identity", In::compiler_only),
      row<Scatter, scatter_fuse>("scatter_fuse", In::compiler_only),
      row<Scatter, scatter_pull_removable_axes>("scatter_pull_removable_axes", In::compiler_only),
      row<Module, elim_empty_module>("elim_empty_module", In::both),
      row<Module, elim_no_input_module>("elim_no_input_module", In::both),
  };
  return *table;
}

RuleRange rules_of(Kind kind) {
  static const auto ranges = [] {
    std::array<RuleRange, kNumKinds> ranges;
    const auto& table = rule_table();
    for (size_t i = 0; i < table.size(); ++i) {
      RuleRange& range = ranges[static_cast<size_t>(table[i].kind)];
      if (range.last == 0) range.first = i;
      range.last = i + 1;
    }
    return ranges;
  }();
  return ranges[static_cast<size_t>(kind)];
}

}  // namespace pycircuit
