// Conversion of colours, colorers and commenters (spec 06, sections 4 and 5).
#include "python/print_options.h"

#include "python/shown.h"

namespace pycircuit {
namespace {

// With the interpreter lock held.
py::object call(const py::object& callable, const NodePtr& node) {
  PyObject* result = PyObject_CallOneArg(callable.ptr(), py::cast(node).ptr());
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

// The core's own function where `value` is one of its callables, else `wrap(value)`.
template <class Function, class Wrap>
Function function_from(py::handle value, std::string_view what, Wrap&& wrap) {
  if (py::isinstance<BuiltinCallable<Function>>(value)) return value.cast<const BuiltinCallable<Function>&>().function;
  if (!PyCallable_Check(value.ptr())) fail_expected(what, "a callable taking a circuit", value);
  return wrap(shared_object(py::reinterpret_borrow<py::object>(value)));
}

}  // namespace

std::string str_from(py::handle value, std::string_view what) {
  if (!PyUnicode_Check(value.ptr())) fail_expected(what, "a str", value);
  return *name_from(value, what);
}

CliColor cli_color_from(py::handle value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  if (PyUnicode_Check(value.ptr())) return cli_color_of_name(str_from(value, what));
  if (!PyLong_Check(value.ptr())) fail_expected(what, "None, a number or the name of a color", value);
  const unsigned long long number = PyLong_AsUnsignedLongLong(value.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    fail_expected(what, "None, a non-negative number below 2**64 or the name of a color", value);
  }
  return cli_color_of_number(number);
}

Colorer colorer_from(py::handle value) {
  return function_from<Colorer>(value, "colorer", [](std::shared_ptr<py::object> callable) -> Colorer {
    return [callable](const NodePtr& node) {
      const py::gil_scoped_acquire lock;
      return cli_color_from(call(*callable, node), "result of a colorer");
    };
  });
}

HtmlColorer html_colorer_from(py::handle value) {
  return function_from<HtmlColorer>(value, "colorer", [](std::shared_ptr<py::object> callable) -> HtmlColorer {
    return [callable](const NodePtr& node) -> std::optional<std::string> {
      const py::gil_scoped_acquire lock;
      const py::object color = call(*callable, node);
      if (color.is_none()) return std::nullopt;
      return str_from(color, "result of a colorer");
    };
  });
}

Commenter commenter_from(py::handle value) {
  return function_from<Commenter>(value, "commenters", [](std::shared_ptr<py::object> callable) -> Commenter {
    return [callable](const NodePtr& node) {
      const py::gil_scoped_acquire lock;
      return str_from(call(*callable, node), "result of a commenter");
    };
  });
}

BoundCommenters commenters_from(py::handle value) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) fail_expected("commenters", "a list of callables", value);
  BoundCommenters commenters;
  for (const py::handle item : value) commenters.functions.push_back(commenter_from(item));
  commenters.objects = py::tuple(py::reinterpret_borrow<py::object>(value));
  return commenters;
}

}  // namespace pycircuit
