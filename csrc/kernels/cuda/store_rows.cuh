// Writing 16 rows of output that a warp holds in mma accumulators (spec 12, section 12).
#pragma once

#include "kernels/cuda/params.cuh"
#include "kernels/cuda/traits.cuh"

namespace pycircuit::kernels {

// Rows [first_row, first_row + 16) of `result`, each half of the accumulators times `inverse`. Vectorised results go through `staging`, 16
// rows of shared memory that nobody else uses, so that they are written 16 bytes at a time; its address must be a multiple of eight rows.
template <int kHead, class Element>
PYCIRCUIT_DEVICE void store_rows(Element* staging, const float (&output)[kHead / 8][4], const float (&inverse)[2],
                                 const ForwardParams& params, Element* result, int first_row) {
  constexpr int kChunks = kHead / kChunk;
  int lane = thread_index() & 31, column_in_tile = 2 * (lane & 3);
  if (params.result.vectorised) {
    sync_warp();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int row = 8 * half + (lane >> 2);
#pragma unroll
      for (int head = 0; head < kHead / 8; ++head) {
        *reinterpret_cast<uint32_t*>(staging + swizzled_offset<kHead>(row, head) + column_in_tile) =
            pack(output[head][2 * half] * inverse[half], output[head][2 * half + 1] * inverse[half], Element{});
      }
    }
    sync_warp();
    for (int item = lane; item < 16 * kChunks; item += 32) {
      int row = item / kChunks, chunk = item % kChunks;
      if (first_row + row >= params.num_queries || chunk * kChunk >= params.value_size) continue;
      *reinterpret_cast<uint4*>(result + (first_row + row) * params.result.row_stride + chunk * kChunk) =
          *reinterpret_cast<const uint4*>(staging + swizzled_offset<kHead>(row, chunk));
    }
    return;
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int row = first_row + 8 * half + (lane >> 2);
    if (row >= params.num_queries) continue;
#pragma unroll
    for (int head = 0; head < kHead / 8; ++head) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        int column = 8 * head + column_in_tile + i;
        if (column >= params.value_size) continue;
        result[row * params.result.row_stride + column * params.result.column_stride] =
            from_float(output[head][2 * half + i] * inverse[half], Element{});
      }
    }
  }
}

}  // namespace pycircuit::kernels
