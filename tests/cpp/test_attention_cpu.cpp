// The blocked attention kernel of csrc/kernels/ (spec 12, section 12) against a naive one in double precision: random shapes, strides,
// sharing, masks and element types; results and workspace are poisoned beforehand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "kernels/attention.h"
#include "kernels_helpers.h"

namespace pycircuit::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A matrix per batch entry in a buffer of its own, in a random memory order, with gaps, shared along some batch axes.
struct Matrix {
  Buffer buffer;
  Operand operand;
  int64_t batch[kMaxBatchAxes];
  int64_t rows;
  int64_t columns;

  double at(const int64_t* index, int64_t i, int64_t j) const { return buffer.get(offset(index, i, j)); }
  void set(const int64_t* index, int64_t i, int64_t j, double value) { buffer.set(offset(index, i, j), value); }
  int64_t offset(const int64_t* index, int64_t i, int64_t j) const {
    int64_t sum = i * operand.row_stride + j * operand.column_stride;
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) sum += index[axis] * operand.batch_strides[axis];
    return sum;
  }
};

struct Case {
  AttentionProblem problem;
  Matrix q, k, v, mask, bias, weight, result, pattern;
  bool has_mask = false, has_bias = false, has_weight = false, has_pattern = false;
};

Matrix make_matrix(Random& random, Element element, const int64_t* batch, int64_t rows, int64_t columns, bool may_share, bool plain) {
  Matrix m;
  m.rows = rows;
  m.columns = columns;
  std::vector<int> order = {0, 1, 2, 3, 4, 5};
  if (!plain) std::shuffle(order.begin(), order.end(), random.engine);
  int64_t sizes[6];
  for (int axis = 0; axis < 4; ++axis) sizes[axis] = m.batch[axis] = batch[axis];
  sizes[4] = rows;
  sizes[5] = columns;
  int64_t stride = plain ? 1 : random.pick({1, 1, 1, 2, 3});
  int64_t strides[6];
  for (int i = 5; i >= 0; --i) {
    const int axis = order[i];
    const bool shared = may_share && axis < 4 && random.below(3) == 0;
    const bool repeated_rows = may_share && axis == 4 && random.below(12) == 0;
    strides[axis] = shared || repeated_rows ? 0 : stride;
    if (strides[axis] != 0) stride = std::max<int64_t>(1, stride * sizes[axis]) + (plain ? 0 : random.below(3));
  }
  for (int axis = 0; axis < 4; ++axis) m.operand.batch_strides[axis] = strides[axis];
  m.operand.row_stride = strides[4];
  m.operand.column_stride = strides[5];
  m.buffer = Buffer(element, stride);
  m.operand.data = m.buffer.data();
  return m;
}

void fill(Matrix& m, Random& random, double scale) {
  for (int64_t i = 0; i < m.buffer.size(); ++i) m.buffer.set(i, scale * random.normal());
}

template <typename F>
void for_entries(const int64_t* sizes, F f) {
  int64_t index[kMaxBatchAxes];
  for (index[0] = 0; index[0] < sizes[0]; ++index[0]) {
    for (index[1] = 0; index[1] < sizes[1]; ++index[1]) {
      for (index[2] = 0; index[2] < sizes[2]; ++index[2]) {
        for (index[3] = 0; index[3] < sizes[3]; ++index[3]) f(index);
      }
    }
  }
}

enum class Masks {
  none,
  causal,
  causal_infinite,
  causal_flag,
  random_mask,
  random_bias,
  both,
  all_masked,
  padding,
  left_padding,
  one_row_dead
};

