// The rewrite rules as functions of one node (spec 10, sections 2 to 9).
#include <set>

#include "python/arguments.h"
#include "python/bind_rewrite.h"
#include "rewrite/build.h"
#include "rewrite/module_rules.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

template <class T>
void rule(py::module_& m, const char* name, NodePtr (*function)(const T&), const char* doc) {
  m.def(name, function, py::arg("node"), doc, py::call_guard<py::gil_scoped_release>());
}

void bind_einsum_rules(py::module_& m) {
  rule(m, "einsum_elim_zero", einsum_elim_zero, "A product with a zero Scalar is a zero Scalar; None if there is none (spec 10, 2.1).");
  rule(m, "einsum_elim_identity", einsum_elim_identity,
       "The only operand of an Einsum that does nothing, 1 for no operands; else None (spec 10, 2.2).");
  rule(m, "einsum_flatten_once", einsum_flatten_once,
       "Operands that are Einsums replaced by their own operands, one level; None if there is none (spec 10, 2.3).");
  rule(m, "einsum_of_permute_merge", einsum_of_permute_merge,
       "Operands that are permutations merged into the labels; None if there is none (spec 10, 2.4).");
  rule(m, "einsum_merge_scalars", einsum_merge_scalars,
       "Rank-0 Scalars multiplied into one, last operand; None if nothing is gained (spec 10, 2.5).");
  rule(m, "einsum_remove_one", einsum_remove_one, "Rank-0 Scalars of value 1 dropped; None if there is none (spec 10, 2.5).");
  rule(m, "einsum_pull_removable_axes", einsum_pull_removable_axes,
       "Axes along which operands are constant taken out of the Einsum; None if there is none (spec 10, 2.6).");
  rule(m, "einsum_elim_removable_axes_weak", einsum_elim_removable_axes_weak,
       "Constant axes dropped from operands where another operand keeps the label; None if there is none (spec 10, 2.7).");
  rule(m, "einsum_permute_to_rearrange", einsum_permute_to_rearrange,
       "An Einsum that permutes axes as a Rearrange; else None (spec 10, 2.8).");
  rule(m, "einsum_push_down_trace", einsum_push_down_trace,
       "Diagonals taken below operands that allow it; None if there is none (spec 10, 2.9).");
  rule(m, "einsum_concat_to_add", einsum_concat_to_add, "A sum over a Concat's axis as a sum over its pieces; else None (spec 10, 6.8).");
  rule(m, "einsum_pull_scatter", einsum_pull_scatter,
       "A product with a Scatter as the Scatter of a smaller product; else None (spec 10, 7.3).");
}

void bind_add_rules(py::module_& m) {
  rule(m, "remove_add_few_input", remove_add_few_input, "0 for no summands, the summand for one; else None (spec 10, 3.1).");
  rule(m, "add_flatten_once", add_flatten_once,
       "Summands that are Adds replaced by their summands, one level; None if there is none (spec 10, 3.2).");
  rule(m, "add_elim_zeros", add_elim_zeros, "Zero Scalars dropped where the shape stays; else None (spec 10, 3.3).");
  rule(m, "add_collapse_scalar_inputs", add_collapse_scalar_inputs, "Two or more Scalars added up; else None (spec 10, 3.4).");
  rule(m, "add_deduplicate", add_deduplicate, "Equal summands replaced by a multiple; None if all differ (spec 10, 3.5).");
  m.def("add_pull_removable_axes", add_pull_removable_axes, py::arg("add"), py::arg("remove_non_common_axes"),
        "Axes along which summands are constant taken out of the Add; None if there is none (spec 10, 3.6).",
        py::call_guard<py::gil_scoped_release>());
  rule(m, "add_elim_removable_axes_weak", add_elim_removable_axes_weak,
       "Leading constant axes dropped from summands where another summand has them; None if there is none (spec 10, 3.7).");
  rule(m, "add_pull_diags", add_pull_diags, "A sum of diagonals as the diagonal of a sum; else None (spec 10, 3.8).");
  rule(m, "add_fuse_scalar_multiples", add_fuse_scalar_multiples,
       "Summands that differ by scalar factors merged; else None (spec 10, 3.9).");
  rule(m, "add_make_broadcasts_explicit", add_make_broadcasts_explicit,
       "Broadcasting summands wrapped in Rearranges; None if there is none (spec 10, 3.10).");
  rule(m, "add_pull_scatter", add_pull_scatter, "A sum of Scatters as the Scatter of a smaller sum; else None (spec 10, 7.4).");
}

