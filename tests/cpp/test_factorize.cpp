// Prime factors.
#include <gtest/gtest.h>

#include "shape/factorize.h"

namespace pycircuit {
namespace {

TEST(Symbolic, Factorization) {
  EXPECT_EQ(prime_factors(1), std::vector<uint64_t>{});
  EXPECT_EQ(prime_factors(360), (std::vector<uint64_t>{2, 2, 2, 3, 3, 5}));
  EXPECT_EQ(prime_factors(4294967291ull * 4294967279ull), (std::vector<uint64_t>{4294967279ull, 4294967291ull}));
  EXPECT_EQ(prime_factors(18446744073709551557ull), std::vector<uint64_t>{18446744073709551557ull});
  EXPECT_EQ(prime_factors(999983ull * 999983ull), (std::vector<uint64_t>{999983, 999983}));
  EXPECT_EQ(prime_factors(INT64_MAX), (std::vector<uint64_t>{7, 7, 73, 127, 337, 92737, 649657}));
}

}  // namespace
}  // namespace pycircuit
