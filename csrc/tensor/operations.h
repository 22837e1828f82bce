// What node classes compute on tensors (spec 12, section 2), for evaluate/ and for RearrangeSpec.apply. All take unified values (01,
// section 6).
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "shape/einsum_spec.h"
#include "shape/rearrange_spec.h"
#include "tensor/index.h"
#include "tensor/tensor.h"

namespace pycircuit {

// `torch.full((), value, float64).expand(shape)`.
Tensor scalar_value(double value, const Shape& shape);
// The same tensor, unless its memory holds the values' negatives (torch's lazy negation).
Tensor materialised(const Tensor& tensor);
// A view of a one-element tensor with that element everywhere.
Tensor expand_element(const Tensor& element, const Shape& shape);
// Memory of that shape, uninitialised, of the tensor's dtype and device.
Tensor empty_like(const Tensor& tensor, const Shape& shape);
// A view of `size` places along the axis.
Tensor part_along(const Tensor& tensor, int64_t axis, int64_t start, int64_t size);
// Copies `part` into `whole` from `start` on along the axis.
void copy_into(const Tensor& whole, int64_t axis, int64_t start, const Tensor& part);
Tensor zeros(const Shape& shape, const DeviceDtype& device_dtype);

// ((v_1 + v_2) + v_3) + ..., broadcast; bool: or; no values: float64 0.0.
// Written over the first value where the caller gives it away and nobody else holds it.
Tensor add_values(std::vector<Tensor> values);
Tensor concat_values(const std::vector<Tensor>& values, int64_t axis);
// A view where torch can make one.
Tensor apply_rearrange(const Tensor& tensor, const RearrangePlan& plan);
// Zeros of `shape` with the block at the canonical slices set to the value.
Tensor scatter_value(const Tensor& value, const IndexElements& slices, const Shape& shape);
// Cross-correlation, channels last (03, section 15).
Tensor conv_values(const Tensor& input, const Tensor& filter, const std::vector<int64_t>& stride,
                   const std::vector<std::pair<int64_t, int64_t>>& padding);

// An einsum made ready: the contraction order and the axes of every step. Immutable; copies share the plan.
class Contraction {
 public:
  struct Plan;
  explicit Contraction(const EinsumSpec& spec);
  // The operands have the shapes of the spec and one dtype and device.
  Tensor operator()(const std::vector<Tensor>& operands) const;
  // Whether the last step is a matrix product laid out as the result, which then can be added where it is made.
  bool can_add() const;
  // sum + scale * contraction, or scale * contraction where the sum is undefined. The sum is contiguous and has the result's shape; float32
  // and float64 are written over it. Floating dtypes only, nothing that autograd watches.
  Tensor add_to(const Tensor& sum, const std::vector<Tensor>& operands, double scale) const;
  // Elements of all results of steps before the last, together.
  uint64_t intermediate_elements() const;

 private:
  std::shared_ptr<const Plan> plan_;
};

// The sum over labels not in the output of the product. Repeated labels are diagonals; integers compute modulo 2**bits, bool as or of ands;
// float16 and bfloat16 are summed in float32. No operands: float64 1.0.
Tensor contract(const EinsumSpec& spec, const std::vector<Tensor>& operands);

}  // namespace pycircuit
