// An opaque tensor: a counted pointer to torch's tensor, usable without torch's headers. `tensor/aten.h` converts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/blake3.h"
#include "shape/shape.h"
#include "tensor/device_dtype.h"

namespace pycircuit {

class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept : impl_(other.impl_) { other.impl_ = nullptr; }
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor();

  bool defined() const { return impl_ != nullptr; }
  // Two handles of one torch tensor have the same identity.
  const void* identity() const { return impl_; }

  Shape shape() const;
  int64_t numel() const;
  DType dtype() const;    // RuntimeError for dtypes outside 01, section 6
  Device device() const;  // RuntimeError for other device kinds

  // The content key (spec 02, section 8); cached per torch tensor together with its version counter.
  Hash content_key() const;

 private:
  friend struct TensorAccess;
  void* impl_ = nullptr;  // c10::TensorImpl*, one count held
};

// Checks what an Array accepts (01, 7.1): supported dtype, strided layout, supported device. RuntimeError otherwise.
void check_supported(const Tensor& tensor);

// Values of a rank-1 int64 (or narrower integer) tensor.
std::vector<int64_t> int_values(const Tensor& tensor);
double double_value(const Tensor& tensor);                                  // of a tensor with one element
Tensor int_tensor(const std::vector<int64_t>& values);                      // int64, cpu, rank 1
Tensor int_scalar_tensor(int64_t value);                                    // int64, cpu, rank 0
Tensor to_int64(const Tensor& tensor);                                      // the same tensor if it is int64 already
Tensor to_device_dtype(const Tensor& tensor, const DeviceDtypeOp& target);  // the same tensor if nothing changes
std::string literal_text(const Tensor& tensor);                             // "[0, 2, 5]", nested lists

// Record that a tensor just loaded from the store has this key, so that it is not hashed again.
void set_content_key(const Tensor& tensor, const Hash& key);

}  // namespace pycircuit
