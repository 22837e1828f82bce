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

class Explorer {
 public:
  Explorer(Walk& walk, StepCache* cache) : walk_(walk), cache_(cache) {}

  void run(const NodePtr& root, const IterativeMatcher& matcher) {
    keep(matcher);
    visit(root, *matcher.rule());
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      const Visit parent = walk_.visits[frame.visit];
      if (parent.children == kNotVisited || frame.next_child == (*parent.node)->num_children()) {
        walk_.post_order.push_back(frame.visit);
        stack_.pop_back();
        continue;
      }
      const size_t i = frame.next_child++;
      const StateRule* state = child_state(frame, i);
      // `visit` may move frames and slots, so the slot is found again after it.
      if (state) {
        const uint32_t child = visit((*parent.node)->child(i), *state);
        walk_.child_visits[parent.children + i] = child;
      }
    }
    if (cache_) cache_->add(std::move(fresh_));
  }

 private:
  struct Frame {
    uint32_t visit;
    uint32_t next_child;
    const StateRule* for_all;               // of all children, or null
    std::vector<MaybeMatcher> per_child;
  };

  static const StateRule* child_state(const Frame& frame, size_t i) {
    if (frame.for_all) return frame.for_all;
    const MaybeMatcher& state = frame.per_child[i];
    return state ? state->rule().get() : nullptr;
  }

  void keep(const IterativeMatcher& state) { walk_.states_.push_back(state); }

  MatchStep step_of(const NodePtr& node, const StateRule& state) {
    if (!cache_) return state.advance(node, context_);
    if (auto step = cache_->find(node->id(), state.id())) return *std::move(step);
    MatchStep step = state.advance(node, context_);
    fresh_.push_back({node, IterativeMatcher(Ref<const StateRule>(&state)), step});
    return step;
  }

  // The number of the pair's visit, which is entered if it is new.
  uint32_t visit(const NodePtr& node, const StateRule& state) {
    const auto [number, is_new] = pairs_.insert(node->id(), state.id());
    if (!is_new) return number;
    if (number % 4096 == 4095) poll_interrupt();
    MatchStep step = step_of(node, state);
    Visit visit{&node, &state, kNotVisited, step.found, step.finished()};
    Frame frame{number, 0, nullptr, {}};
    if (step.next != MatchStep::Next::finished && node->num_children() > 0) {
      visit.children = static_cast<uint32_t>(walk_.child_visits.size());
      walk_.child_visits.resize(walk_.child_visits.size() + node->num_children(), kNotVisited);
      if (step.next == MatchStep::Next::same) {
        frame.for_all = &state;
      } else if (step.next == MatchStep::Next::all) {
        keep(*step.for_all);
        frame.for_all = step.for_all->rule().get();
      } else {
        for (const auto& child : step.per_child)
          if (child) keep(*child);
        frame.per_child = std::move(step.per_child);
      }
    }
    walk_.visits.push_back(visit);
    if (visit.children == kNotVisited) {
      walk_.post_order.push_back(number);
    } else {
      stack_.push_back(std::move(frame));
    }
    return number;
  }

  Walk& walk_;
  StepCache* cache_;
  MatchContext context_;
  PairTable pairs_;
  std::vector<Frame> stack_;
  std::vector<StepCache::Entry> fresh_;
};

Walk explore(const NodePtr& root, const IterativeMatcher& matcher, StepCache* cache) {
  Walk walk;
  Explorer(walk, cache).run(root, matcher);
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
