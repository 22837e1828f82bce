// Module rewrites beyond the rule table (spec 10, section 8).
#pragma once

#include <vector>

#include "circuit/nodes/module.h"

namespace pycircuit {

struct RemoveUnusedOptions {
  bool add_suffix_on_remove_unused = true;
  bool use_elim_no_input_module = true;
};
NodePtr module_remove_unused_inputs(const Module& module, const RemoveUnusedOptions& options = {});
NodePtr deep_module_remove_unused_inputs(const NodePtr& circuit, const RemoveUnusedOptions& options = {}, bool elim_empty = false);
// RuntimeError where the modules do not fit together.
NodePtr fuse_concat_modules(const NodePtr& circuit, const std::vector<Ref<const Module>>& modules, const Name& name = {});

}  // namespace pycircuit
