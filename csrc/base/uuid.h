// 16-byte UUIDs: symbols, tags, and the constants of the identity recipe (spec 02, section 3).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pycircuit {

struct Uuid {
  std::array<uint8_t, 16> bytes{};  // in the order in which the text shows them

  friend bool operator==(const Uuid&, const Uuid&) = default;
  friend auto operator<=>(const Uuid&, const Uuid&) = default;

  std::string_view as_bytes() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  // Lower-case hex in groups of 8-4-4-4-12.
  std::string to_string() const;
  // Reads the 8-4-4-4-12 form and 32 digits without dashes, upper or lower case; nothing otherwise.
  static constexpr std::optional<Uuid> parse(std::string_view text);
  // A random (version 4) UUID from the system's entropy source.
  static Uuid random();
};

namespace uuid_detail {

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace uuid_detail

constexpr std::optional<Uuid> Uuid::parse(std::string_view text) {
  const bool dashed = text.size() == 36;
  if (!dashed && text.size() != 32) return std::nullopt;
  Uuid uuid;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = uuid_detail::hex_value(text[i]);
    if (value < 0) return std::nullopt;
    uuid.bytes[digits / 2] = static_cast<uint8_t>(uuid.bytes[digits / 2] * 16 + value);
    ++digits;
  }
  return uuid;
}

// A constant written in the source: `constexpr Uuid kTag = "88fb29e5-c81e-47fe-ae4c-678b22994670"_uuid;` Bad text does not compile.
consteval Uuid operator""_uuid(const char* text, size_t size) { return Uuid::parse(std::string_view(text, size)).value(); }

}  // namespace pycircuit

template <>
struct std::hash<pycircuit::Uuid> {
  size_t operator()(const pycircuit::Uuid& uuid) const noexcept;
};
