#include "evaluate/fuse/attention_mask.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pycircuit {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kLanes = 8;  // of loops written for vector units

// One row of a mask as float32.
class RowReader {
 public:
  RowReader(const MaskView& view, int64_t columns) : view_(view), columns_(columns) {
    if (view.tensor.defined() && (view.column_stride != 1 || view.tensor.scalar_type() != at::kFloat)) buffer_.resize(columns);
  }
  // Null where the mask is absent.
  const float* row(int64_t start) {
    if (!view_.tensor.defined()) return nullptr;
    switch (view_.tensor.scalar_type()) {
      case at::kFloat:
        if (buffer_.empty()) return view_.tensor.const_data_ptr<float>() + start;
        return converted(view_.tensor.const_data_ptr<float>() + start);
      case at::kHalf:
        return converted(view_.tensor.const_data_ptr<at::Half>() + start);
      default:
        return converted(view_.tensor.const_data_ptr<at::BFloat16>() + start);
    }
  }

 private:
  template <class T>
  const float* converted(const T* data) {
    for (int64_t j = 0; j < columns_; ++j) buffer_[j] = static_cast<float>(data[j * view_.column_stride]);
    return buffer_.data();
  }
  const MaskView& view_;
  int64_t columns_;
  std::vector<float> buffer_;
};

// Collects over pieces of rows; every member has a value per lane.
struct Lanes {
  float best[kLanes], largest_masked[kLanes], largest_factor[kLanes];
  int32_t masked[kLanes], nan[kLanes], summand_differs[kLanes], factor_differs[kLanes];

  void begin_row() {
    std::fill_n(best, kLanes, -kInfinity);
    std::fill_n(masked, kLanes, 0);
  }

  void add(int lane, float summand, float factor, float usual_factor) {
    const bool is_masked = summand <= MaskFacts::kMasked;
    const float hidden = is_masked ? summand : -kInfinity, open = is_masked ? -kInfinity : summand, size = std::abs(factor);
    masked[lane] += is_masked;
    largest_masked[lane] = hidden > largest_masked[lane] ? hidden : largest_masked[lane];
    best[lane] = open > best[lane] ? open : best[lane];
    largest_factor[lane] = size > largest_factor[lane] ? size : largest_factor[lane];
    nan[lane] |= (summand != summand) | (factor != factor);
    summand_differs[lane] |= !is_masked & (summand != 0.0f);
    factor_differs[lane] |= !is_masked & (factor != usual_factor);
  }

  void add_piece(const float* summand, const float* factor, int64_t begin, int64_t end, float usual_factor) {
    int64_t j = begin;
    for (; j + kLanes <= end; j += kLanes) {
      float summands[kLanes], factors[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) summands[lane] = summand ? summand[j + lane] : 0.0f;
      for (int lane = 0; lane < kLanes; ++lane) factors[lane] = factor ? factor[j + lane] : 1.0f;
      for (int lane = 0; lane < kLanes; ++lane) add(lane, summands[lane], factors[lane], usual_factor);
    }
    for (; j < end; ++j) add(0, summand ? summand[j] : 0.0f, factor ? factor[j] : 1.0f, usual_factor);
  }

  int64_t num_masked() const {
    int64_t out = 0;
    for (const int32_t each : masked) out += each;
    return out;
  }
};

template <class T>
T largest(const T (&lanes)[kLanes]) {
  return *std::max_element(lanes, lanes + kLanes);
}

// Whether all of [begin, end) has the bits of `value`.
bool has_only(const float* data, int64_t begin, int64_t end, float value) {
  const uint32_t expected = std::bit_cast<uint32_t>(value);
  uint32_t lanes[kLanes] = {}, rest = 0;
  int64_t j = begin;
  for (; j + kLanes <= end; j += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] |= std::bit_cast<uint32_t>(data[j + lane]) ^ expected;
  for (; j < end; ++j) rest |= std::bit_cast<uint32_t>(data[j]) ^ expected;
  for (const uint32_t lane : lanes) rest |= lane;
  return rest == 0;
}

