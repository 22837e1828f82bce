// Sets of rules and their application to a fixed point (spec 10, section 1).
#pragma once

#include <bitset>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "circuit/walk.h"
#include "rewrite/rules.h"

namespace pycircuit {

// On/off flags over the rule table.
class SimpFnSubset {
 public:
  static SimpFnSubset init_all_with(bool include);
  static SimpFnSubset default_set();
  static SimpFnSubset compiler_default();
  static std::vector<std::string_view> all_names();
  // SimpConfigFnNamesNotValid with all unknown names.
  static void check_names(const std::vector<std::string>& names);

  bool has(size_t rule) const { return flags_[rule]; }
  SimpFnSubset set_all_to(const std::vector<std::string>& names, bool include) const;

  // 1.3; null if no rule applies.
  NodePtr simp_step(const NodePtr& circuit) const;
  // 1.4
  NodePtr simp(const NodePtr& circuit) const;

  std::string to_string() const;  // flags that differ from the default
  std::string none_repr() const;  // all flags
  uint64_t bits() const { return flags_.to_ullong(); }
  bool operator==(const SimpFnSubset& other) const { return flags_ == other.flags_; }

 private:
  std::bitset<kNumRules> flags_;
};

// Called after each application of a rule.
using RuleObserver = std::function<void(std::string_view rule, const NodePtr& before, const NodePtr& after)>;

// `simp` with a memo that outlives a call.
//
// With `keep_shared`, the two flattening rules leave Adds and Einsums alone that several nodes use: merged into each of their users, the
// partial sums of a residual stream would become quadratically many summands.
class Simplifier {
 public:
  explicit Simplifier(SimpFnSubset rules, RuleObserver observer = {}, bool keep_shared = false)
      : rules_(rules), observer_(std::move(observer)), keep_shared_(keep_shared) {}
  NodePtr operator()(const NodePtr& circuit);

 private:
  struct Frame;
  void find_shared(const NodePtr& circuit);
  NodePtr apply_first(const NodePtr& node, size_t& applied) const;

  SimpFnSubset rules_;
  RuleObserver observer_;
  bool keep_shared_;
  std::unordered_set<uint64_t> shared_;  // nodes that several nodes use, and what they have become
  NodeMap memo_;
};

inline NodePtr simp(const NodePtr& circuit) { return SimpFnSubset::default_set().simp(circuit); }
inline NodePtr compiler_simp(const NodePtr& circuit) { return SimpFnSubset::compiler_default().simp(circuit); }

}  // namespace pycircuit