void bind_axis_rules(py::module_& m) {
  rule(m, "rearrange_elim_identity", rearrange_elim_identity, "The child of a Rearrange that does nothing; else None (spec 10, 4.1).");
  rule(m, "rearrange_fuse", rearrange_fuse, "A Rearrange of a Rearrange as one; None if they do not fuse (spec 10, 4.2).");
  rule(m, "rearrange_merge_scalar", rearrange_merge_scalar, "A Rearrange of a Scalar as a Scalar; else None (spec 10, 4.3).");
  rule(m, "permute_of_einsum_merge", permute_of_einsum_merge, "A permuted Einsum as an Einsum; else None (spec 10, 4.4).");
  rule(m, "index_elim_identity", index_elim_identity, "The child of an Index that takes everything; else None (spec 10, 4.5).");
  rule(m, "index_fuse", index_fuse, "An Index of an Index as one; else None (spec 10, 4.6).");
  rule(m, "index_merge_scalar", index_merge_scalar, "An Index of a Scalar as a Scalar; else None (spec 10, 4.7).");
  m.def(
      "index_split_axes",
      [](const Index& node, const py::iterable& top_axes) {
        std::set<int64_t> axes;
        for (const py::handle axis : top_axes) {
          axes.insert(count_from(axis, "top_axes"));
          if (*axes.rbegin() >= node.child()->rank()) return NodePtr();
        }
        return index_split_axes(node, {axes.begin(), axes.end()});
      },
      py::arg("node"), py::arg("top_axes"),
      "An Index as two, the outer one on the given axes of the child; None for an axis out of range (spec 10, 4.8).");
  rule(m, "index_einsum_to_scatter", index_einsum_to_scatter,
       "An Index of a diagonal as a Scatter of a smaller one; else None (spec 10, 7.5).");
  rule(m, "index_concat_drop_unreached", index_concat_drop_unreached,
       "Pieces of a Concat that an Index does not reach dropped; else None (spec 10, 6.7).");
}

void bind_function_rules(py::module_& m) {
  rule(m, "generalfunction_pull_removable_axes", generalfunction_pull_removable_axes,
       "Constant batch axes of the input taken out of the function; None if there is none (spec 10, 5.1).");
  rule(m, "generalfunction_merge_inverses", generalfunction_merge_inverses, "reciprocal(reciprocal(x)) is x; else None (spec 10, 5.2).");
  rule(m, "generalfunction_special_case_simplification", generalfunction_special_case_simplification,
       "softmax and log_softmax of a Scalar, last_dim_size of anything, as Scalars; else None (spec 10, 5.3).");
  rule(m, "generalfunction_evaluate_simple", generalfunction_evaluate_simple,
       "A built-in function of a rank-0 Scalar evaluated; else None (spec 10, 5.4).");
  rule(m, "generalfunction_gen_index_const_to_index", generalfunction_gen_index_const_to_index,
       "gen_index by a constant Array on one axis as an Index; else None (spec 10, 5.5).");
}

