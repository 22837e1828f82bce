// The walk of a circuit with an iterative matcher (spec 07, section 1): the distinct pairs (node, state), each asked once.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "match/context.h"
#include "match/matcher.h"

namespace pycircuit {

// Steps remembered beyond one operation, by pair. May be used by several threads.
class StepCache {
 public:
  std::optional<MatchStep> find(uint64_t node, uint64_t state) const;
  struct Entry {
    NodePtr node;  // kept so that its number stays its own
    IterativeMatcher state;
    MatchStep step;
  };
  void add(std::vector<Entry> entries);

  // What was found from a pair that a whole walk started at.
  std::optional<NodePtrs> found_from(uint64_t node, uint64_t state) const;
  void add_found(uint64_t node, uint64_t state, const NodePtrs& found);

 private:
  mutable std::mutex mutex_;
  PairTable pairs_, roots_;
  std::vector<Entry> entries_;
  std::vector<NodePtrs> found_;
};

struct Visit {
  const NodePtr* node;
  const StateRule* state;
  uint32_t children;  // where the visits of its children start in `child_visits`; kNotVisited if it is finished
  bool found;
  bool edge;  // finished for all children (section 8)
};

constexpr uint32_t kNotVisited = ~uint32_t{0};

// Visits in order of the walk: pre-order, children left to right. Pointers into the circuit are good as long as `root` and the walk live.
class Walk {
 public:
  std::vector<Visit> visits;
  std::vector<uint32_t> child_visits;  // number of the child's visit, or kNotVisited
  std::vector<uint32_t> post_order;

  // The visit of child i.
  uint32_t child(const Visit& visit, size_t i) const {
    return visit.children == kNotVisited ? kNotVisited : child_visits[visit.children + i];
  }
  // Distinct found nodes in the order of the walk.
  NodePtrs found() const;

 private:
  friend class Explorer;
  std::vector<IterativeMatcher> states_;  // keeps the states alive
};

enum class Until { end, first_found };
// `root` must outlive the walk. With a cache, no pair in it is asked again. A walk until the first find has no `post_order`.
Walk explore(const NodePtr& root, const IterativeMatcher& matcher, StepCache* cache = nullptr, Until until = Until::end);

}  // namespace pycircuit
