// The table of simple functions (spec 04, section 5).
#pragma once

#include <string_view>
#include <vector>

namespace pycircuit {

struct SimpleFunction {
  std::string_view name;
  int num_non_batchable_output_dims;
  int removed_from_end;
  bool keeps_integers;  // else integers and bool are converted to float32 first
};

// In the order of the section.
const std::vector<SimpleFunction>& simple_functions();
// Null for an unknown name.
const SimpleFunction* simple_function(std::string_view name);

}  // namespace pycircuit
