#include "text/diff.h"

#include "base/interrupt.h"
#include "match/pair_table.h"
#include "text/line_text.h"
#include "text/printer.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

class Diff {
 public:
  Diff(PrintOptions print, const DiffOptions& options) : print_(std::move(print)), options_(options) { print_.bijection = false; }

  std::string run(const NodePtr& new_circuit, const NodePtr& old_circuit) {
    waiting_.push_back({new_circuit, old_circuit, 0});
    while (!waiting_.empty()) {
      poll_interrupt();
      const Pair pair = std::move(waiting_.back());
      waiting_.pop_back();
      print(pair);
    }
    if (options_.print_legend) append_legend();
    return std::move(out_);
  }

 private:
  struct Pair {
    NodePtr added, removed;  // one may be missing: a surplus child
    size_t depth;
  };

  void print(const Pair& pair) {
    if (!pair.added || !pair.removed) return print_unrelated(pair);
    const bool equal = pair.added->id() == pair.removed->id();
    if (ids_.find(pair.added->id(), pair.removed->id()) != PairTable::kNone) {
      indent(pair.depth);
      append_mark(pair, equal);
      out_ += '\n';
    } else if (equal) {
      ids_.insert(pair.added->id(), pair.removed->id());
      print_same(pair);
    } else if (same_self(pair)) {
      ids_.insert(pair.added->id(), pair.removed->id());
      print_changed(pair);
    } else {
      print_unrelated(pair);
    }
  }

  bool same_self(const Pair& pair) const {
    const auto hash = [&](const Node& node) {
      return node.self_hash(options_.require_child_count_same, options_.require_child_shapes_same, options_.require_name_same);
    };
    return pair.added->kind() == pair.removed->kind() && hash(*pair.added) == hash(*pair.removed);
  }

  void print_same(const Pair& pair) {
    const std::string text = block(pair.added, options_.same.color);
    const size_t first_line = std::min(text.find('\n'), text.size());
    indent(pair.depth);
    out_ += std::string_view(text).substr(0, first_line);
    append_mark(pair, true);
    append_indented(std::string_view(text).substr(first_line), pair.depth);
    out_ += '\n';
  }

  void print_changed(const Pair& pair) {
    indent(pair.depth);
    append_color_start(out_, options_.same_self.color);
    if (pair.added->name()) {
      append_free(out_, *pair.added->name());
      out_ += ' ';
    }
    append_line_info(out_, pair.added, print_);
    append_color_end(out_, options_.same_self.color);
    append_mark(pair, false);
    out_ += '\n';
    const size_t count = std::max(pair.added->num_children(), pair.removed->num_children());
    const auto child = [](const NodePtr& node, size_t i) { return i < node->num_children() ? node->child(i) : NodePtr(); };
    for (size_t i = count; i-- > 0;) waiting_.push_back({child(pair.added, i), child(pair.removed, i), pair.depth + 1});
  }

  void print_unrelated(const Pair& pair) {
    if (pair.added) print_block(pair.added, options_.added.color, pair.depth);
    if (pair.removed) print_block(pair.removed, options_.removed.color, pair.depth);
  }

  void print_block(const NodePtr& node, CliColor color, size_t depth) {
    indent(depth);
    append_indented(block(node, color), depth);
    out_ += '\n';
  }

  // A node in full: a text of its own.
  std::string block(const NodePtr& node, CliColor color) {
    print_.colorer = nullptr;
    if (color) print_.colorer = [color](const NodePtr&) { return color; };
    return print_text(print_, {node});
  }

  void indent(size_t depth) { out_.append(2 * depth, ' '); }

  // Indents all lines but the first.
  void append_indented(std::string_view text, size_t depth) {
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      out_ += text.substr(0, end + 1);
      indent(depth);
    }
    out_ += text;
  }

  void append_mark(const Pair& pair, bool equal) {
    const std::string id = std::to_string(ids_.find(pair.added->id(), pair.removed->id()));
    out_ += colored((equal ? " # same " : " # changed ") + id, equal ? options_.same.color : options_.same_self.color);
  }

  void append_legend() {
    const auto part = [](const DiffColor& color, std::string_view meaning) {
      return colored(color.label + ": " + std::string(meaning), color.color);
    };
    out_ += part(options_.same, "Same as original") + " " + part(options_.same_self, "Children changed") + " " +
            part(options_.added, "New") + " " + part(options_.removed, "Removed") + "\n";
  }

  PrintOptions print_;
  const DiffOptions& options_;
  std::vector<Pair> waiting_;
  PairTable ids_;
  std::string out_;
};

}  // namespace

std::string diff_circuits(const NodePtr& new_circuit, const NodePtr& old_circuit, PrintOptions print, const DiffOptions& options) {
  return Diff(std::move(print), options).run(new_circuit, old_circuit);
}

}  // namespace pycircuit
