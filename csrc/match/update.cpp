#include "match/update.h"

#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "match/explore.h"
#include "match/pair_table.h"

namespace pycircuit {
namespace {

struct NodeResult {
  NodePtr node;  // kept so that its number stays its own
  NodePtr result;
};
// What a transform made of each circuit given to it.
using Transformed = std::unordered_map<uint64_t, NodeResult>;

void check(const Walk& walk, const NodePtr& circuit, const IterativeMatcher& matcher, UpdateChecks checks) {
  if (!checks.fancy_validate && !checks.assert_any_found) return;
  const NodePtrs found = walk.found();
  if (checks.fancy_validate) matcher.validate_matched(found);
  if (checks.assert_any_found && found.empty())
    fail(ErrorId::RuntimeError, "No matches found during update\nmatcher: " + matcher.to_string() + ", circuit: " + describe(*circuit));
}

// The visited node with the results of its visited children; itself if none changed.
NodePtr rebuilt(const Walk& walk, const Visit& visit, const NodePtrs& results) {
  const NodePtr& node = *visit.node;
  const size_t count = node->num_children();
  if (visit.children == kNotVisited) return node;
  const auto result = [&](size_t i) -> const NodePtr& {
    const uint32_t child = walk.child(visit, i);
    return child == kNotVisited ? node->child(i) : results[child];
  };
  size_t first = 0;
  while (first < count && result(first) == node->child(first)) ++first;
  if (first == count) return node;
  const auto children = [&] {
    NodePtrs children;
    children.reserve(count);
    for (size_t i = 0; i < count; ++i) children.push_back(result(i));
    return children;
  };
  return with_context([&] { return node->rebuild(children()); },
                      [&] { return "while updating: rebuilding " + describe(*node) + " with children " + describe(children()); });
}

template <class Known, class Apply>
NodePtr run_update(const Walk& walk, Known&& known, Apply&& apply, NodePtrs& results) {
  results.resize(walk.visits.size());
  for (const uint32_t number : walk.post_order) {
    const Visit& visit = walk.visits[number];
    if ((results[number] = known(visit))) continue;
    NodePtr result = rebuilt(walk, visit, results);
    results[number] = visit.found ? apply(result) : std::move(result);
  }
  return results.front();
}

}  // namespace

NodePtr update(const NodePtr& circuit, const IterativeMatcher& matcher, const Transform& transform, UpdateChecks checks) {
  const Walk walk = explore(circuit, matcher);
  check(walk, circuit, matcher, checks);
  Transformed transformed;
  const auto apply = [&](const NodePtr& node) {
    if (const auto known = transformed.find(node->id()); known != transformed.end()) return known->second.result;
    NodePtr result = transform(node);
    transformed.emplace(node->id(), NodeResult{node, result});
    return result;
  };
  NodePtrs results;
  return run_update(walk, [](const Visit&) { return NodePtr(); }, apply, results);
}

struct Updater::Memory {
  explicit Memory(Transform given) : transform(std::move(given)) {}
  Transform transform;
  StepCache steps;  // also keeps the nodes and states of `results`
  std::mutex mutex;
  Transformed transformed;
  PairTable pairs;
  NodePtrs results;  // by number of the pair

  NodePtr known(uint64_t node, uint64_t state) {
    const std::lock_guard lock(mutex);
    const uint32_t number = pairs.find(node, state);
    return number == PairTable::kNone ? nullptr : results[number];
  }
  NodePtr known(const NodePtr& node) {
    const std::lock_guard lock(mutex);
    const auto entry = transformed.find(node->id());
    return entry == transformed.end() ? nullptr : entry->second.result;
  }
};

Updater::Updater(Transform transform) : memory_(std::make_shared<Memory>(std::move(transform))) {}

const Transform& Updater::transform() const { return memory_->transform; }

NodePtr Updater::update(const NodePtr& circuit, const IterativeMatcher& matcher, UpdateChecks checks) const {
  const std::shared_ptr<Memory> memory = memory_;
  if (!checks.fancy_validate && !checks.assert_any_found)
    if (NodePtr result = memory->known(circuit->id(), matcher.id())) return result;
  const Walk walk = explore(circuit, matcher, &memory->steps);
  check(walk, circuit, matcher, checks);
  Transformed fresh;
  // No lock is held while the transform runs: it may use this updater.
  const auto apply = [&](const NodePtr& node) {
    if (const auto entry = fresh.find(node->id()); entry != fresh.end()) return entry->second.result;
    if (NodePtr result = memory->known(node)) return result;
    NodePtr result = memory->transform(node);
    fresh.emplace(node->id(), NodeResult{node, result});
    return result;
  };
  NodePtrs results;
  const NodePtr updated =
      run_update(walk, [&](const Visit& visit) { return memory->known((*visit.node)->id(), visit.state->id()); }, apply, results);
  const std::lock_guard lock(memory->mutex);
  memory->transformed.merge(fresh);
  for (size_t i = 0; i < walk.visits.size(); ++i)
    if (const Visit& visit = walk.visits[i]; memory->pairs.insert((*visit.node)->id(), visit.state->id()).second)
      memory->results.push_back(results[i]);
  return updated;
}

}  // namespace pycircuit
