// Lines to graphs: indentation, markers, repeats, references and bindings (spec 05, sections 3, 5 and 6).
#include "text/parser.h"

#include <array>

#include "base/interrupt.h"
#include "base/text.h"
#include "tensor/tensor_store.h"
#include "text/build_node.h"
#include "text/node_line.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

constexpr int64_t kTabWidth = 2;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What a line denotes: a circuit known to the parser, or the node that a line of this text defines.
struct Target {
  NodePtr reference;
  uint32_t entry = 0;  // where there is no reference
};

struct Binding {
  Target symbol;
  std::array<bool, 3> flags = {true, true, true};
};

// A definition with what stands below it.
struct Entry {
  Definition definition;
  std::optional<std::string> written_name;
  size_t line_number = 0;
  std::vector<Target> children;
  std::vector<Binding> bindings;  // of a Module: one per child but the first
  NodePtr node;
};

// A line that further lines may stand below.
struct Open {
  enum class Role : uint8_t { definition, repeat, reference };
  uint32_t entry;  // the reference's key is in the target
  uint32_t level;
  Role role;
};

class TextParser {
 public:
  TextParser(const ParserOptions& options, const TensorSource& tensors) : options_(options) {
    from_store_ = !tensors;
    tensor_source_ = tensors ? tensors : [](std::string_view prefix) { return tensor_store().load(prefix); };
    for (const auto& [key, circuit] : options.reference_circuits) references_.emplace(key, circuit);
  }

  NodePtrs parse(std::string_view text) {
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
    read_lines(text);
    load_tensors();
    for (size_t i = 0; i < order_.size(); ++i) {
      if (i % 1024 == 0) poll_interrupt();
      Entry& entry = entries_[order_[i]];
      at_line(entry.line_number, [&] { build(entry); });
    }
    NodePtrs roots;
    for (const Target& target : roots_) roots.push_back(node_of(target));
    return roots;
  }

 private:
  // --- lines

  void read_lines(std::string_view text) {
    for (line_number_ = 1; !text.empty(); ++line_number_) {
      const size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      if (end != std::string_view::npos && !line.empty() && line.back() == '\r') line.remove_suffix(1);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      at_line(line_number_, [&] { read_line(line); });
    }
    close_above(0);
  }

  template <class Body>
  void at_line(size_t number, Body&& body) {
    with_context(std::forward<Body>(body), [&] { return "in line " + std::to_string(number) + " of the text"; });
  }

  static bool is_end_or_comment(std::string_view line, size_t position) { return position == line.size() || line[position] == '#'; }

  static bool is_marker(std::string_view line, size_t position) {
    constexpr std::string_view triangle = "▼", ascii = "\\|/";
    if (line.substr(position, triangle.size()) != triangle && line.substr(position, ascii.size()) != ascii) return false;
    position += 3;
    while (const size_t size = blank_at(line, position)) position += size;
    return is_end_or_comment(line, position);
  }

  void read_line(std::string_view line) {
    size_t start = 0, blanks = 0;
    while (const size_t size = blank_at(line, start)) {
      start += size;
      ++blanks;
    }
    if (is_end_or_comment(line, start)) return;
    if (is_marker(line, start)) {
      marked_ = true;
      return;
    }
    NodeLine node_line = parse_node_line(line, start);
    const uint32_t level = level_of(line, blanks);
    node_line.line = without_base(line);
    add_node_line(std::move(node_line), level);
    marked_ = false;
  }

  std::string_view without_base(std::string_view line) const {
    for (size_t i = 0; i < *base_; ++i) line.remove_prefix(blank_at(line, 0));
    return line;
  }

  // The depth that the indentation says, checked against what is open.
  uint32_t level_of(std::string_view line, size_t blanks) {
    if (!base_) {
      base_ = blanks;
      first_line_ = line;
      if (marked_) fail_indentation(0, 0, line, "the only-child marker has no node above it");
    }
    if (blanks < *base_)
      fail(ErrorId::ParseCircuitLessIndentationThanFirstItem,
           "the line '" + std::string(line) + "' is indented by " + std::to_string(blanks) + ", less than the first line '" +
               std::string(first_line_) + "' with " + std::to_string(*base_),
           blanks, *base_, first_line_, line);
    const size_t spaces = blanks - *base_;
    const size_t levels = open_.empty() ? 0 : open_.back().level + 1;
    const size_t level = spaces / kTabWidth;
    if (spaces % kTabWidth) fail_indentation(spaces, levels, line, "the indentation is odd");
    if (level + (marked_ ? 1 : 0) > levels) fail_indentation(spaces, levels, line, "it is more than one level deeper than the line before");
    return static_cast<uint32_t>(level);
  }

