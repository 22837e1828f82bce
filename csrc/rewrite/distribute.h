// Distributing Einsums over sums (spec 10, section 11).
#pragma once

#include <optional>

#include "circuit/nodes/add.h"
#include "circuit/nodes/einsum.h"
#include "match/matcher.h"

namespace pycircuit {

struct DistributeOptions {
  Name prefix, suffix;
  bool do_broadcasts = true;
};
// 11.1; Distribute... errors.
Ref<const Add> distribute_once(const Einsum& einsum, size_t operand_idx, const DistributeOptions& options = {});
// 11.2
NodePtr distribute_all(const Einsum& einsum);
// 11.3
IterativeMatcher traverse_until_depth(std::optional<uint32_t> depth);
NodePtr distribute(const Einsum& einsum, size_t operand_idx, const IterativeMatcher& traversal, const DistributeOptions& options = {},
                   bool allow_partial_distribute = true);

}  // namespace pycircuit
