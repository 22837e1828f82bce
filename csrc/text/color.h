// Colours of terminal text and of HTML, and the built-in colorers (spec 06, section 5).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/node.h"

namespace pycircuit {

// Nothing: no colour. Otherwise 0..13.
using CliColor = std::optional<uint8_t>;
constexpr uint8_t kMagenta = 4;

CliColor cli_color_of_number(uint64_t number);     // modulo 14
uint8_t cli_color_of_name(std::string_view name);  // "Red" ... "White"; RuntimeError for others
std::string cli_color_text(CliColor color);        // the name, a number where there is none, "None"
// ESC [ code m; nothing without colour.
void append_color_start(std::string& out, CliColor color);
void append_color_end(std::string& out, CliColor color);
std::string colored(std::string_view text, CliColor color);
// Without escape codes ESC [ ... letter.
std::string without_escape_codes(std::string_view text);

using Colorer = std::function<CliColor(const NodePtr&)>;
using HtmlColorer = std::function<std::optional<std::string>(const NodePtr&)>;

CliColor size_color(const NodePtr& node);
CliColor computability_color(const NodePtr& node);
CliColor type_color(const NodePtr& node);
CliColor hash_color(const NodePtr& node);
std::optional<std::string> html_size_color(const NodePtr& node);
std::optional<std::string> html_computability_color(const NodePtr& node);
std::optional<std::string> html_type_color(const NodePtr& node);
std::optional<std::string> html_hash_color(const NodePtr& node);

// The colour of the first set that contains the node.
Colorer circuit_set_colorer(const std::vector<std::pair<CliColor, NodePtrs>>& sets);

}  // namespace pycircuit
