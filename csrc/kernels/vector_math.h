// Elementary functions of vectors of float32, to about 2 ulp; NaN and infinities as in torch.
#pragma once

#include "kernels/simd.h"

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

PYCIRCUIT_INLINE Vec absolute(Vec x) { return from_bits(bits(x) & 0x7fffffff); }
PYCIRCUIT_INLINE Vec with_sign_of(Vec magnitude, Vec sign) { return from_bits(bits(magnitude) | (bits(sign) & int32_t(0x80000000))); }

PYCIRCUIT_INLINE Vec square_root(Vec x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)x);
#else
  for (int lane = 0; lane < kWidth; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
  return x;
#endif
}

// e^r for r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]; polynomial of Cephes.
PYCIRCUIT_INLINE Vec exp_of_rest(Vec x, Vec n) {
  const Vec r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  Vec p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  return fma(p, r * r, r) + 1.0f;
}

// e^x to 2 ulp for x in [-87.33, 88.02]; the caller sees to the rest (NaN gives NaN). 2^n e^r.
PYCIRCUIT_INLINE Vec exp_in_range(Vec x) {
  const Vec magic = splat(12583039.0f);  // 1.5 * 2^23 + 127: the sum's low bits are n and the bias of exponents
  const Vec shifted = fma(x, splat(1.44269504088896341f), magic);
  const Vec n = shifted - magic;
  const Vec p = exp_of_rest(x, n);
  return p * (Vec)((VecUint)shifted << 23);
}

// e^x for x <= 0, exactly 0 for x below `lowest` (at least -87.33, so that the rest is normal). NaN gives NaN.
PYCIRCUIT_INLINE Vec exp_of_negative(Vec x, Vec lowest) { return select(x < lowest, Vec{}, exp_in_range(x)); }

// e^x for any x; 2^n in two factors, so that subnormal results and those near the largest number are right.
PYCIRCUIT_INLINE Vec exponential(Vec x) {
  const Vec magic = splat(12582912.0f);
  // (min and max give their second argument where x is NaN: the polynomial must see it.)
  const Vec clamped = max(splat(-105.0f), min(splat(90.0f), x));
  const Vec shifted = fma(clamped, splat(1.44269504088896341f), magic);
  const Vec n = shifted - magic;
  const Vec p = exp_of_rest(clamped, n);
#if defined(__AVX512F__)
  return (Vec)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  const VecInt exponent = bits(shifted) - bits(magic);
  const VecInt half = exponent >> 1;
  return p * (Vec)((VecUint)(half + 127) << 23) * (Vec)((VecUint)(exponent - half + 127) << 23);
#endif
}

// ln x; Cephes' polynomial on [sqrt(1/2), sqrt(2)].
PYCIRCUIT_INLINE Vec logarithm(Vec x) {
  const VecInt tiny = x < 1.17549435e-38f;
  const Vec scaled = select(tiny, x * 8388608.0f, x);
  // The exponent relative to sqrt(1/2), and a mantissa in [sqrt(1/2), sqrt(2)).
  const VecInt offset = (VecInt)((VecUint)scaled - 0x3f3504f3u);
  const VecInt exponent = (offset >> 23) - (tiny & 23);
  const Vec f = from_bits((offset & 0x007fffff) + 0x3f3504f3) - 1.0f;
  Vec p = splat(7.0376836292e-2f);
  p = fma(p, f, splat(-1.1514610310e-1f));
  p = fma(p, f, splat(1.1676998740e-1f));
  p = fma(p, f, splat(-1.2420140846e-1f));
  p = fma(p, f, splat(1.4249322787e-1f));
  p = fma(p, f, splat(-1.6668057665e-1f));
  p = fma(p, f, splat(2.0000714765e-1f));
  p = fma(p, f, splat(-2.4999993993e-1f));
  p = fma(p, f, splat(3.3333331174e-1f));
  const Vec square = f * f;
  const Vec e = __builtin_convertvector(exponent, Vec);
  Vec result = fma(square * f, p, e * -2.12194440e-4f);
  result = fma(square, splat(-0.5f), result);
  result = fma(e, splat(0.693359375f), f + result);
  result = select(x == kInfinity, x, result);
  result = select(x == 0.0f, splat(-kInfinity), result);
  return select(x >= 0.0f, result, splat(__builtin_nanf("")));
}

// ln(1 + x) for x in [0, 1].
PYCIRCUIT_INLINE Vec logarithm_of_one_plus(Vec x) {
  const Vec sum = x + 1.0f;
  return logarithm(sum) + (x - (sum - 1.0f)) / sum;
}

