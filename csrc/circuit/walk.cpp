#include "circuit/walk.h"

#include <algorithm>

namespace pycircuit {

NodePtrs post_order(const NodePtrs& roots) {
  NodePtrs order;
  NumberSet seen;
  std::vector<std::pair<const NodePtr*, size_t>> stack;  // node and its next child
  for (const auto& root : roots) {
    if (!seen.insert(root->id())) continue;
    stack.emplace_back(&root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == (*node)->num_children()) {
        order.push_back(*node);
        stack.pop_back();
      } else if (const NodePtr& child = (*node)->child(next++); seen.insert(child->id())) {
        stack.emplace_back(&child, 0);
      }
    }
  }
  return order;
}

NodePtrs pre_order(const NodePtr& root, const std::function<bool(const Node&)>& enter) {
  NodePtrs order;
  NumberSet seen;
  NodePtrs stack = {root};
  while (!stack.empty()) {
    const NodePtr node = std::move(stack.back());
    stack.pop_back();
    if (!seen.insert(node->id())) continue;
    order.push_back(node);
    if (enter && !enter(*node)) continue;
    for (auto child = node->children().rbegin(); child != node->children().rend(); ++child)
      if (!seen.contains((*child)->id())) stack.push_back(*child);
  }
  return order;
}

}  // namespace pycircuit
