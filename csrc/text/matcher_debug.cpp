#include "text/matcher_debug.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/interrupt.h"
#include "base/text.h"
#include "match/explore.h"
#include "text/line_text.h"
#include "text/printer.h"

namespace pycircuit {
namespace {

class MatcherPrinter {
 public:
  MatcherPrinter(const NodePtr& circuit, const IterativeMatcher& matcher, const PrintOptions& options)
      : options_(options), walk_(explore(circuit, matcher)), printed_(walk_.visits.size()) {
    std::unordered_map<std::string, uint64_t> first;
    for (const Visit& visit : walk_.visits) {
      const Node& node = **visit.node;
      if (!node.name()) continue;
      const auto [entry, is_new] = first.emplace(*node.name(), node.id());
      if (!is_new && entry->second != node.id()) shared_names_.insert(*node.name());
    }
  }

  std::string run() {
    std::string prefix;
    print_visit(0, "");
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      if (frame.next == frame.children.size()) {
        stack_.pop_back();
        continue;
      }
      const uint32_t child = frame.children[frame.next++];
      const bool last = frame.next == frame.children.size();
      prefix = frame.prefix;  // `print_visit` may move the frame
      const std::string corner = options_.leaves_on_top ? "┌" : "└";
      const std::string branch = options_.arrows ? (last ? corner : "├") + "‣" : "  ";
      print_visit(child, prefix + branch, prefix + (options_.arrows && !last ? "│ " : "  "));
    }
    if (options_.leaves_on_top) std::reverse(lines_.begin(), lines_.end());
    return join(lines_, "\n");
  }

 private:
  struct Frame {
    std::vector<uint32_t> children;  // visits, in order
    size_t next;
    std::string prefix;  // of the children's lines
  };

  // The visit's line after `start`; the first time, its children are put on the stack.
  void print_visit(uint32_t number, const std::string& start, std::string prefix = "") {
    if (lines_.size() % 1024 == 1023) poll_interrupt();
    const Visit& visit = walk_.visits[number];
    const NodePtr& node = *visit.node;
    std::string line = start;
    const CliColor color = options_.colorer ? options_.colorer(node) : std::nullopt;
    append_color_start(line, color);
    append_identifier(line, *node);
    if (printed_[number]) {
      append_color_end(line, color);
      lines_.push_back(line + "...");
      return;
    }
    printed_[number] = true;
    append_line_info(line, node, options_);
    append_color_end(line, color);
    for (const auto& commenter : options_.commenters)
      if (const std::string comment = one_line(commenter(node)); !comment.empty()) line += " # " + comment;
    if (visit.found) line += " # Found";
    lines_.push_back(line + " # " + one_line(visit.state->text()));
    std::vector<uint32_t> children;
    for (size_t i = 0; i < node->num_children(); ++i)
      if (const uint32_t child = walk_.child(visit, i); child != kNotVisited) children.push_back(child);
    if (!children.empty()) stack_.push_back({std::move(children), 0, std::move(prefix)});
  }

  // The name, after a number where that is needed to tell nodes apart.
  void append_identifier(std::string& line, const Node& node) {
    const Name& name = node.name();
    if (!name || shared_names_.contains(*name) || options_.force_use_serial_numbers) {
      line += std::to_string(numbers_.emplace(node.id(), numbers_.size()).first->second);
      if (name) line += ' ';
    }
    if (name) append_name(line, *name, options_.bijection);
  }

  const PrintOptions& options_;
  const Walk walk_;
  std::vector<bool> printed_;  // by visit
  std::unordered_set<std::string> shared_names_;
  std::unordered_map<uint64_t, uint64_t> numbers_;  // by node id
  std::vector<Frame> stack_;
  std::vector<std::string> lines_;
};

}  // namespace

std::string matcher_debug_text(const NodePtr& circuit, const IterativeMatcher& matcher, const PrintOptions& options) {
  return MatcherPrinter(circuit, matcher, options).run();
}

}  // namespace pycircuit
