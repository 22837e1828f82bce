// Moving bindings outward: extract_symbols, pull_out_of_modules (spec 08, section 10).
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/module.h"
#include "match/matcher.h"
#include "module/extract.h"

namespace pycircuit {

struct ExtractSymbolsOptions {
  bool use_elim_no_input_modules = true;
  bool conform_batch_if_needed = false;
};
// The bindings of some symbols, moved to one new outermost Module.
Ref<const Module> extract_symbols(const NodePtr& circuit, const SymbolPtrs& symbols, ExtractSymbolsOptions options,
                                  const IterativeMatcher& traversal);
// The symbols that `get` finds. ExtractSymbolsGetFoundNonSymbol.
Ref<const Module> extract_symbols_get(const NodePtr& circuit, const IterativeMatcher& get, ExtractSymbolsOptions options,
                                      const IterativeMatcher& traversal);

struct PullOutOptions {
  std::function<NodePtr(const NodePtr&)> update_new_binds;  // null result: kept
  std::optional<IterativeMatcher> matcher_new_binds = {};   // none: the matcher
  std::function<NodePtr(const Ref<const Module>&, const Ref<const Module>&)> module_construct_callback = {};
  ArgSpecOf circuit_to_arg_spec = {};  // none: just_name_shape with a uuid made from the node
};
struct PulledOut {
  NodePtr circuit;
  std::vector<CircuitArgSpec> at_top;  // what no Module bound
};
// Nodes from spec circuits, moved into arguments (10.1).
PulledOut pull_out_of_modules(const NodePtr& circuit, const IterativeMatcher& matcher, const PullOutOptions& options);

}  // namespace pycircuit
