// The rules behind matchers: what a predicate on one node may be (spec 07, section 2), how it validates (6.4) and prints (section 9).
#include <algorithm>
#include <bit>
#include <unordered_set>

#include "base/error.h"
#include "base/text.h"
#include "match/any_found.h"
#include "match/context.h"
#include "match/describe.h"
#include "match/regex.h"
#include "match/rule_table.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_incomplete(std::string_view what, const std::string& matcher, const std::string& found, const std::string& missing) {
  fail(ErrorId::RuntimeError, "Didn't match all " + std::string(what) +
                                  " contained in this matcher: some parts of it found nothing; check them or turn fancy_validate off" +
                                  "\nmatcher: " + matcher + ", found: " + found + ", missing: " + missing);
}

[[noreturn]] void fail_nothing(const std::string& matcher, const NodePtrs& matched) {
  fail(ErrorId::RuntimeError, "This matcher matched nothing: " + matcher + "\ncircuits: " + describe(matched));
}

class ConstantRule final : public PredicateRule {
 public:
  explicit ConstantRule(bool constant) : PredicateRule(field_hash("constant", constant), false, 1), constant_(constant) {}
  bool accepts(const NodePtr&, MatchContext&) const override { return constant_; }
  void validate_matched(const NodePtrs& matched) const override {
    if (!constant_ || matched.empty()) fail_nothing(text(), matched);
  }
  std::string text() const override { return constant_ ? "Always" : "Never"; }
  RuleDescription description() const override { return {"constant", {constant_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const ConstantRule&>(other).constant_ == constant_; }

 private:
  bool constant_;
};

std::string names_text(const std::vector<std::string>& names, bool braces) {
  std::vector<std::string> texts;
  for (const auto& name : names) texts.push_back(quoted(name));
  return braces ? list_text("{", texts, ", ", "}") : texts.front();
}

class NamesRule final : public PredicateRule {
 public:
  explicit NamesRule(std::vector<std::string> sorted) : PredicateRule(hash(sorted), false, 1), names_(std::move(sorted)) {}
  bool accepts(const NodePtr& node, MatchContext&) const override {
    const Name& name = node->name();
    if (!name) return false;
    if (names_.size() == 1) return *name == names_.front();
    return std::binary_search(names_.begin(), names_.end(), *name);
  }
  void validate_matched(const NodePtrs& matched) const override {
    std::unordered_set<std::string_view> present;
    for (const auto& node : matched)
      if (node->name()) present.insert(*node->name());
    std::vector<std::string> found, missing;
    for (const auto& name : names_) (present.contains(name) ? found : missing).push_back(name);
    if (!missing.empty()) fail_incomplete("names", text(), names_text(found, true), names_text(missing, true));
  }
  std::string text() const override { return names_text(names_, names_.size() != 1); }
  RuleDescription description() const override { return {"names", {names_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const NamesRule&>(other).names_ == names_; }

 private:
  static uint64_t hash(const std::vector<std::string>& names) {
    uint64_t hash = field_hash("names");
    for (const auto& name : names) hash = mix(hash, std::hash<std::string>{}(name));
    return hash;
  }
  std::vector<std::string> names_;
};

class KindsRule final : public PredicateRule {
 public:
  explicit KindsRule(uint32_t kinds) : PredicateRule(field_hash("kinds", kinds), false, 1), kinds_(kinds) {}
  static uint32_t bit(Kind kind) { return uint32_t{1} << static_cast<uint32_t>(kind); }
  bool accepts(const NodePtr& node, MatchContext&) const override { return kinds_ & bit(node->kind()); }
  void validate_matched(const NodePtrs& matched) const override {
    uint32_t present = 0;
    for (const auto& node : matched) present |= bit(node->kind());
    if (kinds_ & ~present) fail_incomplete("types", text(), kinds_text(kinds_ & present, true), kinds_text(kinds_ & ~present, true));
  }
  std::string text() const override { return kinds_text(kinds_, std::popcount(kinds_) != 1); }
  RuleDescription description() const override { return {"kinds", {kinds_of(kinds_)}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const KindsRule&>(other).kinds_ == kinds_; }

 private:
  static std::vector<Kind> kinds_of(uint32_t kinds) {
    std::vector<Kind> out;
    for (int i = 0; i < kNumKinds; ++i)
      if (kinds & bit(static_cast<Kind>(i))) out.push_back(static_cast<Kind>(i));
    return out;
  }
  static std::string kinds_text(uint32_t kinds, bool braces) {
    std::vector<std::string> names;
    for (const Kind kind : kinds_of(kinds)) names.emplace_back(kind_name(kind));
    return braces ? list_text("{", names, ", ", "}") : names.front();
  }
  uint32_t kinds_;
};

std::string circuits_text(const NodePtrs& circuits, bool braces) {
  std::vector<std::string> texts;
  for (const auto& node : circuits) {
    const std::string name = node->name() ? "'" + *node->name() + "'" : "None";
    texts.push_back(name + " " + std::string(kind_name(node->kind())) + " " + to_hex(node->hash()).substr(0, 6));
  }
  return braces ? list_text("{", texts, ", ", "}") : texts.front();
}

class CircuitsRule final : public PredicateRule {
 public:
  // In the order of circuits, without repeats.
  explicit CircuitsRule(NodePtrs circuits) : PredicateRule(hash(circuits), false, 1), circuits_(std::move(circuits)) {
    for (const auto& node : circuits_) ids_.insert(node->id());
  }
  bool accepts(const NodePtr& node, MatchContext&) const override { return ids_.contains(node->id()); }
  void validate_matched(const NodePtrs& matched) const override {
    std::unordered_set<uint64_t> present;
    for (const auto& node : matched) present.insert(node->id());
    NodePtrs found, missing;
    for (const auto& node : circuits_) (present.contains(node->id()) ? found : missing).push_back(node);
    if (!missing.empty()) fail_incomplete("circuits", text(), circuits_text(found, true), circuits_text(missing, true));
  }
  std::string text() const override { return circuits_text(circuits_, circuits_.size() != 1); }
  RuleDescription description() const override { return {"circuits", {circuits_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const CircuitsRule&>(other).ids_ == ids_; }

 private:
  static uint64_t hash(const NodePtrs& circuits) {
    uint64_t hash = field_hash("circuits");
    for (const auto& node : circuits) hash = mix(hash, node->hash().first_u64());
    return hash;
  }
  NodePtrs circuits_;
  std::unordered_set<uint64_t> ids_;
};

// Predicates that need not be useful part by part: some matched node must be accepted.
class WholePredicate : public PredicateRule {
 public:
  using PredicateRule::PredicateRule;
  void validate_matched(const NodePtrs& matched) const override {
    MatchContext context;
    if (std::none_of(matched.begin(), matched.end(), [&](const NodePtr& node) { return accepts(node, context); }))
      fail_nothing(text(), matched);
  }
};

class RegexRule final : public WholePredicate {
 public:
  explicit RegexRule(Regex regex)
      : WholePredicate(field_hash("regex", std::hash<std::string>{}(regex.pattern()), regex.escape_dot()), true, 1),
        regex_(std::move(regex)) {}
  bool accepts(const NodePtr& node, MatchContext&) const override {
    return node->name() && regex_.found_in_name(node->id(), *node->name());
  }
  std::string text() const override { return (regex_.escape_dot() ? "re-escdot'" : "re'") + regex_.pattern() + "'"; }
  RuleDescription description() const override { return {"regex", {regex_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const RegexRule&>(other).regex_ == regex_; }

 private:
  Regex regex_;
};

class ForeignRule final : public WholePredicate {
 public:
  explicit ForeignRule(std::shared_ptr<const NodePredicate> predicate)
      : WholePredicate(field_hash("predicate", reinterpret_cast<uintptr_t>(predicate->identity())), true, 1),
        predicate_(std::move(predicate)) {}
  bool accepts(const NodePtr& node, MatchContext& context) const override {
    return context.answer(*this, node, [&] { return predicate_->accepts(node); });
  }
  std::string text() const override { return predicate_->text(); }
  RuleDescription description() const override { return {"predicate", {std::shared_ptr<const ForeignFunction>(predicate_)}}; }

 protected:
  bool same_fields(const StateRule& other) const override {
    return static_cast<const ForeignRule&>(other).predicate_->identity() == predicate_->identity();
  }

 private:
  std::shared_ptr<const NodePredicate> predicate_;
};

// Remembers its answers as long as it lives.
class AnyFoundRule final : public PredicateRule {
 public:
  explicit AnyFoundRule(IterativeMatcher finder)
      : PredicateRule(field_hash("any found", finder.hash()), finder.calls_users(), nesting_above(*finder.rule())),
        finder_(std::move(finder)) {}
  bool accepts(const NodePtr& node, MatchContext& context) const override { return memo_.are_any_found(node, finder_, context); }
  std::string text() const override { return list_text("AnyFound(", {finder_.to_string()}, ", ", ")"); }
  RuleDescription description() const override { return {"any_found", {finder_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const AnyFoundRule&>(other).finder_ == finder_; }

 private:
  IterativeMatcher finder_;
  mutable AnyFoundMemo memo_;
};

std::vector<std::string> texts_of(const std::vector<Matcher>& matchers) {
  std::vector<std::string> texts;
  for (const auto& matcher : matchers) texts.push_back(matcher.to_string());
  return texts;
}

// Any or all of several matchers, asked from left to right until the answer is known.
class JunctionRule final : public PredicateRule {
 public:
  JunctionRule(bool any, std::vector<Matcher> members)
      : PredicateRule(field_hash("junction", any, hash_of(members)), calls_users_of(members), nesting_of(members)),
        members_(std::move(members)),
        any_(any) {}
  bool accepts(const NodePtr& node, MatchContext& context) const override {
    for (const auto& member : members_)
      if (member.accepts(node, context) == any_) return any_;
    return !any_;
  }
  void validate_matched(const NodePtrs& matched) const override {
    for (const auto& member : members_) member.validate_matched(matched);
  }
  std::string text() const override { return list_text(any_ ? "Any(" : "All(", texts_of(members_), ", ", ")"); }
  RuleDescription description() const override { return {any_ ? "any" : "all", {members_}}; }

 protected:
  bool same_fields(const StateRule& other) const override {
    const auto& junction = static_cast<const JunctionRule&>(other);
    return junction.any_ == any_ && junction.members_ == members_;
  }

 private:
  std::vector<Matcher> members_;
  bool any_;
};

class NotRule final : public PredicateRule {
 public:
  explicit NotRule(Matcher inner)
      : PredicateRule(field_hash("not", inner.hash()), inner.calls_users(), nesting_above(*inner.rule())), inner_(std::move(inner)) {}
  bool accepts(const NodePtr& node, MatchContext& context) const override { return !inner_.accepts(node, context); }
  std::string text() const override { return "Not " + inner_.to_string(); }
  RuleDescription description() const override { return {"not", {std::vector<Matcher>{inner_}}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const NotRule&>(other).inner_ == inner_; }

 private:
  Matcher inner_;
};

// A std::function, equal only to itself.
class FunctionPredicate final : public NodePredicate {
 public:
  explicit FunctionPredicate(std::function<bool(const NodePtr&)> function) : function_(std::move(function)) {}
  bool accepts(const NodePtr& node) const override { return function_(node); }

 private:
  std::function<bool(const NodePtr&)> function_;
};

}  // namespace

Matcher Matcher::constant_matcher(bool constant) { return make_matcher<ConstantRule>(constant); }

Matcher Matcher::name(std::string name) { return make_matcher<NamesRule>(std::vector<std::string>{std::move(name)}); }

Matcher Matcher::names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return make_matcher<NamesRule>(std::move(names));
}

Matcher Matcher::kind(Kind kind) { return make_matcher<KindsRule>(KindsRule::bit(kind)); }

Matcher Matcher::kinds(const std::vector<Kind>& kinds) {
  uint32_t bits = 0;
  for (const Kind kind : kinds) bits |= KindsRule::bit(kind);
  return make_matcher<KindsRule>(bits);
}

Matcher Matcher::circuit(const NodePtr& circuit) { return make_matcher<CircuitsRule>(NodePtrs{circuit}); }

Matcher Matcher::circuits(const NodePtrs& circuits) {
  NodePtrs sorted = circuits;
  std::sort(sorted.begin(), sorted.end(), [](const NodePtr& a, const NodePtr& b) { return circuit_less(*a, *b); });
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return make_matcher<CircuitsRule>(std::move(sorted));
}

Matcher Matcher::regex(std::string pattern, bool escape_dot) { return make_matcher<RegexRule>(Regex(std::move(pattern), escape_dot)); }

Matcher Matcher::predicate(std::shared_ptr<const NodePredicate> predicate) { return make_matcher<ForeignRule>(std::move(predicate)); }

Matcher Matcher::function(std::function<bool(const NodePtr&)> predicate) {
  return Matcher::predicate(std::make_shared<const FunctionPredicate>(std::move(predicate)));
}

Matcher Matcher::any(const std::vector<Matcher>& matchers) {
  return matchers.size() == 1 ? matchers.front() : make_matcher<JunctionRule>(true, matchers);
}

Matcher Matcher::all(const std::vector<Matcher>& matchers) {
  return matchers.size() == 1 ? matchers.front() : make_matcher<JunctionRule>(false, matchers);
}

Matcher Matcher::match_any_found(const IterativeMatcher& finder) { return make_matcher<AnyFoundRule>(finder); }

Matcher Matcher::match_any_child_found(const IterativeMatcher& finder) { return match_any_found(restrict(finder, false, {1, {}})); }

Matcher Matcher::operator!() const { return make_matcher<NotRule>(*this); }

}  // namespace pycircuit
