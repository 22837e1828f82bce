// Addition, concatenation, rearrangement, scattering and convolution of values (spec 12, section 2; 03, sections 9 and 14 to 17).
#include "tensor/operations.h"

#include <ATen/ExpandUtils.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "tensor/aten.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

// The window of every output position, as an einsum of patches and filter: for dtypes that have no convolution kernel.
at::Tensor conv_by_patches(at::Tensor padded, const at::Tensor& filter, const std::vector<int64_t>& stride) {
  const auto d = static_cast<int64_t>(stride.size());
  for (int64_t i = 0; i < d; ++i) padded = padded.unfold(1 + i, filter.size(1 + i), stride[i]);  // (b, n_1..n_d, c, k_1..k_d)
  EinsumSpec spec;
  const auto labels = [](int64_t from, int64_t count) {
    Labels out;
    for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<Label>(from + i));
    return out;
  };
  const int64_t channel = 1 + d, kernel = 2 + d, out_channel = 2 + 2 * d;
  spec.input_ints = {labels(0, padded.dim()), {static_cast<Label>(out_channel)}};
  for (int64_t i = 0; i < d; ++i) spec.input_ints[1].push_back(static_cast<Label>(kernel + i));
  spec.input_ints[1].push_back(static_cast<Label>(channel));
  spec.output_ints = labels(0, 1 + d);
  spec.output_ints.push_back(static_cast<Label>(out_channel));
  spec.int_sizes = padded.sizes().vec();
  spec.int_sizes.push_back(filter.size(0));
  return to_aten(contract(spec, {from_aten(padded), from_aten(filter)}));
}

at::Tensor pad_spatial(const at::Tensor& input, const std::vector<std::pair<int64_t, int64_t>>& padding) {
  std::vector<int64_t> amounts = {0, 0};  // from the last axis (channels) backwards
  bool needed = false;
  for (auto pair = padding.rbegin(); pair != padding.rend(); ++pair) {
    amounts.push_back(pair->first);
    amounts.push_back(pair->second);
    needed |= pair->first != 0 || pair->second != 0;
  }
  return needed ? at::constant_pad_nd(input, amounts) : input;
}

}  // namespace

Tensor scalar_value(double value, const Shape& shape) { return from_aten(at::full({}, value, at::kDouble).expand(shape)); }

Tensor materialised(const Tensor& tensor) {
  const at::Tensor value = to_aten(tensor);
  return value.defined() && value.is_neg() ? from_aten(value.resolve_neg()) : tensor;
}

Tensor expand_element(const Tensor& element, const Shape& shape) { return from_aten(views::expand(to_aten(element), shape)); }

Tensor empty_like(const Tensor& tensor, const Shape& shape) { return from_aten(views::empty(shape, to_aten(tensor))); }

Tensor part_along(const Tensor& tensor, int64_t axis, int64_t start, int64_t size) {
  return from_aten(views::narrow(to_aten(tensor), axis, start, size));
}

void copy_into(const Tensor& whole, int64_t axis, int64_t start, const Tensor& part) {
  const at::Tensor from = to_aten(part);
  views::narrow(to_aten(whole), axis, start, from.size(axis)).copy_(from);
}

Tensor zeros(const Shape& shape, const DeviceDtype& device_dtype) { return from_aten(at::zeros(shape, to_options(device_dtype))); }

Tensor add_values(std::vector<Tensor> values) {
  if (values.empty()) return scalar_value(0.0, {});
  at::Tensor sum = to_aten(values[0]);
  values[0] = Tensor();
  for (size_t i = 1; i < values.size(); ++i) {
    const at::Tensor next = to_aten(values[i]);
    // A sum that is ours (a first value that dies here, or what was added so far) is added into, where no new shape and no gradient stand
    // in the way.
    const bool in_place =
        is_owned(sum) && !(at::GradMode::is_enabled() && next.requires_grad()) && at::infer_size(sum.sizes(), next.sizes()) == sum.sizes();
    if (in_place) {
      sum.add_(next);
    } else {
      sum = sum.add(next);
    }
  }
  return from_aten(std::move(sum));
}

Tensor concat_values(const std::vector<Tensor>& values, int64_t axis) {
  return values.size() == 1 ? values.front() : from_aten(at::cat(to_aten(values), axis));
}

Tensor apply_rearrange(const Tensor& tensor, const RearrangePlan& plan) {
  if (!plan.needs_split && !plan.needs_permute && !plan.needs_expand && !plan.needs_merge) return tensor;
  at::Tensor value = to_aten(tensor);
  if (plan.needs_split) value = views::reshape(value, plan.split_shape);
  if (plan.needs_permute) value = views::permute(value, plan.permutation);
  if (plan.needs_expand) value = views::expand(views::reshape(value, plan.unsqueezed_shape), plan.expanded_shape);
  if (plan.needs_merge) value = views::reshape(value, plan.output_shape);
  return from_aten(std::move(value));
}

Tensor scatter_value(const Tensor& value, const IndexElements& slices, const Shape& shape) {
  const at::Tensor block = to_aten(value);
  if (is_identity(slices, shape)) return value;
  at::Tensor out = at::zeros(shape, block.options());
  at::Tensor target = out;
  for (size_t axis = 0; axis < slices.size(); ++axis) {
    const auto [start, stop] = slice_bounds(std::get<Slice>(slices[axis]), shape[axis]);
    target = target.narrow(static_cast<int64_t>(axis), start, stop - start);
  }
  target.copy_(block);
  return from_aten(std::move(out));
}

Tensor conv_values(const Tensor& input_value, const Tensor& filter_value, const std::vector<int64_t>& stride,
                   const std::vector<std::pair<int64_t, int64_t>>& padding) {
  at::Tensor input = to_aten(input_value), filter = to_aten(filter_value);
  const auto d = static_cast<int64_t>(stride.size());
  const int64_t batch_rank = input.dim() - d - 1;
  Shape out_shape(input.sizes().begin(), input.sizes().begin() + batch_rank);
  const int64_t batch = c10::multiply_integers(out_shape);
  for (int64_t i = 0; i < d; ++i)
    out_shape.push_back((input.size(batch_rank + i) + padding[i].first + padding[i].second - (filter.size(1 + i) - 1)) / stride[i]);
  out_shape.push_back(filter.size(0));
  if (numel_saturating(out_shape) == 0 || filter.numel() == 0 || input.numel() == 0)
    return from_aten(at::zeros(out_shape, input.options()));

  Shape flat_shape = {batch};
  flat_shape.insert(flat_shape.end(), input.sizes().begin() + batch_rank, input.sizes().end());
  const at::ScalarType dtype = input.scalar_type();
  const at::Tensor padded = pad_spatial(input.reshape(flat_shape), padding);
  if (!input.is_floating_point()) return from_aten(conv_by_patches(padded, filter, stride).reshape(out_shape));

  // On the CPU half precision is summed in float32 and rounded once.
  const bool widen = input.is_cpu() && (dtype == at::kHalf || dtype == at::kBFloat16);
  const auto channels_first = [&](const at::Tensor& x) { return (widen ? x.to(at::kFloat) : x).movedim(-1, 1); };
  const std::vector<int64_t> none(d, 0), ones(d, 1);
  const at::Tensor out = at::convolution(channels_first(padded), channels_first(filter), {}, stride, none, ones, false, none, 1);
  return from_aten(out.movedim(1, -1).to(dtype).reshape(out_shape));
}

}  // namespace pycircuit