void fill_masks(Case& c, Masks kind, Random& random) {
  AttentionProblem& p = c.problem;
  const int64_t offset = std::max<int64_t>(0, p.num_keys - p.num_queries);
  for_entries(p.batch, [&](const int64_t* index) {
    for (int64_t i = 0; i < p.num_queries; ++i) {
      for (int64_t j = 0; j < p.num_keys; ++j) {
        const bool seen = j <= i + offset;
        double m = 1.0;
        double t = 0.0;
        switch (kind) {
          case Masks::none:
          case Masks::causal_flag:
            break;
          case Masks::causal:
            m = seen;
            t = seen ? 0.0 : -10000.0;
            break;
          case Masks::causal_infinite:
            t = seen ? 0.0 : -kInf;
            break;
          case Masks::random_mask:
            m = random.below(4) == 0 ? 0.0 : random.normal();
            break;
          case Masks::random_bias:
            t = random.normal();
            break;
          case Masks::both:
            m = random.normal();
            t = j > 0 && random.below(3) == 0 ? -10000.0 : random.normal();
            break;
          case Masks::all_masked:
            m = 0.0;
            t = -10000.0;
            break;
          case Masks::padding:
            t = j >= (p.num_keys + 1) / 2 ? -10000.0 : 0.0;
            break;
          case Masks::left_padding:
            t = j < p.num_keys / 2 ? -10000.0 : 0.0;
            break;
          case Masks::one_row_dead:
            t = i == p.num_queries / 2 ? -kInf : 0.0;
            break;
        }
        if (c.has_mask) c.mask.set(index, i, j, m);
        if (c.has_bias) c.bias.set(index, i, j, t);
      }
    }
  });
}

struct Reference {
  std::vector<double> result;    // [entry of all axes (reduced: size 1)][i][column]
  std::vector<double> pattern;   // [entry][i][j]
  double tolerance_scale = 0.0;  // the largest value that has a weight, times folded weights
  double largest_product = 0.0;  // scores without t: weights have their rounding errors
};

Reference reference(const Case& c) {
  const AttentionProblem& p = c.problem;
  Reference r;
  const int64_t columns = c.has_weight ? p.weight_size : p.value_size;
  int64_t kept[kMaxBatchAxes];
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) kept[axis] = p.reduced[axis] ? 1 : p.batch[axis];
  r.result.assign(kept[0] * kept[1] * kept[2] * kept[3] * p.num_queries * columns, 0.0);
  std::vector<double> magnitudes(r.result.size(), 0.0);
  for_entries(p.batch, [&](const int64_t* index) {
    int64_t entry = 0;
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) entry = entry * kept[axis] + (p.reduced[axis] ? 0 : index[axis]);
    for (int64_t i = 0; i < p.num_queries; ++i) {
      std::vector<double> scores(p.num_keys);
      double max = -kInf;
      bool nan = false;
      const int64_t seen = p.causal ? std::max<int64_t>(0, std::min(p.num_keys, i + p.causal_offset + 1)) : p.num_keys;
      for (int64_t j = 0; j < p.num_keys; ++j) {
        double s = 0.0;
        for (int64_t x = 0; x < p.key_size; ++x) s += c.q.at(index, i, x) * c.k.at(index, j, x);
        s *= p.scale;
        if (c.has_mask) s *= c.mask.at(index, i, j);
        if (std::isfinite(s)) r.largest_product = std::max(r.largest_product, std::fabs(s));
        if (c.has_bias) s += c.bias.at(index, i, j);
        scores[j] = j < seen ? s : -kInf;
        nan = nan || std::isnan(scores[j]);
        max = std::max(max, scores[j]);
      }
      double sum = 0.0;
      for (double& s : scores) sum += s = std::exp(s - max);
      for (double& s : scores) s = seen == 0 ? 0.0 : s / sum;
      if (c.has_pattern) r.pattern.insert(r.pattern.end(), scores.begin(), scores.end());
      std::vector<double> out(p.value_size, 0.0);
      for (int64_t f = 0; f < p.value_size; ++f) {
        for (int64_t j = 0; j < p.num_keys; ++j) {
          // A weight of 0 takes nothing of a large value.
          out[f] += scores[j] == 0.0 ? 0.0 : scores[j] * c.v.at(index, j, f);
          if (scores[j] != 0.0 && std::isfinite(c.v.at(index, j, f))) {
            r.tolerance_scale = std::max(r.tolerance_scale, std::fabs(c.v.at(index, j, f)));
          }
        }
      }
      double* result = r.result.data() + (entry * p.num_queries + i) * columns;
      for (int64_t d = 0; d < columns; ++d) {
        if (!c.has_weight) {
          result[d] = out[d];
        } else {
          for (int64_t f = 0; f < p.value_size; ++f) {
            result[d] += out[f] * c.weight.at(index, f, d);
            magnitudes[result + d - r.result.data()] += std::fabs(c.weight.at(index, f, d));
          }
        }
      }
    }
  });
  double largest = 0.0;
  for (double m : magnitudes) largest = std::max(largest, m);
  if (c.has_weight) r.tolerance_scale *= largest;
  return r;
}

