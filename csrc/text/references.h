// Identifiers of reference circuits, of the parser and of printing (spec 05, 6.1; 06, 2.1).
#pragma once

#include <string_view>
#include <vector>

#include "circuit/node.h"

namespace pycircuit {

// ReferenceCircDuplicateIdentifier if one occurs twice.
void check_distinct_identifiers(const std::vector<std::string_view>& identifiers);
// The name under which a circuit is a reference. ReferenceCircByNameHasNoneName.
const std::string& reference_name(const NodePtr& circuit);

}  // namespace pycircuit
