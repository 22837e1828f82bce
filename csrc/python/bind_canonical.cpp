// Canonical form, stripping, casting (spec 10, sections 10 and 15.1).
#include "python/bind_rewrite.h"
#include "rewrite/canonical.h"
#include "rewrite/cast.h"

namespace pycircuit {

void bind_canonical(py::module_& m) {
  const auto unlocked = py::call_guard<py::gil_scoped_release>();
  m.def("canonicalize_node", &canonicalize_node, py::arg("circuit"), "The root in canonical form: specs, indices, order of operands (spec 10, 10).", unlocked);
  m.def("deep_canonicalize", &deep_canonicalize, py::arg("circuit"), "All nodes in canonical form (spec 10, 10).", unlocked);
  m.def("normalize_node", &normalize_node, py::arg("circuit"), "The root with labels and ints numbered by first appearance (spec 10, 10).", unlocked);
  m.def("deep_normalize", &deep_normalize, py::arg("circuit"), "All nodes with labels and ints numbered by first appearance (spec 10, 10).", unlocked);
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
}

}  // namespace pycircuit
