// The binding files of matchers share these.
#pragma once

#include "python/matcher_convert.h"

namespace pycircuit {

void bind_get(py::module_& m, py::class_<Matcher>& matcher, py::class_<IterativeMatcher>& iterative);
void bind_update(py::module_& m, py::class_<Matcher>& matcher, py::class_<IterativeMatcher>& iterative);

// The class Circuit, to add methods to it.
inline py::class_<Node, Ref<Node>> circuit_class(py::module_& m) {
  return py::reinterpret_borrow<py::class_<Node, Ref<Node>>>(m.attr("Circuit"));
}

}  // namespace pycircuit
