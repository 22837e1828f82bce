// One node line of text taken apart (spec 05, section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "shape/shape.h"

namespace pycircuit {

// A label inside one text: a number or a quoted string. `7` and `'7'` differ.
using Ident = std::variant<uint64_t, std::string>;
PayloadValue ident_payload(const Ident& ident);
std::string to_text(const Ident& ident);

struct LineShape {
  Shape sizes;
  NamedAxes axis_names;
};

// Views point into the text that was read.
struct NodeLine {
  std::string_view line;  // without the base indentation
  Ident ident;
  std::optional<std::string> name;  // the second quoted string
  bool autoname_disabled = false;
  std::optional<LineShape> shape;
  std::optional<std::string_view> variant;
  std::optional<std::string_view> info;
  std::optional<std::string_view> binding;  // between `!` and the comment, trimmed

  bool is_bare() const { return !name && !autoname_disabled && !shape && !variant && !info; }
};

// Reads a line whose content (the identifier) starts at byte `start` of `line`. ParseCircuitRegexDidntMatch, RuntimeError for a number
// beyond 64 bits, errors of sizes and axis names.
NodeLine parse_node_line(std::string_view line, size_t start);

// What the name parts of a line must look like, for messages and the `regex_string` of payloads.
extern const std::string_view kNodeLineForm;

}  // namespace pycircuit
