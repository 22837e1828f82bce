// A Program: flat instructions over keys, made from circuits once and run any number of times (spec 12, sections 3, 4, 8.1).
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "circuit/node.h"
#include "evaluate/fusion.h"
#include "evaluate/kernel.h"
#include "tensor/tensor.h"

namespace pycircuit {

// Computes the node of one key from the values at its operand keys; then drops the keys that no later instruction uses.
struct Instruction {
  int key;
  NodePtr node;               // children are those of the circuit; Tags between it and its operands are skipped
  std::vector<int> operands;  // one per child
  std::vector<int> drops;     // keys, in the order in which they are dropped
  Kernel kernel;
};

class Program {
 public:
  // Leaves by key: Arrays and Symbols first, then Scalars; computed keys follow.
  NodePtrs constants;  // Array or Symbol of key i
  NodePtrs scalars;    // Scalar of key constants.size() + i
  std::vector<Instruction> instructions;
  std::vector<int> outputs;       // keys, one per circuit
  std::vector<NodePtr> circuits;  // the substituted circuits, in order

  int num_keys() const { return static_cast<int>(constants.size() + scalars.size() + instructions.size()); }
  int first_computed() const { return static_cast<int>(constants.size() + scalars.size()); }
  // The leaf or computed node of a key.
  const NodePtr& node_of(int key) const;
};
using ProgramPtr = std::shared_ptr<const Program>;

// Tensors that replace constants, by key.
using Replacements = std::unordered_map<int, Tensor>;

// The distinct non-leaf nodes of the circuits (modules substituted, Tags skipped) in the depth-first order of `evaluate`.
NodePtrs computed_nodes(const NodePtrs& circuits);
// A program over circuits without Modules that computes `order` in order; every operand must be a leaf or stand before its users.
ProgramPtr make_program(const NodePtrs& circuits, const NodePtrs& order);

// One value per output. Values are dropped after their last use; an exception releases everything.
std::vector<Tensor> run(const Program& program, const Replacements& replacements = {}, RunStats* stats = nullptr);

}  // namespace pycircuit
