// Axis names pushed from the root to the leaves (spec 10, section 16).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

NodePtr propagate_named_axes(const NodePtr& circuit, const NamedAxes& names, bool abort_on_branch);

}  // namespace pycircuit
