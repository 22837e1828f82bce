// Evaluation over samples, piece by piece within a memory budget (spec 12, section 13).
#pragma once

#include <optional>
#include <vector>

#include "evaluate/schedule.h"

namespace pycircuit {

// The values of the circuits, whose `axis` of equal size is cut into pieces of `batch_size`; pieces of all circuits that share work run
// together. No batch size: the largest for which results, shared nodes and one piece with its workspace stay within max_memory;
// SchedulingOOMMany if 1 does not. Where a device runs out of memory all the same, smaller pieces follow.
std::vector<Tensor> evaluate_batched(const NodePtrs& circuits, int64_t axis, std::optional<int64_t> batch_size,
                                     const OptimizationSettings& settings, bool optimize, RunStats* stats = nullptr);

}  // namespace pycircuit
