// The store of tensors by content key (spec 02, section 9), as an interface: python/ implements it with torch.save and torch.load.
#pragma once

#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace pycircuit {

class TensorStore {
 public:
  virtual ~TensorStore() = default;
  virtual bool save(const Tensor& tensor, bool force) = 0;
  virtual Tensor load(std::string_view key_or_prefix) = 0;  // full key or unique prefix, hex
};

// The process's store; RuntimeError while none is installed.
TensorStore& tensor_store();
void install_tensor_store(TensorStore* store);

}  // namespace pycircuit