// 1 / x to 2 ulp, for x between 1 and 1e9.
PYCIRCUIT_INLINE Vec reciprocal_of_moderate(Vec x) {
#if defined(__AVX512F__)
  const Vec guess = (Vec)_mm512_rcp14_ps((__m512)x);
  return fma(fma(-x, guess, splat(1.0f)), guess, guess);
#else
  return 1.0f / x;
#endif
}

PYCIRCUIT_INLINE Vec sigmoid(Vec x) { return 1.0f / (exponential(-x) + 1.0f); }

PYCIRCUIT_INLINE Vec hyperbolic_tangent(Vec x) {
  const Vec t = absolute(x);
  const Vec s = x * x;
  Vec p = splat(-5.70498872745e-3f);
  p = fma(p, s, splat(2.06390887954e-2f));
  p = fma(p, s, splat(-5.37397155531e-2f));
  p = fma(p, s, splat(1.33314422036e-1f));
  p = fma(p, s, splat(-3.33332819422e-1f));
  const Vec small = fma(p * s, x, x);
  // Beyond 9.1 the result is 1. (min gives its second argument where that is NaN.)
  const Vec capped = min(splat(9.1f), t);
  const Vec large = 1.0f - 2.0f * reciprocal_of_moderate(exp_in_range(capped + capped) + 1.0f);
  return select(t < 0.625f, small, with_sign_of(large, x));
}

// A polynomial near 0, else 1 - e^(polynomial).
PYCIRCUIT_INLINE Vec error_function(Vec x) {
  const Vec t = absolute(x);
  const Vec s = x * x;
  // Beyond 4 the result is 1; further out the exponential would be subnormal, which is slow.
  const Vec u = min(splat(4.0f), t);
  Vec q = fma(splat(-1.72853470e-5f), u, splat(3.83197126e-4f));
  q = fma(q, u * u, fma(splat(-3.88396438e-3f), u, splat(2.42546219e-2f)));
  q = fma(q, u, splat(-1.06777877e-1f));
  q = fma(q, u, splat(-6.34846687e-1f));
  q = fma(q, u, splat(-1.28717512e-1f));
  q = fma(q, u, -u);
  const Vec large = 1.0f - exponential(q);
  Vec p = splat(-5.96761703e-4f);
  p = fma(p, s, splat(4.99119423e-3f));
  p = fma(p, s, splat(-2.67681349e-2f));
  p = fma(p, s, splat(1.12819925e-1f));
  p = fma(p, s, splat(-3.76125336e-1f));
  p = fma(p, s, splat(1.28379166e-1f));
  const Vec small = fma(p, x, x);
  // (Where x is NaN, small is.)
  return select(t > 0.927734375f, with_sign_of(large, x), small);
}

// sin(x + shift * pi / 2), shift 0 or 1. The multiple of pi/2 is taken off in double precision.
PYCIRCUIT_INLINE Vec sine(Vec x, int32_t shift) {
  if (any(~(absolute(x) < 1e6f))) {
    for (int lane = 0; lane < kWidth; ++lane) x[lane] = shift ? __builtin_cosf(x[lane]) : __builtin_sinf(x[lane]);
    return x;
  }
  const Vec magic = splat(12582912.0f);
  const Vec shifted = fma(x, splat(0.63661977236758134f), magic);
  const VecDouble n = __builtin_convertvector(shifted - magic, VecDouble);
  const Vec r = __builtin_convertvector(__builtin_convertvector(x, VecDouble) - n * 1.5707963267948966, Vec);
  const Vec s = r * r;
  Vec p = fma(splat(-1.9515295891e-4f), s, splat(8.3321608736e-3f));
  p = fma(p, s, splat(-1.6666654611e-1f));
  const Vec sin = fma(p * s, r, r);
  Vec q = fma(splat(2.443315711809948e-5f), s, splat(-1.388731625493765e-3f));
  q = fma(q, s, splat(4.166664568298827e-2f));
  const Vec cos = fma(q, s * s, fma(splat(-0.5f), s, splat(1.0f)));
  const VecInt quarter = bits(shifted) + shift;
  return from_bits(bits(select((quarter & 1) != 0, cos, sin)) ^ (VecInt)((VecUint)(quarter & 2) << 30));
}

PYCIRCUIT_INLINE Vec gaussian_distribution(Vec x) { return 0.5f * (error_function(x * 0.70710678118654752f) + 1.0f); }

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
