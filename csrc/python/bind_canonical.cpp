// Canonical form, stripping, casting, axis names (spec 10, sections 10, 15.1, 15.6 and 16).
#include "python/bind_rewrite.h"
#include "rewrite/canonical.h"
#include "rewrite/cast.h"
#include "rewrite/named_axes.h"

namespace pycircuit {
namespace {

// Standard-normal values of the shape, dtype and device of `like`.
Tensor normal_like(const Tensor& like, uint64_t seed) {
  const py::module_ torch = py::module_::import("torch");
  const py::object generator = torch.attr("Generator")();
  generator.attr("manual_seed")(seed >> 1);
  const py::object tensor = py::cast(like);
  const py::object values =
      torch.attr("randn")(tensor.attr("shape"), py::arg("generator") = generator, py::arg("dtype") = torch.attr("float64"));
  return values.attr("to")(tensor.attr("device"), tensor.attr("dtype")).cast<Tensor>();
}

}  // namespace

void bind_canonical(py::module_& m) {
  const auto unlocked = py::call_guard<py::gil_scoped_release>();
  m.def("canonicalize_node", &canonicalize_node, py::arg("circuit"),
        "The root in canonical form: specs, indices, order of operands (spec 10, 10).", unlocked);
  m.def("deep_canonicalize", &deep_canonicalize, py::arg("circuit"), "All nodes in canonical form (spec 10, 10).", unlocked);
  m.def("normalize_node", &normalize_node, py::arg("circuit"), "The root with labels and ints numbered by first appearance (spec 10, 10).",
        unlocked);
  m.def("deep_normalize", &deep_normalize, py::arg("circuit"), "All nodes with labels and ints numbered by first appearance (spec 10, 10).",
        unlocked);
  m.def("strip_names_and_tags", &strip_names_and_tags, py::arg("circuit"),
        "Without names and Tags; named Arrays and Symbols stay below an unnamed Tag of UUID zero (spec 10, 10).", unlocked);
  m.def(
      "cast_circuit",
      [](const NodePtr& circuit, const py::object& device_dtype) {
        const DeviceDtypeOp target = device_dtype_op_from(device_dtype);
        const py::gil_scoped_release release;
        return cast_circuit(circuit, target);
      },
      py::arg("circuit"), py::arg("device_dtype"), "All Arrays moved to a device and dtype, index tensors to the device (spec 10, 15.1).");
  m.def(
      "replace_all_randn_seeded", [](const NodePtr& circuit) { return replace_all_randn_seeded(circuit, normal_like); }, py::arg("circuit"),
      "Floating Arrays with standard-normal values and index tensors with random positions, determined by what they replace (spec 10, "
      "15.6).");
  m.def(
      "set_named_axes",
      [](const NodePtr& circuit, const py::dict& named_axes) { return circuit->with_named_axes(named_axes_from(named_axes)); },
      py::arg("circuit"), py::arg("named_axes"),
      "The node with exactly these axis names; for an empty dict those propagated from the children (spec 10, 16).");
  m.def(
      "propagate_named_axes",
      [](const NodePtr& circuit, const py::dict& named_axes, std::optional<bool> abort_on_branch, std::optional<bool> do_merge) {
        if (abort_on_branch.has_value() == do_merge.has_value()) throw py::type_error("propagate_named_axes: expected abort_on_branch");
        return propagate_named_axes(circuit, named_axes_from(named_axes), abort_on_branch ? *abort_on_branch : *do_merge);
      },
      py::arg("circuit"), py::arg("named_axes"), py::arg("abort_on_branch") = py::none(), py::arg("do_merge") = py::none(),
      "Axis names written on the root and on every axis below that is the same axis (spec 10, 16).");
}

}  // namespace pycircuit
