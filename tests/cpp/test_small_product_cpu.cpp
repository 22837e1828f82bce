// Products of small matrices in any layout, against double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/small_product.h"

namespace pycircuit::kernels {
namespace {

constexpr int kKinds = 4;  // batch, rows, columns, inner

struct Case {
  SmallProduct problem;
  std::vector<float> left, right, result;
};

// Random axes of each kind, some missing from an operand; strides of random orders, with gaps.
Case random_case(std::mt19937& random) {
  const auto below = [&](int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random); };
  Case out;
  ProductAxes* kinds[kKinds] = {&out.problem.batch, &out.problem.rows, &out.problem.columns, &out.problem.inner};
  constexpr int64_t kLargest[kKinds] = {2, 4, 6, 3};
  for (int k = 0; k < kKinds; ++k) {
    ProductAxes* kind = kinds[k];
    kind->count = static_cast<int32_t>(below(3));
    for (int32_t i = 0; i < kind->count; ++i) kind->axes[i].size = 1 + below(kLargest[k]);
  }
  const auto lay_out = [&](int64_t ProductAxis::* stride, int absent) {
    std::vector<ProductAxis*> order;
    for (int kind = 0; kind < kKinds; ++kind)
      if (kind != absent)
        for (int32_t i = 0; i < kinds[kind]->count; ++i) order.push_back(&kinds[kind]->axes[i]);
    std::shuffle(order.begin(), order.end(), random);
    int64_t next = 1 + below(2);
    for (ProductAxis* axis : order) {
      axis->*stride = next;
      next = next * axis->size + below(2);
    }
    return std::vector<float>(static_cast<size_t>(next) + 1, -77.0f);
  };
  out.left = lay_out(&ProductAxis::left, 2);
  out.right = lay_out(&ProductAxis::right, 1);
  out.result = lay_out(&ProductAxis::result, 3);
  std::uniform_real_distribution<float> value(-1.0f, 1.0f);
  for (auto* values : {&out.left, &out.right})
    for (float& x : *values) x = value(random);
  return out;
}

std::vector<int64_t> places(const ProductAxes& axes, int64_t ProductAxis::* stride) {
  std::vector<int64_t> out = {0};
  for (int32_t k = 0; k < axes.count; ++k) {
    std::vector<int64_t> next;
    for (const int64_t place : out)
      for (int64_t i = 0; i < axes.axes[k].size; ++i) next.push_back(place + i * axes.axes[k].*stride);
    out = next;
  }
  return out;
}

TEST(SmallProductCpu, EqualsTheSumInDoublePrecision) {
  std::mt19937 random(1);
  for (int repeat = 0; repeat < 300; ++repeat) {
    Case c = random_case(random);
    SmallProduct& p = c.problem;
    p.left = c.left.data();
    p.right = c.right.data();
    p.result = c.result.data();
    ASSERT_TRUE(is_small_product(p.batch.size(), p.rows.size(), p.columns.size(), p.inner.size()));
    small_product(p);
    std::vector<bool> written(c.result.size(), false);
    const auto at = [](const ProductAxes& axes, int64_t ProductAxis::* stride) { return places(axes, stride); };
    const auto bl = at(p.batch, &ProductAxis::left), br = at(p.batch, &ProductAxis::right), bo = at(p.batch, &ProductAxis::result);
    const auto rl = at(p.rows, &ProductAxis::left), ro = at(p.rows, &ProductAxis::result);
    const auto cr = at(p.columns, &ProductAxis::right), co = at(p.columns, &ProductAxis::result);
    const auto il = at(p.inner, &ProductAxis::left), ir = at(p.inner, &ProductAxis::right);
    for (size_t b = 0; b < bl.size(); ++b)
      for (size_t i = 0; i < rl.size(); ++i)
        for (size_t j = 0; j < cr.size(); ++j) {
          double sum = 0.0;
          for (size_t k = 0; k < il.size(); ++k) sum += double{c.left[bl[b] + rl[i] + il[k]]} * double{c.right[br[b] + cr[j] + ir[k]]};
          const auto place = static_cast<size_t>(bo[b] + ro[i] + co[j]);
          written[place] = true;
          EXPECT_NEAR(c.result[place], sum, 1e-5);
        }
    for (size_t i = 0; i < written.size(); ++i)
      if (!written[i]) EXPECT_EQ(c.result[i], -77.0f);
  }
}

TEST(SmallProductCpu, LargeAndEmptyProductsAreNotSmall) {
  EXPECT_TRUE(is_small_product(1, 1, 1, 1));
  EXPECT_TRUE(is_small_product(8, 16, 16, 16));
  for (const int64_t size : {int64_t{0}, int64_t{1} << 20, int64_t{1} << 62}) {
    EXPECT_FALSE(is_small_product(size, 2, 2, 2));
    EXPECT_FALSE(is_small_product(2, size, 2, 2));
    EXPECT_FALSE(is_small_product(2, 2, size, 2));
    EXPECT_FALSE(is_small_product(2, 2, 2, size));
  }
}

}  // namespace
}  // namespace pycircuit::kernels
