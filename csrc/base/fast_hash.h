// A quick 64-bit hash of bytes for tables within one process: not for identities, which BLAKE3 makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pycircuit {

inline uint64_t mix_words(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t fast_hash(const void* data, size_t size) {
  constexpr uint64_t kFirst = 0x9e3779b97f4a7c15u, kSecond = 0xd1b54a32d192ed03u;
  const auto* from = static_cast<const unsigned char*>(data);
  const auto word = [](const unsigned char* at, size_t count) {
    uint64_t value = 0;
    std::memcpy(&value, at, count);
    return value;
  };
  uint64_t hash = size * kFirst;
  for (; size > 16; from += 16, size -= 16) hash = mix_words(word(from, 8) ^ kFirst ^ hash, word(from + 8, 8) ^ kSecond);
  const size_t low = size < 8 ? size : 8;
  return mix_words(mix_words(word(from, low) ^ kFirst ^ hash, word(from + low, size - low) ^ kSecond), kFirst);
}

}  // namespace pycircuit
