// Values that the structure of a circuit alone says: Scalars, last_dim_size, and what is computed from such (spec 12, section 2).
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "evaluate/lower.h"
#include "tensor/tensor.h"

namespace pycircuit {

struct KnownValues {
  std::vector<std::pair<int, Tensor>> tensors;   // by slot; expanded from one element
  std::vector<Tensor> elements;                  // by slot: that element, undefined where it is not known
  std::unordered_map<uint64_t, double> numbers;  // by node id
};
KnownValues known_values(const Lowered& lowered);

}  // namespace pycircuit
