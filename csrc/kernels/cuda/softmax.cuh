// Online softmax of the rows of score tiles held in mma accumulators (spec 12, section 12).
#pragma once

#include "kernels/cuda/params.cuh"

namespace pycircuit::kernels {

constexpr float kLog2E = 1.4426950408889634f;

// An accumulator tile of 16x8 holds rows lane / 4 and lane / 4 + 8; the four lanes of a row are neighbours.
PYCIRCUIT_DEVICE float quad_max(float value) {
  value = fmaxf(value, shuffle_xor(value, 1));
  return fmaxf(value, shuffle_xor(value, 2));
}
PYCIRCUIT_DEVICE float quad_sum(float value) {
  value += shuffle_xor(value, 1);
  return value + shuffle_xor(value, 2);
}

// State of the rows of one warp: two per 16-row tile and thread.
template <int kRowTiles>
struct OnlineSoftmax {
  float maximum[kRowTiles][2];
  float sum[kRowTiles][2];  // this thread's columns only

  PYCIRCUIT_DEVICE void clear() {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) maximum[tile][half] = -infinity(), sum[tile][half] = 0.0f;
    }
  }

  // Replaces scores by exp(factor * (score - maximum)), unnormalised weights; factor > 0. What was accumulated under the former maximum is
  // to be multiplied by `keep`.
  template <int kKeyTiles>
  PYCIRCUIT_DEVICE void update(float (&scores)[kRowTiles][kKeyTiles][4], float factor, float (&keep)[kRowTiles][2]) {
    float factor2 = factor * kLog2E;
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float former = maximum[tile][half];
        float current = former;
#pragma unroll
        for (int key = 0; key < kKeyTiles; ++key)
          current = fmaxf(current, fmaxf(scores[tile][key][2 * half], scores[tile][key][2 * half + 1]));
        current = quad_max(current);
        maximum[tile][half] = current;
        // Rows that have seen only -infinity: any finite maximum gives weights of 0.
        float shift = current == -infinity() ? 0.0f : multiply_rounded(current, factor2);
        keep[tile][half] = exp2_approx(multiply_rounded(former, factor2) - shift);
        float total = 0.0f;
#pragma unroll
        for (int key = 0; key < kKeyTiles; ++key) {
#pragma unroll
          for (int column = 0; column < 2; ++column) {
            float weight = exp2_approx(fmaf(scores[tile][key][2 * half + column], factor2, -shift));
            scores[tile][key][2 * half + column] = weight;
            total += weight;
          }
        }
        sum[tile][half] = sum[tile][half] * keep[tile][half] + total;
      }
    }
  }

  // A former maximum that counts for nothing clears the row, so that not even infinities remain of values without weight.
  template <int kHeadTiles>
  PYCIRCUIT_DEVICE static void rescale(float (&output)[kRowTiles][kHeadTiles][4], const float (&keep)[kRowTiles][2]) {
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      if (!warp_any(keep[tile][0] != 1.0f || keep[tile][1] != 1.0f)) continue;
#pragma unroll
      for (int head = 0; head < kHeadTiles; ++head) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float& value = output[tile][head][i];
          value = keep[tile][i / 2] == 0.0f ? 0.0f : value * keep[tile][i / 2];
        }
      }
    }
  }

  // 1 / sum over the whole row; NaN if every score was -infinity, 0 for a row without keys.
  PYCIRCUIT_DEVICE float inverse_sum(int tile, int half, bool has_keys) const {
    float total = quad_sum(sum[tile][half]);
    return has_keys ? 1.0f / total : 0.0f;
  }
};

// Keys that do not exist or that a query does not see get -infinity. `row`: of half 0.
template <int kKeyTiles>
PYCIRCUIT_DEVICE void hide_keys(float (&scores)[kKeyTiles][4], const ForwardParams& params, int row, int first_key) {
  int column_in_tile = 2 * (thread_index() & 3);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int end = visible_keys(params, row + 8 * half) - first_key - column_in_tile;
#pragma unroll
    for (int key = 0; key < kKeyTiles; ++key) {
#pragma unroll
      for (int column = 0; column < 2; ++column) {
        if (8 * key + column >= end) scores[key][2 * half + column] = -infinity();
      }
    }
  }
}

}  // namespace pycircuit::kernels
