#include "evaluate/program.h"

#include <chrono>

#include "base/interrupt.h"
#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

// Lets a pending Ctrl-C through, at most every few milliseconds: asking takes the interpreter lock.
class InterruptClock {
 public:
  void tick() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(20)) return;
    last_ = now;
    poll_interrupt();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void check_device_dtype(const Node& node, const NodePtr& shown, const Tensor& value) {
  const DeviceDtypeOp& declared = node.device_dtype();
  if ((declared.dtype && *declared.dtype != value.dtype()) || (declared.device && *declared.device != value.device())) {
    const std::string got = to_text(DeviceDtypeOp{value.device(), value.dtype()});
    fail(ErrorId::TensorEvalDeviceDtypeError, describe(node) + " should have " + to_text(declared) + ", but its value has " + got,
         circuit_payload(shown), got);
  }
}

}  // namespace

const NodePtr& Program::node_of(int key) const {
  const size_t index = static_cast<size_t>(key);
  if (index < constants.size()) return constants[index];
  if (key < first_computed()) return scalars[index - constants.size()];
  return instructions[index - first_computed()].node;
}

NodePtrs computed_nodes(const NodePtrs& circuits) {
  NodePtrs order;
  for (const auto& node : post_order(circuits))
    if (!node->is_leaf() && node->kind() != Kind::Tag) order.push_back(node);
  return order;
}

ProgramPtr make_program(const NodePtrs& circuits, const NodePtrs& order) {
  auto program = std::make_shared<Program>();
  program->circuits = circuits;
  std::unordered_map<uint64_t, int> keys;
  NodePtrs leaves;
  for (const auto& node : post_order(circuits))
    if (node->is_leaf()) leaves.push_back(node);
  int next = 0;
  for (const auto& leaf : leaves)
    if (leaf->kind() != Kind::Scalar) {
      program->constants.push_back(leaf);
      keys[leaf->id()] = next++;
    }
  for (const auto& leaf : leaves)
    if (leaf->kind() == Kind::Scalar) {
      program->scalars.push_back(leaf);
      keys[leaf->id()] = next++;
    }
  for (const auto& node : order) {
    Instruction instruction{next, node, {}, {}, make_kernel(node)};
    for (const auto& child : node->children()) instruction.operands.push_back(keys.at(below_tags(child)->id()));
    keys[node->id()] = next++;
    program->instructions.push_back(std::move(instruction));
  }
  for (const auto& circuit : circuits) program->outputs.push_back(keys.at(below_tags(circuit)->id()));

  // A computed key is dropped by the last instruction that uses it; outputs never are. What nothing uses was not asked for.
  std::unordered_set<int> kept(program->outputs.begin(), program->outputs.end());
  for (auto instruction = program->instructions.rbegin(); instruction != program->instructions.rend(); ++instruction)
    for (const int operand : instruction->operands)
      if (operand >= program->first_computed() && kept.insert(operand).second) instruction->drops.push_back(operand);
  return program;
}

std::vector<Tensor> run(const Program& program, const Replacements& replacements, RunStats* stats) {
  std::vector<Tensor> values(program.num_keys());
  for (size_t i = 0; i < program.constants.size(); ++i) {
    const auto replaced = replacements.find(static_cast<int>(i));
    if (replaced != replacements.end()) {
      values[i] = replaced->second;
    } else if (const auto* array = program.constants[i]->as<Array>()) {
      values[i] = array->value();
    } else {
      fail(ErrorId::TensorEvalNotExplicitlyComputable, describe(*program.constants[i]) + " is not bound to a value",
           circuit_payload(program.constants[i]));
    }
  }
  for (size_t i = 0; i < program.scalars.size(); ++i)
    values[program.constants.size() + i] = scalar_value(program.scalars[i]->as<Scalar>()->value(), program.scalars[i]->shape());
  InterruptClock clock;
  for (const auto& instruction : program.instructions) {
    clock.tick();
    std::vector<Tensor> operands;
    operands.reserve(instruction.operands.size());
    for (const int operand : instruction.operands) operands.push_back(values[operand]);
    for (const int dropped : instruction.drops) values[dropped] = Tensor();
    std::vector<const IndexElements*> indices;
    if (const auto* index = instruction.node->as<Index>()) indices.push_back(&index->index());
    Tensor value = with_context([&] { return instruction.kernel({std::move(operands), std::move(indices), stats}); },
                                [&] { return "while computing " + describe(*instruction.node); });
    check_device_dtype(*instruction.node, instruction.node, value);
    values[instruction.key] = std::move(value);
  }
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < program.outputs.size(); ++i)
    outputs.push_back(to_device_dtype(values[program.outputs[i]], program.circuits[i]->device_dtype()));
  return outputs;
}

}  // namespace pycircuit
