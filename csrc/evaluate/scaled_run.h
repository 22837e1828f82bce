// Evaluation by pairs (t, s) that mean t / s, for values far outside what a dtype holds (spec 12, section 7).
#pragma once

#include <vector>

#include "evaluate/lower.h"
#include "evaluate/program.h"
#include "evaluate/settings.h"

namespace pycircuit {

// `program` is that of the circuits as written: its plan has each node by itself. `leaves` as for `run`. The scale fields of the settings
// say when a value is brought back to a mean magnitude of 1.
std::vector<Tensor> scaled_run(const Program& program, const Lowered& lowered, std::vector<Tensor> leaves,
                               const OptimizationSettings& settings, RunStats* stats = nullptr);

}  // namespace pycircuit
