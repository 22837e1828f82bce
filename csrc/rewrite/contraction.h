// Orders of contraction and distribution for the optimizer (spec 10, sections 15.2 and 15.3).
#pragma once

#include <functional>

#include "circuit/nodes/einsum.h"
#include "rewrite/simp.h"

namespace pycircuit {

// The Einsum as nested Einsums, one per step; ValueError where the path does not fit.
NodePtr einsum_nest_path(const Einsum& einsum, const Path& path);
// Limit of a tensor in elements, for `bytes` of memory.
uint64_t elements_within(const Node& node, uint64_t bytes);
// Along a good path whose intermediates take less than `max_bytes`; RuntimeError if there is none.
NodePtr einsum_nest_optimize(const Einsum& einsum, uint64_t max_bytes);
// Called after each search for a path, with the time it took.
using PathObserver = std::function<void(const Einsum& einsum, double seconds)>;
// That at every Einsum, bottom-up, in batches where there is no such path; an Einsum that cannot be split stays whole.
NodePtr deep_optimize_einsums(const NodePtr& circuit, uint64_t max_bytes, const PathObserver& observer = {});

struct MaybeDistributeOptions {
  uint64_t min_elements;  // of a sum to be distributed over
  SimpFnSubset rules;
  RuleObserver observer = {};
};
NodePtr maybe_distribute(const Einsum& einsum, const MaybeDistributeOptions& options);
struct DeepDistributed {
  NodePtr circuit;
  bool gave_up;  // after kMaxDistributions
};
constexpr int kMaxDistributions = 10'000;
DeepDistributed deep_maybe_distribute(const NodePtr& circuit, const MaybeDistributeOptions& options);

}  // namespace pycircuit
