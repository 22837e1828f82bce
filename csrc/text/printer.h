// Printing of circuits as text (spec 05, section 8; 06, sections 2 to 5).
#pragma once

#include <string>

#include "circuit/nodes/module.h"
#include "text/print_options.h"

namespace pycircuit {

// Text of zero or more circuits that share numbers and repeats, without a final line feed.
std::string print_text(const PrintOptions& options, const NodePtrs& circuits);

// The role of a child for its parent: an Einsum operand's labels, "Spec", "K1", ...; "" where there is none (4.2).
std::string argument_name(const Node& parent, size_t child);
// Line breaks as one space each, so that a line stays a line.
std::string one_line(std::string_view comment);
// A name as the options write it, quoted or free.
void append_name(std::string& out, std::string_view name, bool bijection);
// " tft", nothing if all are true.
std::string flags_text(const ModuleArgSpec& arg_spec);

}  // namespace pycircuit
