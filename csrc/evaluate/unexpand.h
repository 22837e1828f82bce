// Nodes whose values repeat along an axis, computed without it (spec 12, section 15).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

// Functions, sums, products and parts of expanded nodes (Rearrange "a -> n a", Scalars) become expansions of functions, sums, products and
// parts: what has the batch axis only by expansion does not depend on the batch any more. No Modules among the nodes.
NodePtrs unexpanded(const NodePtrs& circuits);

}  // namespace pycircuit
