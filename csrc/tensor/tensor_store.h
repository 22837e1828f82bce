// The store of tensors by content key (spec 02, section 9), as an interface: python/ implements it with torch.save and torch.load.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace pycircuit {

class TensorStore {
 public:
  virtual ~TensorStore() = default;
  virtual bool save(const Tensor& tensor, bool force) = 0;
  virtual void save_below(const Tensor& tensor, std::string_view directory) = 0;  // the same layout in another directory
  virtual Tensor load(std::string_view key_or_prefix) = 0;                        // full key or unique prefix, hex
  // Brings tensors that are only in the shared store to the local one, several at a time. What cannot be found is left out.
  virtual void fetch(const std::vector<std::string>& prefixes) = 0;
};

// The process's store; RuntimeError while none is installed.
TensorStore& tensor_store();
void install_tensor_store(TensorStore* store);

}  // namespace pycircuit
