#include "match/explore.h"

#include "base/interrupt.h"

namespace pycircuit {

std::optional<MatchStep> StepCache::find(uint64_t node, uint64_t state) const {
  const std::lock_guard lock(mutex_);
  const uint32_t number = pairs_.find(node, state);
  if (number == PairTable::kNone) return std::nullopt;
  return entries_[number].step;
}

void StepCache::add(std::vector<Entry> entries) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries)
    if (pairs_.insert(entry.node->id(), entry.state.id()).second) entries_.push_back(std::move(entry));
}

std::optional<NodePtrs> StepCache::found_from(uint64_t node, uint64_t state) const {
  const std::lock_guard lock(mutex_);
  const uint32_t number = roots_.find(node, state);
  if (number == PairTable::kNone) return std::nullopt;
  return found_[number];
}

void StepCache::add_found(uint64_t node, uint64_t state, const NodePtrs& found) {
  const std::lock_guard lock(mutex_);
  if (roots_.insert(node, state).second) found_.push_back(found);
}

class Explorer {
 public:
  Explorer(Walk& walk, StepCache* cache, Until until) : walk_(walk), cache_(cache), stop_(until == Until::first_found) {}

  void run(const NodePtr& root, const IterativeMatcher& matcher) {
    walk_.states_.push_back(matcher);
    visit(root, *matcher.rule());
    while (!stack_.empty() && !(stop_ && found_)) {
      Frame& frame = stack_.back();
      if (frame.next_child == frame.node->num_children()) {
        walk_.post_order.push_back(frame.visit);
        stack_.pop_back();
        continue;
      }
      const uint32_t i = frame.next_child++;
      const StateRule* state = frame.for_all ? frame.for_all : child_states_[frame.states + i];
      if (!state) continue;
      // `visit` may move frames and slots, so the slot is found by its number.
      const uint32_t slot = frame.slots + i;
      const uint32_t child = visit(frame.node->child(i), *state);
      walk_.child_visits[slot] = child;
    }
    if (cache_) cache_->add(std::move(fresh_));
  }

 private:
  struct Frame {
    const Node* node;
    const StateRule* for_all;  // state of all children; null: they have their own
    uint32_t visit;
    uint32_t next_child;
    uint32_t slots;   // of the first child in child_visits
    uint32_t states;  // of the first child in child_states_
  };

  MatchStep step_of(const NodePtr& node, const StateRule& state) {
    if (!cache_) return state.advance(node, context_);
    if (auto step = cache_->find(node->id(), state.id())) return *std::move(step);
    MatchStep step = state.advance(node, context_);
    fresh_.push_back({node, IterativeMatcher(Ref<const StateRule>(&state)), step});
    return step;
  }

  // The state of all children after a step that is not finished, kept alive; null if they have their own, kept in child_states_.
  const StateRule* keep_next(const MatchStep& step, const StateRule& state) {
    if (step.next == MatchStep::Next::same) return &state;
    if (step.next == MatchStep::Next::all) {
      walk_.states_.push_back(*step.for_all);
      return step.for_all->rule().get();
    }
    for (const auto& child : step.per_child) {
      child_states_.push_back(child ? child->rule().get() : nullptr);
      if (child) walk_.states_.push_back(*child);
    }
    return nullptr;
  }

  // The number of the pair's visit, which is entered if it is new.
  uint32_t visit(const NodePtr& node, const StateRule& state) {
    const auto [number, is_new] = pairs_.insert(node->id(), state.id());
    if (!is_new) return number;
    if (number % 4096 == 4095) poll_interrupt();
    if (state.is_predicate() && !cache_) {
      enter(number, node, state, static_cast<const PredicateRule&>(state).accepts(node, context_), &state, false);
      return number;
    }
    const MatchStep step = step_of(node, state);
    if (step.next == MatchStep::Next::finished) {
      enter(number, node, state, step.found, nullptr, true);
    } else {
      const uint32_t states = static_cast<uint32_t>(child_states_.size());
      enter(number, node, state, step.found, keep_next(step, state), false, states);
      walk_.visits[number].edge = step.finished();
    }
    return number;
  }

  void enter(uint32_t number, const NodePtr& node, const StateRule& state, bool found, const StateRule* for_all, bool finished,
             uint32_t states = 0) {
    found_ |= found;
    const uint32_t slots = static_cast<uint32_t>(walk_.child_visits.size());
    if (finished || node->num_children() == 0) {
      walk_.visits.push_back({&node, &state, kNotVisited, found, finished});
      walk_.post_order.push_back(number);
      return;
    }
    walk_.visits.push_back({&node, &state, slots, found, false});
    walk_.child_visits.resize(slots + node->num_children(), kNotVisited);
    stack_.push_back({node.get(), for_all, number, 0, slots, states});
  }

  Walk& walk_;
  StepCache* cache_;
  const bool stop_;
  bool found_ = false;
  MatchContext context_;
  PairTable pairs_;
  std::vector<Frame> stack_;
  std::vector<const StateRule*> child_states_;
  std::vector<StepCache::Entry> fresh_;
};

Walk explore(const NodePtr& root, const IterativeMatcher& matcher, StepCache* cache, Until until) {
  Walk walk;
  Explorer(walk, cache, until).run(root, matcher);
  return walk;
}

NodePtrs Walk::found() const {
  NodePtrs nodes;
  PairTable seen;
  for (const Visit& visit : visits)
    if (visit.found && seen.insert((*visit.node)->id(), 0).second) nodes.push_back(*visit.node);
  return nodes;
}

}  // namespace pycircuit
