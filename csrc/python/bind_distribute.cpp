// Distributing Einsums over sums (spec 10, section 11).
#include "python/bind_rewrite.h"
#include "python/matcher_convert.h"
#include "rewrite/distribute.h"

namespace pycircuit {
namespace {

DistributeOptions options_from(const py::object& prefix, const py::object& suffix, bool do_broadcasts) {
  return {name_from(prefix, "prefix"), name_from(suffix, "suffix"), do_broadcasts};
}

IterativeMatcher depth_traversal(const py::object& depth) {
  if (depth.is_none()) return traverse_until_depth(std::nullopt);
  const int64_t levels = count_from(depth, "depth");
  if (levels > UINT32_MAX) fail(ErrorId::OverflowError, "depth must be below 2**32, got " + std::to_string(levels));
  return traverse_until_depth(static_cast<uint32_t>(levels));
}

}  // namespace

void bind_distribute(py::module_& m) {
  m.def(
      "distribute_once",
      [](const Einsum& einsum, const py::object& operand_idx, bool do_broadcasts, const py::object& prefix, const py::object& suffix) {
        return distribute_once(einsum, count_from(operand_idx, "operand_idx"), options_from(prefix, suffix, do_broadcasts));
      },
      py::arg("einsum"), py::arg("operand_idx"), py::arg("do_broadcasts") = true, py::arg("prefix") = py::none(),
      py::arg("suffix") = py::none(),
      "The Einsum distributed over an operand that is an Add; a DistributeError otherwise (spec 10, 11.1).");
  m.def("distribute_all", &distribute_all, py::arg("node"),
        "The Einsum distributed over all operands that are Adds; None if there is none (spec 10, 11.2).",
        py::call_guard<py::gil_scoped_release>());
  m.def(
      "distribute",
      [](const Einsum& einsum, const py::object& operand_idx, const py::object& traversal, const py::object& prefix,
         const py::object& suffix, bool allow_partial_distribute, bool do_broadcasts) {
        const int64_t operand = count_from(operand_idx, "operand_idx");
        const IterativeMatcher matcher = traversal.is_none() ? traverse_until_depth(1) : iterative_matcher_from(traversal, "traversal");
        const DistributeOptions options = options_from(prefix, suffix, do_broadcasts);
        const ReleaseLockFor unlocked(matcher);
        return distribute(einsum, operand, matcher, options, allow_partial_distribute);
      },
      py::arg("einsum"), py::arg("operand_idx"), py::arg("traversal") = py::none(), py::arg("prefix") = py::none(),
      py::arg("suffix") = py::none(), py::arg("allow_partial_distribute") = true, py::arg("do_broadcasts") = true,
      "The Einsum distributed over nested sums, as far as the traversal goes; a DistributeError if nothing changes (spec 10, 11.3).");
  m.def("traverse_until_depth", &depth_traversal, py::arg("depth") = py::none(),
        "A traversal that ends after `depth` levels; None: no limit (spec 10, 11.3).");
}

}  // namespace pycircuit
