// Cumulants as sums over set partitions (spec 09, section 2).
#pragma once

#include <vector>

#include "circuit/nodes/cumulant.h"

namespace pycircuit {

using Partition = std::vector<std::vector<size_t>>;
// All set partitions of 0 .. count-1 in the order of section 2. RuntimeError for more than 12 elements (over 4 million partitions).
std::vector<Partition> set_partitions(size_t count);

// One summand per set partition: products of expectations.
NodePtr basic_expectation(const Cumulant& cumulant);
// The same number with far fewer summands, by central moments.
NodePtr factored_cumulant_expectation(const Ref<const Cumulant>& cumulant);

}  // namespace pycircuit
