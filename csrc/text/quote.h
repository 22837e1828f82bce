// Names in text: quoting, free names, and what counts as blank (spec 05, section 2; 06, 2.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pycircuit {

// Unicode white space.
bool is_white_space(char32_t code_point);
// White space and the drawing characters of `arrows` text. The bytes the blank at `position` takes, 0 if there is none.
size_t blank_at(std::string_view text, size_t position);
size_t white_space_at(std::string_view text, size_t position);
// Without blanks at the ends.
std::string_view trim_blanks(std::string_view text);

// 'it\'s': quotes, backslashes, line feeds and carriage returns escaped.
void append_quoted(std::string& out, std::string_view name);
// As it is, but with control characters written as \n, \r, \x1b, so that a line stays a line.
void append_free(std::string& out, std::string_view name);

// Reads a quoted string that starts at `position` (where a quote stands) into `name`. The position after it, nothing if it does not end.
std::optional<size_t> scan_quoted(std::string_view text, size_t position, std::string& name);
// The position after the quoted string at `position`, without reading it.
std::optional<size_t> skip_quoted(std::string_view text, size_t position);

}  // namespace pycircuit
