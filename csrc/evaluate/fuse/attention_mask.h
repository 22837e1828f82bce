// What the masks of an attention say, looked at when it runs (spec 12, 12.3).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace pycircuit {

// A multiplicative mask m or a summand t: matrices [i, j] for every entry of some outer axes, on the CPU. Strides in elements, 0 where an
// axis is shared.
struct MaskView {
  at::Tensor tensor;  // undefined: absent
  std::vector<int64_t> outer_strides;
  int64_t row_stride = 0;
  int64_t column_stride = 0;
};

struct MaskSizes {
  std::vector<int64_t> outer;
  int64_t rows = 1;
  int64_t columns = 1;
};

// A key is *masked* where t is at most kMasked; the others are *open*.
struct MaskFacts {
  static constexpr float kMasked = -1000.0f;
  bool has_nan = false;  // then nothing below counts
  bool any_masked = false;
  int64_t offset = 0;     // no key j > i + offset is open
  bool triangle = false;  // and all others are
  float least_best = 0;   // over rows, the least of the largest t of open keys; -infinity where a row has none
  float largest_masked = -std::numeric_limits<float>::infinity();  // t
  float largest_factor = 1;                                        // |m|
  float factor = 1;                                                // m at all open keys
  bool factor_is_constant = true;                                  // whether there is such a number
  bool summand_is_zero = true;                                     // t at all open keys
};

MaskFacts mask_facts(const MaskView& m, const MaskView& t, const MaskSizes& sizes);

// Of runs of n floats, at all places of two axes (stride and size); NaN if there is one.
float largest_magnitude(const float* data, int64_t n, std::pair<int64_t, int64_t> rows, std::pair<int64_t, int64_t> planes);

// Remembers the facts of the last tensors, as long as they live and are not written to: the operands (or what was made of them) that m and
// t are views of, undefined where absent. Thread-safe.
class MaskMemo {
 public:
  MaskFacts facts(const at::Tensor& m, const at::Tensor& t, const std::function<MaskFacts()>& look);

 private:
  using Weak = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
  struct Key {
    Weak impl{c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>()};
    const c10::TensorImpl* address = nullptr;
    int64_t version = -1;
    bool holds(const at::Tensor& tensor) const;
    static Key of(const at::Tensor& tensor);
  };
  std::mutex mutex_;
  bool filled_ = false;
  Key m_, t_;
  MaskFacts facts_;
};

}  // namespace pycircuit
