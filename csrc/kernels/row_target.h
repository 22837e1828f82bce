// What the row functions (cross_entropy.cpp, norm.cpp) and small products want of the code of one target (row_sums.h,
// small_product_tile.h). Plain data.
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

// left[left_rows[i] + left_inner[c]], and so on. `columns`: room for `num_inner` rows of whole vectors; `has_columns`: the right matrix is
// there already.
struct SmallMatrices {
  int64_t num_rows, num_columns, num_inner;
  const int64_t *left_rows, *left_inner, *right_inner, *right_columns, *result_rows, *result_columns;
  float* columns;
  bool has_columns;
};

struct RowTarget {
  ScaledSum (*scaled_sum)(const void* row, Element element, int64_t n);
  void (*norm)(const NormRows& problem, int64_t row);
  void (*multiply)(const SmallMatrices& matrices, const float* left, const float* right, float* result);
};

}  // namespace pycircuit::kernels
