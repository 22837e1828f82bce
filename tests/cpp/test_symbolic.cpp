// Symbolic sizes: texts, and constraints against brute force (spec 02, section 7).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <set>

#include "base/text.h"
#include "errors.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

TEST(Symbolic, PrimesAndText) {
  const auto& primes = symbolic_sizes();
  EXPECT_EQ(std::vector<Size>(primes.begin(), primes.begin() + 8),
            (std::vector<Size>{10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079}));
  EXPECT_EQ(primes[254], 12433);
  EXPECT_EQ(primes[255], 12437);
  EXPECT_EQ(size_text(10007), "0s");
  EXPECT_EQ(size_text(20014), "2*0s");
  EXPECT_EQ(size_text(10007 * 10009), "0s*1s");
  EXPECT_EQ(size_text(9999), "9999");
  EXPECT_EQ(size_text(Size{10007} * 10007 * 10009), "0s*0s*1s");
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(size_text(12451), "12451");
  EXPECT_EQ(parse_size_text("2 * 1s * 3"), 6 * 10009);
  EXPECT_EQ(SymbolicSizeProduct::decompose(0).other_factor, 0u);
  EXPECT_FALSE(is_symbolic(0));
  EXPECT_FALSE(is_symbolic(12451));
  EXPECT_TRUE(is_symbolic(3 * 12437));
  EXPECT_LT((SymbolicSizeProduct{1, {5}}), (SymbolicSizeProduct{2, {}}));
  EXPECT_LT((SymbolicSizeProduct{1, {0, 5}}), (SymbolicSizeProduct{1, {1}}));
}

TEST(Symbolic, TextErrors) {
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text("18446744073709551616"));
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text(""));
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text("2*"));
  EXPECT_ERROR(ParseFactorProductTooLarge, parse_size_text("18446744073709551615*2"));
  EXPECT_ERROR(ParseSymbolicSizeNumberOutOfBounds, parse_size_text("256s"));
  EXPECT_ERROR(SymbolicSizeOverflowProductTooLarge, parse_size_text("9223372036854775808"));
  EXPECT_ERROR(SymbolicSizeOverflowProductTooLarge, parse_size_text("0s*0s*0s*0s*0s"));
  EXPECT_EQ(parse_size_text("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_size_text("0*0s*0s*0s*0s*0s"), 0);
}

TEST(Symbolic, RoundTripAndDivisibility) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 3000; ++round) {
    Size size = static_cast<Size>(random() % 1000 + 1);
    for (int k = static_cast<int>(random() % 4); k > 0; --k) size *= symbolic_sizes()[random() % 256];
    EXPECT_EQ(parse_size_text(size_text(size)), size);
    const bool divisible = std::any_of(symbolic_sizes().begin(), symbolic_sizes().end(), [&](Size prime) { return size % prime == 0; });
    EXPECT_EQ(is_symbolic(size), divisible);
    EXPECT_EQ(!SymbolicSizeProduct::decompose(size).symbolic_sizes.empty(), divisible);
  }
}

std::string declared(std::string_view x, std::string_view y) {
  const auto constraint = constraint_of(parse_size_text(x), parse_size_text(y));
  return constraint ? constraint->to_string() : "none";
}

TEST(Symbolic, ConstraintTable) {
  EXPECT_EQ(declared("0s", "0s"), "none");
  EXPECT_EQ(declared("0s", "3"), "0s=3");
  EXPECT_EQ(declared("2*0s", "6"), "2*0s=6");
  EXPECT_EQ(declared("0s", "1s"), "1s=0s");
  EXPECT_EQ(declared("0s*1s", "2s"), "0s*1s=2s");
  EXPECT_EQ(declared("2s", "0s*1s"), "0s*1s=2s");
  EXPECT_EQ(declared("2*0s", "0"), "0s=0");
  EXPECT_EQ(declared("0", "2*0s"), "0s=0");
  const CircuitError error = error_of([] { declared("2*0s", "5"); });
  EXPECT_EQ(error.id(), ErrorId::SymbolicSizeSetFactorDoesntDivideSetTo);
  EXPECT_EQ(to_text(error.payload()[0]), "2");
  EXPECT_EQ(to_text(error.payload()[1]), "5");
  EXPECT_EQ(to_text(error.payload()[2]), "2*0s");
  for (const auto& [x, y] : {std::pair("3", "4"), {"3", "6"}, {"6", "3"}, {"0", "3"}, {"3", "0"}, {"5", "2*0s"}}) {
    EXPECT_ERROR(SymbolicSizeSetFactorDoesntDivideSetTo, declared(x, y));
  }
}

