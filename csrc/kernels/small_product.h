// Products of matrices so small that arithmetic is not what takes the time: no packing into tiles, no threads, and any layout of operands
// and result, so that nothing need be copied or permuted before or after.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pycircuit::kernels {

constexpr int kMaxProductAxes = 12;            // of each kind
constexpr int64_t kMaxSmallProduct = 1 << 15;  // multiplications
constexpr int64_t kMaxSmallMatrix = 1 << 12;   // elements of the operands and the result, for one batch entry

// Strides in elements; 0 where the matrix lacks the axis.
struct ProductAxis {
  int64_t size = 1;
  int64_t left = 0, right = 0, result = 0;
};
struct ProductAxes {
  ProductAxis axes[kMaxProductAxes];
  int32_t count = 0;
  int64_t size() const {
    int64_t out = 1;
    for (int32_t i = 0; i < count; ++i) out *= axes[i].size;
    return out;
  }
};

// result[batch, rows, columns] = sum over inner of left[batch, rows, inner] right[batch, inner, columns], in float32, each sum in the order
// of the inner axes.
struct SmallProduct {
  ProductAxes batch, rows, columns, inner;
  const float* left = nullptr;
  const float* right = nullptr;
  float* result = nullptr;
};

bool is_small_product(int64_t batch, int64_t rows, int64_t columns, int64_t inner);
void small_product(const SmallProduct& problem);

}  // namespace pycircuit::kernels
