// Contraction paths of einsums (spec 03, section 12.2): subset absorption, then dynamic programming per connected component.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "shape/alphabet.h"

namespace pycircuit {

struct EinsumSpec;

// Steps in recycled-id format: positions in the current operand list, ascending; the product is appended at the end.
using Path = std::vector<std::vector<int64_t>>;

struct PathOptions {
  bool check_outer = false;                         // also multiply operands without a shared label
  std::optional<uint64_t> mem_cap;                  // results with this many elements or more are ignored
  uint64_t hash_map_cap = 70;                       // subsets kept per subset size
  std::vector<int64_t> dont_contract_subsets_into;  // positions of operands that must not play the larger part in phase 1

  friend bool operator==(const PathOptions&, const PathOptions&) = default;
};

struct PreContraction {
  Path path;
  std::vector<LabelSet> remaining;  // labels of the operands left, in list order
};

// Both phases; remembered per (spec, options). RuntimeError "couldn't find solution within cost cap" where mem_cap leaves none.
Path optimize_path(const EinsumSpec& spec, const PathOptions& options);
// Phase 2 alone, on all operands.
Path optimize_path_dp(const EinsumSpec& spec, const PathOptions& options);
// Phase 1 alone.
PreContraction pre_contract_subsets(const EinsumSpec& spec, const std::vector<int64_t>& dont_contract_subsets_into);
// Sum over the steps of the sizes of the unions of labels, saturating. The path must be valid for the spec, else ValueError.
uint64_t path_cost(const EinsumSpec& spec, const Path& path);

}  // namespace pycircuit
