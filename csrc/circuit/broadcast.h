// Canonical Rearranges, and broadcasting made explicit (spec 10, sections 0 and 9.1).
#pragma once

#include "circuit/nodes/rearrange.h"

namespace pycircuit {

// The Rearrange whose spec is conformed to the node and canonical.
NodePtr canonical_rearrange(const NodePtr& node, const RearrangeSpec& spec, Naming naming = {});
// The node expanded to `shape`, aligned at the right; null where it does not broadcast.
NodePtr make_broadcast(const NodePtr& node, const Shape& shape);

}  // namespace pycircuit
