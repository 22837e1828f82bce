#include "circuit/edit.h"

#include <algorithm>
#include <queue>

#include "base/error.h"
#include "base/interrupt.h"

namespace pycircuit {

NodePtr deep_map(const NodePtr& circuit, const NodeFunction& fn) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) { return fn(node->rebuild(std::move(children))); });
}

NodePtr deep_map_preorder(const NodePtr& circuit, const NodeFunction& fn) {
  struct Entry {
    NodePtr given;  // kept so that its number stays its own
    NodePtr result;
  };
  struct Frame {
    NodePtr given;
    NodePtr mapped;  // what fn made of it
    NodePtrs children;
  };
  std::unordered_map<uint64_t, Entry> entries;  // without a result: in progress
  std::vector<Frame> stack;
  const auto enter = [&](const NodePtr& node) {
    entries.emplace(node->id(), Entry{node, nullptr});
    if (entries.size() % 1024 == 0) poll_interrupt();
    stack.push_back({node, fn(node), {}});
  };
  enter(circuit);
  while (true) {
    Frame& frame = stack.back();
    if (frame.children.size() < frame.mapped->num_children()) {
      const NodePtr child = frame.mapped->child(frame.children.size());
      const auto entry = entries.find(child->id());
      if (entry == entries.end()) {
        enter(child);
      } else if (!entry->second.result) {
        fail(ErrorId::RuntimeError, "mapping from the root down does not end: what " + describe(*child) + " is replaced by contains " +
                                        describe(*child) + " itself below " + describe(*frame.given));
      } else {
        frame.children.push_back(entry->second.result);
      }
      continue;
    }
    NodePtr result = frame.mapped->rebuild(std::move(frame.children));
    entries.at(frame.given->id()).result = result;
    stack.pop_back();
    if (stack.empty()) return result;
  }
}

NodePtr replace_nodes(const NodePtr& circuit, const NodeMap& replacements) {
  return deep_map_preorder(circuit, [&](const NodePtr& node) {
    const auto replacement = replacements.find(node->id());
    return replacement == replacements.end() ? node : replacement->second;
  });
}

NodePtr path_get(const NodePtr& circuit, const std::vector<size_t>& path) {
  NodePtr node = circuit;
  for (const size_t i : path) {
    if (i >= node->num_children()) return nullptr;
    node = node->child(i);
  }
  return node;
}

NodePtr update_path(const NodePtr& circuit, const std::vector<size_t>& path, const NodeFunction& updater) {
  NodePtrs along = {circuit};
  for (const size_t i : path) {
    if (i >= along.back()->num_children()) return circuit;
    along.push_back(along.back()->child(i));
  }
  NodePtr result = updater(along.back());
  for (size_t depth = path.size(); depth-- > 0;) {
    NodePtrs children = along[depth]->children();
    children[path[depth]] = std::move(result);
    result = along[depth]->rebuild(std::move(children));
  }
  return result;
}

NodePtrs toposort_circuit(const NodePtr& circuit) {
  std::unordered_map<uint64_t, size_t> parents_left;
  for (const auto& node : post_order(circuit))
    for (const auto& child : node->children()) ++parents_left[child->id()];
  const auto greater = [](const Node* a, const Node* b) { return circuit_less(*b, *a); };
  std::priority_queue<const Node*, std::vector<const Node*>, decltype(greater)> ready(greater);
  ready.push(circuit.get());
  NodePtrs order;
  while (!ready.empty()) {
    const Node* node = ready.top();
    ready.pop();
    order.emplace_back(node);
    for (const auto& child : node->children())
      if (--parents_left[child->id()] == 0) ready.push(child.get());
  }
  std::reverse(order.begin(), order.end());
  return order;
}

NodePtr prefix_all_names(const NodePtr& circuit, const std::string& prefix) {
  // Renamed before it is rebuilt, so that an unnamed node gets an automatic name from the new names and no prefix of its own.
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    return (node->name() ? node->rename(prefix + *node->name()) : node)->rebuild(std::move(children));
  });
}

}  // namespace pycircuit
