// Permutations (spec 03, section 10): perm[k] is the source axis of result axis k.
#pragma once

#include <cstdint>
#include <vector>

namespace pycircuit {

// Throws PermIntsNotUnique (repeats) or PermNotContiguousInts (not exactly 0 .. n-1), in this order.
void check_permutation(const std::vector<int64_t>& permutation);
// The inverse of a checked permutation.
std::vector<int64_t> inverse_permutation(const std::vector<int64_t>& permutation);

}  // namespace pycircuit
