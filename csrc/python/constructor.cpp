#include "python/constructor.h"

namespace pycircuit {

NodePtrs circuits_from(const Positional& values, std::string_view what) {
  NodePtrs nodes;
  nodes.reserve(values.count);
  for (size_t i = 0; i < values.count; ++i) nodes.push_back(circuit_from(values.items[i], what));
  return nodes;
}

py::metaclass constructor_metaclass() {
  static PyObject* const metaclass = [] {
    PyType_Slot slots[] = {{0, nullptr}};
    PyType_Spec spec = {"pycircuit._core.CircuitClass", 0, 0, Py_TPFLAGS_DEFAULT, slots};
    PyObject* general = reinterpret_cast<PyObject*>(py::detail::get_internals().default_metaclass);
    PyObject* type = PyType_FromSpecWithBases(&spec, py::make_tuple(py::handle(general)).ptr());
    if (!type) throw py::error_already_set();
    // `type` has the flag; a class that was given a tp_call of its own, as pybind11's was, loses it.
    reinterpret_cast<PyTypeObject*>(type)->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    return type;
  }();
  return py::metaclass(metaclass);
}

bool sort_arguments(std::span<const Parameter> parameters, size_t positional, Positional items, PyObject* names, PyObject** values) {
  if (positional > parameters.size()) return false;
  for (size_t i = 0; i < parameters.size(); ++i) values[i] = i < positional ? items.items[i] : nullptr;
  const Py_ssize_t name_count = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t n = 0; n < name_count; ++n) {
    // Names in calls are interned, as those of the parameters are.
    size_t i = 0;
    while (i < parameters.size() && parameters[i].name != PyTuple_GET_ITEM(names, n)) ++i;
    if (i == parameters.size() || values[i]) return false;
    values[i] = items.items[items.count + n];
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!values[i]) values[i] = parameters[i].standard;
    if (!values[i]) return false;
  }
  return true;
}

PyObject* call_in_general(PyObject* cls, Positional items, PyObject* names) {
  py::tuple positional(items.count);
  for (size_t i = 0; i < items.count; ++i) positional[i] = py::handle(items.items[i]);
  py::dict named;
  for (Py_ssize_t n = 0; names && n < PyTuple_GET_SIZE(names); ++n)
    named[PyTuple_GET_ITEM(names, n)] = py::handle(items.items[items.count + n]);
  return Py_TYPE(cls)->tp_call(cls, positional.ptr(), named.ptr());
}

}  // namespace pycircuit
