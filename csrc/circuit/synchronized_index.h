// NumPy-style joint indexing, built from ordinary nodes (spec 03, section 13.5).
#pragma once

#include <variant>
#include <vector>

#include "circuit/node.h"
#include "tensor/index.h"

namespace pycircuit {

// A tensor element of any rank, as its values in row-major order.
struct JointIndex {
  Shape shape;
  std::vector<int64_t> values;
  Device device;
};
using JointElement = std::variant<int64_t, Slice, JointIndex>;

NodePtr synchronized_index(const NodePtr& node, std::vector<JointElement> elements, Name name = {});

}  // namespace pycircuit