double tolerance(Element element) { return element == Element::float32 ? 1e-5 : element == Element::float16 ? 2e-3 : 1.6e-2; }

void run(const Case& c, int threads) {
  set_threads(threads);
  std::vector<unsigned char> workspace(attention_cpu_workspace(c.problem, threads) + 1, 0xff);
  // The kernel aligns the workspace itself.
  attention_cpu(c.problem, workspace.data() + threads % 2, threads, parallel_for);
}

Case make_case(Random& random, Masks kind, int64_t num_queries, int64_t num_keys, double strength, bool plain) {
  Case c;
  AttentionProblem& p = c.problem;
  p.element = plain ? Element::float32 : Element(random.pick({0, 0, 0, 1, 2}));
  p.num_batch_axes = random.below(5);
  for (int axis = 0; axis < p.num_batch_axes; ++axis) p.batch[axis] = random.below(16) == 0 ? 0 : 1 + random.below(3);
  p.num_queries = num_queries;
  p.num_keys = num_keys;
  p.key_size = plain ? random.pick({32, 64}) : random.pick({0, 1, 3, 8, 16, 17, 31, 40, 64, 65});
  p.value_size = plain ? p.key_size : random.pick({0, 1, 2, 5, 8, 16, 19, 32, 33, 64, 100});
  p.scale = float(strength / std::sqrt(double(std::max<int64_t>(1, p.key_size))));
  c.q = make_matrix(random, p.element, p.batch, p.num_queries, p.key_size, !plain, plain);
  c.k = make_matrix(random, p.element, p.batch, p.num_keys, p.key_size, !plain, plain);
  c.v = make_matrix(random, p.element, p.batch, p.num_keys, p.value_size, !plain, plain);
  for (Matrix* m : {&c.q, &c.k, &c.v}) fill(*m, random, 1.0);
  c.has_mask = kind == Masks::causal || kind == Masks::random_mask || kind == Masks::both || kind == Masks::all_masked;
  c.has_bias = kind != Masks::none && kind != Masks::causal_flag && kind != Masks::random_mask;
  if (c.has_mask) c.mask = make_matrix(random, p.element, p.batch, p.num_queries, p.num_keys, !plain, false);
  if (c.has_bias) c.bias = make_matrix(random, p.element, p.batch, p.num_queries, p.num_keys, !plain, false);
  if (c.has_mask) p.mask = c.mask.operand;
  if (c.has_bias) p.bias = c.bias.operand;
  fill_masks(c, kind, random);
  p.causal = kind == Masks::causal_flag;
  p.causal_offset = p.causal ? random.pick<int64_t>({0, 0, 0, 1, 40, -1, -40, int64_t(1) << 40}) : 0;
  c.has_weight = random.below(3) == 0;
  if (c.has_weight) {
    p.weight_size = random.pick({0, 1, 8, 30, 64, 65, 130});
    c.weight = make_matrix(random, p.element, p.batch, p.value_size, p.weight_size, !plain, plain);
    fill(c.weight, random, 1.0);
    p.weight = c.weight.operand;
    for (int axis = 0; axis < p.num_batch_axes; ++axis) p.reduced[axis] = random.below(2) == 0;
  }
  int64_t kept[kMaxBatchAxes];
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) kept[axis] = p.reduced[axis] ? 1 : p.batch[axis];
  c.result = make_matrix(random, p.element, kept, p.num_queries, c.has_weight ? p.weight_size : p.value_size, false, plain);
  c.has_pattern = random.below(3) == 0;
  if (c.has_pattern) c.pattern = make_matrix(random, p.element, p.batch, p.num_queries, p.num_keys, false, false);
  return c;
}

