// A bottom-up rewrite whose results are remembered from one circuit to the next.
#pragma once

#include <vector>

#include "base/interrupt.h"
#include "circuit/walk.h"

namespace pycircuit {

class MemoMap {
 public:
  // `build(node, new children)` for every distinct node not seen before, children first; returns the root's result.
  template <class Build>
  NodePtr operator()(const NodePtr& root, Build&& build) {
    std::vector<std::pair<NodePtr, size_t>> stack;  // node and its next child
    if (!done_.contains(root->id())) stack.emplace_back(root, 0);
    for (size_t steps = 1; !stack.empty(); ++steps) {
      if (steps % 4096 == 0) poll_interrupt();
      auto& [node, next] = stack.back();
      if (next < node->num_children()) {
        const NodePtr& child = node->child(next++);
        if (!done_.contains(child->id())) stack.emplace_back(child, 0);
        continue;
      }
      NodePtrs children;
      children.reserve(node->num_children());
      for (const auto& child : node->children()) children.push_back(done_.at(child->id()));
      const NodePtr done = node;
      stack.pop_back();
      done_.emplace(done->id(), build(done, std::move(children)));
    }
    return done_.at(root->id());
  }

 private:
  NodeMap done_;
};

}  // namespace pycircuit
