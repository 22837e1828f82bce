// Index push-down (spec 10, section 12).
#include "python/bind_rewrite.h"
#include "python/matcher_convert.h"
#include "rewrite/push_down_index.h"

namespace pycircuit {

void bind_push_down_index(py::module_& m) {
  m.def(
      "push_down_index_once",
      [](const Index& node, std::optional<bool> allow_partial_pushdown, const py::object& suffix) {
        const Name suffix_name = name_from(suffix, "suffix");
        const py::gil_scoped_release unlocked;
        return push_down_index_once(node, allow_partial_pushdown.value_or(false), suffix_name);
      },
      py::arg("node"), py::arg("allow_partial_pushdown") = false, py::arg("suffix") = py::none(),
      "The Index moved below its child, one step; a PushDownIndexError where that is impossible (spec 10, 12.1).");
  m.def(
      "push_down_index",
      [](const Index& index, const py::object& traversal, bool into_module_spec, const py::object& suffix, bool allow_partial_pushdown,
         bool elim_identity) {
        const IterativeMatcher matcher = traversal.is_none() ? default_index_traversal() : iterative_matcher_from(traversal, "traversal");
        const PushDownOptions options{into_module_spec, name_from(suffix, "suffix"), allow_partial_pushdown, elim_identity};
        const ReleaseLockFor unlocked(matcher);
        return push_down_index(index, matcher, options);
      },
      py::arg("index"), py::arg("traversal") = py::none(), py::arg("into_module_spec") = false, py::arg("suffix") = py::none(),
      py::arg("allow_partial_pushdown") = false, py::arg("elim_identity") = true,
      "The Index moved down as far as the traversal (default_index_traversal() for None) goes; PushDownIndexErrors propagate (spec 10, "
      "12.2).");
  m.def("default_index_traversal", [] { return default_index_traversal(); }, "Stops at Index and Array nodes (spec 10, 12.2).");
}

}  // namespace pycircuit
