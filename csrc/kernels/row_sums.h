// Sums of exponentials over rows (see cross_entropy.cpp), written once for all targets.
#pragma once

#include "kernels/row_target.h"
#include "kernels/vector_math.h"

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

constexpr int64_t kRowBlock = 1024;

// Maximum and scaled sum of n <= kRowBlock numbers.
static ScaledSum scaled_sum_of_block(const float* x, int64_t n) {
  constexpr int kChains = 4;
  Vec highest[kChains];
  for (int chain = 0; chain < kChains; ++chain) highest[chain] = splat(-kInfinity);
  VecInt strange = {};
  const int64_t step = kChains * kWidth;
  int64_t i = 0;
  for (; i + step <= n; i += step) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) {
      const Vec value = load(x + i + chain * kWidth);
      highest[chain] = max(value, highest[chain]);
      strange |= (value != value);
    }
  }
  float largest = max_of(max(max(highest[0], highest[1]), max(highest[2], highest[3])));
  bool nan = any(strange);
  for (int64_t k = i; k < n; ++k) {
    largest = x[k] > largest ? x[k] : largest;
    nan = nan || x[k] != x[k];
  }
  if (nan) return {__builtin_nanf(""), __builtin_nanf("")};
  if (largest == -kInfinity) return {largest, 0.0f};
  const Vec lowest = splat(-87.33654f);
  Vec sums[kChains] = {};
  for (i = 0; i + step <= n; i += step) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) sums[chain] += exp_of_negative(load(x + i + chain * kWidth) - largest, lowest);
  }
  for (; i < n; i += kWidth) {
    float rest[kWidth];
    for (int64_t k = 0; k < kWidth; ++k) rest[k] = i + k < n ? x[i + k] : -kInfinity;
    sums[0] += exp_of_negative(load(rest) - largest, lowest);
  }
  return {largest, sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]))};
}

// One pass over the row, block by block; the running sum is rescaled where a block has a larger maximum.
static ScaledSum scaled_sum(const void* row, Element element, int64_t n) {
  alignas(64) float buffer[kRowBlock];
  ScaledSum total = {-kInfinity, 0.0f};
  for (int64_t first = 0; first < n; first += kRowBlock) {
    const int64_t size = smaller(kRowBlock, n - first);
    const float* block = static_cast<const float*>(row) + first;
    if (element != Element::float32) {
      load_elements(element_at(row, element, first), element, 1, size, buffer);
      block = buffer;
    }
    const ScaledSum part = scaled_sum_of_block(block, size);
    if (part.max != part.max) return part;
    if (part.max == -kInfinity) continue;
    if (part.max > total.max) {
      total.sum = part.sum + (total.sum == 0.0f ? 0.0f : total.sum * __builtin_expf(total.max - part.max));
      total.max = part.max;
    } else {
      total.sum += part.sum * __builtin_expf(part.max - total.max);
    }
  }
  return total;
}

static const RowTarget rows = {scaled_sum};

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
