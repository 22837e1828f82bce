// The Python objects of circuits: one per live node, which knows it, in the layout of pybind11's instances.
//
// pybind11 keeps a table from every C++ object to its Python objects. Circuits do without: creating and dropping their objects is most of
// what building a node from Python costs.
#pragma once

#include <pybind11/pybind11.h>

#include "circuit/node.h"

namespace pycircuit {

namespace py = pybind11;

// Called once, when all node classes are bound.
void install_circuit_objects();
// The object of the node, a new reference.
py::handle circuit_object(const Node& node);
// The class object of a kind (`pycircuit.Einsum`).
py::handle class_object(Kind kind);

extern PyTypeObject* circuit_base_class;
// The node of an object; null if it is no circuit.
inline const Node* node_of(PyObject* object) {
  if (Py_TYPE(object)->tp_base != circuit_base_class) return nullptr;  // node classes have no subclasses
  return static_cast<const Node*>(reinterpret_cast<py::detail::instance*>(object)->simple_value_holder[0]);
}

}  // namespace pycircuit