  [[noreturn]] void fail_indentation(size_t spaces, size_t levels, std::string_view line, std::string_view why) const {
    fail(ErrorId::ParseCircuitInvalidIndentation,
         "the line '" + std::string(line) + "' is indented by " + std::to_string(spaces) + ": " + std::string(why) + "; each level takes " +
             std::to_string(kTabWidth),
         spaces, kTabWidth, levels, line);
  }

  // Closes what is open at `level` and deeper.
  void close_above(uint32_t level) {
    while (!open_.empty() && open_.back().level >= level) {
      if (open_.back().role == Open::Role::definition) order_.push_back(open_.back().entry);
      open_.pop_back();
    }
  }

  void add_node_line(NodeLine line, uint32_t level) {
    close_above(marked_ ? level + 1 : level);
    const Open* parent = open_.empty() ? nullptr : &open_.back();
    if (parent) check_may_have_children(*parent, line);
    check_binding(parent, line);
    bool is_new = false;
    const Target target = resolve(line, is_new);
    if (parent) {
      if (line.binding) {
        Binding binding = read_binding(line, entries_[parent->entry].definition.ident);
        entries_[parent->entry].bindings.push_back(std::move(binding));
      }
      entries_[parent->entry].children.push_back(target);
    } else {
      roots_.push_back(target);
    }
    open_.push_back({target.entry, level, target.reference ? Open::Role::reference : is_new ? Open::Role::definition : Open::Role::repeat});
    if (target.reference) open_reference_ = std::get<std::string>(line.ident);
  }

  void check_may_have_children(const Open& parent, const NodeLine& line) const {
    if (parent.role == Open::Role::reference)
      fail(ErrorId::ParseCircuitReferenceCircuitHasChildren,
           "the reference '" + open_reference_ + "' must not have lines below it, got '" + std::string(line.line) + "'", open_reference_,
           line.line);
    if (parent.role == Open::Role::repeat)
      fail(ErrorId::ParseCircuitRepeatedCircuitHasChildren,
           to_text(entries_[parent.entry].definition.ident) + " was defined before; a repeat must not have lines below it, got '" +
               std::string(line.line) + "'",
           ident_payload(entries_[parent.entry].definition.ident), line.line);
  }

  // Whether a binding stands exactly where one belongs.
  void check_binding(const Open* parent, const NodeLine& line) const {
    if (!parent) {
      if (line.binding) fail_no_parent(line, line.line);
      return;
    }
    const Entry& entry = entries_[parent->entry];
    const bool is_argument = entry.definition.kind == Kind::Module && !entry.children.empty();
    if (!is_argument && line.binding)
      fail(ErrorId::ParseCircuitUnexpectedChildInfo,
           "'! " + std::string(*line.binding) + "' stands on the child " + to_text(line.ident) + " of the " +
               std::string(kind_name(entry.definition.kind)) + " " + to_text(entry.definition.ident) +
               ", but only the arguments of a Module (its children but the first) have bindings",
           *line.binding, ident_payload(line.ident), ident_payload(entry.definition.ident),
           opaque<Kind>(entry.definition.kind, std::string(kind_name(entry.definition.kind))));
    if (is_argument && (!line.binding || line.binding->empty()))
      fail(ErrorId::ParseCircuitModuleRequiresInputChildToHaveParentInfo,
           "the argument " + to_text(line.ident) + " of the Module " + to_text(entry.definition.ident) +
               " must end with the symbol that it replaces, such as \"'arg' [2] Scalar 1 ! 'sym' [2] Symbol\"",
           ident_payload(entry.definition.ident), ident_payload(line.ident));
  }

  [[noreturn]] static void fail_no_parent(const NodeLine& line, std::string_view text) {
    fail(ErrorId::ParseCircuitHasParentInfoButNoParent,
         to_text(line.ident) + " has a binding ('!'), but it is not an argument of a Module: '" + std::string(text) + "'",
         ident_payload(line.ident), text);
  }

  // --- identifiers

  [[noreturn]] static void fail_no_class(const NodeLine& line) {
    constexpr std::string_view group = "variant";
    fail(ErrorId::ParseCircuitRegexDidntMatchGroup,
         "there is no readable class in '" + std::string(line.line) + "', the first line with the identifier " + to_text(line.ident) +
             "; expected " + std::string(kNodeLineForm) + ". Often this is a misspelt repeat or reference, or a missing reference circuit",
         group, line.line, kNodeLineForm, 7);
  }

