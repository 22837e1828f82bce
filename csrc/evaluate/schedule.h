// Schedule: a Program with its circuits kept for display, and what may be asked of it (spec 12, section 8).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "evaluate/program.h"
#include "evaluate/settings.h"

namespace pycircuit {

struct ScheduleStats {
  BigUint max_mem;       // accounted peak, elements
  BigUint constant_mem;  // elements of all constants
  BigUint max_mem_bytes, constant_mem_bytes;
  NodePtrs max_circuit_set;  // nodes live at the first maximum, as in the instructions
  int64_t num_computes = 0;
  std::optional<int64_t> python_calls;
};

class Schedule {
 public:
  // `leaves`: the Arrays and Symbols that may be replaced, also those optimized away.
  Schedule(ProgramPtr program, NodePtrs leaves);

  const Program& program() const { return *program_; }
  const Replacements& replacements() const { return replacements_; }
  const NodePtrs& leaves() const { return leaves_; }
  // Parts of a pickle: the position of every instruction's node in `computed_nodes`, and a Schedule from such positions. RuntimeError where
  // they do not fit.
  std::vector<int64_t> order_positions() const;
  static Schedule restored(const NodePtrs& circuits, const std::vector<int64_t>& positions, NodePtrs leaves,
                           const Replacements& replacements);
  // The node of a computed key with each child replaced by a Symbol named by the child's key.
  NodePtr shown_node(const Instruction& instruction) const;

  std::vector<Tensor> evaluate_many(RunStats* stats = nullptr) const;
  // One output, or all flattened and concatenated.
  Tensor evaluate() const;
  std::vector<Tensor> split(const Tensor& tensor) const;
  ScheduleStats stats() const;
  void validate(bool validate_output) const;
  void check_no_syms() const;
  void check_no_raw_tensor_constants() const;

  // `replacement(hash)` for every Array and Symbol of the original circuits; nothing keeps it (8.3).
  Schedule map_tensors(const std::function<std::optional<Tensor>(const Hash&)>& replacement) const;
  // KeyError for an unknown key unless allow_missing.
  Schedule replace_tensors(const std::vector<std::pair<Hash, Tensor>>& map, bool allow_missing) const;

 private:
  ProgramPtr program_;
  Replacements replacements_;
  NodePtrs leaves_;
};

// 6.3 and 9. No optimization; modules are substituted. `originals` are the circuits whose leaves may be replaced later.
Schedule circuit_to_schedule(const NodePtrs& circuits, const NodePtrs& originals, const OptimizationSettings& settings, bool naive);
inline Schedule circuit_to_schedule(const NodePtrs& circuits, const OptimizationSettings& settings, bool naive) {
  return circuit_to_schedule(circuits, circuits, settings, naive);
}
// SchedulingEvaluateCalledWithSyms, SchedulingNotExplicitlyComputable.
Tensor scheduled_evaluate(const NodePtr& circuit, const OptimizationSettings& settings);

}  // namespace pycircuit
