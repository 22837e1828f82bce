// The product with output weights for float32: 64 x 64 results, 8 x 4 per thread, tiles of depth 16 (spec 12, section 12).
#pragma once

#include "kernels/cuda/project.cuh"

namespace pycircuit::kernels {

struct FloatProjectTraits {
  static constexpr int kRows = 64, kColumns = 64, kDepth = 16, kThreads = 128;
  static constexpr int kRowStride = kRows + 4;
  static constexpr size_t kSharedBytes = sizeof(float) * kDepth * (kRowStride + kColumns);
};

template <class Traits>
PYCIRCUIT_KERNEL(Traits::kThreads)
project_float(PYCIRCUIT_GRID_CONSTANT ProjectParams params) {
  ProjectTask<float> task = project_task<float, Traits::kRows, Traits::kColumns>(params);
  float* left = reinterpret_cast<float*>(dynamic_shared());  // [depth, rows]
  float* right = left + Traits::kDepth * Traits::kRowStride;
  const float* output = static_cast<const float*>(params.output);
  int thread_row = thread_index() / 16 * 8, thread_column = thread_index() % 16 * 4;
  float sums[8][4] = {};
  for (int first_k = 0; first_k < params.depth; first_k += Traits::kDepth) {
    for (int item = thread_index(); item < Traits::kDepth * Traits::kRows; item += Traits::kThreads) {
      int k = item % Traits::kDepth, row = item / Traits::kDepth;
      bool valid = task.first_row + row < task.end_row && output_exists<float>(params, first_k + k);
      left[k * Traits::kRowStride + row] = valid ? output[(task.first_row + row) * params.depth + first_k + k] : 0.0f;
    }
    for (int item = thread_index(); item < Traits::kDepth * Traits::kColumns; item += Traits::kThreads) {
      int column = item % Traits::kColumns, k = item / Traits::kColumns;
      const float* row = weight_row(params, task.weight, first_k + k);
      int at = task.first_column + column;
      right[item] = row && at < params.columns ? row[at * params.weight.column_stride] : 0.0f;
    }
    sync_block();
#pragma unroll
    for (int k = 0; k < Traits::kDepth; ++k) {
      float4 low = *reinterpret_cast<const float4*>(left + k * Traits::kRowStride + thread_row);
      float4 high = *reinterpret_cast<const float4*>(left + k * Traits::kRowStride + thread_row + 4);
      float4 columns = *reinterpret_cast<const float4*>(right + k * Traits::kColumns + thread_column);
      float rows[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
      for (int row = 0; row < 8; ++row) {
        sums[row][0] = fmaf(rows[row], columns.x, sums[row][0]);
        sums[row][1] = fmaf(rows[row], columns.y, sums[row][1]);
        sums[row][2] = fmaf(rows[row], columns.z, sums[row][2]);
        sums[row][3] = fmaf(rows[row], columns.w, sums[row][3]);
      }
    }
    sync_block();
  }
#pragma unroll
  for (int row = 0; row < 8; ++row) {
    int64_t at = task.first_row + thread_row + row;
    if (at >= task.end_row) continue;
    float* target = result_row<float>(params, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int64_t column = task.first_column + thread_column + i;
      if (column < params.columns) target[column * params.result.column_stride] = sums[row][i];
    }
  }
}

}  // namespace pycircuit::kernels
