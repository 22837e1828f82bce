// Text of RearrangeSpec: parsing and printing (spec 03, section 3).
#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "shape/rearrange_spec.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

using IntGroups = RearrangeSpec::IntGroups;

// Reads both sides of a rearrange string; ints are numbered by first appearance.
class Reader {
 public:
  explicit Reader(std::string_view whole) : whole_(whole) {}

  IntGroups read_side(std::string_view side) {
    text_ = side;
    position_ = 0;
    IntGroups groups;
    for (skip_spaces(); !at_end(); skip_spaces()) {
      if (peek() == '(') {
        groups.push_back(read_group());
      } else {
        groups.push_back({read_element()});
      }
    }
    return groups;
  }

  std::vector<OptionalSize> take_sizes() { return std::move(sizes_); }

 private:
  [[noreturn]] void fail_to_match(const std::string& reason) const {
    fail(ErrorId::RearrangeParseFailedToMatchRegex,
         "cannot read the rearrange string '" + std::string(whole_) + "': " + reason +
             "; expected axes such as `a`, `b:3`, `(a b:2)`, `4` on both sides of `->`",
         whole_);
  }

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return text_[position_]; }
  void skip_spaces() {
    while (!at_end() && is_ascii_space(peek())) ++position_;
  }

  Labels read_group() {
    ++position_;
    Labels group;
    for (skip_spaces();; skip_spaces()) {
      if (at_end()) fail_to_match("a parenthesis is not closed");
      if (peek() == ')') break;
      if (peek() == '(') fail_to_match("parentheses cannot be nested");
      group.push_back(read_element());
    }
    ++position_;
    return group;
  }

  Label read_element() {
    const size_t start = position_;
    if (is_ascii_digit(peek())) {
      const Size size = read_size();
      check_boundary(start);
      return new_int(size);
    }
    const std::string_view name = read_name();
    OptionalSize size;
    if (!at_end() && peek() == ':') {
      ++position_;
      if (at_end() || !is_ascii_digit(peek())) fail_to_match("a size must follow directly after the colon of '" + std::string(name) + ":'");
      size = read_size();
    }
    check_boundary(start);
    return named_int(name, size);
  }

  std::string_view read_name() {
    const size_t start = position_;
    while (!at_end()) {
      const CodePoint point = decode_utf8(text_, position_);
      const bool inner =
          position_ > start && (point.value == '_' || (point.value < 0x80 && is_ascii_digit(static_cast<char>(point.value))));
      if (!inner && !is_letter(point.value)) break;
      position_ += point.size;
    }
    if (position_ == start) {
      fail_to_match("unexpected '" + std::string(text_.substr(start, decode_utf8(text_, start).size)) + "'");
    }
    return text_.substr(start, position_ - start);
  }

  // factor ("*" factor)*, starting at a digit.
  Size read_size() {
    const size_t start = position_;
    for (;;) {
      if (at_end() || !is_ascii_digit(peek())) fail_to_match("a number must follow after `*`");
      while (!at_end() && (is_ascii_digit(peek()) || peek() == '_')) ++position_;
      if (!at_end() && peek() == 's') ++position_;
      const size_t end = position_;
      skip_spaces();
      if (at_end() || peek() != '*') {
        position_ = end;
        return parse_size_text(text_.substr(start, end - start));
      }
      ++position_;
      skip_spaces();
    }
  }

  // Names and sizes are set apart by white space or parentheses.
  void check_boundary(size_t start) const {
    if (at_end() || is_ascii_space(peek()) || peek() == '(' || peek() == ')') return;
    const std::string_view after = text_.substr(position_, decode_utf8(text_, position_).size);
    fail_to_match("unexpected '" + std::string(after) + "' after '" + std::string(text_.substr(start, position_ - start)) + "'");
  }

  Label new_int(OptionalSize size) {
    if (sizes_.size() >= kLabelCount) {
      fail(ErrorId::RearrangeParseTooManyAxes, "the rearrange string '" + std::string(whole_) + "' has more than 256 ints", whole_);
    }
    sizes_.push_back(size);
    return static_cast<Label>(sizes_.size() - 1);
  }

  Label named_int(std::string_view name, OptionalSize size) {
    auto found = names_.find(name);
    if (found == names_.end()) found = names_.emplace(name, new_int(std::nullopt)).first;
    OptionalSize& known = sizes_[found->second];
    if (size && known && *size != *known) {
      fail_to_match("'" + std::string(name) + "' has two different sizes, " + size_text(*known) + " and " + size_text(*size));
    }
    if (size) known = size;
    return found->second;
  }

  std::string_view whole_;
  std::string_view text_;
  size_t position_ = 0;
  std::map<std::string_view, Label> names_;
  std::vector<OptionalSize> sizes_;
};

