// JSON text that may stand inside a script element (spec 06, section 10.4).
#pragma once

#include <string>
#include <string_view>

namespace pycircuit {

// A JSON string with <, >, & and the line separators U+2028, U+2029 escaped; malformed UTF-8 comes out as U+FFFD.
void append_json_string(std::string& out, std::string_view text);
// Text of an element: &, <, > escaped.
void append_html_text(std::string& out, std::string_view text);

}  // namespace pycircuit
