// Conforming: batch axes and real sizes of arguments move into the symbols of a spec (spec 08, section 6).
#pragma once

#include <optional>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/module.h"

namespace pycircuit {

// The spec with symbols of these shapes, its circuit expanded to them. ConstructModuleWrongNumberChildren, and the checks of 4.2 from
// step 3.
ModuleSpec resize(const ModuleSpec& spec, const std::vector<Shape>& shapes);
Ref<const Module> conform_to_input_shapes(const Module& module);
// Only the last `dims_to_conform` batch axes of each argument, all if not given. RuntimeError where there are fewer in all.
Ref<const Module> conform_to_input_batch_shape(const Module& module, std::optional<int64_t> dims_to_conform = {});
// Pre-order; other nodes are rebuilt.
NodePtr conform_all_modules(const NodePtr& circuit);

}  // namespace pycircuit
