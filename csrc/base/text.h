// Small text helpers: joining, trimming, UTF-8, numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pycircuit {

// The texts of `items` (by `text(item)`) with `separator` between them.
template <class Items, class Text>
std::string join(const Items& items, std::string_view separator, Text&& text) {
  std::string out;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += separator;
    first = false;
    out += text(item);
  }
  return out;
}

// The same for items that are numbers or already text.
template <class Items>
std::string join(const Items& items, std::string_view separator) {
  return join(items, separator, [](const auto& item) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(item)>>) {
      return std::to_string(item);
    } else {
      return std::string_view(item);
    }
  });
}

// Without ASCII white space (space, \t, \n, \v, \f, \r) at the ends.
std::string_view trim(std::string_view text);
bool is_ascii_space(char c);
bool is_ascii_digit(char c);
// The pieces between occurrences of `separator` (at least one piece, possibly empty); an empty separator never occurs.
std::vector<std::string_view> split(std::string_view text, std::string_view separator);

// One code point of UTF-8 text.
struct CodePoint {
  char32_t value;
  size_t size;  // bytes it takes; at least 1
};
// The code point that starts at `position` (< text.size()). Malformed bytes come back as U+FFFD of size 1; never reads past the end.
CodePoint decode_utf8(std::string_view text, size_t position);
// Appends the UTF-8 form of `code_point`; surrogates and values above U+10FFFF are written as U+FFFD.
void append_utf8(std::string& out, char32_t code_point);
bool is_valid_utf8(std::string_view text);
// Whether the code point is a letter (ASCII exactly; beyond ASCII everything but controls, spaces, punctuation and symbols of the common
// blocks counts, since the core has no Unicode tables).
bool is_letter(char32_t code_point);

// A non-negative decimal number with optional underscores (`1_000`), starting with a digit.
struct ParsedNumber {
  enum class Status { ok, malformed, too_large };
  Status status;
  uint64_t value;  // where ok
};
ParsedNumber parse_decimal(std::string_view text);

}  // namespace pycircuit
