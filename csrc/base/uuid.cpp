// UUID text and random UUIDs.
#include "base/uuid.h"

#include <cstring>
#include <random>

namespace pycircuit {

std::string Uuid::to_string() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

Uuid Uuid::random() {
  std::random_device entropy;
  Uuid uuid;
  for (size_t i = 0; i < uuid.bytes.size(); i += 4) {
    const uint32_t word = entropy();
    std::memcpy(uuid.bytes.data() + i, &word, 4);
  }
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0F) | 0x40);  // version 4
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);  // RFC 4122 variant
  return uuid;
}

}  // namespace pycircuit

size_t std::hash<pycircuit::Uuid>::operator()(const pycircuit::Uuid& uuid) const noexcept {
  uint64_t halves[2];
  std::memcpy(halves, uuid.bytes.data(), 16);
  return static_cast<size_t>(halves[0] ^ (halves[1] * 0x9E3779B97F4A7C15ull));
}