// Pointers into the buffers, which move with the case; results poisoned.
void attach(Case& c) {
  AttentionProblem& p = c.problem;
  const auto bind = [](Matrix& m, Operand& operand) {
    m.operand.data = m.buffer.data();
    operand = m.operand;
  };
  bind(c.q, p.q);
  bind(c.k, p.k);
  bind(c.v, p.v);
  if (c.has_mask) bind(c.mask, p.mask);
  if (c.has_bias) bind(c.bias, p.bias);
  if (c.has_weight) bind(c.weight, p.weight);
  c.result.buffer.poison();
  p.result = c.result.buffer.data();
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) p.result_batch_strides[axis] = c.result.operand.batch_strides[axis];
  p.result_row_stride = c.result.operand.row_stride;
  p.result_column_stride = c.result.operand.column_stride;
  if (!c.has_pattern) return;
  c.pattern.buffer.poison();
  p.pattern = c.pattern.buffer.data();
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) p.pattern_batch_strides[axis] = c.pattern.operand.batch_strides[axis];
  p.pattern_row_stride = c.pattern.operand.row_stride;
  p.pattern_column_stride = c.pattern.operand.column_stride;
}

void expect_close(double got, double wanted, double allowed, const char* what) {
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(got)) << what << ": " << got << " instead of NaN";
  } else {
    EXPECT_LE(std::fabs(got - wanted), allowed) << what << ": " << got << " instead of " << wanted;
  }
}

// How many elements still hold the poison: exactly those that are no part of the result.
void expect_gaps_untouched(const Matrix& m, int64_t elements) {
  int64_t poisoned = 0;
  for (int64_t i = 0; i < m.buffer.size(); ++i) poisoned += m.buffer.is_poison(i);
  EXPECT_EQ(poisoned, m.buffer.size() - elements);
}

void check(Case& c) {
  const AttentionProblem& p = c.problem;
  ASSERT_TRUE(attention_cpu_supports(p));
  attach(c);
  run(c, 1);
  const Reference r = reference(c);
  const double of_weights = tolerance(p.element) * std::max(1.0, r.largest_product / 50);
  const double allowed = of_weights * std::max(r.tolerance_scale, 1e-30);
  int64_t kept[kMaxBatchAxes];
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) kept[axis] = p.reduced[axis] ? 1 : p.batch[axis];
  size_t next = 0;
  for_entries(kept, [&](const int64_t* index) {
    for (int64_t i = 0; i < p.num_queries; ++i) {
      for (int64_t d = 0; d < c.result.columns; ++d) expect_close(c.result.at(index, i, d), r.result[next++], allowed, "result");
    }
  });
  expect_gaps_untouched(c.result, int64_t(next));
  if (c.has_pattern) {
    next = 0;
    for_entries(p.batch, [&](const int64_t* index) {
      for (int64_t i = 0; i < p.num_queries; ++i) {
        for (int64_t j = 0; j < p.num_keys; ++j) expect_close(c.pattern.at(index, i, j), r.pattern[next++], of_weights, "pattern");
      }
    });
    expect_gaps_untouched(c.pattern, int64_t(next));
  }
  const Buffer once = c.result.buffer;
  for (int threads = 2; threads <= 4; ++threads) {
    attach(c);
    run(c, threads);
    EXPECT_TRUE(c.result.buffer == once) << threads << " threads change the result";
  }
}

const Masks kAll[] = {Masks::none, Masks::causal,     Masks::causal_infinite, Masks::causal_flag,  Masks::random_mask, Masks::random_bias,
                      Masks::both, Masks::all_masked, Masks::padding,         Masks::left_padding, Masks::one_row_dead};

