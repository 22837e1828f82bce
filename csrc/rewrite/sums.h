// Regrouping sums (spec 10, sections 9.2, 9.3 and 15.4).
#pragma once

#include "circuit/nodes/add.h"

namespace pycircuit {

// 9.2; null where the summands of `sub` are not among those of `add`.
NodePtr extract_add(const Add& add, const NodePtr& sub);
// 9.3; null where one group is enough.
NodePtr add_outer_product_broadcasts_on_top(const Add& add);
// 15.4
NodePtr deep_heuristic_nest_adds(const NodePtr& circuit);

}  // namespace pycircuit
