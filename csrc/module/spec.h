// ModuleSpec: checks, constructors and edits (spec 08, sections 2, 3 and 5.5); Modules by argument name (4); inlining (13).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/module_spec.h"
#include "circuit/node.h"
#include "circuit/nodes/module.h"

namespace pycircuit {

// Symbol with the circuit's name and shape and a random uuid.
ModuleArgSpec just_name_shape(const NodePtr& circuit, bool batchable = true, bool expandable = true,
                              bool ban_non_symbolic_size_expand = false);

void check_spec(const ModuleSpec& spec, bool all_inputs_used, bool unique_arg_names);
// One default arg spec per free symbol.
ModuleSpec new_free_symbols(const NodePtr& circuit);

using NodeFunction = std::function<NodePtr(const NodePtr&)>;
// `function` on every node of the spec circuit above a parameter, children first, parameters excepted (5.5).
ModuleSpec map_on_replaced_path(const ModuleSpec& spec, const NodeFunction& function);
ModuleSpec rename_on_replaced_path(const ModuleSpec& spec, const Name& prefix, const Name& suffix);
// Prefix "<name>." where asked for; ConstructModulePassedNamePrefixAndUseSelfNameAsPrefix where both are given.
Name prefix_for(const Module& module, const Name& prefix, bool use_self_name_as_prefix);

// Arguments by symbol name. ConstructModuleUnknownArgument, ConstructModuleMissingNames.
Ref<const Module> module_by_names(const ModuleSpec& spec, const std::vector<std::pair<std::string, NodePtr>>& arguments, Name name);

// Substitutes every Module whose spec no other distinct Module of the circuit has (13).
NodePtr inline_single_callsite_modules(const NodePtr& circuit);

}  // namespace pycircuit
