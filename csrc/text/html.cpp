#include "text/html.h"

#include <unordered_map>

#include "base/interrupt.h"
#include "base/text.h"
#include "base/uuid.h"
#include "circuit/nodes/all.h"
#include "match/context.h"
#include "match/pair_table.h"
#include "shape/shape.h"
#include "text/html_assets.h"
#include "text/json.h"
#include "text/line_text.h"
#include "text/printer.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

constexpr size_t kMaxPlainLines = 500;

PrintOptions text_options(const HtmlOptions& options) {
  PrintOptions text;
  text.bijection = false;
  text.shape_only_when_necessary = options.shape_only_when_necessary;
  return text;
}

void append_quoted_free(std::string& out, const std::string& name) {
  out += '\'';
  append_free(out, name);
  out += '\'';
}

std::string line_info(const NodePtr& node, const PrintOptions& options) {
  std::string out;
  append_line_info(out, node, options);
  return out;
}

std::string binding_text(const Node& parent, size_t index) {
  const auto* module = parent.as<Module>();
  if (!module || index == 0) return "";
  const ModuleArgSpec& arg_spec = module->arg_specs()[index - 1];
  if (!arg_spec.symbol->name()) return "";
  std::string out = " ! ";
  append_quoted_free(out, *arg_spec.symbol->name());
  return out + flags_text(arg_spec);
}

// Walks in (node, state) pairs as text printing does: the children of a node get rows unless its new state is finished for all of them.
class View {
 public:
  View(const HtmlOptions& options, const NodePtrs& roots) : options_(options), roots_(roots), text_(text_options(options)) {
    collect();
    open_initially();
  }

  std::string fragment() {
    const std::string id = "pc-" + to_id(Uuid::random());
    std::string out = "<div id=\"" + id + "\" class=\"pycircuit\"><pre>";
    append_html_text(out, plain_text());
    out += "</pre></div>\n<style nonce=\"" + id + "\">";
    append_style(out, id);
    out += "</style>\n<script nonce=\"" + id + "\">\n";
    out += kHtmlScript;
    out += "(\"" + id + "\", ";
    append_data(out);
    out += ");\n</script>\n";
    return out;
  }

 private:
  struct Entry {
    NodePtr node;
    bool expandable = false;
    bool open = false;  // at its first row
    std::string info;
    std::vector<std::string> comments;
    std::optional<std::string> color;
  };

  static std::string to_id(const Uuid& uuid) {
    std::string out;
    for (const char c : uuid.to_string())
      if (c != '-') out += c;
    return out;
  }

  uint32_t entry_of(const NodePtr& node) {
    const auto [index, is_new] = numbers_.insert(node->id(), 0);
    if (is_new) entries_.push_back({node, false, false, line_info(node, text_), {}, std::nullopt});
    return index;
  }

  // The nodes that the page contains, in order of the first visit, with what the callbacks say about them.
  void collect() {
    PairTable visited;
    std::vector<std::pair<NodePtr, MaybeMatcher>> waiting;
    for (size_t i = roots_.size(); i-- > 0;) waiting.emplace_back(roots_[i], options_.overall_traversal.value_or(IterativeMatcher(false)));
    while (!waiting.empty()) {
      const auto [node, state] = std::move(waiting.back());
      waiting.pop_back();
      const uint32_t index = entry_of(node);
      if (index % 1024 == 0) poll_interrupt();
      if (!state || !visited.insert(node->id(), state->id()).second || node->num_children() == 0) continue;
      const MatchStep step = state->match_iterate(node, context_);
      if (step.finished()) continue;
      entries_[index].expandable = true;
      for (size_t i = node->num_children(); i-- > 0;) waiting.emplace_back(node->child(i), step.child(i, *state));
    }
    for (Entry& entry : entries_) {
      entry.color = options_.colorer(entry.node);
      for (const auto& commenter : options_.commenters) {
        std::string comment = commenter(entry.node);
        if (!comment.empty()) entry.comments.push_back(without_escape_codes(one_line(comment)));
      }
    }
  }

  uint32_t index_of(const Node& node) const { return numbers_.find(node.id(), 0); }

  // Rows of nodes that the traversal expands, each at its first row.
  void open_initially() {
    std::vector<bool> seen(entries_.size());
    std::vector<std::pair<uint32_t, MaybeMatcher>> waiting;
    const auto start = options_.traversal.value_or(new_traversal());
    for (size_t i = roots_.size(); i-- > 0;) waiting.emplace_back(index_of(*roots_[i]), start);
    while (!waiting.empty()) {
      const auto [index, state] = std::move(waiting.back());
      waiting.pop_back();
      Entry& entry = entries_[index];
      if (seen[index]) continue;
      seen[index] = true;
      if (!state || !entry.expandable) continue;
      const MatchStep step = state->match_iterate(entry.node, context_);
      if (step.finished()) continue;
      entry.open = true;
      for (size_t i = entry.node->num_children(); i-- > 0;) waiting.emplace_back(index_of(*entry.node->child(i)), step.child(i, *state));
    }
  }

  std::string row_text(const Entry& entry, const Node* parent, size_t index) const {
    std::string out;
    if (entry.node->name()) append_quoted_free(out, *entry.node->name());
    out += entry.info;
    if (is_cut(entry)) out += " ...";
    if (parent && options_.comment_arg_names) {
      const std::string role = argument_name(*parent, index);
      if (!role.empty()) out += " # " + role;
    }
    for (const auto& comment : entry.comments) append_comment(out, comment);
    if (parent) out += binding_text(*parent, index);
    return out;
  }

