// Checks of permutations.
#include "shape/permutation.h"

#include <algorithm>

#include "base/error.h"

namespace pycircuit {

void check_permutation(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    fail(ErrorId::PermIntsNotUnique, "a permutation must not repeat an entry", int_list(permutation));
  }
  // Without repeats the ends decide.
  const auto count = static_cast<int64_t>(sorted.size());
  if (count && (sorted.front() != 0 || sorted.back() != count - 1)) {
    fail(ErrorId::PermNotContiguousInts, "a permutation of n axes must consist of exactly 0 .. n-1", int_list(permutation), count);
  }
}

std::vector<int64_t> inverse_permutation(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return inverse;
}

}  // namespace pycircuit
