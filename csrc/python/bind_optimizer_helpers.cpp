// Steps of the optimizer as functions of their own (spec 10, sections 9.2, 9.3 and 15.2 to 15.5).
#include "python/arguments.h"
#include "python/bind_rewrite.h"
#include "rewrite/contraction.h"
#include "rewrite/sums.h"

namespace pycircuit {
namespace {

MaybeDistributeOptions distribute_options(const OptimizationSettings& settings) {
  return {static_cast<uint64_t>(settings.distribute_min_size.value_or(settings.max_single_tensor_memory)), settings.simp_fn_subset, {}};
}

NodePtr maybe_distribute_with(const Einsum& node, const py::object& settings) {
  const MaybeDistributeOptions options = distribute_options(settings_or_default(settings));
  const py::gil_scoped_release unlocked;
  return maybe_distribute(node, options);
}

NodePtr deep_maybe_distribute_with(const NodePtr& node, const py::object& settings) {
  const MaybeDistributeOptions options = distribute_options(settings_or_default(settings));
  DeepDistributed result;
  {
    const py::gil_scoped_release unlocked;
    result = deep_maybe_distribute(node, options);
  }
  if (result.gave_up && PyErr_WarnEx(PyExc_UserWarning, "deep_maybe_distribute: stopped after 10000 distributions", 1) != 0)
    throw py::error_already_set();
  return result.circuit;
}

Path path_from(py::handle steps) {
  Path path;
  each(steps, "path", "a sequence of sequences of ints", [&](py::handle step) { path.push_back(ints_from(step, "path")); });
  return path;
}

// Compares the plain and the optimized value of every node, children first.
void compare_subcircuits(const NodePtr& circuit, const py::object& settings) {
  settings_or_default(settings);  // TypeError for anything else
  constexpr uint64_t kMaxElements = 2'000'000'000;
  const py::module_ rc = py::module_::import("pycircuit"), testing = py::module_::import("torch.testing");
  for (const py::handle node : rc.attr("toposort_circuit")(circuit)) {
    const NodePtr each = circuit_from(node);
    if (numel_saturating(each->shape()) >= kMaxElements) continue;
    py::object optimized;
    try {
      optimized = rc.attr("optimize_and_evaluate")(node, settings);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) throw;
      continue;
    }
    try {
      testing.attr("assert_close")(optimized, rc.attr("evaluate")(node));
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_AssertionError)) throw;
      py::print(error.value());
      node.attr("print")();
      rc.attr("optimize_circuit")(node, settings).attr("print")();
    }
  }
}

}  // namespace

void bind_optimizer_helpers(py::module_& m) {
  const auto unlocked = py::call_guard<py::gil_scoped_release>();
  m.def("extract_add", &extract_add, py::arg("add"), py::arg("sub"),
        "The summands of `sub` grouped within `add`; None if they are not all there (spec 10, 9.2).");
  m.def("add_outer_product_broadcasts_on_top", &add_outer_product_broadcasts_on_top, py::arg("circuit"),
        "Summands grouped so that outer-product broadcasts happen last; None for a single group (spec 10, 9.3).");
  m.def("maybe_distribute", &maybe_distribute_with, py::arg("node"), py::arg("settings") = py::none(),
        "The Einsum distributed over its first large sum, simplified; None if there is none (spec 10, 15.2).");
  m.def(
      "maybe_distribute_py", [](const Einsum& node) { return maybe_distribute_with(node, py::none()); }, py::arg("node"),
      "maybe_distribute with default settings (spec 10, 15.2).");
  m.def("deep_maybe_distribute", &deep_maybe_distribute_with, py::arg("node"), py::arg("settings") = py::none(),
        "maybe_distribute at every Einsum, bottom-up, one pass; warns after 10,000 distributions (spec 10, 15.2).");
  m.def(
      "einsum_nest_path", [](const Einsum& einsum, const py::object& path) { return einsum_nest_path(einsum, path_from(path)); },
      py::arg("einsum"), py::arg("path"),
      "The Einsum as nested Einsums along a contraction path; ValueError for a path that does not fit (spec 10, 15.3).");
  m.def(
      "einsum_nest_optimize",
      [](const Einsum& node) { return einsum_nest_optimize(node, OptimizationSettings().max_single_tensor_memory); }, py::arg("node"),
      "The Einsum nested along a good path within the default memory; RuntimeError if there is none (spec 10, 15.3).", unlocked);
  m.def(
      "deep_optimize_einsums",
      [](const NodePtr& node) { return deep_optimize_einsums(node, OptimizationSettings().max_single_tensor_memory); }, py::arg("node"),
      "einsum_nest_optimize at every Einsum, bottom-up, in batches where needed (spec 10, 15.3).", unlocked);
  m.def("deep_heuristic_nest_adds", &deep_heuristic_nest_adds, py::arg("circuit"),
        "Canonical form with partial sums shared between Adds (spec 10, 15.4).", unlocked);
  m.def("opt_eval_each_subcircuit_until_fail", &compare_subcircuits, py::arg("circuit"), py::arg("settings"),
        "Evaluates every node plainly and optimized and prints where they differ (spec 10, 15.5).");
}

}  // namespace pycircuit
