// Circuits on another device, of another dtype, or with other values (spec 10, sections 15.1 and 15.6).
#pragma once

#include "circuit/node.h"
#include "tensor/device_dtype.h"

namespace pycircuit {

NodePtr cast_circuit(const NodePtr& circuit, const DeviceDtypeOp& device_dtype);

}  // namespace pycircuit
