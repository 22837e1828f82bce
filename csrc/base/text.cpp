// Text helpers: UTF-8 and numbers.
#include "base/text.h"

namespace pycircuit {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first, last;
};

// Blocks beyond ASCII whose characters are (almost) never letters.
constexpr Range kNotLetters[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},       {0xD7, 0xD7},       {0xF7, 0xF7},
    {0x300, 0x36F},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x2000, 0x2070},   {0x2072, 0x207E},   {0x2080, 0x208E},
    {0x20A0, 0x2101}, {0x2103, 0x2106}, {0x2108, 0x2109}, {0x214A, 0x214D},   {0x2150, 0x2182},   {0x2185, 0x2BFF},
    {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3007, 0x3030}, {0xD800, 0xF8FF},   {0xFE00, 0xFE6F},   {0xFEFF, 0xFF20},
    {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1D7CE, 0x1D7FF}, {0x1F000, 0x1FBFF}, {0xE0000, 0x10FFFF},
};

bool is_continuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

}  // namespace

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_ascii_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  if (!separator.empty()) {
    for (size_t at; (at = text.find(separator)) != text.npos; text.remove_prefix(at + separator.size()))
      pieces.push_back(text.substr(0, at));
  }
  pieces.push_back(text);
  return pieces;
}

CodePoint decode_utf8(std::string_view text, size_t position) {
  const uint8_t lead = static_cast<uint8_t>(text[position]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - position < size) return {kReplacement, 1};
  char32_t value = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[position + i])) return {kReplacement, 1};
    value = (value << 6) | (static_cast<uint8_t>(text[position + i]) & 0x3F);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {kReplacement, 1};
  return {value, size};
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_valid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    // A genuine U+FFFD takes three bytes.
    if (point.value == kReplacement && point.size == 1) return false;
    i += point.size;
  }
  return true;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  for (const Range& range : kNotLetters) {
    if (c >= range.first && c <= range.last) return false;
  }
  return c <= 0x10FFFF;
}

ParsedNumber parse_decimal(std::string_view text) {
  using Status = ParsedNumber::Status;
  if (text.empty() || !is_ascii_digit(text[0])) return {Status::malformed, 0};
  uint64_t value = 0;
  bool overflow = false;
  for (const char c : text) {
    if (c == '_') continue;
    if (!is_ascii_digit(c)) return {Status::malformed, 0};
    overflow |= __builtin_mul_overflow(value, uint64_t{10}, &value);
    overflow |= __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value);
  }
  if (overflow) return {Status::too_large, 0};
  return {Status::ok, value};
}

}  // namespace pycircuit
