#include "circuit/nodes/conv.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Conv> Conv::make(const NodePtr& input, const NodePtr& filter, std::vector<int64_t> stride, Padding padding, Naming naming) {
  return cast<Conv>(finish(new Conv({input, filter}, std::move(stride), std::move(padding)), std::move(naming)));
}

Shape Conv::input_batch_shape() const { return Shape(input()->shape().begin(), input()->shape().end() - (dims() + 1)); }

Shape Conv::compute_shape() const {
  const int64_t d = dims();
  const std::string what = "Conv of " + describe(*input()) + " with filter " + describe(*filter());
  if (static_cast<int64_t>(padding_.size()) != d)
    fail(ErrorId::ConstructConvStridePaddingNotFull, what + ": give one stride and one padding per spatial axis", d, padding_.size());
  if (d < 1 || d > 3)
    fail(ErrorId::ConstructNotSupportedYet, what + ": 1 to 3 spatial axes are supported, got " + std::to_string(d),
         "number of spatial axes");
  if (input()->rank() < d + 1) fail(ErrorId::ConstructConvInputWrongShape, what + ": the input needs the axes (*batch, spatial, channels)");
  if (filter()->rank() < d + 2)
    fail(ErrorId::ConstructConvFilterWrongShape, what + ": the filter needs the axes (channels out, spatial, channels in)");
  if (filter()->rank() > d + 2) fail(ErrorId::ConstructNotSupportedYet, what + ": batched filters are not supported", "batched filters");
  const Shape& in = input()->shape();
  const Shape& window = filter()->shape();
  if (in.back() != window.back())
    fail(ErrorId::ConstructConvInputFilterDifferentNumInputChannels, what + ": the last axes, the input channels, must have one size", in,
         window);
  Shape shape = input_batch_shape();
  const size_t first = shape.size();
  Shape numerators;
  bool divides = true;
  for (int64_t i = 0; i < d; ++i) {
    if (stride_[i] < 1) fail(ErrorId::ConstructError, what + ": strides must be at least 1, got " + std::to_string(stride_[i]));
    if (padding_[i].first < 0 || padding_[i].second < 0) fail(ErrorId::ConstructError, what + ": padding must not be negative");
    if (window[i + 1] == 0) fail(ErrorId::ConstructError, what + ": the filter has size 0 on spatial axis " + std::to_string(i));
    const __int128 numerator = static_cast<__int128>(in[first + i]) + padding_[i].first + padding_[i].second - (window[i + 1] - 1);
    if (numerator < 0)
      fail(ErrorId::ConstructError, what + ": the filter is larger than the padded input on spatial axis " + std::to_string(i));
    if (numerator > INT64_MAX) fail(ErrorId::OverflowError, what + ": sizes do not fit 63 bits");
    numerators.push_back(static_cast<Size>(numerator));
    divides &= numerators.back() % stride_[i] == 0;
  }
  if (!divides)
    fail(ErrorId::ConstructConvStrideMustDivide, what + ": strides must divide the padded sizes minus (kernel - 1)", numerators,
         int_list(stride_));
  for (int64_t i = 0; i < d; ++i) shape.push_back(numerators[i] / stride_[i]);
  shape.push_back(window.front());
  return shape;
}

AxisMap Conv::child_axis_map() const {
  AxisMap map = {std::vector<std::optional<int>>(input()->rank()), std::vector<std::optional<int>>(filter()->rank())};
  for (int axis = 0; axis < input()->rank() - dims() - 1; ++axis) map[0][axis] = axis;
  return map;
}

Name Conv::autoname() const { return function_autoname(*this, "Conv", false); }

void Conv::write_fields(IdentityBytes& bytes) const {
  for (size_t i = 0; i < stride_.size(); ++i) {
    bytes.add_u64(static_cast<uint64_t>(stride_[i]));
    if (i >= padding_.size()) continue;
    bytes.add_u64(static_cast<uint64_t>(padding_[i].first));
    bytes.add_u64(static_cast<uint64_t>(padding_[i].second));
  }
  bytes.add_children(children());
}

}  // namespace pycircuit
