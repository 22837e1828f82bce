// Asking, comparing and showing matchers; rules from their descriptions.
#include "match/matcher.h"

#include <cstdlib>

#include "base/error.h"
#include "match/context.h"
#include "match/describe.h"
#include "match/rule_table.h"

namespace pycircuit {

bool Matcher::operator()(const NodePtr& node) const {
  MatchContext context;
  return rule_->accepts(node, context);
}
bool Matcher::accepts(const NodePtr& node, MatchContext& context) const { return rule_->accepts(node, context); }
uint64_t Matcher::id() const { return rule_->id(); }
uint64_t Matcher::hash() const { return rule_->hash(); }
bool Matcher::operator<(const Matcher& other) const { return IterativeMatcher(*this) < IterativeMatcher(other); }
std::string Matcher::to_string() const { return rule_->text(); }
bool Matcher::calls_users() const { return rule_->calls_users(); }
void Matcher::validate_matched(const NodePtrs& matched) const { rule_->validate_matched(matched); }

MatchStep IterativeMatcher::match_iterate(const NodePtr& node) const {
  MatchContext context;
  return rule_->advance(node, context);
}
MatchStep IterativeMatcher::match_iterate(const NodePtr& node, MatchContext& context) const { return rule_->advance(node, context); }
uint64_t IterativeMatcher::id() const { return rule_->id(); }
uint64_t IterativeMatcher::hash() const { return rule_->hash(); }
bool IterativeMatcher::operator<(const IterativeMatcher& other) const {
  return std::pair(hash(), id()) < std::pair(other.hash(), other.id());
}
std::string IterativeMatcher::to_string() const { return rule_->text(); }
bool IterativeMatcher::calls_users() const { return rule_->calls_users(); }
void IterativeMatcher::validate_matched(const NodePtrs& matched) const { rule_->validate_matched(matched); }

bool MatchStep::finished() const {
  if (next == Next::finished) return true;
  if (next != Next::per_child || per_child.empty()) return false;
  for (const auto& state : per_child)
    if (state) return false;
  return true;
}

MaybeMatcher MatchStep::child(size_t i, const IterativeMatcher& from) const {
  switch (next) {
    case Next::same:
      return from;
    case Next::finished:
      return std::nullopt;
    case Next::all:
      return for_all;
    case Next::per_child:
      return per_child[i];
  }
  return std::nullopt;
}

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

namespace {
size_t line_width() {
  const char* text = std::getenv("MATCHER_PRINT_SELF_WIDTH");
  const long width = text ? std::strtol(text, nullptr, 10) : 0;
  return width > 0 ? static_cast<size_t>(width) : 80;
}
}  // namespace

std::string list_text(std::string_view open, const std::vector<std::string>& members, std::string_view separator, std::string_view close) {
  size_t width = 0;
  bool several_lines = false;
  for (const auto& member : members) {
    width += member.size() + 3;
    several_lines |= member.find('\n') != std::string::npos;
  }
  const bool one_line = members.empty() || (width < line_width() && !several_lines);
  std::string out(open);
  for (size_t i = 0; i < members.size(); ++i) {
    if (one_line) {
      if (i) out += separator;
      out += members[i];
      continue;
    }
    out += "\n    ";
    for (const char c : members[i]) {
      out += c;
      if (c == '\n') out += "    ";
    }
    if (i + 1 < members.size()) out += separator.substr(0, separator.find_last_not_of(' ') + 1);
  }
  if (!one_line) out += '\n';
  return out += close;
}

IterativeMatcher from_description(std::string_view rule, const std::vector<RuleField>& fields) {
  const auto matchers = [&](size_t i = 0) -> const std::vector<Matcher>& { return std::get<std::vector<Matcher>>(fields.at(i)); };
  const auto states = [&] { return std::get<std::vector<IterativeMatcher>>(fields.at(0)); };
  const auto base = [&] { return std::get<IterativeMatcher>(fields.at(0)); };
  const auto flag = [&](size_t i = 0) { return std::get<bool>(fields.at(i)); };
  const auto depth = [&](size_t i) { return std::get<std::optional<uint32_t>>(fields.at(i)); };
  const auto foreign = [&] { return std::get<std::shared_ptr<const ForeignFunction>>(fields.at(0)); };
  if (rule == "constant") return flag();
  if (rule == "names") return Matcher::names(std::get<std::vector<std::string>>(fields.at(0)));
  if (rule == "kinds") return Matcher::kinds(std::get<std::vector<Kind>>(fields.at(0)));
  if (rule == "circuits") return Matcher::circuits(std::get<NodePtrs>(fields.at(0)));
  if (rule == "regex") return Matcher::regex(std::get<Regex>(fields.at(0)).pattern(), std::get<Regex>(fields.at(0)).escape_dot());
  if (rule == "predicate") return Matcher::predicate(std::dynamic_pointer_cast<const NodePredicate>(foreign()));
  if (rule == "any_found") return Matcher::match_any_found(base());
  if (rule == "any") return Matcher::any(matchers());
  if (rule == "all") return Matcher::all(matchers());
  if (rule == "not") return !matchers().at(0);
  if (rule == "term") return IterativeMatcher::term(flag());
  if (rule == "any_states") return IterativeMatcher::any(states());
  if (rule == "all_states") return IterativeMatcher::all(states());
  if (rule == "function") return IterativeMatcher::function(std::dynamic_pointer_cast<const NodeIteration>(foreign()));
  if (rule == "chain") return IterativeMatcher::chain(states());
  if (rule == "restrict") return restrict_at(base(), flag(1), {depth(2), depth(3)}, matchers(4).at(0), depth(5).value_or(0));
  if (rule == "children") return base().children_matcher(std::get<std::set<uint64_t>>(fields.at(1)));
  if (rule == "module_arg") return base().module_arg_matcher(matchers(1).at(0));
  if (rule == "spec_circuit") return base().spec_circuit_matcher();
  if (rule == "no_module_spec") return base().filter_module_spec();
  fail(ErrorId::ValueError, "unknown matcher rule '" + std::string(rule) + "'");
}

}  // namespace pycircuit
