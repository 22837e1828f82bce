// Permutations (spec 03, section 18).
#include <gtest/gtest.h>

#include "errors.h"
#include "shape/permutation.h"

namespace pycircuit {
namespace {

TEST(Permutation, Checks) {
  check_permutation({});
  check_permutation({2, 0, 1});
  EXPECT_ERROR(PermIntsNotUnique, check_permutation({0, 5, 5}));
  EXPECT_ERROR(PermNotContiguousInts, check_permutation({0, 1, 3}));
  EXPECT_ERROR(PermNotContiguousInts, check_permutation({-1, 0, 1}));
  EXPECT_EQ(inverse_permutation({2, 0, 1}), (std::vector<int64_t>{1, 2, 0}));
}

}  // namespace
}  // namespace pycircuit
