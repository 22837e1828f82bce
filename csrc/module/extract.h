// Making modules from circuits: binding found symbols, extracting found nodes (spec 08, section 9).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/module.h"
#include "match/matcher.h"

namespace pycircuit {

struct BindItem {
  IterativeMatcher matcher;
  NodePtr input_circuit;
  bool batchable = true, expandable = true, ban_non_symbolic_size_expand = true;
};
// 9.1. RuntimeError unless each matcher finds exactly one node; ModuleBindExpectedSymbol unless that is a Symbol.
Ref<const Module> module_new_bind(const NodePtr& spec_circuit, const std::vector<BindItem>& binders, bool check_unique_arg_names = true,
                                  Name name = {});

using CircuitArgSpec = std::pair<NodePtr, ModuleArgSpec>;
struct ExtractChecks {
  bool all_inputs_used = true;
  bool unique_arg_names = true;
};
struct Extracted {
  ModuleSpec spec;
  NodePtrs arguments;  // what the symbols replaced
};
// 9.2.
Extracted extract(const NodePtr& circuit, const std::vector<CircuitArgSpec>& arg_specs, ExtractChecks checks = {});
// 9.3.
Ref<const Module> extract_rewrite_raw(const NodePtr& circuit, const std::vector<CircuitArgSpec>& input_specs,
                                      const Name& prefix_to_strip = {}, Name module_name = {}, ExtractChecks checks = {});
using ArgSpecOf = std::function<ModuleArgSpec(const NodePtr&)>;
// 9.4. No function: `just_name_shape`.
Ref<const Module> extract_rewrite(const NodePtr& circuit, const IterativeMatcher& matcher, const Name& prefix_to_strip = {},
                                  Name module_name = {}, ExtractChecks checks = {}, const ArgSpecOf& circuit_to_arg_spec = {});

}  // namespace pycircuit