std::vector<SymbolicSizeConstraint> constraints(std::string_view text) {
  std::vector<SymbolicSizeConstraint> out;
  for (const auto& equation : split(text, ",")) {
    const auto sides = split(equation, "=");
    out.push_back({SymbolicSizeProduct::parse(trim(sides.at(0))), SymbolicSizeProduct::parse(trim(sides.at(1)))});
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Symbolic, SatisfiabilityExamples) {
  for (const char* text : {"0s=3, 0s=5", "0s*1s=12, 0s=5", "2*0s=3*1s, 1s=1", "0s=0, 0s=3", "0s*1s=0, 0s=2, 1s=3", "0s*0s=8",
                           "0s*0s=2*1s*1s, 0s=2", "0s*0s*1s*1s=2*2s*2s, 2s=3"}) {
    EXPECT_FALSE(satisfiable(constraints(text))) << text;
  }
  for (const char* text : {"0s*1s=12, 0s=4", "0s*0s=9", "0s=0", "1s=0s", "0s*1s=2s", "0s*0s=2*1s*1s", "0s*1s=0, 0s=2", "2*0s=3*1s",
                           "0s=9223372036854775807", "0s*0s=36", "4611686014132420609=0s*0s"}) {
    EXPECT_TRUE(satisfiable(constraints(text))) << text;
  }
  EXPECT_TRUE(satisfiable({}));
  EXPECT_ERROR(SymbolicSizeSetFailedToSatisfyContraints, check_satisfiable(constraints("0s=3, 0s=5")));
}

// Random sets of equations between products of up to `max_degree` of three unknowns.
std::vector<SymbolicSizeConstraint> random_constraints(std::mt19937_64& random, const std::vector<uint64_t>& factors, size_t max_degree) {
  std::set<SymbolicSizeConstraint> set;
  const size_t count = 1 + random() % 3;
  while (set.size() < count) {
    SymbolicSizeConstraint constraint;
    for (auto* side : {&constraint.l, &constraint.r}) {
      side->other_factor = factors[random() % factors.size()];
      for (size_t k = random() % (max_degree + 1); k > 0; --k) side->symbolic_sizes.push_back(static_cast<int>(random() % 3));
      std::sort(side->symbolic_sizes.begin(), side->symbolic_sizes.end());
    }
    set.insert(constraint);
  }
  return {set.begin(), set.end()};
}

// Whether three of the values solve the equations.
bool solvable_among(const std::vector<SymbolicSizeConstraint>& list, const std::vector<double>& values) {
  std::array<double, 3> unknowns{};
  const auto product = [&](const SymbolicSizeProduct& side) {
    double out = static_cast<double>(side.other_factor);
    for (const int i : side.symbolic_sizes) out *= unknowns[static_cast<size_t>(i)];
    return out;
  };
  for (double x : values) {
    for (double y : values) {
      for (double z : values) {
        unknowns = {x, y, z};
        if (std::all_of(list.begin(), list.end(), [&](const auto& c) { return product(c.l) == product(c.r); })) return true;
      }
    }
  }
  return false;
}

std::string text_of(const std::vector<SymbolicSizeConstraint>& list) {
  return join(list, ", ", [](const auto& constraint) { return constraint.to_string(); });
}

TEST(Symbolic, SatisfiabilityAgreesWithBruteForce) {
  std::mt19937_64 random(3);
  std::vector<double> values(51);
  std::iota(values.begin(), values.end(), 0.0);
  for (int round = 0; round < 1500; ++round) {
    const auto list = random_constraints(random, {1, 1, 1, 2, 3, 4, 6, 0}, 2);
    EXPECT_EQ(satisfiable(list), solvable_among(list, values)) << text_of(list);
  }
}

// Equations in powers of 2 only, whose smallest solutions have small exponents: exercises the systems of several tangled equations.
TEST(Symbolic, SatisfiabilityInPowersOfTwo) {
  std::mt19937_64 random(4);
  std::vector<double> values = {0};
  for (int exponent = 0; exponent <= 20; ++exponent) values.push_back(static_cast<double>(uint64_t{1} << exponent));
  std::array<int, 2> answers{};
  for (int round = 0; round < 4000; ++round) {
    const auto list = random_constraints(random, {1, 2, 4, 8, 16, 32, 64}, 5);
    const bool answer = satisfiable(list);
    ++answers[answer];
    EXPECT_EQ(answer, solvable_among(list, values)) << text_of(list);
  }
  EXPECT_GT(answers[0], 400);
  EXPECT_GT(answers[1], 400);
}

TEST(Symbolic, SatisfiabilityOfHardSetsTerminates) {
  std::mt19937_64 random(9);
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < 40; ++round) {
    std::set<SymbolicSizeConstraint> set;
    for (int k = 0; k < 40; ++k) {
      SymbolicSizeConstraint constraint;
      for (auto* side : {&constraint.l, &constraint.r}) {
        side->other_factor = uint64_t{1} << (random() % 60);
        for (size_t n = 1 + random() % 4; n > 0; --n) side->symbolic_sizes.push_back(static_cast<int>(random() % 60));
        std::sort(side->symbolic_sizes.begin(), side->symbolic_sizes.end());
      }
      set.insert(constraint);
    }
    set.insert(SymbolicSizeConstraint{{uint64_t{1} << 50, {}}, {1, {0, 1, 2}}});
    satisfiable({set.begin(), set.end()});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace pycircuit
