// What the row functions (cross_entropy.cpp, norm.cpp) want of the code of one target (row_sums.h). Plain data.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/norm.h"

namespace pycircuit::kernels {

// sum = sum over the row of e^(x - max); both NaN if the row has one. The sum is NaN where max is +infinity.
struct ScaledSum {
  float max;
  float sum;
};

struct RowTarget {
  ScaledSum (*scaled_sum)(const void* row, Element element, int64_t n);
  void (*norm)(const NormRows& problem, int64_t row);
};

}  // namespace pycircuit::kernels
