#include "text/color.h"

#include <array>
#include <unordered_map>

#include "shape/shape.h"

namespace pycircuit {
namespace {

constexpr uint8_t kColorCount = 14;
constexpr std::array<std::string_view, 7> kNames = {"Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White"};
constexpr std::array<int, kColorCount> kCodes = {31, 32, 33, 34, 35, 36, 90, 91, 92, 93, 94, 95, 96, 97};
// Of the first six names.
constexpr std::array<std::string_view, 6> kHtml = {"rgb(222,56,43)", "rgb(57,181,74)",  "rgb(255,199,6)",
                                                   "rgb(0,111,184)", "rgb(118,38,113)", "rgb(44,181,233)"};
constexpr uint8_t kRed = 0, kGreen = 1, kYellow = 2, kBlue = 3, kCyan = 5;

std::string hsl(uint64_t hue) { return "hsl(" + std::to_string(hue) + ", 90%, 60%)"; }

std::optional<std::string> html_of(CliColor color) { return color ? std::optional(std::string(kHtml[*color])) : std::nullopt; }

}  // namespace

CliColor cli_color_of_number(uint64_t number) { return static_cast<uint8_t>(number % kColorCount); }

uint8_t cli_color_of_name(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<uint8_t>(i);
  fail(ErrorId::RuntimeError,
       "unknown color name " + std::string(name) + "; expected one of Red, Green, Yellow, Blue, Magenta, Cyan, White, or a number");
}

std::string cli_color_text(CliColor color) {
  if (!color) return "None";
  return *color < kNames.size() ? std::string(kNames[*color]) : std::to_string(*color);
}

void append_color_start(std::string& out, CliColor color) {
  if (color) out += "\x1b[" + std::to_string(kCodes[*color]) + "m";
}

void append_color_end(std::string& out, CliColor color) {
  if (color) out += "\x1b[0m";
}

std::string colored(std::string_view text, CliColor color) {
  std::string out;
  append_color_start(out, color);
  out += text;
  append_color_end(out, color);
  return out;
}

std::string without_escape_codes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      size_t end = i + 2;
      while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == ';')) ++end;
      if (end < text.size() && ((text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z')) {
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

CliColor size_color(const NodePtr& node) {
  const uint64_t size = numel_saturating(node->shape());
  if (size == UINT64_MAX) return kMagenta;
  if (size > 10'000'000'000) return kRed;
  if (size > 300'000'000) return kYellow;
  if (size > 300'000) return kGreen;
  return std::nullopt;
}

CliColor computability_color(const NodePtr& node) {
  if (!node->can_be_sampled()) return kGreen;
  if (!node->is_explicitly_computable()) return kYellow;
  return std::nullopt;
}

CliColor type_color(const NodePtr& node) {
  switch (node->kind()) {
    case Kind::Einsum:
    case Kind::Conv:
    case Kind::Module:
      return 11;
    case Kind::Array:
    case Kind::Tag:
      return 6;
    case Kind::Symbol:
    case Kind::Scatter:
      return 2;
    case Kind::Scalar:
    case Kind::GeneralFunction:
      return 4;
    case Kind::Add:
      return 12;
    case Kind::Rearrange:
      return 1;
    case Kind::Index:
    case Kind::Cumulant:
      return 7;
    case Kind::Concat:
    case Kind::StoredCumulantVar:
      return 8;
    case Kind::SetSymbolicShape:
      return 5;
    case Kind::DiscreteVar:
      return 13;
  }
  return std::nullopt;
}

CliColor hash_color(const NodePtr& node) { return cli_color_of_number(node->hash().first_u64()); }

std::optional<std::string> html_size_color(const NodePtr& node) { return html_of(size_color(node)); }
std::optional<std::string> html_computability_color(const NodePtr& node) { return html_of(computability_color(node)); }

std::optional<std::string> html_type_color(const NodePtr& node) {
  switch (node->kind()) {
    case Kind::Einsum:
      return html_of(kRed);
    case Kind::Array:
      return html_of(kMagenta);
    case Kind::Add:
      return html_of(kGreen);
    case Kind::GeneralFunction:
      return html_of(kBlue);
    case Kind::Concat:
      return html_of(kYellow);
    case Kind::DiscreteVar:
      return html_of(kCyan);
    case Kind::Symbol:
      return hsl(320);
    case Kind::Scalar:
    case Kind::Scatter:
      return hsl(280);
    case Kind::Rearrange:
    case Kind::Conv:
      return hsl(100);
    case Kind::Index:
      return hsl(260);
    case Kind::Module:
      return hsl(20);
    case Kind::SetSymbolicShape:
      return hsl(220);
    case Kind::Tag:
      return hsl(80);
    case Kind::StoredCumulantVar:
      return hsl(0);
    case Kind::Cumulant:
      return hsl(340);
  }
  return std::nullopt;
}

std::optional<std::string> html_hash_color(const NodePtr& node) { return hsl(20 * (node->hash().first_u64() % 18)); }

Colorer circuit_set_colorer(const std::vector<std::pair<CliColor, NodePtrs>>& sets) {
  auto colors = std::make_shared<std::unordered_map<uint64_t, CliColor>>();
  NodePtrs kept;  // so that their ids stay theirs
  for (const auto& [color, nodes] : sets)
    for (const auto& node : nodes)
      if (colors->emplace(node->id(), color).second) kept.push_back(node);
  return [colors, kept](const NodePtr& node) -> CliColor {
    const auto found = colors->find(node->id());
    return found == colors->end() ? std::nullopt : found->second;
  };
}

}  // namespace pycircuit
