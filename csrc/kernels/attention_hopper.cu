// The sm_90a kernels for float16 and bfloat16: tensor maps, when they serve, and the test that they pass before first use (spec 12, section
// 12).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "kernels/attention.h"
#include "kernels/cuda/forward_hopper.cuh"
#include "kernels/cuda/launch.h"

namespace pycircuit::kernels {
namespace {

constexpr int kMaxDevices = 64;
constexpr int kElementBytes = 2;
constexpr int kManyAttempts = 1 << 30;
// Of a wait in the self-test; each attempt of the hardware lasts about a microsecond.
constexpr int kFewAttempts = 1 << 18;
constexpr int kMinLength = 128;  // shorter problems leave most of a tile of 128 empty

// Whether a tensor map can describe the operand: at most three batch axes, strides that are positive multiples of 16 bytes.
bool can_map(const Source& source, const int64_t (&batch)[kMaxBatchAxes], int64_t rows) {
  constexpr int64_t kMaxStride = int64_t{1} << 38;  // elements
  if (!source.vectorised || (rows > 1 && (source.row_stride <= 0 || source.row_stride >= kMaxStride))) return false;
  int used = 0;
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) {
    int64_t stride = source.batch_strides[axis];
    if (batch[axis] <= 1 || stride == 0) continue;
    if (stride < 0 || stride >= kMaxStride) return false;
    ++used;
  }
  return used <= 3;
}

bool map_operand(MappedOperand& operand, const Source& source, const int64_t (&batch)[kMaxBatchAxes], int64_t rows, int columns,
                 int box_rows) {
  auto row_bytes = static_cast<uint64_t>(rows > 1 ? source.row_stride * kElementBytes : columns * kElementBytes);
  uint64_t sizes[5] = {static_cast<uint64_t>(columns), static_cast<uint64_t>(rows), 1, 1, 1};
  uint64_t strides[4] = {row_bytes, row_bytes, row_bytes, row_bytes};  // of axes of size 1: any
  int used = 0;
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) {
    if (batch[axis] <= 1 || source.batch_strides[axis] == 0) continue;
    operand.axes[used] = axis;
    sizes[2 + used] = static_cast<uint64_t>(batch[axis]);
    strides[1 + used] = static_cast<uint64_t>(source.batch_strides[axis] * kElementBytes);
    ++used;
  }
  return make_tensor_map(&operand.map, source.data, sizes, strides, static_cast<uint32_t>(box_rows));
}

template <class Element, int kHead, bool kTerms>
const char* launch_instance(const ForwardParams& forward, int64_t entries, int attempts, const LaunchTarget& target) {
  using Traits = HopperTraits<Element, kHead, kTerms>;
  HopperParams params;
  params.forward = forward;
  params.forward.query_tiles = static_cast<int>(divide_up(forward.num_queries, Traits::kRows));
  params.num_tasks = params.forward.query_tiles * entries;
  params.num_blocks = static_cast<int>(std::min<int64_t>(params.num_tasks, target.multiprocessors));
  params.attempts = attempts;
  bool mapped = map_operand(params.q, forward.q, forward.batch, forward.num_queries, kHead, Traits::kRowsOfGroup) &&
                map_operand(params.k, forward.k, forward.batch, forward.num_keys, kHead, Traits::kKeys) &&
                map_operand(params.v, forward.v, forward.batch, forward.num_keys, kHead, Traits::kKeys);
  if (!mapped) return "attention_cuda: no tensor map";
  return launch(forward_hopper<Traits>, params.num_blocks, Traits::kThreads, Traits::kSharedBytes, params, target.stream);
}

template <class Element, int kHead>
const char* launch_head(const ForwardParams& params, int64_t entries, int attempts, const LaunchTarget& target) {
  bool terms = params.mask.data || params.bias.data || !(params.scale > 0);
  return terms ? launch_instance<Element, kHead, true>(params, entries, attempts, target)
               : launch_instance<Element, kHead, false>(params, entries, attempts, target);
}

