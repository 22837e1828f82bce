// Vectors of float32, as wide as the target that the including file is compiled for. Such a file (cpu_avx512.cpp, ...) defines
// PYCIRCUIT_TARGET, a namespace of its own: nothing in it may be an inline function of another namespace that is not sure to be inlined,
// for the linker keeps one copy of those and could keep the one with instructions that the machine lacks.
#ifndef PYCIRCUIT_TARGET
#error "to be included by the files of one target each"
#endif
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "kernels/element.h"

#define PYCIRCUIT_INLINE inline __attribute__((always_inline))

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

typedef float Vec __attribute__((vector_size(kWidth * 4)));
typedef int32_t VecInt __attribute__((vector_size(kWidth * 4)));
typedef uint32_t VecUint __attribute__((vector_size(kWidth * 4)));
typedef double VecDouble __attribute__((vector_size(kWidth * 8)));
typedef uint16_t VecShort __attribute__((vector_size(kWidth * 2)));

constexpr float kInfinity = __builtin_inff();

PYCIRCUIT_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
PYCIRCUIT_INLINE int64_t larger(int64_t a, int64_t b) { return a < b ? b : a; }
PYCIRCUIT_INLINE int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

PYCIRCUIT_INLINE Vec load(const float* from) {
  Vec v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
PYCIRCUIT_INLINE void store(float* to, Vec v) { __builtin_memcpy(to, &v, sizeof v); }
PYCIRCUIT_INLINE Vec splat(float x) { return x - Vec{}; }  // (0 + x would lose the sign of a 0)
PYCIRCUIT_INLINE VecInt bits(Vec v) { return (VecInt)v; }
PYCIRCUIT_INLINE Vec from_bits(VecInt v) { return (Vec)v; }
PYCIRCUIT_INLINE Vec select(VecInt condition, Vec yes, Vec no) { return condition ? yes : no; }

// a * b + c, rounded once where the target can.
PYCIRCUIT_INLINE Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// b where a is NaN.
PYCIRCUIT_INLINE Vec max(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}
PYCIRCUIT_INLINE Vec min(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

PYCIRCUIT_INLINE bool any(VecInt condition) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)condition, (__m512i)condition) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)condition, (__m256i)condition);
#else
  int32_t found = 0;
  for (int lane = 0; lane < kWidth; ++lane) found |= condition[lane];
  return found != 0;
#endif
}

PYCIRCUIT_INLINE float max_of(Vec v) {
  float m = v[0];
  for (int lane = 1; lane < kWidth; ++lane) m = v[lane] > m ? v[lane] : m;
  return m;
}
PYCIRCUIT_INLINE float min_of(Vec v) {
  float m = v[0];
  for (int lane = 1; lane < kWidth; ++lane) m = v[lane] < m ? v[lane] : m;
  return m;
}
PYCIRCUIT_INLINE float sum_of(Vec v) {
  float parts[kWidth];
  store(parts, v);
  for (int half = kWidth / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
  }
  return parts[0];
}

// --- float16 and bfloat16

PYCIRCUIT_INLINE float float_of_half(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16;
  const uint32_t rest = half & 0x7fff;
  if (rest >= 0x7c00) return __builtin_bit_cast(float, sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // Multiplying by 2^112 moves the exponent and makes subnormals normal.
  const float magnitude = __builtin_bit_cast(float, rest << 13) * 0x1p112f;
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(uint32_t, magnitude));
}

// To nearest, ties to even.
PYCIRCUIT_INLINE uint16_t half_of_float(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return uint16_t(sign | 0x7e00);
  if (rest >= 0x477ff000) return uint16_t(sign | 0x7c00);  // 65520 and above
  if (rest < 0x38800000) {                                 // below 2^-14: adding 0.5 rounds to a multiple of 2^-24
    const float magnitude = __builtin_bit_cast(float, rest) + 0.5f;
    return uint16_t(sign | (__builtin_bit_cast(uint32_t, magnitude) - 0x3f000000));
  }
  const uint32_t rounded = rest + 0xfff + (rest >> 13 & 1);
  return uint16_t(sign | (rounded - 0x38000000) >> 13);
}

PYCIRCUIT_INLINE float float_of_bfloat(uint16_t half) { return __builtin_bit_cast(float, uint32_t(half) << 16); }

