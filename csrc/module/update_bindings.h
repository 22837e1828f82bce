// Rebinding parameters for their uses at certain nodes only (spec 08, section 12).
#pragma once

#include <string>

#include "circuit/node.h"
#include "match/matcher.h"
#include "module/expander.h"
#include "module/push.h"

namespace pycircuit {

NestedModuleNamer default_update_bindings_nested_namer(std::string bind_name = "upd_bind", bool short_if_not_leaf = true,
                                                       bool keep_name_if_not_leaf = false);

struct UpdateBindingsOptions {
  NestedModuleNamer namer = default_update_bindings_nested_namer();
  bool run_update_on_new_spec_circuits = false;
  bool flatten_modules = false;
};
// `update` gives what takes a node's place in an argument, or null.
NodePtr update_bindings_nested(const NodePtr& circuit, const Replacing& update, const IterativeMatcher& matcher,
                               const UpdateBindingsOptions& options = {}, const IterativeMatcher& skip_module = false);

}  // namespace pycircuit
