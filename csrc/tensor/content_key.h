// What is remembered per torch tensor, without keeping it alive: its content key and the range of its values (spec 02, section 8).
#pragma once

#include <optional>
#include <utility>

#include "tensor/tensor.h"

namespace pycircuit {

// Smallest and largest value of an int64 tensor; nothing for an empty one. Remembered for tensors that have a content key, so that an index
// tensor on a GPU is read back once, not at every use.
std::optional<std::pair<int64_t, int64_t>> value_range(const Tensor& tensor);
// The same, and remembers the range of any tensor: for the tensors of index elements.
std::optional<std::pair<int64_t, int64_t>> remembered_value_range(const Tensor& tensor);

}  // namespace pycircuit