TEST(AttentionCpu, RandomProblems) {
  const std::vector<int64_t> sizes = {0, 1, 2, 3, 7, 8, 13, 15, 16, 17, 31, 32, 33, 37, 48, 63, 64, 65, 97};
  for (int seed = 0; seed < 600; ++seed) {
    Random random(seed);
    const Masks kind = kAll[seed % std::size(kAll)];
    Case c = make_case(random, kind, random.pick(sizes), random.pick(sizes), random.pick({1, 1, 4, 100}), false);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " masks " << int(kind));
    check(c);
    if (HasFailure()) return;
  }
}

// More keys than a panel, so that maxima are raised between panels; weak and strong scores.
TEST(AttentionCpu, ManyKeys) {
  for (int seed = 0; seed < 88; ++seed) {
    Random random(seed);
    const Masks kind = kAll[seed % std::size(kAll)];
    Case c = make_case(random, kind, random.pick({1, 5, 33}), random.pick({511, 512, 513, 545, 1024, 1100, 1601}),
                       random.pick({1, 10, 40, 100}), false);
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) {
      if (c.problem.batch[axis] > 2) c.problem.batch[axis] = 2;
    }
    SCOPED_TRACE(testing::Message() << "seed " << seed << " masks " << int(kind));
    check(c);
    if (HasFailure()) return;
  }
}

TEST(AttentionCpu, PlainLayouts) {
  for (int seed = 0; seed < 44; ++seed) {
    Random random(seed);
    const Masks kind = kAll[seed % std::size(kAll)];
    Case c = make_case(random, kind, random.pick({64, 100, 130}), random.pick({64, 100, 130}), 1.0, true);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " masks " << int(kind));
    check(c);
    if (HasFailure()) return;
  }
}

// Values at keys whose weight underflows change no bit, in whatever order scores rise.
TEST(AttentionCpu, UnderflownWeightsAreZero) {
  for (int seed = 0; seed < 120; ++seed) {
    Random random(seed);
    const Masks kind = random.pick({Masks::none, Masks::causal, Masks::random_mask, Masks::both, Masks::left_padding});
    Case c = make_case(random, kind, random.pick({1, 5, 33}), random.pick({40, 600, 1100}), random.pick({1, 30, 60, 200}), false);
    AttentionProblem& p = c.problem;
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) p.batch[axis] = std::min<int64_t>(p.batch[axis], 1);
    p.element = c.q.buffer.element();
    SCOPED_TRACE(testing::Message() << "seed " << seed << " masks " << int(kind));
    if (c.v.operand.row_stride == 0 || p.num_queries == 0 || p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3] == 0) continue;
    attach(c);
    run(c, 1);
    const Buffer once = c.result.buffer;
    const int64_t index[kMaxBatchAxes] = {0, 0, 0, 0};
    // Keys that are far below the maximum in every row.
    std::vector<bool> dead(p.num_keys, true);
    for (int64_t i = 0; i < p.num_queries; ++i) {
      std::vector<double> scores(p.num_keys);
      for (int64_t j = 0; j < p.num_keys; ++j) {
        for (int64_t x = 0; x < p.key_size; ++x) scores[j] += c.q.at(index, i, x) * c.k.at(index, j, x);
        scores[j] *= p.scale;
        if (c.has_mask) scores[j] *= c.mask.at(index, i, j);
        if (c.has_bias) scores[j] += c.bias.at(index, i, j);
      }
      const double max = *std::max_element(scores.begin(), scores.end());
      for (int64_t j = 0; j < p.num_keys; ++j) dead[j] = dead[j] && scores[j] - max < -88.0;
    }
    for (int64_t j = 0; j < p.num_keys; ++j) {
      for (int64_t f = 0; dead[j] && f < p.value_size; ++f) {
        c.v.set(index, j, f, p.element == Element::float16 ? 65504.0 : random.pick({3e38, -3e38, 1e30}));
      }
    }
    attach(c);
    run(c, 1);
    EXPECT_TRUE(c.result.buffer == once);
    if (HasFailure()) return;
  }
}

