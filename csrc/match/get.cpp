#include "match/get.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/flat_map.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "match/explore.h"

namespace pycircuit {
namespace {

// Per visit: whether something is found at or below it.
std::vector<bool> useful_visits(const Walk& walk) {
  std::vector<bool> useful(walk.visits.size());
  for (const uint32_t number : walk.post_order) {
    const Visit& visit = walk.visits[number];
    bool any = visit.found;
    for (size_t i = 0; i < (*visit.node)->num_children() && !any; ++i) {
      const uint32_t child = walk.child(visit, i);
      any = child != kNotVisited && useful[child];
    }
    useful[number] = any;
  }
  return useful;
}

// "the matcher finds a, b, c in ...": for the messages of get_unique.
std::string matches_text(const NodePtrs& nodes) {
  constexpr size_t shown = 10;
  NodePtrs first(nodes.begin(), nodes.begin() + std::min(nodes.size(), shown));
  return join(first, ", ", [](const NodePtr& node) { return describe(*node); }) + (nodes.size() > shown ? ", ..." : "");
}

template <class Value>
void sort_by_circuit(std::vector<std::pair<NodePtr, Value>>& entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return circuit_less(*a.first, *b.first); });
}

}  // namespace

NodePtrs get(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate, StepCache* cache) {
  std::optional<NodePtrs> known;
  if (cache) known = cache->found_from(circuit->id(), matcher.id());
  NodePtrs found = known ? *std::move(known) : explore(circuit, matcher, cache).found();
  if (cache) cache->add_found(circuit->id(), matcher.id(), found);
  if (fancy_validate) matcher.validate_matched(found);
  return found;
}

NodePtr get_unique_op(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate, StepCache* cache) {
  const NodePtrs found = get(circuit, matcher, fancy_validate, cache);
  if (found.size() > 1)
    fail(ErrorId::RuntimeError, "found " + std::to_string(found.size()) + " matches which is > 1\nmatcher: " + matcher.to_string() +
                                    ", circuit: " + describe(*circuit) + ", matches: " + matches_text(found));
  return found.empty() ? nullptr : found.front();
}

NodePtr get_unique(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate, StepCache* cache) {
  NodePtr found = get_unique_op(circuit, matcher, fancy_validate, cache);
  if (!found) fail(ErrorId::RuntimeError, "found no matches!\nmatcher: " + matcher.to_string() + ", circuit: " + describe(*circuit));
  return found;
}

bool are_any_found(const NodePtr& circuit, const IterativeMatcher& matcher) {
  const Walk walk = explore(circuit, matcher, nullptr, Until::first_found);
  return std::any_of(walk.visits.begin(), walk.visits.end(), [](const Visit& visit) { return visit.found; });
}

// Depth first from right to left: the first way in which that reaches a found node is the last one in the order of the walk.
PathByNode get_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache) {
  const Walk walk = explore(circuit, matcher, cache);
  const std::vector<bool> useful = useful_visits(walk);
  std::vector<bool> entered(walk.visits.size());
  NumberSet done;
  PathByNode paths;
  struct Frame {
    uint32_t visit;
    size_t children_left;
  };
  std::vector<Frame> stack;
  const auto enter = [&](uint32_t number) {
    if (number == kNotVisited || entered[number] || !useful[number]) return;
    entered[number] = true;
    const Visit& visit = walk.visits[number];
    stack.push_back({number, (*visit.node)->num_children()});
    if (!visit.found || !done.insert((*visit.node)->id())) return;
    NodePath path;
    path.reserve(stack.size());
    for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame) path.push_back(*walk.visits[frame->visit].node);
    paths.emplace_back(*visit.node, std::move(path));
  };
  enter(0);
  while (!stack.empty()) {
    if (stack.back().children_left == 0) {
      stack.pop_back();
    } else {
      const size_t i = --stack.back().children_left;
      enter(walk.child(walk.visits[stack.back().visit], i));
    }
  }
  sort_by_circuit(paths);
  return paths;
}

PathsByNode get_all_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache) {
  const Walk walk = explore(circuit, matcher, cache);
  const std::vector<bool> useful = useful_visits(walk);
  std::unordered_map<uint64_t, size_t> place;
  PathsByNode paths;
  struct Frame {
    uint32_t visit;
    size_t next_child;
  };
  std::vector<Frame> stack;
  size_t steps = 0;
  const auto enter = [&](uint32_t number) {
    if (number == kNotVisited || !useful[number]) return;
    if (++steps % 4096 == 0) poll_interrupt();
    const Visit& visit = walk.visits[number];
    stack.push_back({number, 0});
    if (!visit.found) return;
    const auto [entry, is_new] = place.emplace((*visit.node)->id(), paths.size());
    if (is_new) paths.push_back({*visit.node, {}});
    NodePath path;
    path.reserve(stack.size());
    for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame) path.push_back(*walk.visits[frame->visit].node);
    paths[entry->second].second.push_back(std::move(path));
  };
  enter(0);
  while (!stack.empty()) {
    const Visit& visit = walk.visits[stack.back().visit];
    if (stack.back().next_child == (*visit.node)->num_children()) {
      stack.pop_back();
    } else {
      const size_t i = stack.back().next_child++;
      enter(walk.child(visit, i));
    }
  }
  sort_by_circuit(paths);
  return paths;
}

NodePtrs get_all_circuits_in_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache) {
  const Walk walk = explore(circuit, matcher, cache);
  const std::vector<bool> useful = useful_visits(walk);
  NumberSet seen;
  NodePtrs nodes;
  for (size_t i = 0; i < walk.visits.size(); ++i)
    if (const NodePtr& node = *walk.visits[i].node; useful[i] && seen.insert(node->id())) nodes.push_back(node);
  return nodes;
}

NodePtr Matcher::get_first(const NodePtr& circuit) const {
  NodePtr last;
  const IterativeMatcher cut = restrict(*this, true);
  const Walk walk = explore(circuit, cut);
  for (const Visit& visit : walk.visits)
    if (visit.found) last = *visit.node;
  return last;
}

}  // namespace pycircuit
