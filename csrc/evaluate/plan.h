// A Program as users see it: keys, instructions and statistics over the nodes of its circuits (spec 12, 8.1 and 8.4).
#pragma once

#include <vector>

#include "evaluate/program.h"

namespace pycircuit {

// Computes the node of one key from the values at its operand keys; then drops the keys that no later instruction uses.
struct Instruction {
  int key;
  NodePtr node;               // children are those of the circuit; Tags between it and its operands are skipped
  std::vector<int> operands;  // keys: one per child, or one per operand of the region that hides `inner`
  NodePtrs operand_nodes;
  NodePtrs inner;          // nodes never materialised
  std::vector<int> drops;  // keys, in the order in which they are dropped
};

class Plan {
 public:
  Plan(const Lowered& lowered, const Program& program);

  // Leaves by key: Arrays and Symbols first, then Scalars; computed keys follow.
  NodePtrs constants;  // Array or Symbol of key i
  NodePtrs scalars;    // Scalar of key constants.size() + i
  std::vector<Instruction> instructions;
  std::vector<int> outputs;  // keys, one per circuit
  NodePtrs circuits;         // the circuits as computed

  int first_computed() const { return static_cast<int>(constants.size() + scalars.size()); }
  int num_keys() const { return first_computed() + static_cast<int>(instructions.size()); }
  // The leaf or computed node of a key.
  const NodePtr& node_of(int key) const;
  // The node, with what it hides, over Symbols named by the keys of the operands.
  NodePtr shown_node(const Instruction& instruction) const;
};

}  // namespace pycircuit
