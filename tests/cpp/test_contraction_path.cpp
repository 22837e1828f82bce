// Contraction paths: validity, and cost against brute force (spec 03, section 12).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "einsums.h"
#include "errors.h"
#include "shape/contraction_path.h"

namespace pycircuit {
namespace {

TEST(Path, ExampleAndSmallCases) {
  const EinsumSpec spec = einsum("ab,bc,cd->ad", {{'a', 2}, {'b', 3}, {'c', 4}, {'d', 5}});
  EXPECT_EQ(spec.optimize(), (Path{{0, 1}, {0, 1}}));
  EXPECT_EQ(path_cost(spec, {{0, 1}, {0, 1}}), 64u);
  EXPECT_EQ(path_cost(spec, {{1, 2}, {0, 1}}), 90u);
  EXPECT_EQ((EinsumSpec{{}, {}, {}}).optimize(), (Path{{}}));
  EXPECT_EQ(einsum("a->a", {{'a', 2}}).optimize(), (Path{{0}}));
  EXPECT_EQ(einsum("a,b->ab", {{'a', 2}, {'b', 2}}).optimize(), (Path{{0, 1}}));
  PathOptions capped;
  capped.mem_cap = 2;
  EXPECT_ERROR(RuntimeError, spec.optimize(capped));
  capped.mem_cap = 11;
  EXPECT_EQ(spec.optimize(capped), (Path{{0, 1}, {0, 1}}));
  EXPECT_ERROR(ValueError, path_cost(spec, {{0, 3}}));
  EXPECT_ERROR(ValueError, path_cost(spec, {{0, 1}}));
}

TEST(Path, SubsetAbsorption) {
  const EinsumSpec spec = einsum("abc,ab,b,cd->ad", {{'a', 2}, {'b', 3}, {'c', 4}, {'d', 5}});
  const PreContraction first = spec.optimize_pre_contract_subsets();
  EXPECT_EQ(first.path, (Path{{1, 2}, {0, 2}}));  // b into ab, that into abc
  EXPECT_EQ(first.remaining.size(), 2u);
  EXPECT_EQ(first.remaining[1], LabelSet(0b101));  // ac
  const PreContraction kept = spec.optimize_pre_contract_subsets({0});
  EXPECT_EQ(kept.path, (Path{{1, 2}}));
  EXPECT_EQ(spec.optimize_pre_contract_subsets({0, 1}).path, Path{});
  EXPECT_ERROR(MiscInputItemOutOfBounds, spec.optimize_pre_contract_subsets({4}));
}

EinsumSpec random_einsum(std::mt19937_64& random, size_t operands, size_t labels, size_t max_rank) {
  EinsumSpec spec;
  for (size_t i = 0; i < labels; ++i) spec.int_sizes.push_back(static_cast<Size>(1 + random() % 7));
  LabelSet used;
  for (size_t k = 0; k < operands; ++k) {
    Labels axes;
    for (size_t rank = 1 + random() % max_rank; rank > 0; --rank) axes.push_back(static_cast<Label>(random() % labels));
    for (const Label label : axes) used.set(label);
    spec.input_ints.push_back(axes);
  }
  for (size_t i = 0; i < labels; ++i) {
    if (used[i] && random() % 3 == 0) spec.output_ints.push_back(static_cast<Label>(i));
  }
  return spec;
}

// The cheapest order without outer products, by trying all; UINT64_MAX where there is none.
uint64_t brute_force(const EinsumSpec& spec, const std::vector<LabelSet>& operands) {
  if (operands.size() == 1) return 0;
  LabelSet output;
  for (const Label label : spec.output_ints) output.set(label);
  uint64_t best = UINT64_MAX;
  for (size_t x = 0; x < operands.size(); ++x) {
    for (size_t y = x + 1; y < operands.size(); ++y) {
      if ((operands[x] & operands[y]).none()) continue;
      std::vector<LabelSet> rest;
      LabelSet needed = output;
      for (size_t k = 0; k < operands.size(); ++k) {
        if (k == x || k == y) continue;
        rest.push_back(operands[k]);
        needed |= operands[k];
      }
      const LabelSet united = operands[x] | operands[y];
      uint64_t cost = 1;
      for (size_t i = 0; i < spec.int_sizes.size(); ++i) {
        if (united[i]) cost *= static_cast<uint64_t>(spec.int_sizes[i]);
      }
      rest.push_back(united & needed);
      best = std::min(best, saturating_add(cost, brute_force(spec, rest)));
    }
  }
  return best;
}

TEST(Path, CostAgreesWithBruteForce) {
  std::mt19937_64 random(7);
  int compared = 0;
  for (int round = 0; round < 600; ++round) {
    const EinsumSpec spec = random_einsum(random, 3 + random() % 4, 4 + random() % 4, 3);
    std::vector<LabelSet> operands;
    for (const Labels& axes : spec.input_ints) {
      LabelSet set;
      for (const Label label : axes) set.set(label);
      operands.push_back(set);
    }
    const uint64_t best = brute_force(spec, operands);
    if (best == UINT64_MAX) continue;  // several components
    ++compared;
    EXPECT_EQ(path_cost(spec, spec.optimize_dp()), best);
    EXPECT_EQ(spec.optimize_dp(), spec.optimize_dp());
    // The whole optimisation is optimal for what absorption leaves.
    const PreContraction first = spec.optimize_pre_contract_subsets();
    const Path path = spec.optimize();
    EXPECT_TRUE(std::equal(first.path.begin(), first.path.end(), path.begin()));
    uint64_t absorbed = path_cost(spec, path) - brute_force(spec, first.remaining);
    Path rest = first.path;
    for (size_t left = first.remaining.size(); left > 1; --left) rest.push_back({0, 1});
    EXPECT_LE(absorbed, path_cost(spec, rest));
    EXPECT_LE(path_cost(spec, path), path_cost(spec, rest));
  }
  EXPECT_GT(compared, 200);
}

TEST(Path, LargeInputsAreFastAndValid) {
  std::mt19937_64 random(8);
  for (const auto& [operands, labels, rank] :
       {std::tuple<size_t, size_t, size_t>{40, 30, 3}, {40, 30, 5}, {48, 256, 3}, {200, 256, 4}, {100, 3, 2}, {60, 60, 2}}) {
    const EinsumSpec spec = random_einsum(random, operands, labels, rank);
    const auto start = std::chrono::steady_clock::now();
    const Path path = spec.optimize();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << operands;
    path_cost(spec, path);
    EXPECT_EQ(path.size(), operands - 1);
    path_cost(spec, spec.optimize_dp());
  }
  // A chain of 40 matrices, and sizes of 0 and beyond any cost.
  EinsumSpec chain;
  for (Label i = 0; i < 40; ++i) {
    chain.input_ints.push_back({i, static_cast<Label>(i + 1)});
    chain.int_sizes.push_back(i % 2 ? 2 : 100);
  }
  chain.int_sizes.push_back(7);
  chain.output_ints = {0, 40};
  EXPECT_LE(path_cost(chain, chain.optimize()), uint64_t{20} * 800 + 10'000);
  chain.int_sizes.assign(41, INT64_MAX);
  EXPECT_EQ(path_cost(chain, chain.optimize()), UINT64_MAX);
  chain.int_sizes.assign(41, 0);
  EXPECT_EQ(path_cost(chain, chain.optimize()), 0u);
}

TEST(Path, ComponentsAreMultipliedSmallestFirst) {
  const EinsumSpec spec = einsum("a,b,c->abc", {{'a', 9}, {'b', 2}, {'c', 3}});
  EXPECT_EQ(spec.optimize(), (Path{{1, 2}, {0, 1}}));
}

}  // namespace
}  // namespace pycircuit
