#include "match/any_found.h"

#include "base/interrupt.h"
#include "match/context.h"

namespace pycircuit {

std::optional<bool> AnyFoundMemo::known(uint64_t node, uint64_t state) {
  const std::lock_guard lock(mutex_);
  const uint32_t number = pairs_.find(node, state);
  if (number == PairTable::kNone) return std::nullopt;
  return entries_[number].found;
}

bool AnyFoundMemo::are_any_found(const NodePtr& circuit, const IterativeMatcher& matcher, MatchContext& context) {
  if (const auto answer = known(circuit->id(), matcher.id())) return *answer;
  struct Frame {
    uint32_t entry;
    size_t next_child;
    MatchStep step;
  };
  PairTable seen;
  std::vector<Entry> visited;
  std::vector<Frame> stack;
  bool found = false;
  // Depth first in the order of the walk. What was left without a find has none; once there is a find, whatever is on the stack has it.
  const auto enter = [&](const NodePtr& node, const IterativeMatcher& state) {
    const auto [number, is_new] = seen.insert(node->id(), state.id());
    if (!is_new) return;
    if (const auto answer = known(node->id(), state.id())) {
      visited.push_back({node, state, *answer});
      found = *answer;
      return;
    }
    visited.push_back({node, state, false});
    if (visited.size() % 4096 == 0) poll_interrupt();
    stack.push_back({number, 0, state.match_iterate(node, context)});
    found = stack.back().step.found;
  };
  enter(circuit, matcher);
  while (!found && !stack.empty()) {
    Frame& frame = stack.back();
    const NodePtr node = visited[frame.entry].node;
    if (frame.step.next == MatchStep::Next::finished || frame.next_child == node->num_children()) {
      stack.pop_back();
      continue;
    }
    const size_t i = frame.next_child++;
    if (const auto state = frame.step.child(i, visited[frame.entry].state)) enter(node->child(i), *state);
  }
  for (const Frame& frame : stack) visited[frame.entry].found = true;
  const std::lock_guard lock(mutex_);
  for (Entry& entry : visited)
    if (pairs_.insert(entry.node->id(), entry.state.id()).second) entries_.push_back(std::move(entry));
  return found;
}

}  // namespace pycircuit
