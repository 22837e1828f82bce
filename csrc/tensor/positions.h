// Positions given by index values (spec 04, section 8.1). Only .cpp files that call ATen include this.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "shape/shape.h"

namespace pycircuit {

// The index as int64 on `device`, every entry in 0 .. size-1; checked here, since a GPU kernel would only assert. `what` begins messages.
at::Tensor checked_positions(const at::Tensor& index, Size size, bool allow_negative, bool check_ints, const at::Device& device,
                             const std::string& what);
// x with its first axis replaced by the axes of the positions.
at::Tensor rows_at(const at::Tensor& x, const at::Tensor& positions);

}  // namespace pycircuit
