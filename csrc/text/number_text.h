// Numbers in text (spec 05, section 7, and the integers of section 4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pycircuit {

// The shortest digits that read back as the same double, in positional notation: "0.00001", "-0", "inf", "NaN".
std::string scalar_text(double value);
// ParseInvalidNumber for anything but a sign, decimal digits with optional point and exponent, or inf, infinity, nan.
double parse_scalar(std::string_view text);
// An optional sign and decimal digits, with underscores after the first character. ParseInvalidNumber, also where it does not fit.
int64_t parse_integer(std::string_view text);

}  // namespace pycircuit