  static Kind readable_kind(std::string_view variant) {
    const auto kind = kind_from_name(variant);
    if (!kind || *kind == Kind::Conv)
      fail(ErrorId::ParseCircuitInvalidVariant,
           "'" + std::string(variant) + "' is not the class of a node that can be read" +
               (kind ? " (a Conv prints without stride and padding)" : ""),
           variant);
    return *kind;
  }

  // The node of a line: a reference, a repeat, or a new entry.
  Target resolve(NodeLine& line, bool& is_new) {
    const auto* text = std::get_if<std::string>(&line.ident);
    if (text && !references_.empty()) {
      const auto reference = references_.find(*text);
      if (reference != references_.end()) {
        if (!line.is_bare())
          fail(ErrorId::ParseCircuitReferenceCircuitNameFollowedByAdditionalInfo,
               "'" + *text + "' is a reference circuit, so nothing but a binding and a comment may follow it: '" + std::string(line.line) +
                   "'",
               *text, line.line);
        return {reference->second, 0};
      }
    }
    const auto next = static_cast<uint32_t>(entries_.size());
    uint32_t known;
    if (text) {
      known = by_text_.try_emplace(*text, next).first->second;
    } else {
      known = by_number_.try_emplace(std::get<uint64_t>(line.ident), next).first->second;
    }
    is_new = known == next;
    if (is_new) {
      add_entry(line);
    } else {
      check_repeat(entries_[known], line);
    }
    return {nullptr, known};
  }

  void add_entry(NodeLine& line) {
    if (!line.variant) fail_no_class(line);
    Entry entry;
    Definition& definition = entry.definition;
    definition.kind = readable_kind(*line.variant);
    entry.written_name = line.name;
    if (line.name) {
      definition.name = std::move(line.name);
    } else if (const auto* text = std::get_if<std::string>(&line.ident)) {
      definition.name = *text;
    }
    definition.ident = line.ident;
    definition.autoname_disabled = line.autoname_disabled;
    definition.shape = std::move(line.shape);
    definition.info = line.info.value_or(std::string_view());
    entry.line_number = line_number_;
    entries_.push_back(std::move(entry));
  }

  void check_repeat(const Entry& entry, const NodeLine& line) const {
    const Definition& old = entry.definition;
    if (line.variant) readable_kind(*line.variant);
    if (!options_.on_repeat_check_info_same) return;
    std::string differences;
    const auto differ = [&](std::string_view part, const std::string& new_text, const std::string& old_text) {
      differences += std::string(part) + " mismatch. new=" + new_text + " != old=" + old_text + "\n";
    };
    const auto quoted = [](std::string_view text) { return "\"" + std::string(text) + "\""; };
    if (line.name && line.name != entry.written_name)
      differ("name", quoted(*line.name), entry.written_name ? quoted(*entry.written_name) : "None");
    if (line.shape && (!old.shape || line.shape->sizes != old.shape->sizes))
      differ("shape", to_text(line.shape->sizes), old.shape ? to_text(old.shape->sizes) : "None");
    if (line.variant && *line.variant != kind_name(old.kind))
      differ("variant", std::string(*line.variant), std::string(kind_name(old.kind)));
    if (line.info && *line.info != old.info) differ("extra", quoted(*line.info), quoted(old.info));
    if (line.autoname_disabled && !old.autoname_disabled) differ("autoname_disabled", "true", "false");
    if (differences.empty()) return;
    fail(ErrorId::ParseCircuitOnCircuitRepeatInfoIsNotSame,
         "the repeat '" + std::string(line.line) + "' differs from the definition of " + to_text(line.ident) + " in line " +
             std::to_string(entry.line_number) + ":\n" + differences,
         ident_payload(line.ident), line.line, differences);
  }

  // --- bindings

  Binding read_binding(const NodeLine& argument, const Ident module) {
    return with_context([&] { return read_binding_text(*argument.binding); },
                        [&] { return "in the symbol of the argument " + to_text(argument.ident) + " of the Module " + to_text(module); });
  }

  Binding read_binding_text(std::string_view text) {
    Binding binding;
    if (text.size() >= 4) {
      const std::string_view letters = text.substr(text.size() - 3);
      if (letters.find_first_not_of("tf") == std::string_view::npos && text[text.size() - 4] == ' ') {
        for (size_t i = 0; i < 3; ++i) binding.flags[i] = letters[i] == 't';
        text = trim_blanks(text.substr(0, text.size() - 4));
      }
    }
    NodeLine line = parse_node_line(text, 0);
    if (line.binding) fail_no_parent(line, text);
    bool is_new = false;
    binding.symbol = resolve(line, is_new);
    if (is_new) {
      order_.push_back(binding.symbol.entry);
      Entry& entry = entries_[binding.symbol.entry];
      if (entry.definition.kind == Kind::Symbol) build(entry);  // at once, so that its errors come first
    }
    return binding;
  }

