// What one instruction does: the computation of a node class made ready for any number of runs (spec 12, section 2).
#pragma once

#include <functional>
#include <vector>

#include "circuit/node.h"
#include "tensor/tensor.h"

namespace pycircuit {

using Kernel = std::function<Tensor(std::vector<Tensor> operands)>;

// The kernel of a non-leaf node without modules, symbols to bind or variables.
Kernel make_kernel(const NodePtr& node);

}  // namespace pycircuit
