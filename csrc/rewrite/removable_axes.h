// Axes along which a circuit is constant, and taking them away (spec 10, sections 2.6, 2.7 and 3.7).
#pragma once

#include "rewrite/build.h"

namespace pycircuit {

// All axes of a Scalar, the broadcast axes of a Rearrange; ascending.
Axes removable_axes(const Node& node);

// Strong removal, also of size-1 axes of any circuit. The node itself for no axes.
NodePtr remove_axes(const NodePtr& node, const Axes& axes);
// Weak removal, of removable axes: a Rearrange's stored spec is used as it is.
NodePtr remove_axes_weakly(const NodePtr& node, const Axes& axes);

// The choice of 2.7 for one label or axis: the members of `removable` (positions in some list) that may give the axis up, where `users`
// have it.
std::vector<size_t> choose_removals(const std::vector<size_t>& users, const std::vector<size_t>& removable, const NodePtrs& nodes);

}  // namespace pycircuit