// An entry alone gives the bits that it has among others.
TEST(AttentionCpu, BatchMatesDoNotMatter) {
  for (int seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Masks kind = kAll[seed % std::size(kAll)];
    Case c = make_case(random, kind, random.pick({3, 33, 70}), random.pick({5, 64, 600}), random.pick({1, 40}), false);
    AttentionProblem& p = c.problem;
    if (p.num_batch_axes == 0 || p.batch[0] == 0) continue;
    attach(c);
    run(c, 2);
    const Buffer together = c.result.buffer;
    attach(c);
    if (p.reduced[0]) continue;
    AttentionProblem alone = p;
    alone.batch[0] = 1;
    for (int64_t entry = 0; entry < p.batch[0]; ++entry) {
      const auto move = [&](const void* data, int64_t stride) -> void* {
        return data ? const_cast<char*>(static_cast<const char*>(data)) + entry * stride * c.q.buffer.element_size() : nullptr;
      };
      for (auto operand : {&AttentionProblem::q, &AttentionProblem::k, &AttentionProblem::v, &AttentionProblem::mask,
                           &AttentionProblem::bias, &AttentionProblem::weight}) {
        (alone.*operand).data = move((p.*operand).data, (p.*operand).batch_strides[0]);
      }
      alone.result = move(p.result, p.result_batch_strides[0]);
      alone.pattern = move(p.pattern, p.pattern_batch_strides[0]);
      std::vector<unsigned char> workspace(attention_cpu_workspace(alone, 1), 0xff);
      set_threads(1);
      attention_cpu(alone, workspace.data(), 1, parallel_for);
    }
    EXPECT_TRUE(c.result.buffer == together) << "seed " << seed << " masks " << int(kind);
    if (HasFailure()) return;
  }
}

// NaN and infinities in queries, keys and scores spread to exactly the rows that an unfused softmax gives NaN in.
TEST(AttentionCpu, NansSpread) {
  for (int seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const Masks kind = random.pick({Masks::none, Masks::causal, Masks::random_bias, Masks::padding, Masks::one_row_dead});
    Case c = make_case(random, kind, random.pick({1, 5, 33, 70}), random.pick({1, 40, 64, 600}), 1.0, true);
    const double poison = random.pick({double(NAN), double(kInf), -double(kInf)});
    Matrix& victim = c.has_bias && random.below(2) ? c.bias : random.below(2) ? c.q : c.k;
    for (int64_t k = 0; k < 3 && victim.buffer.size() > 0; ++k) {
      victim.buffer.set(random.below(int(victim.buffer.size())), poison);
    }
    SCOPED_TRACE(testing::Message() << "seed " << seed << " masks " << int(kind) << " poison " << poison);
    check(c);
    if (HasFailure()) return;
  }
}

TEST(AttentionCpu, FirstRowOfACausalMaskIsTheFirstValue) {
  Random random(7);
  Case c = make_case(random, Masks::causal, 130, 130, 1.0, true);
  c.has_weight = false;
  c.problem.weight = Operand();
  std::fill(std::begin(c.problem.reduced), std::end(c.problem.reduced), false);
  c.result = make_matrix(random, Element::float32, c.problem.batch, 130, c.problem.value_size, false, true);
  attach(c);
  run(c, 1);
  for_entries(c.problem.batch, [&](const int64_t* index) {
    for (int64_t f = 0; f < c.problem.value_size; ++f) EXPECT_EQ(c.result.at(index, 0, f), c.v.at(index, 0, f));
  });
}

TEST(AttentionCpu, Refuses) {
  AttentionProblem p;
  p.key_size = kMaxHeadSize + 1;
  EXPECT_FALSE(attention_cpu_supports(p));
  p.key_size = 1;
  EXPECT_TRUE(attention_cpu_supports(p));
  p.num_batch_axes = 1;
  p.reduced[0] = true;
  EXPECT_FALSE(attention_cpu_supports(p));
}

}  // namespace
}  // namespace pycircuit::kernels
