#include "text/node_line.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "shape/symbolic.h"
#include "text/quote.h"

namespace pycircuit {

const std::string_view kNodeLineForm = "<number or 'identifier'> ['name'] [AD] [[sizes]] <Class> [info] [! symbol [flags]] [# comment]";

PayloadValue ident_payload(const Ident& ident) {
  if (const auto* number = std::get_if<uint64_t>(&ident)) return static_cast<int64_t>(*number);
  return std::get<std::string>(ident);
}

std::string to_text(const Ident& ident) {
  if (const auto* number = std::get_if<uint64_t>(&ident)) return std::to_string(*number);
  std::string out;
  append_quoted(out, std::get<std::string>(ident));
  return out;
}

namespace {

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Digits of other scripts (the zeros of the blocks in common use): a number written in them is recognised, and refused.
bool is_foreign_digit(char32_t c) {
  static constexpr std::array<char32_t, 37> zeros = {0x660,  0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66,  0xae6,  0xb66,  0xbe6,  0xc66,
                                                     0xce6,  0xd66,  0xde6,  0xe50,  0xed0,  0xf20,  0x1040, 0x1090, 0x17e0, 0x1810,
                                                     0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
                                                     0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0};
  return std::any_of(zeros.begin(), zeros.end(), [c](char32_t zero) { return c >= zero && c < zero + 10; });
}

class LineScanner {
 public:
  LineScanner(std::string_view line, size_t start) : line_(line), at_(start) { out_.line = line; }