const char* launch_any(const ForwardParams& params, Element element, int64_t entries, int attempts, const LaunchTarget& target) {
  if (element == Element::float16) {
    return params.key_size == 64 ? launch_head<Half, 64>(params, entries, attempts, target)
                                 : launch_head<Half, 128>(params, entries, attempts, target);
  }
  return params.key_size == 64 ? launch_head<Bfloat16, 64>(params, entries, attempts, target)
                               : launch_head<Bfloat16, 128>(params, entries, attempts, target);
}

// Masks and biases that nothing is known of are read element by element: more warps hide that better.
bool has_form(const ForwardParams& params, Element element) {
  bool terms = params.mask.data || params.bias.data;
  return element != Element::float32 && params.key_size == params.value_size && (params.key_size == 64 || params.key_size == 128) &&
         (!terms || params.bounds.data) && can_map(params.q, params.batch, params.num_queries) &&
         can_map(params.k, params.batch, params.num_keys) && can_map(params.v, params.batch, params.num_keys);
}

// --- The self-test: both paths on one small problem of each kind

// number / 64, exact in both types.
uint16_t encode(int number, Element element) {
  float value = static_cast<float>(number) / 64;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if (element == Element::bfloat16) return static_cast<uint16_t>(bits >> 16);
  uint32_t magnitude = bits & 0x7fffffff;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (magnitude ? (magnitude - (112u << 23)) >> 13 : 0));
}

float decode(uint16_t bits, Element element) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  if (element == Element::float16) {
    uint32_t magnitude = bits & 0x7fff;
    if (magnitude < 0x0400) return 0.0f;  // below the tolerance
    wide = (bits & 0x8000u) << 16 | ((magnitude << 13) + (112u << 23));
  }
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

enum class Form { full, causal, masked };

struct SelfTest {
  static constexpr int kEntries = 3, kQueries = 200, kKeys = 320;
  static constexpr int kHidden = -10000 * 64;
  Element element;
  int size;
  Form form;

  // Where everything lies, in elements: q, k, v, mask, bias, both results, bounds.
  size_t rows(int count) const { return static_cast<size_t>(kEntries) * count * size; }
  size_t mask_at() const { return rows(kQueries + 2 * kKeys); }
  size_t bias_at() const { return mask_at() + kQueries * kKeys; }
  size_t results_at() const { return bias_at() + kQueries * kKeys; }
  size_t bounds_at() const { return results_at() + 2 * rows(kQueries); }
  static constexpr size_t most_elements() { return 128 * kEntries * (3 * kQueries + 2 * kKeys) + 2 * kQueries * kKeys + 256; }

  static Source source(const uint16_t* data, int columns, int64_t batch_stride) {
    Source source;
    source.data = data;
    source.batch_strides[1] = batch_stride;
    source.row_stride = columns;
    source.column_stride = 1;
    source.vectorised = true;
    return source;
  }

  ForwardParams params(uint16_t* data) const {
    ForwardParams params;
    params.batch[1] = kEntries;
    params.num_queries = kQueries;
    params.num_keys = kKeys;
    params.key_size = params.value_size = size;
    params.causal_offset = form == Form::causal ? 37 : kKeys;
    params.scale = 0.125f;
    params.q = source(data, size, int64_t{kQueries} * size);
    params.k = source(data + rows(kQueries), size, int64_t{kKeys} * size);
    params.v = source(data + rows(kQueries + kKeys), size, int64_t{kKeys} * size);
    if (form == Form::masked) {
      params.mask = source(data + mask_at(), kKeys, 0);
      params.bias = source(data + bias_at(), kKeys, 0);
      params.bounds.data = reinterpret_cast<float*>(data + bounds_at());
      params.bounds.row_tiles = static_cast<int>(divide_up(kQueries, kBoundRows));
      params.bounds.column_tiles = static_cast<int>(divide_up(kKeys, kBoundColumns));
    }
    params.result.row_stride = size;
    params.result.column_stride = 1;
    params.result.batch_strides[1] = int64_t{kQueries} * size;
    params.result.vectorised = true;
    return params;
  }

