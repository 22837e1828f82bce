// Norms of rows of csrc/kernels/ (spec 12, section 5) against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/norm.h"
#include "kernels_helpers.h"

namespace pycircuit::kernels {
namespace {

TEST(NormCpu, RandomRows) {
  for (int seed = 0; seed < 300; ++seed) {
    Random random(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    NormRows p;
    p.rows = random.pick({0, 1, 3, 40});
    p.columns = random.pick({0, 1, 2, 7, 16, 17, 63, 64, 65, 100, 256, 768, 1000, 20000});
    if (p.columns == 20000) p.rows = 2;
    p.row_stride = p.columns + random.below(3);
    p.result_row_stride = p.columns + random.below(3);
    p.centered = random.below(2);
    p.eps = random.pick({0.0f, 1e-12f, 1e-5f, 1.0f});
    const double shift = random.pick({0.0, 0.0, 1.0, 1000.0});
    Buffer x(Element::float32, p.rows * p.row_stride), scale(Element::float32, p.columns), bias(Element::float32, p.columns);
    for (int64_t i = 0; i < x.size(); ++i) x.set(i, shift + random.normal());
    for (int64_t i = 0; i < p.columns; ++i) scale.set(i, random.normal());
    for (int64_t i = 0; i < p.columns; ++i) bias.set(i, random.normal());
    if (x.size() > 0 && random.below(8) == 0)
      x.set(random.below(int(x.size())), random.pick({double(NAN), std::numeric_limits<double>::infinity()}));
    Buffer result(Element::float32, p.rows * p.result_row_stride);
    const bool in_place = random.below(4) == 0;
    const Buffer before = x;
    p.x = static_cast<float*>(x.data());
    p.result = static_cast<float*>(in_place ? x.data() : result.data());
    if (in_place) p.result_row_stride = p.row_stride;
    if (random.below(2)) p.scale = static_cast<float*>(scale.data());
    if (random.below(2)) p.bias = static_cast<float*>(bias.data());
    set_threads(1 + seed % 4);
    norm(p, parallel_for);
    const Buffer& got = in_place ? x : result;
    for (int64_t r = 0; r < p.rows; ++r) {
      double mean = 0.0, variance = 0.0;
      for (int64_t c = 0; c < p.columns; ++c) mean += before.get(r * p.row_stride + c) / double(p.columns);
      if (!p.centered) mean = 0.0;
      for (int64_t c = 0; c < p.columns; ++c) variance += std::pow(before.get(r * p.row_stride + c) - mean, 2) / double(p.columns);
      for (int64_t c = 0; c < p.columns; ++c) {
        const double centered = before.get(r * p.row_stride + c) - mean;
        const double factor = 1.0 / std::sqrt(variance + double(p.eps));
        const double normal = centered * factor;
        const double wanted = normal * (p.scale ? p.scale[c] : 1.0) + (p.bias ? p.bias[c] : 0.0);
        const double y = got.get(r * p.result_row_stride + c);
        if (!std::isfinite(wanted)) {
          // One column without eps: 0 / 0, or a rounding error over itself.
          EXPECT_FALSE(std::isfinite(y) && !(p.columns == 1 && p.eps == 0.0f)) << y << " instead of " << wanted;
        } else if (p.columns > 1 || p.eps > 1e-6f) {
          // The mean is rounded to float32.
          const double allowed = 1e-6 * (1 + std::fabs(normal)) + 2e-7 * std::fabs(mean) * factor * (1 + std::fabs(normal));
          EXPECT_LE(std::fabs(y - wanted), allowed * (1 + std::fabs(p.scale ? p.scale[c] : 1.0)) + 1e-6 * std::fabs(wanted))
              << y << " instead of " << wanted;
        }
      }
    }
    if (!in_place) {
      for (int64_t i = 0; i < result.size(); ++i) EXPECT_EQ(result.is_poison(i), i % p.result_row_stride >= p.columns);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace pycircuit::kernels