void bind_concat_rules(py::module_& m) {
  rule(m, "concat_elim_identity", concat_elim_identity, "The only child; else None (spec 10, 6.1).");
  rule(m, "concat_merge_uniform", concat_merge_uniform, "A Concat of equal Scalars as a Scalar; else None (spec 10, 6.1).");
  rule(m, "concat_drop_size_zero", concat_drop_size_zero, "Children of size 0 on the axis dropped; None if there is none (spec 10, 6.1).");
  rule(m, "concat_elim_split", concat_elim_split,
       "A Concat of consecutive slices of one circuit as an Index of it; else None (spec 10, 6.2).");
  rule(m, "concat_pull_removable_axes", concat_pull_removable_axes,
       "Axes along which all children are constant taken out; else None (spec 10, 6.3).");
  rule(m, "concat_fuse", concat_fuse,
       "Children that are Concats on the same axis replaced by their children; None if there is none (spec 10, 6.4).");
  rule(m, "concat_repeat_to_rearrange", concat_repeat_to_rearrange,
       "Runs of equal children as a repeating Rearrange; None if there is none (spec 10, 6.5).");
  rule(m, "concat_to_scatter", concat_to_scatter, "A Concat padded with zeros as a Scatter; else None (spec 10, 6.6).");
  rule(m, "scatter_elim_identity", scatter_elim_identity, "The child of a Scatter that covers everything; else None (spec 10, 7.1).");
  rule(m, "scatter_fuse", scatter_fuse, "A Scatter of a Scatter as one; else None (spec 10, 7.1).");
  rule(m, "scatter_pull_removable_axes", scatter_pull_removable_axes,
       "Constant axes scattered in full taken out; else None (spec 10, 7.2).");
  rule(m, "scatter_to_concat", scatter_to_concat, "A Scatter as Concats with zeros, one per axis (spec 10, 7.6).");
}

void bind_module_rules(py::module_& m) {
  rule(m, "elim_empty_module", elim_empty_module, "A Module whose spec circuit is a single node substituted; else None (spec 10, 8).");
  rule(m, "elim_no_input_module", elim_no_input_module, "The spec circuit of a Module without arguments; else None (spec 10, 8).");
  m.def(
      "module_remove_unused_inputs",
      [](const Module& module, bool add_suffix, bool use_elim) { return module_remove_unused_inputs(module, {add_suffix, use_elim}); },
      py::arg("m"), py::arg("add_suffix_on_remove_unused") = true, py::arg("use_elim_no_input_module") = true,
      "The Module without arguments whose symbol does not occur in the spec circuit, of the same shape (spec 10, 8).",
      py::call_guard<py::gil_scoped_release>());
  m.def(
      "deep_module_remove_unused_inputs",
      [](const NodePtr& circuit, bool add_suffix, bool use_elim, bool elim_empty) {
        return deep_module_remove_unused_inputs(circuit, {add_suffix, use_elim}, elim_empty);
      },
      py::arg("circuit"), py::arg("add_suffix_on_remove_unused") = true, py::arg("use_elim_no_input_module") = true,
      py::arg("elim_empty") = false, "module_remove_unused_inputs at every Module, bottom-up (spec 10, 8).",
      py::call_guard<py::gil_scoped_release>());
  m.def(
      "fuse_concat_modules",
      [](const NodePtr& circuit, const py::object& modules, const py::object& name) {
        return fuse_concat_modules(circuit, objects_from<Ref<const Module>>(modules, "modules", "a sequence of Modules"), name_from(name));
      },
      py::arg("circuit"), py::arg("modules"), py::arg("name") = py::none(),
      "Several Modules of one spec as rows of one batched Module; RuntimeError where they do not fit together (spec 10, 8).");
}

}  // namespace

void bind_rewrite_rules(py::module_& m) {
  bind_einsum_rules(m);
  bind_add_rules(m);
  bind_axis_rules(m);
  bind_function_rules(m);
  bind_concat_rules(m);
  bind_module_rules(m);
  m.def(
      "make_broadcast",
      [](const NodePtr& node, const py::object& out_shape) { return make_broadcast(node, shape_from(out_shape, "out_shape")); },
      py::arg("node"), py::arg("out_shape"),
      "The node expanded to a shape, aligned at the right; None if it does not broadcast (spec 10, 9.1).");
}

}  // namespace pycircuit
