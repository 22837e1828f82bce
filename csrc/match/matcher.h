// Matchers and iterative matchers (spec 07, sections 1 to 5): immutable, interned values.
//
// An iterative matcher is a state of an automaton that walks down a circuit. Equal states are one object with one number (`id`), so that a
// walk needs a pair (node, state) only once and knows it by two integers. A matcher is the state that never changes.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/node.h"
#include "match/rule.h"

namespace pycircuit {

class IterativeMatcher;

// A user's predicate, iteration function or transform. Compared by `identity`, an address that is unique while the object lives.
class ForeignFunction {
 public:
  virtual ~ForeignFunction() = default;
  virtual const void* identity() const { return this; }
  virtual std::string text() const { return "<function>"; }
};
class NodePredicate : public ForeignFunction {
 public:
  virtual bool accepts(const NodePtr& node) const = 0;
};
class NodeIteration : public ForeignFunction {
 public:
  virtual MatchStep match_iterate(const NodePtr& node) const = 0;
};

// A predicate on one node.
class Matcher {
 public:
  // Of exactly a bool, so that no pointer or number turns into a matcher.
  template <std::same_as<bool> Bool>
  Matcher(Bool constant) : Matcher(constant_matcher(constant)) {}
  static Matcher name(std::string name);
  static Matcher names(std::vector<std::string> names);
  static Matcher kind(Kind kind);
  static Matcher kinds(const std::vector<Kind>& kinds);
  static Matcher circuit(const NodePtr& circuit);
  static Matcher circuits(const NodePtrs& circuits);
  static Matcher regex(std::string pattern, bool escape_dot = true);
  static Matcher predicate(std::shared_ptr<const NodePredicate> predicate);
  static Matcher function(std::function<bool(const NodePtr&)> predicate);  // equal only to copies of itself
  static Matcher any(const std::vector<Matcher>& matchers);
  static Matcher all(const std::vector<Matcher>& matchers);
  static Matcher match_any_found(const IterativeMatcher& finder);
  static Matcher match_any_child_found(const IterativeMatcher& finder);

  Matcher operator!() const;
  Matcher operator|(const Matcher& other) const { return any({*this, other}); }
  Matcher operator&(const Matcher& other) const { return all({*this, other}); }

  bool operator()(const NodePtr& node) const;
  // Asks within an operation, which remembers the answers of users' predicates.
  bool accepts(const NodePtr& node, MatchContext& context) const;

  uint64_t id() const;
  uint64_t hash() const;  // the same for equal matchers of one process
  bool operator==(const Matcher& other) const { return rule_ == other.rule_; }
  bool operator<(const Matcher& other) const;  // arbitrary, but a total order
  std::string to_string() const;
  // Whether asking it may call back into users' code (Python).
  bool calls_users() const;
  // Fancy validation (6.4): RuntimeError unless each part was of use for these nodes.
  void validate_matched(const NodePtrs& matched) const;
  // 6.3
  NodePtr get_first(const NodePtr& circuit) const;

  explicit Matcher(Ref<const PredicateRule> rule) : rule_(std::move(rule)) {}
  const Ref<const PredicateRule>& rule() const { return rule_; }

 private:
  static Matcher constant_matcher(bool constant);
  Ref<const PredicateRule> rule_;
};

struct DepthRange {
  std::optional<uint32_t> start;  // inclusive
  std::optional<uint32_t> end;    // exclusive
  bool operator==(const DepthRange&) const = default;
};

class IterativeMatcher {
 public:
  IterativeMatcher(const Matcher& matcher);
  template <std::same_as<bool> Bool>
  IterativeMatcher(Bool constant) : IterativeMatcher(Matcher(constant)) {}
  static IterativeMatcher noop_traversal() { return IterativeMatcher(true); }
  static IterativeMatcher term(bool match_next = false);
  static IterativeMatcher any(const std::vector<IterativeMatcher>& matchers);
  static IterativeMatcher all(const std::vector<IterativeMatcher>& matchers);
  static IterativeMatcher function(std::shared_ptr<const NodeIteration> function);
  // Sections 4.2 to 4.4.
  static IterativeMatcher chain(const std::vector<IterativeMatcher>& members, bool must_be_sub = false);
  static IterativeMatcher chain_many(const std::vector<std::vector<IterativeMatcher>>& chains, bool must_be_sub = false);
  IterativeMatcher children_matcher(const std::set<uint64_t>& child_numbers) const;
  IterativeMatcher module_arg_matcher(const Matcher& arg_symbol) const;
  IterativeMatcher spec_circuit_matcher() const;
  IterativeMatcher filter_module_spec(bool enable = true) const;

  IterativeMatcher operator|(const IterativeMatcher& other) const { return any({*this, other}); }
  IterativeMatcher operator&(const IterativeMatcher& other) const { return all({*this, other}); }

  // One step of the walk.
  MatchStep match_iterate(const NodePtr& node) const;
  MatchStep match_iterate(const NodePtr& node, MatchContext& context) const;

  uint64_t id() const;
  uint64_t hash() const;
  bool operator==(const IterativeMatcher& other) const { return id() == other.id(); }
  bool operator<(const IterativeMatcher& other) const;
  std::string to_string() const;
  bool calls_users() const;
  void validate_matched(const NodePtrs& matched) const;

  explicit IterativeMatcher(Ref<const StateRule> rule) : rule_(std::move(rule)) {}
  const Ref<const StateRule>& rule() const { return rule_; }

 private:
  Ref<const StateRule> rule_;
};

using MaybeMatcher = std::optional<IterativeMatcher>;  // nothing: the child is not visited (finished)

// What an iterative matcher says about a node: found or not, and the states of the children.
struct MatchStep {
  enum class Next : uint8_t { same, finished, all, per_child };
  bool found = false;
  Next next = Next::same;
  MaybeMatcher for_all;                 // Next::all
  std::vector<MaybeMatcher> per_child;  // Next::per_child

  static MatchStep same(bool found) { return {found, Next::same, {}, {}}; }
  static MatchStep finish(bool found) { return {found, Next::finished, {}, {}}; }
  static MatchStep to_all(bool found, IterativeMatcher state) { return {found, Next::all, std::move(state), {}}; }
  static MatchStep to_each(bool found, std::vector<MaybeMatcher> states) { return {found, Next::per_child, {}, std::move(states)}; }

  // No child is visited.
  bool finished() const;
  // The state of child i, where `from` is the matcher that was asked.
  MaybeMatcher child(size_t i, const IterativeMatcher& from) const;
};

// Section 5.
IterativeMatcher restrict(const IterativeMatcher& matcher, bool term_if_matches = false, DepthRange depths = {},
                          const Matcher& term_early_at = false);
IterativeMatcher new_traversal(DepthRange depths = {}, const Matcher& term_early_at = false);
// The variables that are not inside a Cumulant (section 8).
const IterativeMatcher& default_var_matcher();

}  // namespace pycircuit
