// One product of small matrices (small_product.h), for one target.
#pragma once

#include "kernels/row_target.h"
#include "kernels/simd.h"
#include "kernels/small_product.h"

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

constexpr int kProductRows = 4;

// Rows [row, row + kRows) of the result, a vector of columns at a time; `right` has rows of `width` floats.
template <int kRows>
PYCIRCUIT_INLINE void small_rows(const SmallMatrices& m, const float* left, const float* right, int64_t width, float* result, int64_t row) {
  for (int64_t column = 0; column < m.num_columns; column += kWidth) {
    Vec sums[kRows] = {};
    for (int64_t c = 0; c < m.num_inner; ++c) {
      const Vec factor = load(right + c * width + column);
      for (int r = 0; r < kRows; ++r) sums[r] = fma(splat(left[m.left_rows[row + r] + m.left_inner[c]]), factor, sums[r]);
    }
    const int64_t count = smaller(kWidth, m.num_columns - column);
    for (int r = 0; r < kRows; ++r) {
      float* to = result + m.result_rows[row + r];
      const int64_t* places = m.result_columns + column;
      if (count == kWidth && places[kWidth - 1] - places[0] == kWidth - 1 && places[1] - places[0] == 1) {
        store(to + places[0], sums[r]);
      } else {
        float values[kWidth];
        store(values, sums[r]);
        for (int64_t j = 0; j < count; ++j) to[places[j]] = values[j];
      }
    }
  }
}

static void multiply_small(const SmallMatrices& m, const float* left, const float* right, float* result) {
  const int64_t width = round_up(m.num_columns, kWidth);
  float* packed = m.columns;  // side by side, padded with zeros
  if (!m.has_columns)
    for (int64_t c = 0; c < m.num_inner; ++c) {
      const float* from = right + m.right_inner[c];
      float* to = packed + c * width;
      for (int64_t j = 0; j < m.num_columns; ++j) to[j] = from[m.right_columns[j]];
      for (int64_t j = m.num_columns; j < width; ++j) to[j] = 0.0f;
    }
  int64_t row = 0;
  for (; row + kProductRows <= m.num_rows; row += kProductRows) small_rows<kProductRows>(m, left, packed, width, result, row);
  for (; row < m.num_rows; ++row) small_rows<1>(m, left, packed, width, result, row);
}

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