  static void append_comment(std::string& out, const std::string& comment) {
    out += " # ";
    append_free(out, comment);
  }

  static bool is_cut(const Entry& entry) { return !entry.expandable && entry.node->num_children() > 0; }

  // The initially open tree, for readers that run no scripts.
  std::string plain_text() const {
    struct Row {
      uint32_t entry;
      const Node* parent;
      size_t index, level;
    };
    std::string out;
    std::vector<bool> shown(entries_.size());
    std::vector<Row> waiting;
    for (size_t i = roots_.size(); i-- > 0;) waiting.push_back({index_of(*roots_[i]), nullptr, 0, 0});
    size_t lines = 0, leaves = 0;
    while (!waiting.empty()) {
      if (lines == kMaxPlainLines) return out + "...\n";
      const Row row = waiting.back();
      waiting.pop_back();
      const Entry& entry = entries_[row.entry];
      const bool repeat = shown[row.entry];
      const bool open = entry.open && !repeat;
      shown[row.entry] = true;
      out.append(2 * row.level, ' ');
      out += row_text(entry, row.parent, row.index);
      if (repeat) out += " (repeat)";
      if (options_.number_leaves && !open) out += " # " + std::to_string(leaves++);
      out += '\n';
      ++lines;
      if (!open) continue;
      for (size_t i = entry.node->num_children(); i-- > 0;)
        waiting.push_back({index_of(*entry.node->child(i)), entry.node.get(), i, row.level + 1});
    }
    return out;
  }

  // {"primary", "copy", "leaves", "roots", "colors", "nodes": [[name, shown name, rest, color, hash, children, open, tooltip, comments,
  // roles, bindings], ...]}; missing parts at the end are left out. The script knows the positions.
  void append_data(std::string& out) const {
    out += "{\"primary\":";
    append_json_string(out, without_semicolons(options_.primary_color));
    out += options_.display_copy_button ? ",\"copy\":1" : ",\"copy\":0";
    out += options_.number_leaves ? ",\"leaves\":1" : ",\"leaves\":0";
    out += ",\"roots\":[" + join(roots_, ",", [&](const NodePtr& root) { return std::to_string(index_of(*root)); }) + "]";
    std::unordered_map<std::string, size_t> color_numbers;
    std::string colors, nodes;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (i % 1024 == 0) poll_interrupt();
      const Entry& entry = entries_[i];
      int64_t color = -1;
      if (entry.color) {
        const auto [known, is_new] = color_numbers.try_emplace(without_semicolons(*entry.color), color_numbers.size());
        color = static_cast<int64_t>(known->second);
        if (is_new) {
          if (color) colors += ',';
          append_json_string(colors, known->first);
        }
      }
      if (i) nodes += ",\n";
      append_node(nodes, entry, color);
    }
    out += ",\"colors\":[" + colors + "],\"nodes\":[\n" + nodes + "\n]}";
  }

  void append_node(std::string& out, const Entry& entry, int64_t color) const {
    const Node& node = *entry.node;
    out += '[';
    if (node.name()) {
      std::string shown;
      append_free(shown, *node.name());
      append_json_string(out, *node.name());
      out += ',';
      if (shown == *node.name()) {
        out += '0';
      } else {
        append_json_string(out, shown);
      }
    } else {
      out += "null,0";
    }
    out += ',';
    append_json_string(out, entry.info);
    out += ',' + std::to_string(color) + ",\"" + to_hex(node.hash()) + "\",";
    if (is_cut(entry)) {
      out += '0';  // it has children, but not here
    } else {
      out += '[' + join(node.children(), ",", [&](const NodePtr& child) { return std::to_string(index_of(*child)); }) + ']';
    }
    out += entry.open ? ",1," : ",0,";
    append_json_string(out, tooltip(node));
    append_strings(out, entry.comments.size(), [&](size_t i) {
      std::string text;
      append_free(text, entry.comments[i]);
      return text;
    });
    const size_t count = is_cut(entry) ? 0 : node.num_children();
    append_strings(out, options_.comment_arg_names ? count : 0, [&](size_t i) { return argument_name(node, i); });
    append_strings(out, count, [&](size_t i) { return binding_text(node, i); });
    out += ']';
  }

  // ",[...]", or ",0" where all are empty.
  template <class Text>
  static void append_strings(std::string& out, size_t count, Text&& text) {
    std::string list;
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      const std::string item = text(i);
      any |= !item.empty();
      if (i) list += ',';
      append_json_string(list, item);
    }
    out += any ? ",[" + list + "]" : ",0";
  }

  static std::string tooltip(const Node& node) {
    return to_text(node.shape()) + " " + (node.device_dtype().dtype ? std::string(to_text(*node.device_dtype().dtype)) : "any dtype") +
           ", " + numel(node.shape()).to_string() + " elements";
  }

  static std::string without_semicolons(std::string text) {
    std::erase(text, ';');
    return text;
  }

  const HtmlOptions& options_;
  const NodePtrs& roots_;
  PrintOptions text_;
  PairTable numbers_;
  std::vector<Entry> entries_;
  MatchContext context_;
};

}  // namespace

std::string html_row_text(const HtmlOptions& options, const NodePtr& node) {
  std::string out;
  if (node->name()) append_quoted_free(out, *node->name());
  append_line_info(out, node, text_options(options));
  return out;
}

std::string html_fragment(const HtmlOptions& options, const NodePtrs& roots) { return View(options, roots).fragment(); }

}  // namespace pycircuit
