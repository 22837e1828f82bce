// Sums of exponentials over rows, and norms (see cross_entropy.cpp and norm.cpp), written once for all targets.
#pragma once

#include "kernels/row_target.h"
#include "kernels/small_product_tile.h"
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

// sum over the row of f(x); several chains, so that additions overlap.
template <typename F>
PYCIRCUIT_INLINE float sum_over_row(const float* x, int64_t n, F f) {
  constexpr int kChains = 4;
  Vec sums[kChains] = {};
  int64_t i = 0;
  for (; i + kChains * kWidth <= n; i += kChains * kWidth) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = f(sums[chain], load(x + i + chain * kWidth));
  }
  for (; i + kWidth <= n; i += kWidth) sums[0] = f(sums[0], load(x + i));
  float sum = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; ++i) sum = f(splat(sum), splat(x[i]))[0];
  return sum;
}

static void norm_row(const NormRows& p, int64_t row) {
  const float* x = p.x + row * p.row_stride;
  float* result = p.result + row * p.result_row_stride;
  const int64_t n = p.columns;
  const float mean = p.centered ? sum_over_row(x, n, [](Vec sum, Vec v) { return sum + v; }) / float(n) : 0.0f;
  const float squares = sum_over_row(x, n, [mean](Vec sum, Vec v) { return fma(v - mean, v - mean, sum); });
  const float factor = 1.0f / __builtin_sqrtf(squares / float(n) + p.eps);
  // Copies: for all the compiler knows, the stores could change p.
  const float* scale = p.scale;
  const float* bias = p.bias;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Vec y = (load(x + i) - mean) * factor;
    if (scale) y *= load(scale + i);
    if (bias) y += load(bias + i);
    store(result + i, y);
  }
  for (; i < n; ++i) {
    float y = (x[i] - mean) * factor;
    if (scale) y *= scale[i];
    if (bias) y += bias[i];
    result[i] = y;
  }
}

static const RowTarget rows = {scaled_sum, norm_row, multiply_small};

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
