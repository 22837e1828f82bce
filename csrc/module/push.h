// Pushing Modules down: the nodes of a body come outside, Modules around smaller bodies stand at chosen places below (spec 08, section 11).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/module.h"
#include "match/matcher.h"

namespace pycircuit {

using ModulePtr = Ref<const Module>;
using ModulePtrs = std::vector<ModulePtr>;  // inner to outer

// What takes the place of a Module that was made around a leaf: (module, the pushed Modules it stands for, size of the stack).
using ModuleConstructCallback = std::function<NodePtr(const ModulePtr&, const ModulePtrs&, int64_t)>;
// Names: (base circuit, running circuit, modules, size of the stack where a leaf is concerned).
using NestedModuleNamer = std::function<Name(const NodePtr&, const NodePtr&, const ModulePtrs&, std::optional<int64_t>)>;
// "<base> <bind_name>:<m1>,<m2>" (11.3).
NestedModuleNamer default_nested_module_namer(std::string bind_name = "bind");

class ModulePusher {
 public:
  struct Options {
    bool flatten_modules = true;
    bool bind_encountered_symbols = true;
    ModuleConstructCallback module_construct_callback = {};  // none: the Module itself
    NestedModuleNamer namer = {};                            // none: default_nested_module_namer(), at less cost
  };
  explicit ModulePusher(Options options);
  ~ModulePusher();

  NodePtr push_down_modules(const NodePtr& circuit, const IterativeMatcher& traversal, const IterativeMatcher& skip_module = false);
  // The leaves for all nodes found by `get`, in order of first visit.
  NodePtrs get_push_down_modules(const NodePtr& circuit, const IterativeMatcher& get, const IterativeMatcher& skip_module = false);
  const Options& options() const { return options_; }

 private:
  class Run;
  Options options_;
  std::unique_ptr<Run> run_;
};

}  // namespace pycircuit
