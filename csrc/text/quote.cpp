#include "text/quote.h"

#include "base/text.h"

namespace pycircuit {
namespace {

constexpr bool is_drawing(char32_t c) { return c == U'│' || c == U'└' || c == U'├' || c == U'‣' || c == U'─'; }

constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

bool is_white_space(char32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t white_space_at(std::string_view text, size_t position) {
  if (position >= text.size()) return 0;
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x80) return is_white_space(byte) ? 1 : 0;
  const CodePoint point = decode_utf8(text, position);
  return is_white_space(point.value) ? point.size : 0;
}

size_t blank_at(std::string_view text, size_t position) {
  if (position >= text.size()) return 0;
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x80) return is_white_space(byte) ? 1 : 0;
  const CodePoint point = decode_utf8(text, position);
  return is_white_space(point.value) || is_drawing(point.value) ? point.size : 0;
}

std::string_view trim_blanks(std::string_view text) {
  while (const size_t size = blank_at(text, 0)) text.remove_prefix(size);
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
    if (blank_at(text, start) != text.size() - start) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

void append_quoted(std::string& out, std::string_view name) {
  out += '\'';
  for (const char c : name) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "\\'";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  out += '\'';
}

void append_free(std::string& out, std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool c1_control = c == 0xc2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) >= 0x80 &&
                            static_cast<unsigned char>(name[i + 1]) < 0xa0;
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f || c1_control) {
      const auto value = c1_control ? static_cast<unsigned char>(name[++i]) : c;
      out += "\\x";
      out += kHexDigits[value >> 4];
      out += kHexDigits[value & 15];
    } else {
      out += name[i];
    }
  }
}

std::optional<size_t> scan_quoted(std::string_view text, size_t position, std::string& name) {
  name.clear();
  for (size_t i = position + 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'') return i + 1;
    const char next = c == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\\' || next == '\'') {
      name += next;
      ++i;
    } else if (next == 'n' || next == 'r') {
      name += next == 'n' ? '\n' : '\r';
      ++i;
    } else {
      name += c;
    }
  }
  return std::nullopt;
}

std::optional<size_t> skip_quoted(std::string_view text, size_t position) {
  for (size_t i = position + 1; i < text.size(); ++i) {
    if (text[i] == '\'') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return std::nullopt;
}

}  // namespace pycircuit