  NodeLine scan() {
    scan_ident();
    if (!rest_is_blank()) {
      if (!skip_separator()) fail_form("something other than a space follows the identifier");
      scan_parts();
      scan_info();
      scan_binding();
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail_form(std::string_view why) const {
    fail(ErrorId::ParseCircuitRegexDidntMatch,
         "cannot read the line '" + std::string(line_) + "': " + std::string(why) + "; expected " + std::string(kNodeLineForm), line_,
         kNodeLineForm);
  }

  char peek(size_t position) const { return position < line_.size() ? line_[position] : '\0'; }

  void scan_ident() {
    if (peek(at_) == '\'') {
      std::string text;
      const auto end = scan_quoted(line_, at_, text);
      if (!end) fail_form("the quote of the identifier is not closed");
      out_.ident = std::move(text);
      at_ = *end;
      return;
    }
    const size_t start = at_;
    bool foreign = false;
    while (at_ < line_.size()) {
      if (is_ascii_digit(line_[at_])) {
        ++at_;
        continue;
      }
      const CodePoint point = decode_utf8(line_, at_);
      if (!is_foreign_digit(point.value)) break;
      foreign = true;
      at_ += point.size;
    }
    if (at_ == start) fail_form("there is no identifier (a number or a quoted string) at the start");
    const std::string_view digits = line_.substr(start, at_ - start);
    uint64_t number = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (foreign || result.ec != std::errc())
      fail(ErrorId::RuntimeError,
           "failed to read the serial number " + std::string(digits) + ": it must consist of ASCII digits and fit 64 bits");
    out_.ident = number;
  }

  // Blanks up to the end or a comment.
  bool rest_is_blank() const {
    size_t position = at_;
    while (const size_t size = blank_at(line_, position)) position += size;
    return position == line_.size() || line_[position] == '#';
  }

  // One plain space at least, then any white space.
  bool skip_separator() {
    if (peek(at_) != ' ') return false;
    while (const size_t size = white_space_at(line_, at_)) at_ += size;
    return true;
  }

  // Whether a part may end at `position`.
  bool is_boundary(size_t position) {
    if (position == line_.size() || line_[position] == '#' || line_[position] == ' ') return true;
    const size_t here = std::exchange(at_, position);
    const bool blank = rest_is_blank();
    at_ = here;
    return blank;
  }

  // Takes a part that ends at `end` if something may end there, with the separator behind it.
  bool take(size_t end) {
    if (!is_boundary(end)) return false;
    at_ = end;
    if (!rest_is_blank()) skip_separator();
    return true;
  }

  void scan_parts() {
    if (peek(at_) == '\'') {
      std::string name;
      const auto end = scan_quoted(line_, at_, name);
      if (end && take(*end)) out_.name = std::move(name);
    }
    if (line_.substr(at_, 2) == "AD" && take(at_ + 2)) out_.autoname_disabled = true;
    if (peek(at_) == '[') scan_shape();
    size_t end = at_;
    while (is_ascii_letter(peek(end))) ++end;
    const std::string_view letters = line_.substr(at_, end - at_);
    if (!letters.empty() && take(end)) out_.variant = letters;
  }

  size_t skip_white_space(size_t position) const {
    while (const size_t size = white_space_at(line_, position)) position += size;
    return position;
  }

  // "2 * 0s": the position after size text that starts at `position`, 0 if none does.
  size_t skip_size(size_t position) const {
    while (true) {
      if (!is_ascii_digit(peek(position))) return 0;
      while (is_ascii_digit(peek(position)) || peek(position) == '_') ++position;
      if (peek(position) == 's') ++position;
      const size_t star = skip_white_space(position);
      if (peek(star) != '*') return position;
      position = skip_white_space(star + 1);
    }
  }

  struct AxisText {
    bool named = false;
    bool blank_before_colon = false;
    std::string_view name, size;
    size_t end = 0;  // after trailing white space; 0: not an axis
  };

  AxisText scan_axis(size_t position) const {
    AxisText axis;
    size_t start = position;
    if (const size_t end = skip_size(start)) {
      const size_t next = skip_white_space(end);
      if (peek(next) == ',' || peek(next) == ']') {
        axis.size = line_.substr(start, end - start);
        axis.end = next;
        return axis;
      }
    }
    size_t name_end = start;
    while (name_end < line_.size() && !white_space_at(line_, name_end) &&
           std::string_view(":[],").find(line_[name_end]) == std::string_view::npos)
      ++name_end;
    const size_t colon = skip_white_space(name_end);
    if (peek(colon) != ':') return axis;
    start = skip_white_space(colon + 1);
    const size_t end = skip_size(start);
    if (!end) return axis;
    axis.named = true;
    axis.blank_before_colon = name_end != colon;
    axis.name = line_.substr(position, colon - position);
    axis.size = line_.substr(start, end - start);
    axis.end = skip_white_space(end);
    return axis;
  }

  void scan_shape() {
    std::vector<AxisText> axes;
    size_t position = skip_white_space(at_ + 1);
    while (peek(position) != ']') {
      const AxisText axis = scan_axis(position);
      if (!axis.end) return;
      axes.push_back(axis);
      position = axis.end;
      if (peek(position) == ',') {
        position = skip_white_space(position + 1);
      } else if (peek(position) != ']') {
        return;
      }
    }
    if (!take(position + 1)) return;
    LineShape shape;
    for (size_t i = 0; i < axes.size(); ++i) {
      shape.sizes.push_back(parse_size_text(axes[i].size));
      if (!axes[i].named) continue;
      if (axes[i].blank_before_colon)
        fail(ErrorId::NamedAxesForbiddenCharacter,
             "axis names must not contain white space, got '" + std::string(axes[i].name) + "' in '" + std::string(line_) + "'",
             axes[i].name);
      shape.axis_names[static_cast<int64_t>(i)] = axes[i].name;
    }
    out_.shape = std::move(shape);
  }

  void scan_info() {
    const size_t end = std::min(line_.find_first_of("!#", at_), line_.size());
    const std::string_view info = trim_blanks(line_.substr(at_, end - at_));
    if (!info.empty()) out_.info = info;
    at_ = end;
  }

  // From `!` to the comment: the first `#` outside quotes and brackets.
  void scan_binding() {
    if (peek(at_) != '!') return;
    const size_t start = at_ + 1;
    size_t position = start;
    while (position < line_.size() && line_[position] != '#') {
      std::optional<size_t> end;
      if (line_[position] == '\'') end = skip_quoted(line_, position);
      if (line_[position] == '[') {
        const size_t bracket = line_.find(']', position);
        if (bracket != std::string_view::npos) end = bracket + 1;
      }
      position = end.value_or(position + 1);
    }
    out_.binding = trim_blanks(line_.substr(start, position - start));
  }

  std::string_view line_;
  size_t at_;
  NodeLine out_;
};

}  // namespace

NodeLine parse_node_line(std::string_view line, size_t start) { return LineScanner(line, start).scan(); }

}  // namespace pycircuit
