// Regular expressions on names (spec 07, 2.2). The engine is supplied from outside: python/ hands down `re`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pycircuit {

class CompiledRegex {
 public:
  virtual ~CompiledRegex() = default;
  // Whether the pattern occurs anywhere in the text.
  virtual bool search(std::string_view text) const = 0;
};
// Compiles `rewritten`; throws RuntimeError, with the user's pattern in the message, where it cannot be compiled.
using RegexCompiler = std::shared_ptr<const CompiledRegex> (*)(const std::string& rewritten, const std::string& pattern);
void install_regex_compiler(RegexCompiler compiler);

class RegexMemo;

class Regex {
 public:
  explicit Regex(std::string pattern, bool escape_dot = true);
  const std::string& pattern() const { return pattern_; }
  bool escape_dot() const { return escape_dot_; }
  // With `escape_dot`, every `\.` of the pattern became `.`, every other `.` became `\.`.
  const std::string& rewritten() const { return rewritten_; }
  // Worked out once per (pattern, text) as long as some Regex of the pattern lives.
  bool found_in(const std::string& text) const;
  // The same for the name of the node with that number, which need not be hashed again.
  bool found_in_name(uint64_t node_id, const std::string& name) const;
  bool operator==(const Regex& other) const { return pattern_ == other.pattern_ && escape_dot_ == other.escape_dot_; }
  std::string to_string() const;

 private:
  std::string pattern_;
  std::string rewritten_;
  bool escape_dot_;
  std::shared_ptr<RegexMemo> memo_;
};

}  // namespace pycircuit
