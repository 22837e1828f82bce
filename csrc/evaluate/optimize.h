// The optimizer: rewrites a circuit into an equal one that is cheaper to run (spec 12, section 6).
#pragma once

#include "evaluate/context.h"
#include "evaluate/schedule.h"
#include "evaluate/settings.h"

namespace pycircuit {

// Each function's settings may be a context, whose logs then grow.
NodePtr optimize_circuit(const NodePtr& circuit, const OptimizationContext& context = {});
// Forgets what was optimized before.
void clear_optimized();
// The same for several outputs, whose common parts stay common; settings.simp_fn_subset without the rule that reads values of Arrays.
NodePtrs optimize_for_plan(const NodePtrs& circuits, const OptimizationContext& context);
Schedule optimize_to_schedule(const NodePtrs& circuits, const OptimizationContext& context = {});
// SchedulingNotExplicitlyComputable before any work.
std::vector<Tensor> optimize_and_evaluate_many(const NodePtrs& circuits, const OptimizationContext& context = {});

}  // namespace pycircuit
