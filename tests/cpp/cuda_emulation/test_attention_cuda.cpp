// The CUDA attention kernels against a float64 evaluation (spec 12, sections 12.1 and 12.3). Compiled with the emulation they run on the
// CPU; compiled without it, linked with the kernels that nvcc made, on the device.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#ifdef PYCIRCUIT_CUDA_EMULATION
#include "cuda_emulation.h"
#else
#include <cuda_runtime.h>
#endif

#include "kernels/attention.h"

namespace pycircuit::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// --- Device memory

#ifdef PYCIRCUIT_CUDA_EMULATION
void* device_allocate(size_t bytes) { return std::aligned_alloc(256, (bytes + 256) / 256 * 256); }
void device_free(void* data) { std::free(data); }
void device_copy(void* target, const void* source, size_t bytes) { std::memcpy(target, source, bytes); }
int device_capability() { return 80; }
const char* missing_device() { return nullptr; }
#else
void* device_allocate(size_t bytes) {
  void* data = nullptr;
  EXPECT_EQ(cudaMalloc(&data, bytes + 1), cudaSuccess);
  return data;
}
void device_free(void* data) { cudaFree(data); }
void device_copy(void* target, const void* source, size_t bytes) {
  EXPECT_EQ(cudaMemcpy(target, source, bytes, cudaMemcpyDefault), cudaSuccess);
}
int device_capability() {
  int device = 0, major = 0, minor = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  return 10 * major + minor;
}
const char* missing_device() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) return "there is no CUDA device";
  return device_capability() < 80 ? "the device is older than sm_80" : nullptr;
}
#endif

// --- Elements on the host

float round_to(Element element, double value) {
  auto single = static_cast<float>(value);
  if (element == Element::float32 || single == 0 || !std::isfinite(single)) return single;
  int exponent;
  std::frexp(single, &exponent);
  int digits = element == Element::float16 ? 11 : 8;
  if (element == Element::float16) exponent = std::max(exponent, -13);
  return std::ldexp(std::nearbyint(std::ldexp(single, digits - exponent)), exponent - digits);
}

uint32_t encode(Element element, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (element == Element::float32) return bits;
  if (element == Element::bfloat16) return bits >> 16;
  uint32_t sign = bits >> 16 & 0x8000;
  float magnitude = std::fabs(value);
  if (value != value) return 0x7fff;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  int exponent;
  std::frexp(magnitude, &exponent);
  if (magnitude == 0 || exponent <= -14) return sign | static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, 24)));
  return sign + ((exponent + 13) << 10) + static_cast<uint32_t>(std::ldexp(magnitude, 11 - exponent));
}

double decode_half(uint32_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? kNan : kInfinity)
                     : exponent == 0 ? std::ldexp(fraction, -24)
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

