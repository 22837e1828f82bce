// Conversions of sizes, labels and optional sizes between Python and the shape room, for its binding files.
#pragma once

#include <optional>
#include <vector>

#include "python/convert.h"
#include "shape/alphabet.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {

void bind_rearrange_spec(py::module_& m);
void bind_einsum_spec(py::module_& m);

// Sizes of any number of axes: unlike shape_from, the caller checks the rank.
Shape sizes_from(py::handle value, std::string_view what = "shape");
// A sequence of label sequences.
std::vector<Labels> label_groups_from(py::handle value, std::string_view what);
// Operations of a value type that is compared, hashed and ordered by value.
template <class Class>
void add_value_order(Class& cls) {
  using T = typename Class::type;
  cls.def(
         "__lt__", [](const T& a, const T& b) { return a < b; }, py::is_operator())
      .def(
          "__le__", [](const T& a, const T& b) { return a <= b; }, py::is_operator())
      .def(
          "__gt__", [](const T& a, const T& b) { return a > b; }, py::is_operator())
      .def("__ge__", [](const T& a, const T& b) { return a >= b; }, py::is_operator());
}
template <class Class>
void add_value_equality(Class& cls) {
  using T = typename Class::type;
  cls.def(
         "__eq__", [](const T& a, const T& b) { return a == b; }, py::is_operator())
      .def(
          "__ne__", [](const T& a, const T& b) { return !(a == b); }, py::is_operator())
      .def("__hash__", [](const T& self) { return std::hash<T>{}(self); });
}

}  // namespace pycircuit
