// Circuits as numbered nodes: what compiling and running need of them (spec 12, sections 3 and 14).
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/flat_map.h"
#include "circuit/node.h"
#include "evaluate/settings.h"

namespace pycircuit {

// Slots number values: first the leaves, then the computed nodes in the order of plain evaluation (depth-first, children left to right).
struct Lowered {
  NodePtrs circuits;                           // the outputs, in order; no Modules
  NodePtrs leaves;                             // Arrays and Symbols, then Scalars; of a piece of a stream: whatever it takes from outside
  size_t num_constants = 0;                    // how many of the leaves are Arrays and Symbols
  NodePtrs computed;                           // distinct, operands before users, no Tags
  std::vector<std::vector<int>> operands;      // by computed node: the slot of each child
  std::vector<int> outputs;                    // slots
  std::vector<std::optional<double>> numbers;  // by leaf: its one value, if the structure alone says it
  std::unordered_set<uint64_t> streamed_sums;  // ids of Adds that stand for Einsums over a Concat

  int num_leaves() const { return static_cast<int>(leaves.size()); }
  int num_slots() const { return static_cast<int>(leaves.size() + computed.size()); }
  bool is_leaf(int slot) const { return slot < num_leaves(); }
  const NodePtr& node(int slot) const { return is_leaf(slot) ? leaves[slot] : computed[slot - num_leaves()]; }
  FlatMap<uint64_t, int> slots() const;  // by node id
};

// With `fuse`, Einsums that only sum or permute a private Einsum become one contraction with it; with `stream_concat`, Einsums that sum
// over the axis of a private Concat become sums over its pieces (section 14), and where there are pieces, what has an axis only by
// expansion is computed without it (section 15).
Lowered lower(const NodePtrs& circuits, const OptimizationSettings& settings);

// Some computed nodes by themselves; what they take from outside are their leaves.
struct LoweredPart {
  Lowered lowered;
  std::vector<int> externals;  // slots outside, one per leaf
};
// `computed` and `outputs` are slots, `computed` ascending; `numbers`: values known from the structure, by node id.
LoweredPart part_of(const Lowered& lowered, const std::vector<int>& computed, const std::vector<int>& outputs,
                    const std::unordered_map<uint64_t, double>& numbers);

// Equal for circuits that differ only in the tensors of Arrays, in the elements of Index nodes (not in how many are selected) and in
// names: one Program serves them all.
Hash structure_key(const Lowered& lowered);

}  // namespace pycircuit