double decode(Element element, uint32_t bits) {
  static const std::vector<double> halves = [] {
    std::vector<double> values(1 << 16);
    for (uint32_t i = 0; i < values.size(); ++i) values[i] = decode_half(i);
    return values;
  }();
  if (element == Element::float16) return halves[bits];
  if (element == Element::bfloat16) bits <<= 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

int64_t size_of(Element element) { return element == Element::float32 ? 4 : 2; }

// --- Tensors [batch axes..., rows, columns] in strided device memory

using Batch = std::array<int64_t, kMaxBatchAxes>;

struct Layout {
  Batch batch_strides = {0, 0, 0, 0};
  int64_t row_stride = 0, column_stride = 0, offset = 0, elements = 0;
};

enum class Form { dense, permuted, padded };

// `shared`: axes with stride 0.
Layout make_layout(int axes, const Batch& batch, int64_t rows, int64_t columns, std::array<bool, kMaxBatchAxes> shared, Form form,
                   std::mt19937& random) {
  std::vector<int> order(axes + 2);  // innermost last
  std::iota(order.begin(), order.end(), 0);
  if (form == Form::permuted) std::shuffle(order.begin(), order.end(), random);
  Layout layout;
  int64_t stride = 1;
  if (form == Form::padded) layout.offset = 1 + random() % 3;
  for (int i = axes + 1; i >= 0; --i) {
    int axis = order[i];
    if (axis < axes) {
      layout.batch_strides[axis] = shared[axis] ? 0 : stride;
      if (!shared[axis]) stride *= batch[axis];
    } else {
      (axis == axes ? layout.row_stride : layout.column_stride) = stride;
      stride *= axis == axes ? rows : columns;
    }
    if (form == Form::padded) stride += random() % 3;
  }
  layout.elements = layout.offset + stride + 8;
  return layout;
}

class DeviceTensor {
 public:
  DeviceTensor(Element element, int axes, const Batch& batch, int64_t rows, int64_t columns, const Layout& layout)
      : element_(element), axes_(axes), batch_(batch), rows_(rows), columns_(columns), layout_(layout) {
    bytes_ = layout.elements * size_of(element);
    host_.assign(bytes_, 0xff);  // NaN wherever nothing is set
    device_ = static_cast<char*>(device_allocate(bytes_));
    upload();
  }
  ~DeviceTensor() { device_free(device_); }
  DeviceTensor(const DeviceTensor&) = delete;

  int64_t at(const Batch& entry, int64_t row, int64_t column) const {
    int64_t index = layout_.offset + row * layout_.row_stride + column * layout_.column_stride;
    for (int axis = 0; axis < axes_; ++axis) index += entry[axis] * layout_.batch_strides[axis];
    return index;
  }
  double get(const Batch& entry, int64_t row, int64_t column) const { return decode(element_, bits(at(entry, row, column))); }
  uint32_t bits(int64_t index) const {
    uint32_t value = 0;
    std::memcpy(&value, host_.data() + index * size_of(element_), size_of(element_));
    return value;
  }
  void set(const Batch& entry, int64_t row, int64_t column, double value) {
    uint32_t code = encode(element_, round_to(element_, value));
    std::memcpy(host_.data() + at(entry, row, column) * size_of(element_), &code, size_of(element_));
  }
  void fill(const std::function<double(const Batch&, int64_t, int64_t)>& value) {
    for_each([&](const Batch& entry, int64_t row, int64_t column) { set(entry, row, column, value(entry, row, column)); });
    upload();
  }
  void for_each(const std::function<void(const Batch&, int64_t, int64_t)>& visit) const {
    for (int64_t flat = 0; flat < batch_[0] * batch_[1] * batch_[2] * batch_[3]; ++flat) {
      Batch entry;
      int64_t rest = flat;
      for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) entry[axis] = rest % batch_[axis], rest /= batch_[axis];
      for (int64_t row = 0; row < rows_; ++row) {
        for (int64_t column = 0; column < columns_; ++column) visit(entry, row, column);
      }
    }
  }
  void upload() { device_copy(device_, host_.data(), bytes_); }
  void download() { device_copy(host_.data(), device_, bytes_); }
  const std::vector<uint8_t>& bytes() const { return host_; }
  void* data() const { return device_ + layout_.offset * size_of(element_); }
  Operand operand() const {
    Operand operand;
    operand.data = data();
    std::copy(layout_.batch_strides.begin(), layout_.batch_strides.end(), operand.batch_strides);
    operand.row_stride = layout_.row_stride;
    operand.column_stride = layout_.column_stride;
    return operand;
  }
  // Elements that belong to no index are still as they were made.
  bool surroundings_untouched() const {
    std::vector<bool> inside(layout_.elements);
    for_each([&](const Batch& entry, int64_t row, int64_t column) { inside[at(entry, row, column)] = true; });
    for (int64_t index = 0; index < layout_.elements; ++index) {
      if (!inside[index] && bits(index) != (element_ == Element::float32 ? 0xffffffffu : 0xffffu)) return false;
    }
    return true;
  }

 private:
  Element element_;
  int axes_;
  Batch batch_;
  int64_t rows_, columns_;
  Layout layout_;
  int64_t bytes_;
  std::vector<uint8_t> host_;
  char* device_;
};
using TensorPtr = std::unique_ptr<DeviceTensor>;

// --- Cases

enum class Terms { none, causal_mask, infinite_bias, random, per_head, padding_left };

struct Case {
  Element element = Element::float16;
  std::vector<int64_t> batch = {2, 3};
  int64_t num_queries = 64, num_keys = 64, key_size = 64, value_size = 64;
  float scale = 0.125f;
  Terms terms = Terms::none;
  bool causal = false;
  int64_t causal_offset = 0;
  int64_t weight_size = 0;  // 0: no weights
  std::vector<bool> reduced = {false, true};
  bool weight_per_sample = false;
  bool pattern = false;
  bool shared_keys = false;  // along the last batch axis
  Form form = Form::dense;
  uint32_t seed = 1;
};

struct Prepared {
  Case of;
  int axes;
  Batch batch = {1, 1, 1, 1}, result_batch = {1, 1, 1, 1};
  TensorPtr q, k, v, mask, bias, weight, result, pattern;
  AttentionProblem problem;

