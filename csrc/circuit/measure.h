// Sizes and costs of circuits, exact (spec 01, section 3).
#pragma once

#include <string>

#include "circuit/node.h"
#include "shape/big.h"

namespace pycircuit {

BigUint self_flops(const Node& node);
BigUint total_flops(const NodePtr& circuit);
BigUint total_arrayconstant_size(const NodePtr& circuit);  // elements of all distinct Arrays
BigUint max_non_input_size(const NodePtr& circuit);        // bytes of the largest node that is not a leaf
uint64_t count_nodes(const NodePtr& circuit);

// Name, class, nodes, largest value and flops (01, section 3).
std::string stats_line(const NodePtr& circuit);

// x divided by 1000 while it is that large, with a suffix: "12M" (01, section 10).
std::string oom_fmt(const BigUint& x);

}  // namespace pycircuit
