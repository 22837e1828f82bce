// Online softmax of the rows of score tiles held in mma accumulators (spec 12, section 12).
#pragma once

#include "kernels/cuda/device.cuh"

namespace pycircuit::kernels {

constexpr float kLog2E = 1.4426950408889634f;
// Weights of scores this far below the maximum of their row underflow to 0 (the least positive float32 is exp(-103.3)).
constexpr float kUnderflow = 110.0f;

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

  // Replaces scores by exp(factor * (score - maximum)), unnormalised weights, and rescales what was accumulated under the former maximum.
  // factor > 0. A former maximum that counts for nothing clears the row, so that not even infinities remain of values without weight.
  template <int kKeyTiles, int kHeadTiles>
  PYCIRCUIT_DEVICE void update(float (&scores)[kRowTiles][kKeyTiles][4], float (&output)[kRowTiles][kHeadTiles][4], float factor) {
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
        float keep = exp2_approx(multiply_rounded(former, factor2) - shift);
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
        sum[tile][half] = sum[tile][half] * keep + total;
        if (warp_any(keep != 1.0f)) {
#pragma unroll
          for (int head = 0; head < kHeadTiles; ++head) {
#pragma unroll
            for (int column = 0; column < 2; ++column) {
              float& value = output[tile][head][2 * half + column];
              value = keep == 0.0f ? 0.0f : value * keep;
            }
          }
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

}  // namespace pycircuit::kernels
