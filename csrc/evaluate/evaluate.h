// Circuits to tensors (spec 12, section 1).
#pragma once

#include "circuit/node.h"
#include "tensor/tensor.h"

namespace pycircuit {

// TensorEvalNotExplicitlyComputable or TensorEvalNotConstant, naming a node that blocks evaluation.
void check_evaluable(const NodePtr& circuit);
Tensor evaluate(const NodePtr& circuit);

}  // namespace pycircuit
