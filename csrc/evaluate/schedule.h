// Schedule: a Program with its circuits kept for display, and what may be asked of it (spec 12, section 8).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "evaluate/compile.h"
#include "evaluate/plan.h"
#include "evaluate/replays.h"
#include "evaluate/settings.h"

namespace pycircuit {

struct ScheduleStats {
  BigUint max_mem;       // accounted peak, elements
  BigUint constant_mem;  // elements of all constants
  BigUint max_mem_bytes, constant_mem_bytes;
  NodePtrs max_circuit_set;  // nodes live at the first maximum, as in the instructions
  int64_t num_computes = 0;
  ProgramStats program;
  std::vector<Refusal> not_fused;
  std::optional<int64_t> peak_bytes, python_calls, graph_replays;  // of a run only
};

// "ScheduleStats: max: 7K const: 5K shapes: [50, 50] 66%, ..." (8.4).
std::string to_text(const ScheduleStats& stats);

// Tensors that replace constants, by key.
using Replacements = std::unordered_map<int, Tensor>;

class Schedule {
 public:
  // `leaves`: the Arrays and Symbols that may be replaced, also those optimized away. `options` are those of the compilation.
  Schedule(const NodePtrs& circuits, const CompileOptions& options, NodePtrs leaves);

  const Plan& plan() const { return *plan_; }
  const NodePtrs& circuits() const { return circuits_; }
  const CompileOptions& options() const { return options_; }
  const Replacements& replacements() const { return replacements_; }
  const NodePtrs& leaves() const { return leaves_; }
  // For a pickle: by computed node, in the order of plain evaluation, its place in the plan; and a Schedule from that. RuntimeError where
  // they do not fit.
  std::vector<int> ranks() const;
  static Schedule restored(const NodePtrs& circuits, CompileOptions options, std::vector<int> ranks, NodePtrs leaves,
                           const Replacements& replacements);

  // `settings`: only `verbose` and the scale fields matter (section 7).
  std::vector<Tensor> evaluate_many(const OptimizationSettings& settings = {}, RunStats* stats = nullptr) const;
  // One output, or all flattened and concatenated.
  Tensor evaluate(const OptimizationSettings& settings = {}) const;
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
  std::vector<Tensor> values_of(const NodePtrs& leaves) const;
  std::vector<Tensor> run_scaled(const OptimizationSettings& settings, RunStats* stats) const;

  NodePtrs circuits_;  // substituted
  CompileOptions options_;
  std::shared_ptr<const Lowered> lowered_;
  ProgramPtr program_;
  std::shared_ptr<const Plan> plan_;
  struct Prepared {
    std::once_flag once;
    std::vector<Tensor> values;
  };
  std::shared_ptr<Prepared> prepared_ = std::make_shared<Prepared>();
  std::shared_ptr<Replays> replays_;  // shared with schedules of other tensors
  Replacements replacements_;
  NodePtrs leaves_;
};

// 6.3 and 9. No optimization; modules are substituted. `originals` are the circuits whose leaves may be replaced later.
Schedule circuit_to_schedule(const NodePtrs& circuits, const NodePtrs& originals, const OptimizationSettings& settings, bool naive);
inline Schedule circuit_to_schedule(const NodePtrs& circuits, const OptimizationSettings& settings, bool naive) {
  return circuit_to_schedule(circuits, circuits, settings, naive);
}
// SchedulingEvaluateCalledWithSyms, SchedulingNotExplicitlyComputable.
void check_computable(const Node& circuit);
// SchedulingOOMMany: no plan stays within max_memory; the best needs `best` bytes.
[[noreturn]] void fail_memory(const OptimizationSettings& settings, uint64_t best, const NodePtrs& computed);
// Values of circuits with modules substituted, without a Schedule to look at. With gradients needed, each node as written.
std::vector<Tensor> compile_and_run(const NodePtrs& substituted, const CompileOptions& options, RunStats* stats = nullptr);
// SchedulingEvaluateCalledWithSyms, SchedulingNotExplicitlyComputable.
Tensor scheduled_evaluate(const NodePtr& circuit, const OptimizationSettings& settings);

}  // namespace pycircuit
