// Whether anything is found below a node, remembered per (node, state) (spec 07, 6.5).
#pragma once

#include <mutex>
#include <vector>

#include "match/matcher.h"
#include "match/pair_table.h"

namespace pycircuit {

// May be used by several threads, and from the predicates that it asks.
class AnyFoundMemo {
 public:
  bool are_any_found(const NodePtr& circuit, const IterativeMatcher& matcher, MatchContext& context);

 private:
  struct Entry {
    NodePtr node;  // kept so that its number stays its own
    IterativeMatcher state;
    bool found;
  };
  std::optional<bool> known(uint64_t node, uint64_t state);

  std::mutex mutex_;
  PairTable pairs_;
  std::vector<Entry> entries_;
};

}  // namespace pycircuit
