// Walks over the distinct nodes of circuits, without recursion.
#pragma once

#include <functional>
#include <vector>

#include "base/flat_map.h"
#include "circuit/node.h"

namespace pycircuit {

// Distinct nodes, children before parents, children left to right.
NodePtrs post_order(const NodePtrs& roots);
inline NodePtrs post_order(const NodePtr& root) { return post_order(NodePtrs{root}); }
// Distinct nodes in order of first visit, parents first, children left to right. `enter` says whether to go below a node.
NodePtrs pre_order(const NodePtr& root, const std::function<bool(const Node&)>& enter = {});

// Results by node id.
using NodeMap = FlatMap<uint64_t, NodePtr>;

// Bottom-up: `build(node, new children)` for every distinct node, children first; returns the root's result.
template <class Build>
NodePtr map_bottom_up(const NodePtr& root, Build&& build) {
  NodeMap done;
  for (const auto& node : post_order(root)) {
    NodePtrs children;
    children.reserve(node->num_children());
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    done.emplace(node->id(), build(node, std::move(children)));
  }
  return done.at(root->id());
}

}  // namespace pycircuit
