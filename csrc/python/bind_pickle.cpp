// What pycircuit/_pickle.py needs from the core to take circuits apart and rebuild them exactly (spec 02, section 1.3).
#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

// What a node's class and fields do not determine: the name, whether automatic names are off on this very node, and axis names that
// differ from those its children pass to it (None: they do not differ).
py::tuple naming_of(const NodePtr& node) {
  const Naming naming = node->kept_naming();
  py::object axes = py::none();
  if (!node->named_axes().empty() && node->named_axes() != node->with_named_axes({})->named_axes()) axes = py::cast(node->named_axes());
  return py::make_tuple(naming.name, naming.autoname_disabled, std::move(axes));
}

NodePtr with_naming(const NodePtr& node, const py::object& name, bool autoname_disabled, const py::object& named_axes) {
  NodePtr result = node->rename(name_from(name));
  if (autoname_disabled) result = result->with_autoname_disabled(true);
  return named_axes.is_none() ? result : result->with_named_axes(named_axes_from(named_axes));
}

}  // namespace

void bind_pickle(py::module_& m) {
  m.def(
      "_post_order", [](const NodePtr& circuit) { return post_order(circuit); }, py::arg("circuit"),
      "Distinct nodes, children before parents.");
  m.def("_naming_of", &naming_of, py::arg("node"), "(name, whether automatic names are off here, axis names set by hand or None).");
  m.def("_with_naming", &with_naming, py::arg("node"), py::arg("name"), py::arg("autoname_disabled"), py::arg("named_axes"),
        "The node with what _naming_of gave.");
  m.attr("Circuit").attr("__reduce__") = py::cpp_function(
      [](const NodePtr& self) { return py::module_::import("pycircuit._pickle").attr("reduce_circuit")(self); }, py::name("__reduce__"),
      py::is_method(m.attr("Circuit")), "Pickling: the graph with sharing, tensors by value (spec 02, section 1.3).");
}

}  // namespace pycircuit
