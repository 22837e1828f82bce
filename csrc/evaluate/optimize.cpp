#include "evaluate/optimize.h"

#include "circuit/substitute.h"
#include "rewrite/canonical.h"
#include "rewrite/push_down_index.h"

namespace pycircuit {
namespace {

// The rules of a plan: a Schedule must not depend on the values of Arrays (8.3).
SimpFnSubset plan_rules(const OptimizationSettings& settings) {
  return settings.simp_fn_subset.set_all_to({"generalfunction_gen_index_const_to_index"}, false);
}

NodePtr optimize(const NodePtr& circuit, const OptimizationSettings& settings, const SimpFnSubset& rules) {
  NodePtr result = settings.keep_all_names ? circuit : strip_names_and_tags(circuit);
  result = substitute_all_modules(result);
  return rules.simp(deep_canonicalize(result));
}

}  // namespace

NodePtr optimize_circuit(const NodePtr& circuit, const OptimizationSettings& settings) { return optimize(circuit, settings, settings.simp_fn_subset); }

Schedule optimize_to_schedule(const NodePtrs& circuits, const OptimizationSettings& settings) {
  NodePtrs optimized;
  for (const auto& circuit : circuits) optimized.push_back(optimize(circuit, settings, plan_rules(settings)));
  return circuit_to_schedule(optimized, circuits, settings, settings.scheduling_naive);
}

std::vector<Tensor> optimize_and_evaluate_many(const NodePtrs& circuits, const OptimizationSettings& settings) {
  for (const auto& circuit : circuits)
    if (!circuit->is_explicitly_computable() || !circuit->is_constant())
      fail(ErrorId::SchedulingNotExplicitlyComputable, describe(*circuit) + " is random or not computable; sample it or bind its symbols first",
           circuit_payload(circuit));
  if (circuits.empty()) return {};
  return optimize_to_schedule(circuits, settings).evaluate_many();
}

}  // namespace pycircuit
