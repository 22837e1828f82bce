// Cumulants as sums over set partitions (spec 09, sections 2, 11 and 12).
#pragma once

#include <functional>
#include <string_view>
#include <utility>
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

// What is done with every new Cumulant. RuntimeError where it changes the shape.
using SubCumulant = std::function<NodePtr(const NodePtr&)>;

// 11: the cumulant as a circuit of Cumulants below its first argument equal to `node`. CumulantRewriteNodeToExpandNotFound,
// CumulantRewriteUnexpandableType, CumulantRewriteUnimplementedType.
NodePtr rewrite_cumulant(const Ref<const Cumulant>& cumulant, const NodePtr& node, const SubCumulant& sub);

// 12: the outer product of what `sub` makes of one Cumulant per block, its axes by position, and these Cumulants. RuntimeError where the
// positions are no permutation or `sub` changes a shape.
using KappaBlock = std::vector<std::pair<int64_t, NodePtr>>;
struct KappaTerm {
  NodePtr product;
  NodePtrs cumulants;
};
KappaTerm kappa_term(const std::vector<KappaBlock>& blocks, const SubCumulant& sub);

// sub(cumulant), checked; `what` names the operation.
NodePtr checked_sub(const NodePtr& cumulant, const SubCumulant& sub, std::string_view what);

}  // namespace pycircuit
