#include "match/traversal.h"

#include <unordered_map>

#include "base/flat_map.h"
#include "base/uuid.h"
#include "circuit/nodes/symbol.h"
#include "match/explore.h"
#include "match/get.h"

namespace pycircuit {
namespace {

NodePtrs edges_of(const Walk& walk) {
  NodePtrs edges;
  NumberSet seen;
  for (const Visit& visit : walk.visits)
    if (visit.edge && seen.insert((*visit.node)->id())) edges.push_back(*visit.node);
  return edges;
}

// Bottom-up over the visits: `build(visit, node with the results of its visited children)`.
template <class Build>
NodePtr map_visits(const Walk& walk, Build&& build) {
  NodePtrs results(walk.visits.size());
  for (const uint32_t number : walk.post_order) {
    const Visit& visit = walk.visits[number];
    NodePtrs children = (*visit.node)->children();
    for (size_t i = 0; i < children.size(); ++i)
      if (const uint32_t child = walk.child(visit, i); child != kNotVisited) children[i] = results[child];
    results[number] = build(visit, (*visit.node)->rebuild_if_changed(std::move(children)));
  }
  return results.front();
}

}  // namespace

NodePtrs traversal_edges(const NodePtr& circuit, const IterativeMatcher& traversal) { return edges_of(explore(circuit, traversal)); }

OutsideReplaced replace_outside_traversal_symbols(const NodePtr& circuit, const IterativeMatcher& traversal, const SymbolNamer& namer) {
  const Walk walk = explore(circuit, traversal);
  OutsideReplaced out;
  std::unordered_map<uint64_t, NodePtr> symbol_of;
  for (const auto& edge : edges_of(walk)) {
    const NodePtr symbol = Symbol::make(edge->shape(), Uuid::random(), namer ? namer(edge) : edge->name());
    symbol_of.emplace(edge->id(), symbol);
    out.symbols.emplace_back(symbol, edge);
  }
  out.circuit =
      map_visits(walk, [&](const Visit& visit, NodePtr node) { return visit.edge ? symbol_of.at((*visit.node)->id()) : std::move(node); });
  return out;
}

NodePtr apply_in_traversal(const NodePtr& circuit, const IterativeMatcher& traversal, const Transform& transform) {
  const auto namer = [](const NodePtr& edge) -> Name {
    if (!edge->name()) return std::nullopt;
    return *edge->name() + "_symbol_replacement";
  };
  const OutsideReplaced inside = replace_outside_traversal_symbols(circuit, traversal, namer);
  NodeMap originals;
  for (const auto& [symbol, original] : inside.symbols) originals.emplace(symbol->id(), original);
  return replace_nodes(transform(inside.circuit), originals);
}

NodePtr update_nodes(const NodePtr& circuit, const IterativeMatcher& matcher, const NodeFunction& updater) {
  NumberSet found;
  for (const auto& node : get(circuit, matcher)) found.insert(node->id());
  return deep_map_preorder(circuit, [&](const NodePtr& node) { return found.contains(node->id()) ? updater(node) : node; });
}

NodePtr append_matchers_to_names(const NodePtr& circuit, const IterativeMatcher& matcher, bool discard_old_name) {
  const Walk walk = explore(circuit, matcher);
  return map_visits(walk, [&](const Visit& visit, NodePtr node) {
    const Name& name = (*visit.node)->name();
    if (node->kind() == Kind::Symbol) return node;
    if (discard_old_name) return node->rename(visit.state->text());
    // Rebuilding may have named an unnamed node.
    return node->rename(name ? Name(*name + " Matcher " + visit.state->text()) : Name());
  });
}

}  // namespace pycircuit
