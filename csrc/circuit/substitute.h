// What a Module denotes: its spec circuit with parameters replaced by arguments, batched and expanded (spec 08, sections 1 to 7).
//
// A Module needs this to exist: its shape and flags are those of its complete substitution.
#pragma once

#include <string>

#include "circuit/expand.h"
#include "circuit/node.h"
#include "circuit/nodes/module.h"

namespace pycircuit {

// "ModuleArgSpec(symbol='a' [3] Symbol, batchable=True, ...)".
std::string to_text(const ModuleArgSpec& arg_spec);
// Each parameter with its argument.
Expansion::SymbolMap bindings_of(const ModuleSpec& spec, const NodePtrs& arguments);

// The checks of 08, 4.2, steps 1 to 5, on a call of `spec` with these arguments.
void check_module(const ModuleSpec& spec, const NodePtrs& arguments);
// Everything a Module derives from its complete substitution (step 6 included), by way of a cache on the spec and the arguments' derived
// values.
void derive_module(const ModuleSpec& spec, const NodePtrs& arguments, Derived& derived);
// `child_axis_map_inputs` (4.1).
AxisMap module_axis_map(const Module& module);

struct SubstituteOptions {
  Name name_prefix, name_suffix;
  bool use_self_name_as_prefix = false;
};
// One level (5.1).
NodePtr substitute(const Module& module, const SubstituteOptions& options = {});
// The same for a call that is not a Module yet, called `name`.
NodePtr substitute_call(const ModuleSpec& spec, const NodePtrs& arguments, const Name& name, const SubstituteOptions& options = {});
// The spec circuit with its parameters replaced and expanded, root name kept; repeated along leading batch axes that it lacks.
NodePtr expand_spec_circuit(const ModuleSpec& spec, const NodePtrs& arguments);
// The circuit with free symbols replaced and the nodes above them expanded.
NodePtr replace_symbols(const NodePtr& circuit, const Expansion::SymbolMap& symbols);
// Every Module, bottom-up; other nodes are always rebuilt (5.4). Cached.
NodePtr substitute_all_modules(const NodePtr& circuit);

// The node over new children of possibly more axes and other sizes (section 7). RuntimeError where a Module would have to be batched inside
// its spec: that takes an Expander.
NodePtr expand_node(const NodePtr& circuit, const NodePtrs& inputs);

// Empties the caches that hold circuits.
void clear_module_circuit_caches();
// A Module of this id is gone.
void forget_substitution(uint64_t id);

}  // namespace pycircuit
