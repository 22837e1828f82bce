// Getting: the nodes that a matcher finds, and the paths to them (spec 07, section 6).
#pragma once

#include <utility>
#include <vector>

#include "match/matcher.h"

namespace pycircuit {

class StepCache;

using NodePath = NodePtrs;  // [found node, its parent, ..., root]
// Keys in the order of circuits.
using PathByNode = std::vector<std::pair<NodePtr, NodePath>>;
using PathsByNode = std::vector<std::pair<NodePtr, std::vector<NodePath>>>;

// With a cache, steps in it are not asked again, and new ones are put there.

// Distinct found nodes in the order of the walk.
NodePtrs get(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate = false, StepCache* cache = nullptr);
// Null if nothing is found; RuntimeError if several nodes are.
NodePtr get_unique_op(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate = false, StepCache* cache = nullptr);
NodePtr get_unique(const NodePtr& circuit, const IterativeMatcher& matcher, bool fancy_validate = false, StepCache* cache = nullptr);
bool are_any_found(const NodePtr& circuit, const IterativeMatcher& matcher);
PathByNode get_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache = nullptr);
PathsByNode get_all_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache = nullptr);
// Every node on some path, both ends included, in the order of the walk.
NodePtrs get_all_circuits_in_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* cache = nullptr);

}  // namespace pycircuit
