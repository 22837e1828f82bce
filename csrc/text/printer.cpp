#include "text/printer.h"

#include <unordered_set>

#include "base/interrupt.h"
#include "base/text.h"
#include "circuit/nodes/all.h"
#include "match/context.h"
#include "match/pair_table.h"
#include "text/line_text.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

// What printing knows about a node.
struct NodeState {
  const Node* node = nullptr;
  bool shares_name = false;  // with another node of the printed circuits
  bool printed = false;
  bool numbered = false;
  uint64_t number = 0;
};

// Every node of the printed circuits, symbols of bindings and nodes below references included.
class NodeStates {
 public:
  void add_all(const NodePtrs& roots) {
    for (const auto& root : roots) add(root.get());
    for (size_t i = 0; i < states_.size(); ++i) {
      if (i % 4096 == 0) poll_interrupt();
      const Node& node = *states_[i].node;
      for (const auto& child : node.children()) add(child.get());
      if (const auto* module = node.as<Module>())
        for (const auto& arg_spec : module->arg_specs()) add(arg_spec.symbol.get());
    }
    std::unordered_map<std::string_view, NodeState*> first;
    first.reserve(states_.size());
    for (NodeState& state : states_) {
      if (!state.node->name()) continue;
      const auto [entry, is_new] = first.try_emplace(*state.node->name(), &state);
      if (!is_new) state.shares_name = entry->second->shares_name = true;
    }
  }

  NodeState& operator[](const Node& node) { return states_[numbers_.find(node.id(), 0)]; }

 private:
  void add(const Node* node) {
    if (numbers_.insert(node->id(), 0).second) states_.push_back({node});
  }

  PairTable numbers_;
  std::vector<NodeState> states_;
};

class Printer {
 public:
  Printer(const PrintOptions& options, const NodePtrs& roots) : options_(options), roots_(roots) {
    corner_ = options.leaves_on_top ? "┌" : "└";
    for (const auto& [node, key] : options.reference_circuits.items()) reference_keys_.insert(key);
    states_.add_all(roots);
  }

  std::string run() {
    for (const auto& root : roots_) print_tree(root);
    return options_.leaves_on_top ? reversed_lines() : std::move(out_);
  }

 private:
  // A node whose children are being printed.
  struct Frame {
    const Node* node;
    size_t next;
    size_t prefix_size;  // of the columns that its children's lines share
  };
  // Parallel to the frames where there is a traversal.
  struct TraversalFrame {
    IterativeMatcher from;
    MatchStep step;
  };

  void print_tree(const NodePtr& root) {
    prefix_.clear();
    begin_line();
    if (print_occurrence(root, nullptr, 0, options_.traversal)) begin_children(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      prefix_.resize(frame.prefix_size);
      const std::vector<uint32_t>* order = options_.seen_children_same_line ? &orders_.back() : nullptr;
      const size_t count = order ? order->size() : frame.node->num_children();
      if (frame.next == count) {
        end_children();
        continue;
      }
      const size_t index = order ? (*order)[frame.next] : frame.next;
      const bool last = ++frame.next == count;
      print_child(*frame.node, index, last);
    }
  }

  void print_child(const Node& parent, size_t index, bool last) {
    const NodePtr& child = parent.child(index);
    MaybeMatcher state;
    if (options_.traversal) state = traversals_.back().step.child(index, traversals_.back().from);
    const bool below = options_.only_child_below && parent.num_children() == 1;
    begin_line();
    out_ += prefix_;
    if (below) {
      out_ += "▼";
      begin_line();
      out_ += prefix_;
    } else if (options_.arrows) {
      out_ += last ? corner_ : "├";
      out_ += "‣";
    } else {
      out_ += "  ";
    }
    if (!print_occurrence(child, &parent, index, state)) return;
    if (!below) prefix_ += options_.arrows && !last ? "│ " : "  ";
    begin_children(child);
  }

  void begin_children(const NodePtr& node) {
    frames_.push_back({node.get(), 0, prefix_.size()});
    if (!options_.seen_children_same_line) return;
    std::vector<uint32_t> unseen;
    std::string seen;
    for (uint32_t i = 0; i < node->num_children(); ++i) {
      const Node& child = *node->child(i);
      NodeState& state = states_[child];
      if (node->kind() == Kind::Module || !state.printed || options_.reference_circuits.find(child)) {
        unseen.push_back(i);
        continue;
      }
      if (!seen.empty()) seen += "─";
      append_repeat(seen, child, state);
    }
    if (!seen.empty()) {
      begin_line();
      out_ += prefix_;
      if (options_.arrows) {
        out_ += unseen.empty() ? corner_ : "├";
        out_ += "─";
      } else {
        out_ += " ";
        out_ += corner_;
      }
      out_ += seen;
    }
    orders_.push_back(std::move(unseen));
  }

  void end_children() {
    frames_.pop_back();
    if (options_.seen_children_same_line) orders_.pop_back();
    if (options_.traversal) traversals_.pop_back();
  }

  void begin_line() {
    if (++lines_ > 1) out_ += '\n';
    if (options_.leaves_on_top) line_starts_.push_back(out_.size());
    if (lines_ % 1024 == 0) poll_interrupt();
  }

