#include "module/spec.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "circuit/names.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"

namespace pycircuit {

ModuleArgSpec just_name_shape(const NodePtr& circuit, bool batchable, bool expandable, bool ban_non_symbolic_size_expand) {
  return {Symbol::make(circuit->shape(), Uuid::random(), circuit->name()), batchable, expandable, ban_non_symbolic_size_expand};
}

void check_spec(const ModuleSpec& spec, bool all_inputs_used, bool unique_arg_names) {
  if (all_inputs_used) check_all_inputs_used(spec);
  if (unique_arg_names) check_unique_arg_names(spec);
}

ModuleSpec new_free_symbols(const NodePtr& circuit) {
  ModuleSpec spec{circuit, {}};
  for (const auto& symbol : circuit->free_symbols()) spec.arg_specs.push_back({symbol});
  return spec;
}

ModuleSpec map_on_replaced_path(const ModuleSpec& spec, const NodeFunction& function) {
  // A place is a node with the parameters that are visible and free there.
  using Visible = std::vector<uint64_t>;  // sorted symbol ids
  struct Place {
    NodePtr node;
    Visible visible;
    NodePtrs children = {};
  };
  std::map<std::pair<uint64_t, Visible>, NodePtr> done;
  std::vector<Place> stack;
  const auto restricted = [](const Node& node, const Visible& visible) {
    Visible free;
    for (const auto& symbol : node.free_symbols())
      if (std::binary_search(visible.begin(), visible.end(), symbol->id())) free.push_back(symbol->id());
    std::sort(free.begin(), free.end());
    return free;
  };
  // The result if it is known; else the place goes on the stack.
  const auto enter = [&](const NodePtr& node, Visible visible) -> NodePtr {
    visible = restricted(*node, visible);
    if (visible.empty() || node->kind() == Kind::Symbol) return node;
    const auto found = done.find({node->id(), visible});
    if (found != done.end()) return found->second;
    stack.push_back({node, std::move(visible)});
    return nullptr;
  };
  Visible parameters;
  for (const auto& arg_spec : spec.arg_specs) parameters.push_back(arg_spec.symbol->id());
  std::sort(parameters.begin(), parameters.end());
  NodePtr result = enter(spec.circuit, parameters);
  while (!stack.empty()) {
    Place& place = stack.back();
    const size_t i = place.children.size();
    if (i < place.node->num_children()) {
      Visible visible = place.visible;
      if (const auto* module = i == 0 ? place.node->as<Module>() : nullptr)
        for (const auto& inner : module->arg_specs()) std::erase(visible, inner.symbol->id());
      if (NodePtr child = enter(place.node->child(i), std::move(visible))) stack.back().children.push_back(std::move(child));
      continue;
    }
    result = function(place.node->rebuild_if_changed(std::move(place.children)));
    done.emplace(std::make_pair(place.node->id(), std::move(place.visible)), result);
    stack.pop_back();
  }
  return {result, spec.arg_specs};
}

ModuleSpec rename_on_replaced_path(const ModuleSpec& spec, const Name& prefix, const Name& suffix) {
  return map_on_replaced_path(spec, [&](const NodePtr& node) {
    return node->name() ? node->rename(prefix.value_or("") + *node->name() + suffix.value_or("")) : node;
  });
}

Name prefix_for(const Module& module, const Name& prefix, bool use_self_name_as_prefix) {
  if (!use_self_name_as_prefix) return prefix;
  if (prefix)
    fail(ErrorId::ConstructModulePassedNamePrefixAndUseSelfNameAsPrefix,
         describe(module) + ": give a name prefix or use_self_name_as_prefix, not both", *prefix, circuit_payload(NodePtr(&module)));
  return with_suffix(module.name(), ".");
}

Ref<const Module> module_by_names(const ModuleSpec& spec, const std::vector<std::pair<std::string, NodePtr>>& arguments, Name name) {
  check_unique_arg_names(spec);
  const auto names = [&] {
    PayloadList all;
    for (const auto& arg_spec : spec.arg_specs) all.emplace_back(*arg_spec.symbol->name());
    return all;
  };
  std::unordered_map<std::string, NodePtr> by_name;
  for (const auto& [argument, node] : arguments) {
    const bool known = std::any_of(spec.arg_specs.begin(), spec.arg_specs.end(),
                                   [&](const auto& arg_spec) { return *arg_spec.symbol->name() == argument; });
    if (!known)
      fail(ErrorId::ConstructModuleUnknownArgument,
           "a Module of " + describe(*spec.circuit) + " has no parameter '" + argument + "'; its parameters are " +
               to_text(PayloadValue(names())),
           argument, names());
    by_name[argument] = node;
  }
  NodePtrs nodes;
  PayloadList missing;
  for (const auto& arg_spec : spec.arg_specs) {
    const auto found = by_name.find(*arg_spec.symbol->name());
    if (found == by_name.end()) {
      missing.emplace_back(*arg_spec.symbol->name());
    } else {
      nodes.push_back(found->second);
    }
  }
  if (!missing.empty())
    fail(ErrorId::ConstructModuleMissingNames, "a Module of " + describe(*spec.circuit) + " is not given all of its arguments",
         std::move(missing));
  return Module::make(spec, std::move(nodes), std::move(name));
}

NodePtr inline_single_callsite_modules(const NodePtr& circuit) {
  const auto key = [](const Module& module) {
    std::vector<uint64_t> ids = {module.spec_circuit()->id()};
    for (const auto& arg_spec : module.arg_specs()) {
      ids.push_back(arg_spec.symbol->id());
      ids.push_back(arg_spec.batchable | arg_spec.expandable << 1 | arg_spec.ban_non_symbolic_size_expand << 2);
    }
    return ids;
  };
  std::map<std::vector<uint64_t>, int> calls;
  for (const auto& node : post_order(circuit))
    if (const auto* module = node->as<Module>()) ++calls[key(*module)];
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const auto* module = node->as<Module>();
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    return module && calls.at(key(*module)) == 1 ? substitute(*rebuilt->as<Module>()) : rebuilt;
  });
}

}  // namespace pycircuit
