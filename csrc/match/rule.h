// The interned objects behind matchers: each class of rule carries all of its own behaviour.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/ref.h"
#include "circuit/node.h"

namespace pycircuit {

class MatchContext;
struct MatchStep;
struct RuleDescription;

// A state of an iterative matcher.
class StateRule {
 public:
  StateRule(const StateRule&) = delete;
  StateRule& operator=(const StateRule&) = delete;
  virtual ~StateRule() = default;

  uint64_t id() const { return id_; }      // equal exactly for equal states; never reused
  uint64_t hash() const { return hash_; }  // of the fields
  // Whether asking it may call back into users' code.
  bool calls_users() const { return calls_users_; }
  uint32_t nesting() const { return nesting_; }  // how deep rules contain rules

  // Asks about a node, for the walk.
  virtual MatchStep advance(const NodePtr& node, MatchContext& context) const = 0;
  // 6.4: RuntimeError if a part was of no use for the found nodes.
  virtual void validate_matched(const NodePtrs&) const {}
  virtual std::string text() const = 0;
  virtual RuleDescription description() const = 0;
  // Whether this is a PredicateRule.
  bool is_predicate() const { return is_predicate_; }

  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const;

 protected:
  StateRule(uint64_t hash, bool calls_users, uint32_t nesting, bool is_predicate = false);
  // Fields only; the classes agree already.
  virtual bool same_fields(const StateRule& other) const = 0;

 private:
  friend class RuleTable;
  friend class AnyStates;
  uint64_t id_ = 0;
  uint64_t hash_;
  mutable std::atomic<uint32_t> count_{0};
  uint32_t nesting_;
  bool calls_users_;
  bool is_predicate_;
  bool interned_ = false;
};

// A matcher: a state that never changes.
class PredicateRule : public StateRule {
 public:
  virtual bool accepts(const NodePtr& node, MatchContext& context) const = 0;
  MatchStep advance(const NodePtr& node, MatchContext& context) const final;

 protected:
  PredicateRule(uint64_t hash, bool calls_users, uint32_t nesting) : StateRule(hash, calls_users, nesting, true) {}
};

}  // namespace pycircuit