  std::vector<uint16_t> contents() const {
    std::vector<uint16_t> host(bounds_at(), 0xffff);  // results start as NaN
    uint32_t state = 12345;
    for (size_t i = 0; i < mask_at(); ++i) {
      state = state * 1664525u + 1013904223u;
      host[i] = encode(static_cast<int>(state >> 24) - 128, element);
    }
    for (int i = 0; i < kQueries * kKeys; ++i) {
      bool seen = i % kKeys <= i / kKeys;
      host[mask_at() + i] = encode(seen ? 64 : 0, element);
      host[bias_at() + i] = encode(seen ? 0 : kHidden, element);
    }
    return host;
  }

  bool runs(uint16_t* data, const LaunchTarget& target) const {
    const ElementLaunches& launches = element == Element::float16 ? kFloat16Launches : kBfloat16Launches;
    ForwardParams expected = params(data), tested = expected;
    expected.result.data = data + results_at();
    tested.result.data = data + results_at() + rows(kQueries);
    if (form == Form::masked) {
      TileBoundsParams bounds;
      bounds.num_queries = kQueries;
      bounds.num_keys = kKeys;
      bounds.mask = expected.mask;
      bounds.bias = expected.bias;
      bounds.bounds = expected.bounds;
      if (launches.bounds(bounds, 1, target)) return false;
    }
    return !launches.forward(expected, kEntries, target) && !launch_any(tested, element, kEntries, kFewAttempts, target);
  }

  bool passes(Sidetrack& side, uint16_t* data) const {
    std::vector<uint16_t> host = contents();
    side.upload(data, host.data(), host.size() * kElementBytes);
    LaunchTarget target;
    target.stream = side.stream();
    target.multiprocessors = 4;  // several tasks per block
    if (!side.good() || !runs(data, target)) return false;
    side.download(host.data(), data, host.size() * kElementBytes);
    if (!side.good()) return false;
    float tolerance = element == Element::float16 ? 4e-3f : 3e-2f;
    size_t count = rows(kQueries);
    for (size_t i = results_at(); i < results_at() + count; ++i) {
      if (!(std::fabs(decode(host[i], element) - decode(host[i + count], element)) <= tolerance)) return false;
    }
    return true;
  }
};

const char* test_device() {
  Sidetrack side;
  auto* data = reinterpret_cast<uint16_t*>(side.allocate(SelfTest::most_elements() * kElementBytes));
  if (!side.good()) return "no memory or stream for the self-test";
  for (Element element : {Element::float16, Element::bfloat16}) {
    for (int size : {64, 128}) {
      for (Form form : {Form::full, Form::causal, Form::masked}) {
        if (!SelfTest{element, size, form}.passes(side, data)) return "the self-test failed";
      }
    }
  }
  return "in use";
}

// What is known of a device; null: not tested yet.
struct Verdicts {
  std::mutex mutex;
  std::array<const char*, kMaxDevices> of = {};
};

Verdicts& verdicts() {
  static Verdicts all;
  return all;
}

const char* verdict(int compute_capability, bool may_test) {
  if (compute_capability != 90) return "not a Hopper device";
  static const bool disabled = [] {
    const char* value = std::getenv("PYCIRCUIT_HOPPER");
    return value && std::strcmp(value, "0") == 0;
  }();
  if (disabled) return "disabled by PYCIRCUIT_HOPPER=0";
  int device = current_device();
  if (device < 0 || device >= kMaxDevices) return "too many devices";
  std::lock_guard lock(verdicts().mutex);
  const char*& known = verdicts().of[device];
  if (!known && may_test) known = test_device();
  return known ? known : "not tested yet";
}

}  // namespace

bool hopper_serves(const ForwardParams& params, Element element, int64_t entries, int compute_capability, const LaunchTarget& target) {
  if (compute_capability != 90 || !has_form(params, element)) return false;
  if (entries == 0 || params.num_queries < kMinLength || params.num_keys < kMinLength) return false;
  return std::strcmp(verdict(compute_capability, !is_capturing(target.stream)), "in use") == 0;
}

const char* launch_forward_hopper(const ForwardParams& params, Element element, int64_t entries, const LaunchTarget& target) {
  return launch_any(params, element, entries, kManyAttempts, target);
}

const char* attention_cuda_hopper_status(int compute_capability) { return verdict(compute_capability, true); }

}  // namespace pycircuit::kernels