  // The line of an occurrence without what stands before it. Whether children are to follow; then the traversal has a frame for them.
  bool print_occurrence(const NodePtr& node, const Node* parent, size_t index, const MaybeMatcher& traversal_state) {
    const bool is_reference = options_.reference_circuits.find(*node) != nullptr;
    NodeState& state = states_[*node];
    const bool in_full = !is_reference && (options_.number_leaves || !state.printed);
    const CliColor color = options_.colorer ? options_.colorer(node) : std::nullopt;
    append_color_start(out_, color);
    append_node(out_, node);
    append_color_end(out_, color);
    if (parent && index > 0 && parent->kind() == Kind::Module) append_binding(static_cast<const Module&>(*parent).arg_specs()[index - 1]);

    bool expand = in_full && node->num_children() > 0;
    if (in_full && options_.traversal) {
      std::optional<MatchStep> step;
      if (traversal_state) step = traversal_state->match_iterate(node, context_);
      if (expand && (!step || step->finished())) {
        expand = false;
        out_ += " ...";
      }
      if (expand) traversals_.push_back({*traversal_state, std::move(*step)});
    }
    append_comments(node, parent, index, !expand);
    return expand;
  }

  // Reference, repeat or definition.
  void append_node(std::string& out, const NodePtr& node) {
    if (const std::string* key = options_.reference_circuits.find(*node)) return append_name(out, *key, options_.bijection);
    NodeState& state = states_[*node];
    if (state.printed && !options_.number_leaves) return append_repeat(out, *node, state);
    const Name& name = node->name();
    if (!state.printed && (!name || state.shares_name || options_.force_use_serial_numbers || reference_keys_.count(*name))) {
      state.numbered = true;
      state.number = next_number_++;
    }
    state.printed = true;
    if (state.numbered) out += std::to_string(state.number);
    if (name) {
      if (state.numbered) out += ' ';
      append_name(out, *name, options_.bijection);
    }
    append_line_info(out, node, options_);
  }

  void append_repeat(std::string& out, const Node& node, const NodeState& state) const {
    if (state.numbered) {
      out += std::to_string(state.number);
      out += ' ';
    }
    if (node.name()) {
      append_name(out, *node.name(), options_.bijection);
    } else {
      out += kind_name(node.kind());
    }
  }

  void append_binding(const ModuleArgSpec& arg_spec) {
    out_ += " ! ";
    append_node(out_, arg_spec.symbol);
    out_ += flags_text(arg_spec);
  }

  void append_comments(const NodePtr& node, const Node* parent, size_t index, bool is_leaf) {
    if (options_.comment_arg_names && parent) append_comment(argument_name(*parent, index));
    if (options_.number_leaves && is_leaf) append_comment(colored(std::to_string(next_leaf_++), kMagenta));
    for (const auto& commenter : options_.commenters) append_comment(one_line(commenter(node)));
  }

  void append_comment(std::string_view comment) {
    if (comment.empty()) return;
    out_ += " # ";
    out_ += comment;
  }

  std::string reversed_lines() const {
    std::string reversed;
    reversed.reserve(out_.size());
    size_t end = out_.size();
    for (size_t i = line_starts_.size(); i-- > 0;) {
      if (i + 1 != line_starts_.size()) reversed += '\n';
      reversed.append(out_, line_starts_[i], end - line_starts_[i]);
      end = line_starts_[i] - 1;
    }
    return reversed;
  }

  const PrintOptions& options_;
  const NodePtrs& roots_;
  std::string_view corner_;
  std::unordered_set<std::string_view> reference_keys_;
  NodeStates states_;
  MatchContext context_;

  std::string out_;
  std::string prefix_;
  size_t lines_ = 0;
  std::vector<size_t> line_starts_;  // where the lines will be reversed
  std::vector<Frame> frames_;
  std::vector<TraversalFrame> traversals_;
  std::vector<std::vector<uint32_t>> orders_;  // children not collected on one line, parallel to the frames
  uint64_t next_number_ = 0;
  uint64_t next_leaf_ = 0;
};

}  // namespace

std::string print_text(const PrintOptions& options, const NodePtrs& circuits) { return Printer(options, circuits).run(); }

std::string argument_name(const Node& parent, size_t child) {
  switch (parent.kind()) {
    case Kind::Einsum: {
      std::string labels;
      for (const Label label : parent.as<Einsum>()->input_labels()[child]) labels += label_text(label);
      return labels;
    }
    case Kind::DiscreteVar:
      return child == 0 ? "Values" : "Probs and Group";
    case Kind::Conv:
      return child == 0 ? "Input" : "Filter";
    case Kind::StoredCumulantVar:
      return "K" + std::to_string(parent.as<StoredCumulantVar>()->cumulant_numbers()[child]);
    case Kind::Module:
      return child == 0 ? "Spec" : "";
    default:
      return "";
  }
}

std::string one_line(std::string_view comment) {
  std::string out;
  out.reserve(comment.size());
  for (size_t i = 0; i < comment.size(); ++i) {
    if (comment[i] == '\r' && i + 1 < comment.size() && comment[i + 1] == '\n') ++i;
    out += comment[i] == '\n' || comment[i] == '\r' ? ' ' : comment[i];
  }
  return out;
}

void append_name(std::string& out, std::string_view name, bool bijection) {
  if (bijection) {
    append_quoted(out, name);
  } else {
    append_free(out, name);
  }
}

std::string flags_text(const ModuleArgSpec& arg_spec) {
  if (arg_spec.batchable && arg_spec.expandable && arg_spec.ban_non_symbolic_size_expand) return "";
  std::string out = " ";
  for (const bool flag : {arg_spec.batchable, arg_spec.expandable, arg_spec.ban_non_symbolic_size_expand}) out += flag ? 't' : 'f';
  return out;
}

}  // namespace pycircuit
