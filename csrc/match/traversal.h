// Traversals as regions of a circuit: their edges, and working inside them (spec 07, section 8).
#pragma once

#include <utility>
#include <vector>

#include "circuit/edit.h"
#include "match/matcher.h"
#include "match/transform.h"

namespace pycircuit {

// Distinct visited nodes at which the traversal is finished for all children, in the order of the walk.
NodePtrs traversal_edges(const NodePtr& circuit, const IterativeMatcher& traversal);

struct OutsideReplaced {
  NodePtr circuit;
  std::vector<std::pair<NodePtr, NodePtr>> symbols;  // symbol, what it replaced; in the order of the walk
};
using SymbolNamer = std::function<Name(const NodePtr& edge)>;
// Every edge replaced by a new Symbol with a random UUID; without a namer it is named like the edge.
OutsideReplaced replace_outside_traversal_symbols(const NodePtr& circuit, const IterativeMatcher& traversal, const SymbolNamer& namer = {});
// The transform applied to the region alone, with what is outside put back afterwards.
NodePtr apply_in_traversal(const NodePtr& circuit, const IterativeMatcher& traversal, const Transform& transform);

// Nodes found on the original circuit, mapped from the root down (10, section 17).
NodePtr update_nodes(const NodePtr& circuit, const IterativeMatcher& matcher, const NodeFunction& updater);

// Every visited node but Symbols renamed to "<name> Matcher <state>", or to the state alone (section 9).
NodePtr append_matchers_to_names(const NodePtr& circuit, const IterativeMatcher& matcher, bool discard_old_name = false);

}  // namespace pycircuit
