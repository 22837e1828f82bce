// How messages quote a value of the user's.
#pragma once

#include <string>
#include <string_view>

#include "python/convert.h"

namespace pycircuit {

// The value's repr; where that raises (a list too deep, a class with a mistake), its class: a message must not hide the error it is for.
std::string shown(py::handle value);
// TypeError: "what: expected ..., got ...".
[[noreturn]] void fail_expected(std::string_view what, std::string_view expected, py::handle got);

}  // namespace pycircuit