  explicit Prepared(const Case& of) : of(of), axes(static_cast<int>(of.batch.size())) {
    std::mt19937 random(of.seed);
    std::copy(of.batch.begin(), of.batch.end(), batch.begin());
    result_batch = batch;
    std::array<bool, kMaxBatchAxes> none = {}, last = {}, all = {true, true, true, true}, all_but_last = all;
    if (axes > 0) last[axes - 1] = true, all_but_last[axes - 1] = false;
    auto make = [&](int64_t rows, int64_t columns, std::array<bool, kMaxBatchAxes> shared) {
      return std::make_unique<DeviceTensor>(of.element, axes, batch, rows, columns,
                                            make_layout(axes, batch, rows, columns, shared, of.form, random));
    };
    std::normal_distribution<double> normal;
    auto normal_values = [&](const Batch&, int64_t, int64_t) { return normal(random); };
    q = make(of.num_queries, of.key_size, none), q->fill(normal_values);
    k = make(of.num_keys, of.key_size, of.shared_keys ? last : none), k->fill(normal_values);
    v = make(of.num_keys, of.value_size, of.shared_keys ? last : none), v->fill(normal_values);
    if (of.terms != Terms::none) {
      auto shared = of.terms == Terms::per_head ? all_but_last : all;
      mask = make(of.num_queries, of.num_keys, shared);
      bias = make(of.num_queries, of.num_keys, shared);
      auto seen = [&](int64_t i, int64_t j) { return of.terms == Terms::padding_left ? j >= 100 : j <= i; };
      switch (of.terms) {
        case Terms::causal_mask:
        case Terms::padding_left:
          mask->fill([&](const Batch&, int64_t i, int64_t j) { return seen(i, j) ? 1 : 0; });
          bias->fill([&](const Batch&, int64_t i, int64_t j) { return seen(i, j) ? 0 : -10000; });
          break;
        case Terms::infinite_bias:
          mask = nullptr;
          bias->fill([&](const Batch&, int64_t i, int64_t j) { return seen(i, j) ? 0 : -kInfinity; });
          break;
        default:
          mask->fill(normal_values);
          bias->fill(normal_values);
      }
    }
    problem.element = of.element;
    problem.num_batch_axes = axes;
    std::copy(batch.begin(), batch.end(), problem.batch);
    problem.num_queries = of.num_queries, problem.num_keys = of.num_keys;
    problem.key_size = of.key_size, problem.value_size = of.value_size;
    problem.scale = of.scale;
    problem.q = q->operand(), problem.k = k->operand(), problem.v = v->operand();
    if (mask) problem.mask = mask->operand();
    if (bias) problem.bias = bias->operand();
    problem.causal = of.causal, problem.causal_offset = of.causal_offset;
    int64_t columns = of.value_size;
    if (of.weight_size > 0) {
      columns = problem.weight_size = of.weight_size;
      std::array<bool, kMaxBatchAxes> shared = {};
      for (int axis = 0; axis < axes; ++axis) {
        problem.reduced[axis] = of.reduced[axis];
        if (of.reduced[axis]) result_batch[axis] = 1;
        shared[axis] = !of.reduced[axis] && !of.weight_per_sample;
      }
      weight = make(of.value_size, of.weight_size, shared), weight->fill(normal_values);
      problem.weight = weight->operand();
    }
    result = std::make_unique<DeviceTensor>(of.element, axes, result_batch, of.num_queries, columns,
                                            make_layout(axes, result_batch, of.num_queries, columns, none, of.form, random));
    Operand target = result->operand();
    problem.result = result->data();
    std::copy(target.batch_strides, target.batch_strides + kMaxBatchAxes, problem.result_batch_strides);
    for (int axis = 0; axis < axes; ++axis) {
      if (problem.reduced[axis]) problem.result_batch_strides[axis] = 1 << 30;  // means nothing
    }
    problem.result_row_stride = target.row_stride, problem.result_column_stride = target.column_stride;
    if (of.pattern) {
      pattern = make(of.num_queries, of.num_keys, none);
      Operand to = pattern->operand();
      problem.pattern = pattern->data();
      std::copy(to.batch_strides, to.batch_strides + kMaxBatchAxes, problem.pattern_batch_strides);
      problem.pattern_row_stride = to.row_stride, problem.pattern_column_stride = to.column_stride;
    }
  }

  void run(int capability = device_capability()) {
    ASSERT_TRUE(attention_cuda_supports(problem, capability));
    size_t bytes = attention_cuda_workspace(problem, capability);
    std::vector<uint8_t> poison(bytes + 256, 0xff);
    void* workspace = device_allocate(poison.size());
    device_copy(workspace, poison.data(), poison.size());
    const char* error = attention_cuda(problem, workspace, capability, nullptr);
    EXPECT_EQ(error, nullptr) << error;
    device_copy(poison.data(), workspace, poison.size());
    EXPECT_TRUE(std::all_of(poison.begin() + bytes, poison.end(), [](uint8_t byte) { return byte == 0xff; }))
        << "written past the workspace";
    device_free(workspace);
    result->download();
    if (pattern) pattern->download();
  }

