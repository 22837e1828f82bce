#include "text/debug_text.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "text/printer.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

constexpr int64_t kMaxMessageLines = 50;

std::optional<uint32_t> end_depth_of_environment() {
  constexpr uint32_t default_depth = 2;
  const char* text = std::getenv("RR_DEBUG_END_DEPTH");
  if (!text) return default_depth;
  const std::string_view value(text);
  std::string lower;
  for (const char c : value) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (lower == "none") return std::nullopt;
  uint32_t depth = 0;
  const auto result = std::from_chars(value.data(), value.data() + value.size(), depth);
  if (!value.empty() && result.ec == std::errc() && result.ptr == value.data() + value.size()) return depth;
  std::fprintf(stderr, "RR_DEBUG_END_DEPTH must be a non-negative integer or None, got '%s'; using %u\n", text, default_depth);
  return default_depth;
}

// Shared, so that printing works on options that stay as they were when it began.
struct DebugOptions {
  std::mutex mutex;
  std::shared_ptr<const PrintOptions> options;
};
DebugOptions& debug_options() {
  static auto& global = *new DebugOptions;
  return global;
}

std::shared_ptr<const PrintOptions> current_options() {
  DebugOptions& global = debug_options();
  const std::lock_guard lock(global.mutex);
  if (!global.options) global.options = std::make_shared<const PrintOptions>(PrintOptions::debug_default(end_depth_of_environment()));
  return global.options;
}

std::string cut(const std::string& text) {
  int64_t lines = 1;
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\n') continue;
    if (++lines == kMaxMessageLines) end = i;  // the last line that is kept makes room for the count of the others
  }
  if (lines <= kMaxMessageLines) return text;
  return text.substr(0, end) + "\n... (" + std::to_string(lines - kMaxMessageLines + 1) + " more lines)";
}

}  // namespace

PrintOptions debug_print_options() { return *current_options(); }

void set_debug_print_options(PrintOptions options) {
  auto replacement = std::make_shared<const PrintOptions>(std::move(options));
  DebugOptions& global = debug_options();
  {
    const std::lock_guard lock(global.mutex);
    global.options.swap(replacement);
  }
  // The old options go here, without the lock: they may hold Python objects.
}

std::string debug_text(const NodePtr& node) { return "<" + print_text(*current_options(), {node}) + ">"; }

std::string debug_text_for_message(const Node& node) {
  try {
    return "<" + cut(print_text(*current_options(), {NodePtr(&node)})) + ">";
  } catch (...) {
    std::string name;
    if (node.name()) append_free(name, *node.name());
    return "<" + name + (name.empty() ? "" : " ") + std::string(kind_name(node.kind())) + ">";
  }
}

}  // namespace pycircuit
