// Layer norm and root-mean-square norm of rows of float32 (spec 12, section 5).
#pragma once

#include <cstdint>

#include "kernels/element.h"

namespace pycircuit::kernels {

// A row's elements lie side by side, as do those of scale and bias.
struct NormRows {
  const float* x = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t row_stride = 0;
  bool centered = true;  // layer norm; else the mean counts as 0
  float eps = 0.0f;
  const float* scale = nullptr;  // null: absent
  const float* bias = nullptr;   // null: absent
  float* result = nullptr;       // may be x, with its stride
  int64_t result_row_stride = 0;
};

// result = (x - mean) / sqrt(mean((x - mean)^2) + eps) * scale + bias
void norm(const NormRows& problem, ParallelFor parallel_for);

}  // namespace pycircuit::kernels
