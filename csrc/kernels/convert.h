// float16 and bfloat16 to float32 and back (round to nearest, ties to even), one element at a time.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/element.h"

namespace pycircuit::kernels {

inline int64_t element_size(Element element) { return element == Element::float32 ? 4 : 2; }

inline const char* element_at(const void* data, Element element, int64_t index) {
  return static_cast<const char*>(data) + index * element_size(element);
}
inline char* element_at(void* data, Element element, int64_t index) { return static_cast<char*>(data) + index * element_size(element); }

inline float float_of_half(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16;
  const uint32_t rest = half & 0x7fff;
  if (rest >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // Multiplying by 2^112 moves the exponent and makes subnormals normal.
  const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

inline uint16_t half_of_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  const uint32_t rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00;
  if (rest >= 0x477ff000) return sign | 0x7c00;  // 65520 and above
  if (rest < 0x38800000) {                       // below 2^-14: adding 0.5 rounds to a multiple of 2^-24
    const float magnitude = std::bit_cast<float>(rest) + 0.5f;
    return sign | uint16_t(std::bit_cast<uint32_t>(magnitude) - 0x3f000000);
  }
  const uint32_t rounded = rest + 0xfff + (rest >> 13 & 1);
  return sign | uint16_t((rounded - 0x38000000) >> 13);
}

inline float float_of_bfloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

inline uint16_t bfloat_of_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float load_element(const void* data, Element element, int64_t index) {
  if (element == Element::float32) return static_cast<const float*>(data)[index];
  const uint16_t bits = static_cast<const uint16_t*>(data)[index];
  return element == Element::float16 ? float_of_half(bits) : float_of_bfloat(bits);
}

inline void store_element(void* data, Element element, int64_t index, float value) {
  if (element == Element::float32) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<uint16_t*>(data)[index] = element == Element::float16 ? half_of_float(value) : bfloat_of_float(value);
  }
}

}  // namespace pycircuit::kernels
