// What one operation (a get, an update, ...) remembers about users' functions, so that each is asked at most once per node (spec 07,
// section 10).
#pragma once

#include <deque>
#include <vector>

#include "match/matcher.h"
#include "match/pair_table.h"

namespace pycircuit {

class MatchContext {
 public:
  MatchContext() = default;
  MatchContext(const MatchContext&) = delete;
  MatchContext& operator=(const MatchContext&) = delete;

  // The remembered answer of `rule` about the node, or that of `ask()`.
  template <class Ask>
  bool answer(const StateRule& rule, const NodePtr& node, Ask&& ask) {
    if (const uint32_t known = answered_.find(node->id(), rule.id()); known != PairTable::kNone) return answers_[known];
    const bool answer = ask();  // first, since it may throw
    answered_.insert(node->id(), rule.id());
    answers_.push_back(answer);
    return answer;
  }
  template <class Ask>
  const MatchStep& step(const StateRule& rule, const NodePtr& node, Ask&& ask) {
    if (const uint32_t known = stepped_.find(node->id(), rule.id()); known != PairTable::kNone) return steps_[known];
    MatchStep step = ask();
    stepped_.insert(node->id(), rule.id());
    return steps_.emplace_back(std::move(step));
  }

 private:
  PairTable answered_, stepped_;
  std::vector<bool> answers_;
  std::deque<MatchStep> steps_;  // references to them stay valid
};

}  // namespace pycircuit
