// Batching and other rewrites about Concat (spec 10, sections 9.4, 13 and 14).
#include "python/bind_rewrite.h"
#include "rewrite/batch.h"

namespace pycircuit {

void bind_concat_rewrites(py::module_& m) {
  m.def(
      "batch_to_concat",
      [](const NodePtr& circuit, const py::object& axis, const py::object& batch_size, bool keep_non_axis_leaves, bool allow_partial_batch) {
        const int64_t position = int_from(axis, "axis"), size = count_from(batch_size, "batch_size");
        const py::gil_scoped_release unlocked;
        return batch_to_concat(circuit, position, size, keep_non_axis_leaves, allow_partial_batch);
      },
      py::arg("circuit"), py::arg("axis"), py::arg("batch_size"), py::arg("keep_non_axis_leaves") = false, py::arg("allow_partial_batch") = true,
      "The circuit as a Concat over `axis` of one Module called on slices of its leaves; RuntimeError for a bad axis, BatchErrors (spec 10, 14.1).");
}

}  // namespace pycircuit
