// The binding files of the rewrite room, one per topic.
#pragma once

#include <string_view>

#include "python/convert.h"

namespace pycircuit {

void bind_rewrite_rules(py::module_& m);   // sections 2 to 8
void bind_simp(py::module_& m);            // section 1
void bind_push_down_index(py::module_& m); // section 12
void bind_distribute(py::module_& m);      // section 11
void bind_concat_rewrites(py::module_& m); // sections 9.4, 13, 14
void bind_canonical(py::module_& m);       // sections 10, 15.1, 15.6, 16

// A non-negative int; OverflowError for a negative one.
int64_t count_from(py::handle value, std::string_view what);

}  // namespace pycircuit
