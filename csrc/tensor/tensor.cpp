// The tensor handle: counting, conversions and small helpers (spec 01, sections 6 and 7.1; 02, section 8).
#include "tensor/tensor.h"

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <array>
#include <sstream>

#include "base/error.h"
#include "tensor/aten.h"

namespace pycircuit {
namespace {

using at::ScalarType;
constexpr std::array<ScalarType, kNumDTypes> kScalarTypes = {ScalarType::Half, ScalarType::BFloat16, ScalarType::Float, ScalarType::Double,
                                                             ScalarType::Char, ScalarType::Short,    ScalarType::Int,   ScalarType::Long,
                                                             ScalarType::Byte, ScalarType::Bool};

const c10::TensorImpl& checked(const Tensor& tensor) {
  if (!tensor.defined()) fail(ErrorId::RuntimeError, "an undefined tensor was used");
  return *TensorAccess::impl(tensor);
}

}  // namespace

Tensor::Tensor(const Tensor& other) : impl_(other.impl_) {
  if (impl_) c10::raw::intrusive_ptr::incref(TensorAccess::impl(*this));
}

Tensor& Tensor::operator=(Tensor other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Tensor::~Tensor() {
  if (impl_) c10::raw::intrusive_ptr::decref(TensorAccess::impl(*this));
}

at::Tensor TensorAccess::unwrap(const Tensor& tensor) {
  if (!tensor.impl_) return {};
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(impl(tensor)));
}

Tensor TensorAccess::wrap(at::Tensor tensor) {
  Tensor handle;
  if (tensor.defined()) handle.impl_ = tensor.unsafeReleaseTensorImpl();
  return handle;
}

bool is_owned(const at::Tensor& tensor) {
  // Memory that torch did not allocate (numpy's) has other holders; a repeated element cannot be written.
  return tensor.use_count() == 1 && tensor.has_storage() && tensor.storage().use_count() == 1 && tensor.storage().resizable() &&
         !tensor.requires_grad() && tensor.is_non_overlapping_and_dense();
}

std::vector<at::Tensor> to_aten(const std::vector<Tensor>& tensors) {
  std::vector<at::Tensor> out;
  out.reserve(tensors.size());
  for (const auto& tensor : tensors) out.push_back(to_aten(tensor));
  return out;
}

std::vector<Tensor> from_aten(std::vector<at::Tensor> tensors) {
  std::vector<Tensor> out;
  out.reserve(tensors.size());
  for (auto& tensor : tensors) out.push_back(from_aten(std::move(tensor)));
  return out;
}

ScalarType to_scalar_type(DType dtype) { return kScalarTypes[static_cast<size_t>(dtype)]; }

DType from_scalar_type(ScalarType type) {
  for (size_t i = 0; i < kScalarTypes.size(); ++i)
    if (kScalarTypes[i] == type) return static_cast<DType>(i);
  fail(ErrorId::RuntimeError, std::string("tensors of dtype ") + c10::toString(type) +
                                  " are not supported: use float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8 or bool");
}

at::Device to_aten(Device device) {
  return device.is_cpu() ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device.index));
}

Device from_aten(at::Device device) {
  if (device.is_cpu()) return {};
  if (device.is_cuda() && device.index() < kMaxCudaDevices) return {static_cast<int8_t>(device.has_index() ? device.index() : 0)};
  fail(ErrorId::RuntimeError, "tensors on device '" + device.str() + "' are not supported: use cpu or cuda:0 to cuda:15");
}

at::TensorOptions to_options(const DeviceDtype& target) {
  return at::TensorOptions().device(to_aten(target.device)).dtype(to_scalar_type(target.dtype));
}

Shape Tensor::shape() const { return checked(*this).sizes().vec(); }
int64_t Tensor::numel() const { return checked(*this).numel(); }
DType Tensor::dtype() const { return from_scalar_type(c10::typeMetaToScalarType(checked(*this).dtype())); }
Device Tensor::device() const { return from_aten(checked(*this).device()); }

void check_supported(const Tensor& tensor) {
  const auto value = to_aten(tensor);
  if (!value.defined()) fail(ErrorId::RuntimeError, "an undefined tensor cannot be used as a constant");
  if (value.layout() != at::kStrided || value.is_nested() || value.is_quantized())
    fail(ErrorId::RuntimeError, "only dense (strided) tensors are supported, got one of type " + value.toString());
  tensor.dtype();
  tensor.device();
}

std::vector<int64_t> int_values(const Tensor& tensor) {
  const auto values = to_aten(to_int64(tensor)).cpu().contiguous();
  const int64_t* data = values.const_data_ptr<int64_t>();
  return {data, data + values.numel()};
}

Tensor int_tensor(const std::vector<int64_t>& values) { return from_aten(at::tensor(values, at::kLong)); }
Tensor int_scalar_tensor(int64_t value) { return from_aten(at::scalar_tensor(value, at::kLong)); }
Tensor to_int64(const Tensor& tensor) { return from_aten(to_aten(tensor).to(at::kLong)); }

Tensor to_device_dtype(const Tensor& tensor, const DeviceDtypeOp& target) {
  const at::Tensor value = to_aten(tensor);
  const auto device = target.device ? to_aten(*target.device) : value.device();
  const auto dtype = target.dtype ? to_scalar_type(*target.dtype) : value.scalar_type();
  if (device == value.device() && dtype == value.scalar_type()) return tensor;  // torch would return it too, after some thought
  return from_aten(value.to(device, dtype));
}

double double_value(const Tensor& tensor) { return to_aten(tensor).item<double>(); }

namespace {

void write_literal(std::ostream& out, const at::Tensor& tensor) {
  if (tensor.dim() > 0) {
    out << '[';
    for (int64_t i = 0; i < tensor.size(0); ++i) {
      if (i) out << ", ";
      write_literal(out, tensor.select(0, i));
    }
    out << ']';
    return;
  }
  const auto value = tensor.item();
  if (value.isBoolean()) {
    out << (value.toBool() ? "True" : "False");
  } else if (value.isFloatingPoint()) {
    out << value.toDouble();
  } else {
    out << value.toLong();
  }
}

}  // namespace

std::string literal_text(const Tensor& tensor) {
  std::ostringstream out;
  write_literal(out, to_aten(tensor).detach().cpu());
  return out.str();
}

}  // namespace pycircuit
