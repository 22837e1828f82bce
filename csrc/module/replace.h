// Replacing nodes from the root down, without looking below a replacement.
#pragma once

#include <utility>
#include <vector>

#include "circuit/walk.h"

namespace pycircuit {

// `replacement(node)` gives what takes the node's place, or null; asked once per distinct node. Nodes above a change are rebuilt.
template <class Replacement>
NodePtr replace_top_down(const NodePtr& root, Replacement&& replacement) {
  NodeMap done;
  std::vector<std::pair<NodePtr, size_t>> stack;  // node and its next child
  const auto enter = [&](const NodePtr& node) {
    if (done.contains(node->id())) return;
    if (NodePtr found = replacement(node)) {
      done.emplace(node->id(), std::move(found));
    } else {
      stack.emplace_back(node, 0);
    }
  };
  enter(root);
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next < node->num_children()) {
      enter(node->child(next++));
      continue;
    }
    NodePtrs children;
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    NodePtr built = node->rebuild_if_changed(std::move(children));
    done.emplace(node->id(), std::move(built));
    stack.pop_back();
  }
  return done.at(root->id());
}

}  // namespace pycircuit