PYCIRCUIT_INLINE uint16_t bfloat_of_float(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

PYCIRCUIT_INLINE int64_t element_size(Element element) { return element == Element::float32 ? 4 : 2; }
PYCIRCUIT_INLINE const char* element_at(const void* data, Element element, int64_t index) {
  return static_cast<const char*>(data) + index * element_size(element);
}
PYCIRCUIT_INLINE char* element_at(void* data, Element element, int64_t index) {
  return static_cast<char*>(data) + index * element_size(element);
}

PYCIRCUIT_INLINE float load_one(const void* data, Element element, int64_t index) {
  if (element == Element::float32) return static_cast<const float*>(data)[index];
  const uint16_t half = static_cast<const uint16_t*>(data)[index];
  return element == Element::float16 ? float_of_half(half) : float_of_bfloat(half);
}
PYCIRCUIT_INLINE void store_one(void* data, Element element, int64_t index, float value) {
  if (element == Element::float32) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<uint16_t*>(data)[index] = element == Element::float16 ? half_of_float(value) : bfloat_of_float(value);
  }
}

PYCIRCUIT_INLINE Vec load_halves(const uint16_t* from) {
#if defined(__AVX512F__)
  return (Vec)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(__F16C__)
  return (Vec)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  Vec v;
  for (int lane = 0; lane < kWidth; ++lane) v[lane] = float_of_half(from[lane]);
  return v;
#endif
}
PYCIRCUIT_INLINE void store_halves(uint16_t* to, Vec v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
#else
  for (int lane = 0; lane < kWidth; ++lane) to[lane] = half_of_float(v[lane]);
#endif
}
PYCIRCUIT_INLINE Vec load_bfloats(const uint16_t* from) {
  VecShort halves;
  __builtin_memcpy(&halves, from, sizeof halves);
  return (Vec)(__builtin_convertvector(halves, VecUint) << 16);
}
PYCIRCUIT_INLINE void store_bfloats(uint16_t* to, Vec v) {
  const VecUint word = (VecUint)v;
  const VecUint rounded = (word + 0x7fff + (word >> 16 & 1)) >> 16;
  const VecUint result = (v != v) ? (word >> 16 | 0x40) : rounded;
  const VecShort halves = __builtin_convertvector(result, VecShort);
  __builtin_memcpy(to, &halves, sizeof halves);
}

PYCIRCUIT_INLINE Vec load_vec(const void* from, Element element) {
  if (element == Element::float32) return load(static_cast<const float*>(from));
  return element == Element::float16 ? load_halves(static_cast<const uint16_t*>(from)) : load_bfloats(static_cast<const uint16_t*>(from));
}
PYCIRCUIT_INLINE void store_vec(void* to, Element element, Vec v) {
  if (element == Element::float32) return store(static_cast<float*>(to), v);
  return element == Element::float16 ? store_halves(static_cast<uint16_t*>(to), v) : store_bfloats(static_cast<uint16_t*>(to), v);
}

// n elements, `stride` apart, to float32 side by side.
static void load_elements(const void* from, Element element, int64_t stride, int64_t n, float* to) {
  int64_t i = 0;
  if (stride == 1) {
    for (; i + kWidth <= n; i += kWidth) store(to + i, load_vec(element_at(from, element, i), element));
  } else if (stride == 0 && n > 0) {
    const float value = load_one(from, element, 0);
    for (; i < n; ++i) to[i] = value;
  } else if (element == Element::float32) {
    for (; i < n; ++i) to[i] = static_cast<const float*>(from)[i * stride];
  }
  for (; i < n; ++i) to[i] = load_one(from, element, i * stride);
}

static void store_elements(void* to, Element element, int64_t stride, int64_t n, const float* from) {
  int64_t i = 0;
  if (stride == 1) {
    for (; i + kWidth <= n; i += kWidth) store_vec(element_at(to, element, i), element, load(from + i));
  }
  for (; i < n; ++i) store_one(to, element, i * stride, from[i]);
}

// --- Transposing

// The halves of a and b, their elements taken in turns.
PYCIRCUIT_INLINE Vec interleave(Vec a, Vec b, int half) {
  VecInt order;
  for (int lane = 0; lane < kWidth; ++lane) order[lane] = half * (kWidth / 2) + lane / 2 + (lane % 2 ? kWidth : 0);
  return __builtin_shuffle(a, b, order);
}

// kWidth x kWidth, in log2(kWidth) rounds that each interleave row i with row i + kWidth / 2.
PYCIRCUIT_INLINE void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  Vec rows[kWidth];
  Vec next[kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < kWidth; ++i) rows[i] = load(from + i * from_stride);
#pragma GCC unroll 4
  for (int round = 1; round < kWidth; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kWidth / 2; ++i) {
      next[2 * i] = interleave(rows[i], rows[i + kWidth / 2], 0);
      next[2 * i + 1] = interleave(rows[i], rows[i + kWidth / 2], 1);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kWidth; ++i) store(to + i * to_stride, rows[i]);
}

// to[c][r] = from[r][c]. Rows and columns are rounded up to whole vectors: both buffers have room for that.
static void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; r += kWidth) {
    for (int64_t c = 0; c < columns; c += kWidth)
      transpose_block(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
  }
}

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