// The names of single-int axes by int; nothing where an axis is not a single int.
bool collect_names(const IntGroups& groups, const NamedAxes& named_axes, std::map<Label, std::string>& names) {
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].size() != 1) return false;
    const auto name = named_axes.find(static_cast<int64_t>(i));
    if (name != named_axes.end()) names[groups[i][0]] = name->second;
  }
  return true;
}

}  // namespace

RearrangeSpec RearrangeSpec::from_string(std::string_view text) {
  const auto sides = split(text, "->");
  if (sides.size() != 2) {
    fail(ErrorId::RearrangeParseArrowIssue, "the rearrange string '" + std::string(text) + "' must contain exactly one `->`", text);
  }
  Reader reader(text);
  IntGroups input = reader.read_side(sides[0]);
  IntGroups output = reader.read_side(sides[1]);
  return with_context([&] { return RearrangeSpec(std::move(input), std::move(output), reader.take_sizes()); },
                      [&] { return "while constructing the RearrangeSpec parsed from '" + std::string(text) + "'"; });
}

std::string RearrangeSpec::to_string(bool size_on_letter, bool use_symbolic, bool show_size_if_present) const {
  LabelSet in_input, in_split_axis;
  for (const Labels& group : input_ints_) {
    for (const Label i : group) {
      in_input.set(i);
      if (group.size() >= 2) in_split_axis.set(i);
    }
  }
  const auto int_text = [&](Label i) {
    const OptionalSize& size = int_sizes_[i];
    const auto text_of_size = [&] { return use_symbolic ? size_text(*size) : std::to_string(*size); };
    if (!in_input[i] && size) return text_of_size();
    const bool with_size = size_on_letter && size && (show_size_if_present || in_split_axis[i]);
    return with_size ? label_text(i) + ":" + text_of_size() : label_text(i);
  };
  const auto side_text = [&](const IntGroups& groups) {
    return join(groups, " ", [&](const Labels& group) {
      const std::string ints = join(group, " ", int_text);
      return group.size() == 1 ? ints : "(" + ints + ")";
    });
  };
  return side_text(input_ints_) + " -> " + side_text(output_ints_);
}

std::optional<std::string> RearrangeSpec::to_fancy_einops_string(const NamedAxes& node_named_axes, const NamedAxes& self_named_axes) const {
  std::map<Label, std::string> names;
  if (!collect_names(input_ints_, node_named_axes, names) || !collect_names(output_ints_, self_named_axes, names)) return std::nullopt;
  std::set<std::string_view> distinct;
  for (const auto& [label, name] : names) {
    if (!distinct.insert(name).second) return std::nullopt;
  }
  // Every int of the input is also in the output.
  for (const Labels& group : output_ints_) {
    if (!names.contains(group[0])) return std::nullopt;
  }
  const auto side_text = [&](const IntGroups& groups) {
    return join(groups, " ", [&](const Labels& group) -> std::string_view { return names.at(group[0]); });
  };
  return side_text(input_ints_) + " -> " + side_text(output_ints_);
}

std::string RearrangeSpec::to_maybe_fancy_einops_string(const NamedAxes& node_named_axes, const NamedAxes& self_named_axes) const {
  auto fancy = to_fancy_einops_string(node_named_axes, self_named_axes);
  return fancy ? std::move(*fancy) : to_string();
}

bool RearrangeSpec::is_text_of_this(std::string_view text) const {
  try {
    return from_string(text).renumbered() == renumbered();
  } catch (const CircuitError&) {
    return false;  // axis names may contain anything, so not every fancy string is a rearrange string
  }
}

}  // namespace pycircuit
