// What a ModuleSpec may be asked to fulfil (spec 08, section 3).
#pragma once

#include <vector>

#include "circuit/nodes/module.h"

namespace pycircuit {

// Per arg spec: its symbol is free in the spec circuit and not listed again later (08, 1.1).
std::vector<bool> are_args_used(const ModuleSpec& spec);
// ConstructModuleSomeArgsNotPresent unless every parameter is used.
void check_all_inputs_used(const ModuleSpec& spec);
// ConstructModuleSomeArgsNamedNone, ConstructModuleArgsDupNames.
void check_unique_arg_names(const ModuleSpec& spec);

}  // namespace pycircuit
