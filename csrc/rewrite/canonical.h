// Canonical and normal form, and circuits without names (spec 10, section 10).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

NodePtr canonicalize_node(const NodePtr& node);
NodePtr deep_canonicalize(const NodePtr& circuit);
NodePtr normalize_node(const NodePtr& node);
NodePtr deep_normalize(const NodePtr& circuit);
// Named Arrays and Symbols stay what they are, below an unnamed Tag. The groups of random variables stay too.
NodePtr strip_names_and_tags(const NodePtr& circuit);

}  // namespace pycircuit
