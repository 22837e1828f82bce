#include "evaluate/fusion.h"

#include <algorithm>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/recognisers.h"

namespace pycircuit {

const NodePtr& below_tags(const NodePtr& node) {
  const NodePtr* current = &node;
  while ((*current)->kind() == Kind::Tag) current = &(*current)->child();
  return *current;
}

FusionGraph::FusionGraph(const NodePtrs& nodes, const NodePtrs& outputs, std::unordered_map<uint64_t, double> numbers)
    : nodes_(nodes), users_(nodes.size()), uses_(nodes.size(), 0), known_(std::move(numbers)) {
  for (const auto& node : nodes) numbers_.emplace(node->id(), static_cast<int>(numbers_.size()));
  for (const auto& user : nodes)
    for (const auto& child : user->children()) {
      const auto number = numbers_.find(below_tags(child)->id());
      if (number == numbers_.end()) continue;
      NodePtrs& users = users_[number->second];
      if (!users.empty() && same(users.back(), user)) continue;
      users.push_back(user);
      ++uses_[number->second];
    }
  for (const auto& output : outputs)
    if (const auto number = numbers_.find(below_tags(output)->id()); number != numbers_.end()) ++uses_[number->second];
}

std::optional<double> FusionGraph::number(const NodePtr& node) const {
  const NodePtr& below = below_tags(node);
  if (const auto* scalar = below->as<Scalar>()) return scalar->value();
  const auto found = known_.find(below->id());
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

int FusionGraph::num_uses(const NodePtr& node) const {
  const auto number = numbers_.find(below_tags(node)->id());
  return number == numbers_.end() ? 0 : uses_[number->second];
}

bool FusionGraph::is_private(const NodePtr& node) const { return num_uses(node) == 1 && !users(node).empty() && !is_taken(node); }

const NodePtrs& FusionGraph::users(const NodePtr& node) const {
  static const auto& none = *new NodePtrs();
  const auto number = numbers_.find(below_tags(node)->id());
  return number == numbers_.end() ? none : users_[number->second];
}

std::vector<Region> find_regions(const FusionGraph& whole, const OptimizationSettings& settings, bool hiding,
                                 const std::unordered_set<uint64_t>& taken, Refusals* refusals) {
  std::vector<Region> regions;
  FusionGraph graph = whole;
  for (const uint64_t id : taken) graph.take(id);
  for (const auto& recogniser : recognisers()) {
    if (!(settings.*recogniser.enabled) || recogniser.hides != hiding) continue;
    for (auto node = whole.nodes().rbegin(); node != whole.nodes().rend(); ++node) {
      if (graph.is_taken(*node)) continue;
      auto region = recogniser.recognise(*node, graph, refusals);
      if (!region) continue;
      const auto is_taken = [&](const NodePtr& inner) { return graph.is_taken(inner); };
      if (std::any_of(region->inner.begin(), region->inner.end(), is_taken)) continue;
      graph.take(region->root->id());
      for (const auto& inner : region->inner) graph.take(inner->id());
      regions.push_back(std::move(*region));
    }
  }
  return regions;
}

const std::vector<Recogniser>& recognisers() {
  static const auto& table = *new std::vector<Recogniser>{
      {"attention", &OptimizationSettings::fuse_attention, true, recognise_attention},
      {"log_likelihood", &OptimizationSettings::fuse, false, recognise_log_likelihood},
      {"norm", &OptimizationSettings::fuse, false, recognise_norm},
      {"embedding", &OptimizationSettings::fuse, false, recognise_embedding},
      {"epilogue", &OptimizationSettings::fuse, false, recognise_epilogue},
      {"elementwise", &OptimizationSettings::fuse, false, recognise_elementwise},
  };
  return table;
}

}  // namespace pycircuit