  bool visible(int64_t i, int64_t j) const { return !of.causal || j <= i + of.causal_offset; }

  // Row i of P in float64.
  std::vector<double> weights(const Batch& entry, int64_t i) const {
    std::vector<double> row(of.num_keys);
    double maximum = -kInfinity;
    bool any = false;
    for (int64_t j = 0; j < of.num_keys; ++j) {
      if (!visible(i, j)) continue;
      any = true;
      double score = 0;
      for (int64_t c = 0; c < of.key_size; ++c) score += q->get(entry, i, c) * k->get(entry, j, c);
      score *= of.scale;
      if (mask) score *= mask->get(entry, i, j);
      if (bias) score += bias->get(entry, i, j);
      row[j] = score;
      maximum = std::max(maximum, score);
    }
    double sum = 0;
    for (int64_t j = 0; j < of.num_keys; ++j) sum += row[j] = visible(i, j) ? std::exp(row[j] - maximum) : 0;
    if (any) {
      for (double& weight : row) weight /= sum;
    }
    return row;
  }

  double tolerance() const { return of.element == Element::float32 ? 1e-5 : of.element == Element::float16 ? 2e-3 : 1.6e-2; }

  void check() {
    std::vector<double> expected, scale;
    int64_t columns = of.weight_size > 0 ? of.weight_size : of.value_size;
    auto flat = [&](const Batch& entry, int64_t i, int64_t d) {
      int64_t index = 0;
      for (int axis = 0; axis < kMaxBatchAxes; ++axis) {
        bool is_reduced = axis < axes && problem.reduced[axis];
        index = index * result_batch[axis] + (is_reduced ? 0 : entry[axis]);
      }
      return (index * of.num_queries + i) * columns + d;
    };
    int64_t total = result_batch[0] * result_batch[1] * result_batch[2] * result_batch[3] * of.num_queries * columns;
    expected.assign(total, 0), scale.assign(total, 1e-30);
    DeviceTensor* patterns = pattern.get();
    for (int64_t number = 0; number < batch[0] * batch[1] * batch[2] * batch[3]; ++number) {
      Batch entry;
      int64_t rest = number;
      for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) entry[axis] = rest % batch[axis], rest /= batch[axis];
      double largest = 0;
      for (int64_t j = 0; j < of.num_keys; ++j) {
        for (int64_t f = 0; f < of.value_size; ++f) largest = std::max(largest, std::fabs(v->get(entry, j, f)));
      }
      for (int64_t i = 0; i < of.num_queries; ++i) {
        std::vector<double> row = weights(entry, i), output(of.value_size, 0.0);
        for (int64_t j = 0; j < of.num_keys; ++j) {
          if (row[j] == 0) continue;
          for (int64_t f = 0; f < of.value_size; ++f) output[f] += row[j] * v->get(entry, j, f);
        }
        for (int64_t j = 0; patterns && j < of.num_keys; ++j) check_close(patterns->get(entry, i, j), row[j], tolerance(), "pattern");
        for (int64_t d = 0; d < columns; ++d) {
          int64_t at = flat(entry, i, d);
          if (of.weight_size == 0) {
            expected[at] = output[d], scale[at] = largest;
            continue;
          }
          for (int64_t f = 0; f < of.value_size; ++f) {
            expected[at] += output[f] * weight->get(entry, f, d);
            scale[at] += largest * std::fabs(weight->get(entry, f, d));
          }
        }
      }
    }
    result->for_each([&](const Batch& entry, int64_t i, int64_t d) {
      if (::testing::Test::HasFailure()) return;
      int64_t at = flat(entry, i, d);
      check_close(result->get(entry, i, d), expected[at], tolerance() * scale[at], "result");
    });
    EXPECT_TRUE(result->surroundings_untouched());
    EXPECT_TRUE(!pattern || pattern->surroundings_untouched());
  }

  static void check_close(double value, double expected, double bound, const char* what) {
    if (::testing::Test::HasFailure()) return;
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << what << " is " << value << ", expected NaN";
    } else {
      EXPECT_LE(std::fabs(value - expected), bound) << what << " is " << value << ", expected " << expected;
    }
  }
};

