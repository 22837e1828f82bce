#include "python/shown.h"

namespace pycircuit {

std::string shown(py::handle value) {
  if (PyObject* text = PyObject_Repr(value.ptr())) return std::string(py::reinterpret_steal<py::str>(text));
  if (!PyErr_ExceptionMatches(PyExc_Exception)) throw py::error_already_set();  // Ctrl-C
  PyErr_Clear();
  return "<" + std::string(py::str(py::type::of(value).attr("__name__"))) + " object>";
}

void fail_expected(std::string_view what, std::string_view expected, py::handle got) {
  throw py::type_error(std::string(what) + ": expected " + std::string(expected) + ", got " + shown(got));
}

}  // namespace pycircuit
