// Conversions between the opaque handle and torch's tensor. Only .cpp files that call ATen include this.
#pragma once

#include <ATen/core/Tensor.h>

#include "tensor/tensor.h"

namespace pycircuit {

// One entry point per direction; both share the torch tensor, they do not copy it.
struct TensorAccess {
  static c10::TensorImpl* impl(const Tensor& tensor) { return static_cast<c10::TensorImpl*>(tensor.impl_); }
  static at::Tensor unwrap(const Tensor& tensor);
  static Tensor wrap(at::Tensor tensor);
};

inline at::Tensor to_aten(const Tensor& tensor) { return TensorAccess::unwrap(tensor); }
inline Tensor from_aten(at::Tensor tensor) { return TensorAccess::wrap(std::move(tensor)); }

// Whether the caller holds the only reference to the tensor and to its memory, so that it may write there.
bool is_owned(const at::Tensor& tensor);

std::vector<at::Tensor> to_aten(const std::vector<Tensor>& tensors);
std::vector<Tensor> from_aten(std::vector<at::Tensor> tensors);

at::ScalarType to_scalar_type(DType dtype);
DType from_scalar_type(at::ScalarType type);  // RuntimeError for dtypes outside 01, section 6
at::Device to_aten(Device device);
Device from_aten(at::Device device);  // RuntimeError for other device kinds
at::TensorOptions to_options(const DeviceDtype& target);

}  // namespace pycircuit