  // --- tensors and nodes

  void load_tensors() {
    if (from_store_) {
      std::vector<std::string> prefixes;
      for (const uint32_t index : order_)
        visit_stored_tensors(entries_[index].definition, options_, [&](std::string_view prefix) { prefixes.emplace_back(prefix); });
      if (!prefixes.empty()) tensor_store().fetch(prefixes);
    }
    std::string missing;
    size_t count = 0;
    const auto load = [&](const Entry& entry, std::string_view prefix) {
      if (!tensors_.try_emplace(std::string(prefix)).second) return;
      try {
        check_prefix(prefix);
        tensors_[std::string(prefix)] = tensor_source_(prefix);
      } catch (const CircuitError& error) {
        if (error.id() != ErrorId::RuntimeError) throw;
        ++count;
        missing += "\n" + std::string(kind_name(entry.definition.kind)) + " " + to_text(entry.definition.ident) + " in line " +
                   std::to_string(entry.line_number) + ": " + error.what();
      }
    };
    for (const uint32_t index : order_)
      visit_stored_tensors(entries_[index].definition, options_, [&](std::string_view prefix) { load(entries_[index], prefix); });
    if (count)
      fail(ErrorId::RuntimeError,
           std::to_string(count) + (count == 1 ? " tensor" : " tensors") + " of the text cannot be loaded:" + missing);
  }

  static void check_prefix(std::string_view prefix) {
    if (!prefix.empty() && prefix.size() <= 64 && prefix.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos) return;
    fail(ErrorId::RuntimeError, "'" + std::string(prefix) + "' is not the key of a tensor: expected 1 to 64 hex digits");
  }

  const NodePtr& node_of(const Target& target) const { return target.reference ? target.reference : entries_[target.entry].node; }

  // In the order of closing, so that what is not built yet is an ancestor.
  NodePtr built(const Target& target) const {
    const NodePtr& node = node_of(target);
    if (node) return node;
    const Ident& ident = entries_[target.entry].definition.ident;
    fail(ErrorId::ParseCircuitCycle, to_text(ident) + " stands below itself", ident_payload(ident));
  }

  void build(Entry& entry) {
    if (entry.node) return;
    NodePtrs children;
    children.reserve(entry.children.size());
    for (const Target& child : entry.children) children.push_back(built(child));
    std::vector<ArgumentBinding> bindings;
    bindings.reserve(entry.bindings.size());
    for (const Binding& binding : entry.bindings)
      bindings.push_back({built(binding.symbol), binding.flags[0], binding.flags[1], binding.flags[2]});
    entry.node = build_node(entry.definition, std::move(children), bindings, options_,
                            [&](std::string_view prefix) { return tensors_.at(std::string(prefix)); });
  }

  const ParserOptions& options_;
  TensorSource tensor_source_;
  bool from_store_;
  std::unordered_map<std::string_view, NodePtr> references_;

  size_t line_number_ = 0;
  std::optional<size_t> base_;  // indentation of the first node line
  std::string_view first_line_;
  bool marked_ = false;  // an only-child marker stands before the next node line
  std::vector<Open> open_;
  std::string open_reference_;  // key of the reference read last
  std::vector<Target> roots_;

  std::vector<Entry> entries_;
  std::vector<uint32_t> order_;  // children before parents
  std::unordered_map<uint64_t, uint32_t> by_number_;
  std::unordered_map<std::string, uint32_t> by_text_;
  std::unordered_map<std::string, Tensor> tensors_;
};

}  // namespace

NodePtrs parse_circuits(std::string_view text, const ParserOptions& options, const TensorSource& tensors) {
  return TextParser(options, tensors).parse(text);
}

NodePtr parse_circuit(std::string_view text, const ParserOptions& options, const TensorSource& tensors) {
  NodePtrs circuits = parse_circuits(text, options, tensors);
  if (circuits.size() != 1)
    fail(ErrorId::ParseCircuitExpectedOneCircuitGotMultiple,
         "expected a text with one top-level circuit, got " + std::to_string(circuits.size()), circuits.size());
  return std::move(circuits[0]);
}

}  // namespace pycircuit