void run_and_check(const Case& of) {
  SCOPED_TRACE(::testing::Message() << "queries " << of.num_queries << " keys " << of.num_keys << " sizes " << of.key_size << " "
                                    << of.value_size << " terms " << static_cast<int>(of.terms) << " causal " << of.causal << " weight "
                                    << of.weight_size << " form " << static_cast<int>(of.form) << " seed " << of.seed);
  Prepared setup(of);
  setup.run();
  setup.check();
}

class AttentionCuda : public ::testing::TestWithParam<Element> {
 protected:
  void SetUp() override {
    if (const char* reason = missing_device()) GTEST_SKIP() << reason;
  }
  Case base() const {
    Case of;
    of.element = GetParam();
    return of;
  }
};

TEST_P(AttentionCuda, HeadSizes) {
  for (int64_t size : {8, 32, 40, 64, 80, 96, 112, 128, 192, 256}) {
    Case of = base();
    of.batch = {2};
    of.num_queries = 70, of.num_keys = 130;
    of.key_size = of.value_size = size;
    of.scale = 1 / std::sqrt(static_cast<float>(size));
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, SizesThatDiffer) {
  for (auto [key_size, value_size] : {std::pair<int64_t, int64_t>{64, 16}, {24, 96}, {1, 3}, {17, 31}, {0, 8}, {129, 5}, {8, 0}}) {
    Case of = base();
    of.num_queries = 33, of.num_keys = 67;
    of.key_size = key_size, of.value_size = value_size;
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, Lengths) {
  for (int64_t queries : {0, 1, 2, 15, 64, 65, 131}) {
    for (int64_t keys : {0, 1, 7, 63, 64, 65, 129}) {
      Case of = base();
      of.batch = {2};
      of.num_queries = queries, of.num_keys = keys;
      of.key_size = of.value_size = 32;
      run_and_check(of);
    }
  }
}

TEST_P(AttentionCuda, BatchAxes) {
  for (const std::vector<int64_t>& batch : {std::vector<int64_t>{}, {1}, {5}, {0}, {2, 0, 3}, {2, 3, 2}, {2, 1, 2, 3}}) {
    Case of = base();
    of.batch = batch;
    of.num_queries = of.num_keys = 20;
    of.key_size = of.value_size = 16;
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, LargeTiles) {
  for (int64_t size : {64, 128}) {
    for (bool causal : {false, true}) {
      Case of = base();
      of.batch = {1, 3};
      of.num_queries = 260, of.num_keys = 200;
      of.key_size = of.value_size = size;
      of.causal = causal;
      of.causal_offset = -1;
      run_and_check(of);
    }
  }
}

TEST_P(AttentionCuda, Causal) {
  for (int64_t offset : {0, 1, -3, 64, -70, 1000, -1000}) {
    Case of = base();
    of.num_queries = 131, of.num_keys = 140;
    of.causal = true;
    of.causal_offset = offset;
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, Terms) {
  for (Terms terms : {Terms::causal_mask, Terms::infinite_bias, Terms::random, Terms::per_head, Terms::padding_left}) {
    for (Form form : {Form::dense, Form::permuted, Form::padded}) {
      Case of = base();
      of.batch = {2, 4};
      of.num_queries = 150, of.num_keys = 200;
      of.key_size = of.value_size = 32;
      of.terms = terms;
      of.form = form;
      run_and_check(of);
    }
  }
}

TEST_P(AttentionCuda, Scales) {
  for (float scale : {0.0f, -0.5f, 1.0f, 1e-3f}) {
    Case of = base();
    of.key_size = 16;
    of.num_queries = 40, of.num_keys = 90;
    of.scale = scale;
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, OutputWeights) {
  for (bool per_sample : {false, true}) {
    for (int64_t value_size : {16, 21, 64}) {
      for (int64_t weight_size : {1, 56, 130}) {
        Case of = base();
        of.batch = {2, 3, 2};
        of.reduced = {false, true, false};
        of.num_queries = 75, of.num_keys = 30;
        of.key_size = 16, of.value_size = value_size;
        of.weight_size = weight_size;
        of.weight_per_sample = per_sample;
        run_and_check(of);
      }
    }
  }
}

TEST_P(AttentionCuda, OutputWeightsWithoutReduction) {
  for (const std::vector<bool>& reduced : {std::vector<bool>{false, false}, {true, true}}) {
    Case of = base();
    of.num_queries = 20, of.num_keys = 30;
    of.weight_size = 24;
    of.reduced = reduced;
    of.form = Form::padded;
    run_and_check(of);
  }
  Case empty = base();
  empty.batch = {2, 0};
  empty.weight_size = 24;
  run_and_check(empty);
}

TEST_P(AttentionCuda, Pattern) {
  for (Terms terms : {Terms::none, Terms::causal_mask, Terms::infinite_bias}) {
    Case of = base();
    of.batch = {2};
    of.num_queries = 70, of.num_keys = 90;
    of.terms = terms;
    of.pattern = true;
    of.form = Form::padded;
    of.causal = terms == Terms::none;
    run_and_check(of);
  }
}

TEST_P(AttentionCuda, RandomCases) {
  std::mt19937 random(7);
  auto one_of = [&](std::vector<int64_t> values) { return values[random() % values.size()]; };
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Case of = base();
    of.seed = seed;
    of.batch = {one_of({1, 2, 3}), one_of({1, 2, 5})};
    of.num_queries = one_of({1, 3, 17, 64, 67, 128, 150});
    of.num_keys = one_of({1, 2, 19, 64, 71, 128, 193});
    of.key_size = one_of({1, 8, 16, 31, 64, 72, 128});
    of.value_size = one_of({1, 8, 24, 37, 64, 128});
    of.scale = 1 / std::sqrt(static_cast<float>(of.key_size));
    of.terms = static_cast<Terms>(random() % 6);
    of.causal = random() % 3 == 0 && of.terms != Terms::padding_left;
    of.shared_keys = random() % 2;
    of.pattern = random() % 4 == 0;
    of.form = static_cast<Form>(random() % 3);
    if (random() % 2) of.weight_size = one_of({1, 8, 33, 64, 100});
    of.reduced = {random() % 2 == 0, random() % 2 == 0};
    of.weight_per_sample = random() % 2;
    run_and_check(of);
    if (HasFailure()) return;
  }
}

// Row 0 of a causal pattern sees key 0 alone: its value comes out exactly.
TEST_P(AttentionCuda, FirstRowIsExact) {
  Case of = base();
  of.terms = Terms::causal_mask;
  of.num_keys = of.num_queries = 130;
  of.batch = {2, 4};
  Prepared setup(of);
  setup.run();
  setup.result->for_each([&](const Batch& entry, int64_t i, int64_t f) {
    if (i == 0) {
      EXPECT_EQ(setup.result->get(entry, 0, f), setup.v->get(entry, 0, f));
    }
  });
}

TEST_P(AttentionCuda, ValuesWithoutWeightDoNotMatter) {
  for (Terms terms : {Terms::causal_mask, Terms::padding_left}) {
    Case of = base();
    of.terms = terms;
    of.batch = {1, 4};
    of.num_queries = 140, of.num_keys = 200;
    of.value_size = 32;
    Prepared plain(of), changed(of);
    double large = GetParam() == Element::float16 ? 65504 : 3e38;
    changed.v->for_each([&](const Batch& entry, int64_t j, int64_t f) {
      bool unseen = terms == Terms::causal_mask ? j >= of.num_queries : j < 100;
      if (unseen) changed.v->set(entry, j, f, (j + f) % 2 ? large : -large);
    });
    changed.v->upload();
    plain.run(), changed.run();
    EXPECT_EQ(plain.result->bytes(), changed.result->bytes());
  }
}

// All keys hidden by the same finite amount: uniform weights. By -infinity: NaN. No keys: 0 (Lengths).
TEST_P(AttentionCuda, FullyHiddenRows) {
  for (double bias : {-10000.0, -kInfinity}) {
    Case of = base();
    of.terms = Terms::causal_mask;
    of.batch = {4};
    of.num_queries = 70, of.num_keys = 130;
    Prepared setup(of);
    setup.mask->fill([](const Batch&, int64_t, int64_t) { return 0; });
    setup.bias->fill([&](const Batch&, int64_t, int64_t) { return bias; });
    setup.run();
    setup.check();
    bool is_nan = std::isnan(setup.result->get({0, 0, 0, 0}, 3, 3));
    EXPECT_EQ(is_nan, bias == -kInfinity);
  }
}

TEST_P(AttentionCuda, NansSpreadAlongTheirRowOnly) {
  Case of = base();
  of.num_queries = 70, of.num_keys = 100;
  Prepared setup(of);
  setup.q->set({1, 1, 0, 0}, 5, 3, kNan);
  setup.q->set({0, 1, 0, 0}, 66, 3, kInfinity);
  setup.q->upload();
  setup.run();
  setup.result->for_each([&](const Batch& entry, int64_t i, int64_t f) {
    bool expected = (entry == Batch{1, 1, 0, 0} && i == 5) || (entry == Batch{0, 1, 0, 0} && i == 66);
    EXPECT_EQ(std::isnan(setup.result->get(entry, i, f)), expected);
  });
}

// A batch entry comes out the same bit for bit, whatever else is in the batch.
TEST_P(AttentionCuda, BatchMatesDoNotMatter) {
  Case of = base();
  of.batch = {5};
  of.num_queries = 130, of.num_keys = 140;
  of.key_size = of.value_size = 64;
  Prepared together(of);
  together.run();
  std::vector<uint8_t> bytes = together.result->bytes();
  AttentionProblem& problem = together.problem;
  problem.batch[0] = 1;
  for (int64_t entry = 0; entry < 5; ++entry) {
    Prepared alone(of);
    alone.problem.batch[0] = 1;
    auto moved = [&](const void* data, int64_t stride) {
      return const_cast<char*>(static_cast<const char*>(data)) + entry * stride * size_of(of.element);
    };
    alone.problem.q.data = moved(alone.problem.q.data, alone.problem.q.batch_strides[0]);
    alone.problem.k.data = moved(alone.problem.k.data, alone.problem.k.batch_strides[0]);
    alone.problem.v.data = moved(alone.problem.v.data, alone.problem.v.batch_strides[0]);
    alone.problem.result = moved(alone.problem.result, alone.problem.result_batch_strides[0]);
    alone.run();
    int64_t entry_bytes = of.num_queries * of.value_size * size_of(of.element);
    auto begin = entry * entry_bytes;
    EXPECT_TRUE(std::equal(bytes.begin() + begin, bytes.begin() + begin + entry_bytes, alone.result->bytes().begin() + begin));
  }
}

TEST_P(AttentionCuda, Unsupported) {
  AttentionProblem problem;
  problem.element = GetParam();
  problem.num_queries = problem.num_keys = problem.key_size = 8;
  problem.value_size = 257;
  EXPECT_FALSE(attention_cuda_supports(problem, 90));
  problem.value_size = 8;
  EXPECT_TRUE(attention_cuda_supports(problem, 90));
  EXPECT_FALSE(attention_cuda_supports(problem, 75));
  problem.num_keys = int64_t{1} << 40;
  EXPECT_FALSE(attention_cuda_supports(problem, 90));
}

INSTANTIATE_TEST_SUITE_P(Elements, AttentionCuda, ::testing::Values(Element::float32, Element::float16, Element::bfloat16),
                         [](const auto& info) {
                           return info.param == Element::float32 ? "Float32" : info.param == Element::float16 ? "Float16" : "Bfloat16";
                         });

// What the kernels for Hopper serve, and its neighbourhood. Elsewhere the general kernels compute the same cases.
class AttentionHopper : public AttentionCuda {
 protected:
  static int capability() {
#ifdef PYCIRCUIT_CUDA_EMULATION
    return 90;
#else
    return device_capability();
#endif
  }
  void SetUp() override {
    AttentionCuda::SetUp();
    if (IsSkipped() || capability() != 90) return;
    EXPECT_STREQ(attention_cuda_hopper_status(capability()), "in use");
  }
  static void run_and_check(const Case& of) {
    SCOPED_TRACE(::testing::Message() << "queries " << of.num_queries << " keys " << of.num_keys << " size " << of.key_size << " causal "
                                      << of.causal << " offset " << of.causal_offset << " batch axes " << of.batch.size());
    Prepared prepared(of);
    prepared.run(capability());
    prepared.check();
  }
};

TEST_P(AttentionHopper, Lengths) {
  for (int64_t size : {64, 128}) {
    for (auto [queries, keys] : {std::pair<int64_t, int64_t>{128, 128}, {130, 700}, {257, 129}, {200, 256}}) {
      Case of = base();
      of.batch = {2};
      of.num_queries = queries, of.num_keys = keys;
      of.key_size = of.value_size = size;
      run_and_check(of);
    }
  }
}

TEST_P(AttentionHopper, Causal) {
  for (int64_t offset : {0, -5, 77, -129, -1000, 1000}) {
    Case of = base();
    of.batch = {2};
    of.num_queries = 260, of.num_keys = 270;
    of.causal = true;
    of.causal_offset = offset;
    run_and_check(of);
  }
}

TEST_P(AttentionHopper, Terms) {
  for (Terms terms : {Terms::causal_mask, Terms::infinite_bias, Terms::random, Terms::padding_left}) {
    for (int64_t size : {64, 128}) {
      Case of = base();
      of.batch = {1, 4};
      of.num_queries = 200, of.num_keys = 530;
      of.key_size = of.value_size = size;
      of.terms = terms;
      of.form = size == 64 ? Form::dense : Form::padded;
      run_and_check(of);
    }
  }
}

// Blocks of keys hidden in between: passed over while a product is under way.
TEST_P(AttentionHopper, HolesInTheMask) {
  for (double hidden : {-10000.0, -kInfinity}) {
    Case of = base();
    of.batch = {4};
    of.num_queries = 150, of.num_keys = 1160;
    of.terms = Terms::causal_mask;
    Prepared prepared(of);
    auto seen = [](int64_t i, int64_t j) { return (j / 128) % 3 == 1 || (i >= 128 && j > 1100) || (i < 10 && j == 1); };
    prepared.mask->fill([&](const Batch&, int64_t i, int64_t j) { return seen(i, j) ? 1 : 0; });
    prepared.bias->fill([&](const Batch&, int64_t i, int64_t j) { return seen(i, j) ? 0 : hidden; });
    prepared.run(capability());
    prepared.check();
  }
}

TEST_P(AttentionHopper, BatchAxesAndWeights) {
  for (bool shared_keys : {false, true}) {
    Case of = base();
    of.batch = {2, 1, 2, 2};
    of.reduced = {false, false, true, true};
    of.num_queries = of.num_keys = 136;
    of.shared_keys = shared_keys;
    run_and_check(of);
    of.weight_size = 24;
    run_and_check(of);
  }
}

INSTANTIATE_TEST_SUITE_P(Elements, AttentionHopper, ::testing::Values(Element::float16, Element::bfloat16),
                         [](const auto& info) { return info.param == Element::float16 ? "Float16" : "Bfloat16"; });

#ifdef PYCIRCUIT_CUDA_EMULATION
TEST(AttentionHopperEmulation, SchedulingDoesNotMatter) {
  for (int64_t size : {64, 128}) {
    Case of;
    of.batch = {4};
    of.num_queries = 200, of.num_keys = 1100;
    of.key_size = of.value_size = size;
    of.terms = size == 64 ? Terms::none : Terms::causal_mask;
    Prepared prepared(of);
    emulation::policy = {};
    prepared.run(90);
    prepared.check();
    std::vector<uint8_t> bytes = prepared.result->bytes();
    for (auto order : {emulation::WarpOrder::ascending, emulation::WarpOrder::descending, emulation::WarpOrder::random}) {
      for (bool late : {false, true}) {
        emulation::policy = {order, late, 3};
        prepared.run(90);
        EXPECT_EQ(prepared.result->bytes(), bytes);
      }
    }
    emulation::policy = {};
  }
}

// Orders of warps and of background copies that a device may choose give the same bits.
TEST(AttentionCudaEmulation, SchedulingDoesNotMatter) {
  for (Element element : {Element::float32, Element::float16}) {
    for (int64_t size : {32, 64, 128, 256}) {
      Case of;
      of.element = element;
      of.batch = {1, 4};
      of.num_queries = 200, of.num_keys = 200;
      of.key_size = of.value_size = size;
      of.terms = size == 64 ? Terms::none : Terms::causal_mask;
      of.weight_size = 40;
      Prepared setup(of);
      emulation::policy = {};
      setup.run();
      setup.check();
      std::vector<uint8_t> bytes = setup.result->bytes();
      for (auto order : {emulation::WarpOrder::ascending, emulation::WarpOrder::descending, emulation::WarpOrder::random}) {
        for (bool late : {false, true}) {
          emulation::policy = {order, late, 3};
          setup.run();
          EXPECT_EQ(setup.result->bytes(), bytes);
        }
      }
      emulation::policy = {};
    }
  }
}

TEST(AttentionCudaEmulation, MatrixLoadsHaveNoBankConflicts) {
  emulation::bank_conflicts = 0;
  for (int64_t size : {32, 64, 96, 128, 256}) {
    Case of;
    of.batch = {1, 2};
    of.key_size = of.value_size = size;
    of.num_queries = of.num_keys = 80;
    of.weight_size = 64;
    run_and_check(of);
  }
  EXPECT_EQ(emulation::bank_conflicts, 0);
}

TEST(AttentionCudaEmulation, HalfConversions) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float value = emulation::half_to_float(static_cast<uint16_t>(bits));
    EXPECT_EQ(emulation::float_to_half(value), bits);
    EXPECT_EQ(encode(Element::float16, value), bits);
    EXPECT_EQ(decode(Element::float16, bits), value);
  }
  EXPECT_EQ(emulation::float_to_half(2049.0f), emulation::float_to_half(2048.0f));
  EXPECT_EQ(emulation::float_to_half(65520.0f), 0x7c00);
}
#endif

}  // namespace
}  // namespace pycircuit::kernels
