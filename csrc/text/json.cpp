#include "text/json.h"

#include <cstdio>

#include "base/text.h"

namespace pycircuit {

void append_json_string(std::string& out, std::string_view text) {
  const auto escape = [&](unsigned value) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", value);
    out += buffer;
  };
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += text[i];
      } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x7f) {
        escape(c);
      } else {
        out += text[i];
      }
      ++i;
      continue;
    }
    const CodePoint point = decode_utf8(text, i);
    if (point.value == 0x2028 || point.value == 0x2029) {
      escape(point.value);
    } else {
      append_utf8(out, point.value);
    }
    i += point.size;
  }
  out += '"';
}

void append_html_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace pycircuit
