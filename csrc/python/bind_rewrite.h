// The binding files of the rewrite room, one per topic.
#pragma once

#include <string_view>

#include "evaluate/settings.h"
#include "python/convert.h"

namespace pycircuit {

void bind_rewrite_rules(py::module_& m);      // sections 2 to 9
void bind_simp(py::module_& m);               // section 1
void bind_push_down_index(py::module_& m);    // section 12
void bind_distribute(py::module_& m);         // section 11
void bind_concat_rewrites(py::module_& m);    // sections 9.4, 13, 14
void bind_canonical(py::module_& m);          // sections 10, 15.1, 15.6, 16
void bind_optimizer_helpers(py::module_& m);  // sections 9.2, 9.3, 15.2 to 15.5

// A non-negative int; OverflowError for a negative one.
int64_t count_from(py::handle value, std::string_view what);
// OptimizationSettings; None means the default ones.
OptimizationSettings settings_or_default(py::handle value);
// A number of elements; None means no limit.
std::optional<uint64_t> optional_count_from(py::handle value, std::string_view what);

}  // namespace pycircuit
