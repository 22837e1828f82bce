#include "text/number_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_number(std::string_view text, std::string_view why) {
  fail(ErrorId::ParseInvalidNumber, "'" + std::string(text) + "' is not a number: " + std::string(why), text, why);
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (i == 0 || text[i] != '_') out += text[i];
  return out;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

// digits [ "." digits ] [ e [sign] digits ] with at least one digit before the exponent.
bool is_decimal(std::string_view text) {
  size_t i = 0, digits = 0;
  const auto skip_digits = [&] {
    const size_t start = i;
    while (i < text.size() && is_ascii_digit(text[i])) ++i;
    return i - start;
  };
  digits += skip_digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    digits += skip_digits();
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (skip_digits() == 0) return false;
  }
  return i == text.size();
}

// Whether a decimal that does not fit a double is too large (else it is too small): by the decimal exponent of its first non-zero digit.
bool is_too_large(std::string_view text) {
  int64_t exponent = 0;
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    const bool negative = digits.front() == '-';
    if (negative || digits.front() == '+') digits.remove_prefix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) return !negative;
    if (negative) exponent = -exponent;
  }
  const std::string_view mantissa = text.substr(0, e);
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  const size_t first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  const int64_t position =
      first < point ? static_cast<int64_t>(point - first) : static_cast<int64_t>(point) - static_cast<int64_t>(first) + 1;
  return exponent + position > 0;
}

}  // namespace

std::string scalar_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, result.ptr - buffer);  // [-]d[.ddd]e[+-]dd
  const size_t e = text.find('e');
  std::string digits, out;
  for (const char c : text.substr(0, e)) {
    if (c == '-') {
      out += '-';
    } else if (c != '.') {
      digits += c;
    }
  }
  int exponent = 0;
  const char* exponent_start = text.data() + e + 1 + (text[e + 1] == '+' ? 1 : 0);
  std::from_chars(exponent_start, text.data() + text.size(), exponent);
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) return out + "0." + std::string(-exponent - 1, '0') + digits;
  if (exponent + 1 >= count) return out + digits + std::string(exponent + 1 - count, '0');
  return out + digits.substr(0, exponent + 1) + "." + digits.substr(exponent + 1);
}

double parse_scalar(std::string_view text) {
  if (text.empty()) fail_number(text, "the text is empty");
  const std::string compact = without_underscores(text);
  std::string_view rest = compact;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  if (equals_ignoring_case(rest, "nan")) return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  if (equals_ignoring_case(rest, "inf") || equals_ignoring_case(rest, "infinity")) {
    value = std::numeric_limits<double>::infinity();
  } else {
    if (!is_decimal(rest)) fail_number(text, "expected decimal digits with an optional sign, point and exponent, or inf, or nan");
    const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (result.ec == std::errc::result_out_of_range) value = is_too_large(rest) ? std::numeric_limits<double>::infinity() : 0.0;
  }
  return negative ? -value : value;
}

int64_t parse_integer(std::string_view text) {
  if (text.empty()) fail_number(text, "the text is empty");
  const std::string compact = without_underscores(text);
  std::string_view rest = compact;
  if (rest.front() == '+') rest.remove_prefix(1);
  const std::string_view digits = !rest.empty() && rest.front() == '-' && rest.size() == compact.size() ? rest.substr(1) : rest;
  if (digits.empty()) fail_number(text, "expected an optional sign and decimal digits");
  for (const char c : digits)
    if (!is_ascii_digit(c)) fail_number(text, "expected an optional sign and decimal digits");
  int64_t value = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (result.ec != std::errc()) fail_number(text, "it does not fit 64 bits");
  return value;
}

}  // namespace pycircuit
