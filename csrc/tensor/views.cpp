#include "tensor/views.h"

#include <ATen/EmptyTensor.h>
#include <ATen/TensorUtils.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace pycircuit::views {
namespace {

// The same memory seen otherwise; a change of it is counted for both.
at::Tensor view(const at::Tensor& x, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset) {
  c10::TensorImpl& base = *x.unsafeGetTensorImpl();
  auto impl = c10::make_intrusive<c10::TensorImpl>(c10::TensorImpl::VIEW, c10::Storage(base.storage()), base.key_set(), base.dtype());
  impl->set_sizes_and_strides(sizes, strides, offset);
  if (!base.is_inference()) impl->set_version_counter(base.version_counter());
  return at::Tensor(std::move(impl));
}

}  // namespace

bool is_watched(const at::Tensor& x) {
  const c10::TensorImpl& impl = *x.unsafeGetTensorImpl();
  return impl.is_python_dispatch() || x.is_neg() || !impl.has_storage() || impl.layout() != at::kStrided ||
         (at::GradMode::is_enabled() && impl.requires_grad());
}

at::Tensor permute(const at::Tensor& x, at::IntArrayRef axes) {
  if (is_watched(x)) return x.permute(axes);
  at::DimVector sizes, strides;
  for (const int64_t axis : axes) {
    sizes.push_back(x.size(axis));
    strides.push_back(x.stride(axis));
  }
  return view(x, sizes, strides, x.storage_offset());
}

at::Tensor reshape(const at::Tensor& x, at::IntArrayRef shape) {
  if (is_watched(x)) return x.reshape(shape);
  const auto strides = at::detail::computeStride(x.sizes(), x.strides(), at::DimVector(shape));
  return strides ? view(x, shape, *strides, x.storage_offset()) : x.reshape(shape);
}

at::Tensor expand(const at::Tensor& x, at::IntArrayRef shape) {
  if (is_watched(x)) return x.expand(shape);
  const auto rank = static_cast<int64_t>(shape.size()), missing = rank - x.dim();
  at::DimVector strides;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const bool repeated = axis < missing || (x.size(axis - missing) == 1 && shape[axis] != 1);
    strides.push_back(repeated ? 0 : x.stride(axis - missing));
  }
  return view(x, shape, strides, x.storage_offset());
}

at::Tensor select(const at::Tensor& x, int64_t axis, int64_t index) {
  if (is_watched(x)) return x.select(axis, index);
  at::DimVector sizes(x.sizes()), strides(x.strides());
  const int64_t place = index < 0 ? index + sizes[axis] : index;
  const int64_t offset = x.storage_offset() + place * strides[axis];
  sizes.erase(sizes.begin() + axis);
  strides.erase(strides.begin() + axis);
  return view(x, sizes, strides, offset);
}

at::Tensor narrow(const at::Tensor& x, int64_t axis, int64_t start, int64_t size) {
  if (is_watched(x)) return x.narrow(axis, start, size);
  at::DimVector sizes(x.sizes());
  sizes[axis] = size;
  return view(x, sizes, x.strides(), x.storage_offset() + start * x.stride(axis));
}

at::Tensor squeeze(const at::Tensor& x, int64_t axis) { return is_watched(x) ? x.squeeze(axis) : select(x, axis, 0); }

at::Tensor as_strided(const at::Tensor& x, at::IntArrayRef shape, at::IntArrayRef strides) {
  return is_watched(x) ? x.as_strided(shape, strides, x.storage_offset()) : view(x, shape, strides, x.storage_offset());
}

at::Tensor empty(at::IntArrayRef shape, const at::Tensor& like, std::optional<at::ScalarType> dtype) {
  const at::ScalarType made = dtype.value_or(like.scalar_type());
  if (like.is_cpu() && !like.unsafeGetTensorImpl()->is_python_dispatch()) return at::Tensor(at::detail::empty_cpu(shape, made));
  return at::empty(shape, like.options().dtype(made));
}

}  // namespace pycircuit::views