class Scan {
 public:
  Scan(const MaskView& m, const MaskView& t, const MaskSizes& sizes) : columns_(sizes.columns), m_(m, sizes.columns), t_(t, sizes.columns) {
    std::fill_n(lanes_.largest_masked, kLanes, -kInfinity);
    std::fill_n(lanes_.largest_factor, kLanes, 0.0f);
    std::fill_n(lanes_.nan, kLanes, 0);
    std::fill_n(lanes_.summand_differs, kLanes, 0);
    std::fill_n(lanes_.factor_differs, kLanes, 0);
  }

  void add_row(int64_t i, int64_t m_start, int64_t t_start) {
    const float *factor = m_.row(m_start), *summand = t_.row(t_start);
    if (!has_factor_) find_factor(factor, summand);
    // Most rows have one open key more than the one before, or all.
    int64_t last = std::clamp(last_ + 1, int64_t{-1}, columns_ - 1);
    if (add_plain_row(i, last, summand, factor)) return;
    lanes_.begin_row();
    lanes_.add_piece(summand, factor, 0, last + 1, factor_);
    const int64_t before = lanes_.num_masked();
    lanes_.add_piece(summand, factor, last + 1, columns_, factor_);
    const int64_t all = lanes_.num_masked();
    if (before != 0 || all != columns_ - 1 - last) {
      last = columns_ - 1;
      while (last >= 0 && summand && summand[last] <= MaskFacts::kMasked) --last;
      inner_masked_ |= all != columns_ - 1 - last;
    }
    last_ = last;
    any_masked_ |= all != 0;
    offset_ = std::max(offset_, last - i);
    if (last + 1 < columns_) least_offset_ = std::min(least_offset_, last - i);
    least_best_ = std::min(least_best_, largest(lanes_.best));
  }

  MaskFacts facts() const {
    MaskFacts out;
    out.has_nan = largest(lanes_.nan) != 0;
    out.any_masked = any_masked_;
    out.offset = offset_;
    out.triangle = !inner_masked_ && (least_offset_ == std::numeric_limits<int64_t>::max() || least_offset_ == offset_);
    out.least_best = least_best_;
    out.largest_masked = largest(lanes_.largest_masked);
    out.largest_factor = largest(lanes_.largest_factor);
    out.factor = factor_;
    out.factor_is_constant = largest(lanes_.factor_differs) == 0;
    out.summand_is_zero = largest(lanes_.summand_differs) == 0;
    return out;
  }

 private:
  // A row whose open keys, up to `last`, have t = 0 and the usual m, and whose others are masked by one t and have one m: what causal masks
  // consist of, at the speed of memory.
  bool add_plain_row(int64_t i, int64_t last, const float* summand, const float* factor) {
    if (last < 0 || !summand || summand[0] != 0.0f) return false;  // of either sign
    const int64_t end = columns_ - 1;
    const float masked = summand[end], other_factor = factor ? factor[end] : 1.0f;
    if (last < end && !(masked <= MaskFacts::kMasked && other_factor == other_factor)) return false;
    const bool plain = has_only(summand, 0, last + 1, summand[0]) && has_only(summand, last + 1, columns_, masked) &&
                       (!factor || (has_only(factor, 0, last + 1, factor_) && has_only(factor, last + 1, columns_, other_factor)));
    if (!plain || factor_ != factor_) return false;
    last_ = last;
    offset_ = std::max(offset_, last - i);
    least_best_ = std::min(least_best_, 0.0f);
    lanes_.largest_factor[0] = std::max(lanes_.largest_factor[0], std::abs(factor_));
    if (last == end) return true;
    any_masked_ = true;
    least_offset_ = std::min(least_offset_, last - i);
    lanes_.largest_masked[0] = std::max(lanes_.largest_masked[0], masked);
    lanes_.largest_factor[0] = std::max(lanes_.largest_factor[0], std::abs(other_factor));
    return true;
  }

