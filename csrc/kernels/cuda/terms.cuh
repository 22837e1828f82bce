// Scale, mask and bias of scores held in mma accumulators (spec 12, section 12.1).
#pragma once

#include "kernels/cuda/params.cuh"

namespace pycircuit::kernels {

// Weights of scores this far below the maximum of their row underflow to 0 (the least positive float32 is exp(-103.3)).
constexpr float kUnderflow = 110.0f;

// Two neighbouring elements of row `row`; `column` is even, and both exist if the rows are vectorised.
template <class Element>
PYCIRCUIT_DEVICE void load_pair(float (&pair)[2], const Element* matrix, const Source& source, int64_t row, int64_t column, int columns) {
  if (source.vectorised) {
    uint32_t bits = *reinterpret_cast<const uint32_t*>(matrix + row * source.row_stride + column);
    pair[0] = to_float(Element{static_cast<uint16_t>(bits & 0xffffu)});
    pair[1] = to_float(Element{static_cast<uint16_t>(bits >> 16)});
    return;
  }
  const Element* first = matrix + row * source.row_stride + column * source.column_stride;
  pair[0] = to_float(first[0]);
  pair[1] = column + 1 < columns ? to_float(first[source.column_stride]) : 0.0f;
}

// Key tiles [kBegin, kEnd) of scores whose half 0 is row `row`; tile 0 begins with key `first_key`. `plain`: scale only. Null: no mask, no
// bias. Elements outside the problem are scaled only.
template <int kBegin, int kEnd, class Element, int kKeyTiles>
PYCIRCUIT_DEVICE void apply_terms(float (&scores)[kKeyTiles][4], const ForwardParams& params, const Element* mask, const Element* bias,
                                  int row, int first_key, bool plain) {
#pragma unroll
  for (int key = kBegin; key < kEnd; ++key) {
#pragma unroll
    for (int i = 0; i < 4; ++i) scores[key][i] *= params.scale;
  }
  if (plain) return;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int at = row + 8 * half;
    if (at >= params.num_queries) continue;
#pragma unroll
    for (int key = kBegin; key < kEnd; ++key) {
      int column = first_key + 8 * key + 2 * (thread_index() & 3);
      if (column >= params.num_keys) continue;
      float pair[2];
      float (&score)[4] = scores[key];
      if (mask) {
        load_pair(pair, mask, params.mask, at, column, params.num_keys);
        score[2 * half] *= pair[0];
        score[2 * half + 1] *= pair[1];
      }
      if (bias) {
        load_pair(pair, bias, params.bias, at, column, params.num_keys);
        score[2 * half] += pair[0];
        score[2 * half + 1] += pair[1];
      }
    }
  }
}

// What is known of the tiles of the rows around `row`, by kBoundColumns keys; null: nothing.
PYCIRCUIT_DEVICE const float* bounds_of_rows(const ForwardParams& params, const BatchIndex& entry, int row) {
  if (!params.bounds.data) return nullptr;
  return params.bounds.data + entry.offset(params.bounds.batch_strides) +
         static_cast<int64_t>(row / kBoundRows) * params.bounds.column_tiles;
}

// Whether scores of at most `bound` underflow against row maxima of at least `lowest` (or are -infinity).
PYCIRCUIT_DEVICE bool underflows(float bound, float lowest) { return bound == -infinity() || bound < lowest - kUnderflow; }

}  // namespace pycircuit::kernels
