// Batching and other rewrites about Concat (spec 10, sections 9.4, 13 and 14).
#include "python/bind_rewrite.h"
#include "rewrite/batch.h"
#include "rewrite/contraction.h"
#include "rewrite/pull_concat.h"
#include "rewrite/push_down_index.h"

namespace pycircuit {
namespace {

void deep_pull(py::module_& m, const char* name, NodePtr (*function)(const NodePtr&, const std::optional<uint64_t>&), const char* doc) {
  m.def(
      name,
      [function](const NodePtr& circuit, const py::object& min_size) {
        const auto size = optional_count_from(min_size, "min_size");
        const py::gil_scoped_release unlocked;
        return function(circuit, size);
      },
      py::arg("circuit"), py::arg("min_size") = py::none(), doc);
}

}  // namespace

void bind_concat_rewrites(py::module_& m) {
  m.def(
      "batch_to_concat",
      [](const NodePtr& circuit, const py::object& axis, const py::object& batch_size, bool keep_non_axis_leaves,
         bool allow_partial_batch) {
        const int64_t position = int_from(axis, "axis"), size = count_from(batch_size, "batch_size");
        const py::gil_scoped_release unlocked;
        return batch_to_concat(circuit, position, size, keep_non_axis_leaves, allow_partial_batch);
      },
      py::arg("circuit"), py::arg("axis"), py::arg("batch_size"), py::arg("keep_non_axis_leaves") = false,
      py::arg("allow_partial_batch") = true,
      "The circuit as a Concat over `axis` of one Module called on slices of its leaves; RuntimeError for a bad axis, BatchErrors (spec "
      "10, 14.1).");
  m.def(
      "batch_einsum",
      [](const Einsum& einsum, const py::object& settings) {
        const uint64_t limit = elements_within(einsum, settings_or_default(settings).max_single_tensor_memory);
        const py::gil_scoped_release unlocked;
        return batch_einsum(NodePtr(&einsum), limit);
      },
      py::arg("einsum"), py::arg("settings") = py::none(),
      "The Einsum contracted pairwise in batches, so that no intermediate exceeds max_single_tensor_memory; BatchRequiresMultipleAxesError "
      "(spec 10, 14.2).");
  m.def(
      "split_to_concat",
      [](const NodePtr& circuit, const py::object& axis, const py::object& sections) {
        return split_to_concat(circuit, int_from(axis, "axis"), ints_from(sections, "sections"));
      },
      py::arg("circuit"), py::arg("axis"), py::arg("sections"),
      "A Concat of consecutive slices of the given lengths that cover the axis (spec 10, 9.4).");
  m.def("pull_concat_once_raw", &pull_concat_once_raw, py::arg("circuit"),
        "A Concat below an Add, function or Einsum pulled above it; else None (spec 10, 13.1).", py::call_guard<py::gil_scoped_release>());
  m.def("pull_concat_once", &pull_concat_once, py::arg("circuit"),
        "pull_concat_once_raw with the new Index nodes simplified at once (spec 10, 13.2).", py::call_guard<py::gil_scoped_release>());
  deep_pull(m, "deep_pull_concat_messy", deep_pull_concat_messy,
            "pull_concat_once_raw bottom-up, at nodes with or over min_size elements (spec 10, 13.3).");
  deep_pull(m, "deep_pull_concat_new", deep_pull_concat_new,
            "pull_concat_once bottom-up, at nodes with or over min_size elements (spec 10, 13.3).");
  deep_pull(m, "deep_pull_concat", deep_pull_concat, "Concats pulled up, then simplified until nothing changes (spec 10, 13.3).");
  deep_pull(m, "deep_push_down_index_raw", deep_push_down_index_raw,
            "Index nodes moved down where all users of a node are Index nodes (spec 10, 12.3).");
}

}  // namespace pycircuit
