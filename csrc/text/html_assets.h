// Style and script of the HTML view (spec 06, section 10).
#pragma once

#include <string>
#include <string_view>

namespace pycircuit {

// Rules that hold inside the element with this id only.
void append_style(std::string& out, std::string_view id);

// A function expression: called with the container's id and the data.
extern const std::string_view kHtmlScript;

}  // namespace pycircuit
