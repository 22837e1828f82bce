// Circuits on another device, of another dtype, or with other values (spec 10, sections 15.1 and 15.6).
#pragma once

#include <functional>

#include "circuit/node.h"
#include "tensor/device_dtype.h"
#include "tensor/tensor.h"

namespace pycircuit {

NodePtr cast_circuit(const NodePtr& circuit, const DeviceDtypeOp& device_dtype);

// 15.6: floating Arrays get what `normal_like(their value, seed)` gives, index tensors random valid positions; both by content key.
NodePtr replace_all_randn_seeded(const NodePtr& circuit, const std::function<Tensor(const Tensor& like, uint64_t seed)>& normal_like);

}  // namespace pycircuit
