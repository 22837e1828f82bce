// Numbers of any size, and numbers of elements.
#include <gtest/gtest.h>

#include "shape/big.h"
#include "shape/shape.h"

namespace pycircuit {
namespace {

TEST(BigUint, Arithmetic) {
  BigUint factorial = 1;
  for (uint64_t i = 2; i <= 30; ++i) factorial *= i;
  EXPECT_EQ(factorial.to_string(), "265252859812191058636308480000000");
  EXPECT_EQ((factorial * factorial).to_string(), "70359079638545882374689246780656119576032161719910400000000000000");
  EXPECT_EQ(saturating_sub(factorial, factorial), BigUint());
  EXPECT_EQ(saturating_sub(factorial + 5, factorial), BigUint(5));
  EXPECT_EQ(saturating_sub(BigUint(1), factorial), BigUint());
  EXPECT_LT(BigUint(UINT64_MAX), factorial);
  EXPECT_EQ((BigUint(UINT64_MAX) + 1).to_string(), "18446744073709551616");
  EXPECT_EQ((factorial * uint64_t{0}).to_string(), "0");
  EXPECT_EQ(BigUint(10'000'000'000'000'000'000u).to_string(), "10000000000000000000");
  EXPECT_EQ(numel({INT64_MAX, INT64_MAX, 4}).to_string(), "340282366920938463389587631136930004996");
  EXPECT_EQ(numel_saturating({INT64_MAX, INT64_MAX, 4}), UINT64_MAX);
  EXPECT_EQ(numel_saturating({INT64_MAX, INT64_MAX, 0}), 0u);
  EXPECT_EQ(numel_saturating({}), 1u);
}

}  // namespace
}  // namespace pycircuit
