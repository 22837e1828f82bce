#include "evaluate/plan.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "circuit/nodes/all.h"
#include "circuit/walk.h"

namespace pycircuit {

Plan::Plan(const Lowered& lowered, const Program& program)
    : constants(lowered.leaves.begin(), lowered.leaves.begin() + static_cast<int64_t>(lowered.num_constants)),
      scalars(lowered.leaves.begin() + static_cast<int64_t>(lowered.num_constants), lowered.leaves.end()),
      circuits(lowered.circuits) {
  std::vector<int> keys(static_cast<size_t>(lowered.num_slots()), -1);
  int next = 0;
  for (; next < lowered.num_leaves(); ++next) keys[next] = next;
  for (const auto& planned : program.plan) {
    Instruction instruction{next, lowered.node(planned.slot), {}, {}, {}, {}};
    for (const int operand : planned.operands) {
      instruction.operands.push_back(keys[operand]);
      instruction.operand_nodes.push_back(lowered.node(operand));
    }
    for (const int inner : planned.inner) instruction.inner.push_back(lowered.node(inner));
    keys[planned.slot] = next++;
    instructions.push_back(std::move(instruction));
  }
  for (const int output : lowered.outputs) outputs.push_back(keys[output]);

  // A computed key is dropped by the last instruction that uses it; outputs never are.
  std::unordered_set<int> kept(outputs.begin(), outputs.end());
  for (auto instruction = instructions.rbegin(); instruction != instructions.rend(); ++instruction)
    for (const int operand : instruction->operands)
      if (operand >= first_computed() && kept.insert(operand).second) instruction->drops.push_back(operand);
}

const NodePtr& Plan::node_of(int key) const {
  const auto index = static_cast<size_t>(key);
  if (index < constants.size()) return constants[index];
  if (key < first_computed()) return scalars[index - constants.size()];
  return instructions[index - first_computed()].node;
}

NodePtr Plan::shown_node(const Instruction& instruction) const {
  NodeMap shown;
  for (size_t i = 0; i < instruction.operands.size(); ++i) {
    const NodePtr& operand = instruction.operand_nodes[i];
    shown[operand->id()] = Symbol::make(operand->shape(), Uuid{}, std::to_string(instruction.operands[i]));
  }
  std::unordered_set<uint64_t> inner;
  for (const auto& node : instruction.inner) inner.insert(node->id());
  // Children before parents; what is neither an operand nor hidden is a leaf whose value the kernel has by itself.
  std::vector<std::pair<NodePtr, size_t>> stack = {{instruction.node, 0}};
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next < node->num_children()) {
      const NodePtr& child = below_tags(node->child(next++));
      if (!shown.contains(child->id()) && inner.contains(child->id())) stack.emplace_back(child, 0);
      continue;
    }
    NodePtrs children;
    for (const auto& child : node->children()) {
      const auto found = shown.find(below_tags(child)->id());
      children.push_back(found == shown.end() ? below_tags(child) : found->second);
    }
    const NodePtr done = node;
    stack.pop_back();
    shown[done->id()] = done->rebuild(std::move(children));
  }
  return shown.at(instruction.node->id());
}

}  // namespace pycircuit
