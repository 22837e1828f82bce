// Log-probabilities of labels and log-sum-exp of csrc/kernels/ (spec 12, section 5) against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cross_entropy.h"
#include "kernels_helpers.h"

namespace pycircuit::kernels {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

double exact_log_sum_exp(const Buffer& x, int64_t first, int64_t n) {
  double max = -kInf;
  for (int64_t c = 0; c < n; ++c) {
    if (std::isnan(x.get(first + c))) return NAN;
    max = std::max(max, x.get(first + c));
  }
  if (std::isinf(max)) return max;
  double sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += std::exp(x.get(first + c) - max);
  return max + std::log(sum);
}

void expect_near(double got, double wanted, double allowed) {
  if (std::isnan(wanted) || std::isinf(wanted)) {
    EXPECT_TRUE(got == wanted || (std::isnan(got) && std::isnan(wanted))) << got << " instead of " << wanted;
  } else {
    EXPECT_LE(std::fabs(got - wanted), allowed) << got << " instead of " << wanted;
  }
}

TEST(CrossEntropyCpu, RandomRows) {
  for (int seed = 0; seed < 400; ++seed) {
    Random random(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    LogitRows x;
    x.element = Element(random.pick({0, 0, 1, 2}));
    x.rows = random.pick({0, 1, 3, 5, 17});
    x.columns = random.pick({0, 1, 2, 7, 16, 63, 64, 65, 1023, 1024, 1025, 5000});
    x.row_stride = x.columns + random.below(3);
    Buffer logits(x.element, x.rows * x.row_stride);
    const double strength = random.pick({0.1, 3.0, 40.0, 1000.0});
    for (int64_t i = 0; i < logits.size(); ++i)
      logits.set(i, strength * random.normal() + (random.below(2) ? strength * double(i % 5000) / 1000 : 0));
    // Now and then infinities and NaN.
    if (x.rows * x.columns > 0 && random.below(3) == 0) {
      for (int k = 0; k < 3; ++k) logits.set(random.below(int(logits.size())), random.pick({kInf, -kInf, -kInf, double(NAN)}));
      if (random.below(2)) {
        for (int64_t c = 0; c < x.columns; ++c) logits.set(c, -kInf);
      }
    }
    x.data = logits.data();
    RowResults out;
    out.element = Element(random.pick({0, 0, 1, 2}));
    out.stride = 1 + random.below(3);
    Buffer results(out.element, x.rows * out.stride);
    out.data = results.data();
    set_threads(1 + seed % 4);
    log_sum_exp(x, out, parallel_for);
    const double unit = out.element == Element::float32 ? 3e-7 : out.element == Element::float16 ? 1e-3 : 8e-3;
    for (int64_t r = 0; r < x.rows; ++r) {
      const double wanted = exact_log_sum_exp(logits, r * x.row_stride, x.columns);
      if (out.element == Element::float16 && std::fabs(wanted) > 65000) continue;
      expect_near(results.get(r * out.stride), wanted, unit * std::fabs(wanted) + 1e-6);
    }
    if (x.columns == 0) continue;
    std::vector<int64_t> labels(x.rows * 2);
    for (int64_t& label : labels) label = random.below(int(x.columns));
    Buffer again(out.element, x.rows * out.stride);
    out.data = again.data();
    EXPECT_EQ(label_log_probabilities(x, labels.data(), 2, out, parallel_for), -1);
    for (int64_t r = 0; r < x.rows; ++r) {
      const double total = exact_log_sum_exp(logits, r * x.row_stride, x.columns);
      const double logit = logits.get(r * x.row_stride + labels[2 * r]);
      const double wanted = std::isinf(total) ? double(NAN) : logit - total;
      if (out.element == Element::float16 && std::fabs(wanted) > 65000) continue;
      expect_near(again.get(r * out.stride), wanted,
                  unit * std::fabs(wanted) + (1e-6 + unit * 0.2 * strength * (out.element == Element::float32)));
    }
    for (int64_t i = 0; i < again.size(); ++i) EXPECT_EQ(again.is_poison(i), i % out.stride != 0) << i;
    if (HasFailure()) return;
  }
}

TEST(CrossEntropyCpu, LabelsOutOfRange) {
  Buffer logits(Element::float32, 12);
  for (int64_t i = 0; i < 12; ++i) logits.set(i, 0);
  Buffer results(Element::float32, 3);
  const LogitRows x = {Element::float32, logits.data(), 3, 4, 4};
  const RowResults out = {Element::float32, results.data(), 1};
  for (const int64_t bad : {int64_t(4), int64_t(-1), std::numeric_limits<int64_t>::min()}) {
    const int64_t labels[] = {3, bad, bad};
    EXPECT_EQ(label_log_probabilities(x, labels, 1, out, parallel_for), 1);
    for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(results.is_poison(i));
  }
}

}  // namespace
}  // namespace pycircuit::kernels