  void find_factor(const float* factor, const float* summand) {
    for (int64_t j = 0; j < columns_ && !has_factor_; ++j)
      if (!summand || !(summand[j] <= MaskFacts::kMasked)) {
        has_factor_ = true;
        factor_ = factor ? factor[j] : 1.0f;
      }
  }

  int64_t columns_;
  RowReader m_, t_;
  Lanes lanes_;
  bool has_factor_ = false;
  float factor_ = 1.0f;
  int64_t last_ = -1;  // open key of the row before
  bool inner_masked_ = false, any_masked_ = false;
  int64_t offset_ = std::numeric_limits<int64_t>::min(), least_offset_ = std::numeric_limits<int64_t>::max();
  float least_best_ = kInfinity;
};

}  // namespace

MaskFacts mask_facts(const MaskView& m, const MaskView& t, const MaskSizes& sizes) {
  Scan scan(m, t, sizes);
  std::vector<int64_t> index(sizes.outer.size(), 0);
  for (;;) {
    int64_t m_start = 0, t_start = 0;
    for (size_t axis = 0; axis < index.size(); ++axis) {
      if (m.tensor.defined()) m_start += index[axis] * m.outer_strides[axis];
      if (t.tensor.defined()) t_start += index[axis] * t.outer_strides[axis];
    }
    for (int64_t i = 0; i < sizes.rows; ++i) scan.add_row(i, m_start + i * m.row_stride, t_start + i * t.row_stride);
    size_t axis = index.size();
    for (; axis > 0; --axis) {
      const bool shared =
          (!m.tensor.defined() || m.outer_strides[axis - 1] == 0) && (!t.tensor.defined() || t.outer_strides[axis - 1] == 0);
      if (!shared && ++index[axis - 1] < sizes.outer[axis - 1]) break;
      index[axis - 1] = 0;
    }
    if (axis == 0) return scan.facts();
  }
}

float largest_magnitude(const float* data, int64_t n, std::pair<int64_t, int64_t> rows, std::pair<int64_t, int64_t> planes) {
  // As bits: magnitudes are ordered as integers, and NaN is above infinity.
  uint32_t lanes[kLanes] = {};
  const auto add = [&](int lane, float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value) & 0x7fffffffu;
    lanes[lane] = bits > lanes[lane] ? bits : lanes[lane];
  };
  for (int64_t plane = 0; plane < planes.second; ++plane)
    for (int64_t row = 0; row < rows.second; ++row) {
      const float* run = data + plane * planes.first + row * rows.first;
      int64_t i = 0;
      for (; i + kLanes <= n; i += kLanes)
        for (int lane = 0; lane < kLanes; ++lane) add(lane, run[i + lane]);
      for (; i < n; ++i) add(0, run[i]);
    }
  return std::bit_cast<float>(largest(lanes));
}

bool MaskMemo::Key::holds(const at::Tensor& tensor) const {
  if (!tensor.defined()) return address == nullptr;
  return address == tensor.unsafeGetTensorImpl() && !impl.expired() && version == static_cast<int64_t>(tensor._version());
}

MaskMemo::Key MaskMemo::Key::of(const at::Tensor& tensor) {
  Key key;
  if (!tensor.defined()) return key;
  key.impl = Weak(tensor.getIntrusivePtr());
  key.address = tensor.unsafeGetTensorImpl();
  key.version = static_cast<int64_t>(tensor._version());
  return key;
}

MaskFacts MaskMemo::facts(const at::Tensor& m, const at::Tensor& t, const std::function<MaskFacts()>& look) {
  // Tensors made in inference mode do not count their versions.
  const auto counts = [](const at::Tensor& source) { return !source.defined() || !source.is_inference(); };
  if (!counts(m) || !counts(t)) return look();
  {
    const std::lock_guard lock(mutex_);
    if (filled_ && m_.holds(m) && t_.holds(t)) return facts_;
  }
  const MaskFacts facts = look();
  const std::lock_guard lock(mutex_);
  m_ = Key::of(m);
  t_ = Key::of(t);
  facts_ = facts;
  filled_ = true;
  return facts;
}

}  // namespace pycircuit
