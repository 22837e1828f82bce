#include "rewrite/module_rules.h"

#include "circuit/names.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "rewrite/build.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

// Arguments whose symbol occurs in the spec circuit; of a symbol listed twice only the last one counts.
std::vector<bool> used_arguments(const Module& module) {
  std::vector<bool> used;
  const auto& specs = module.arg_specs();
  for (size_t i = 0; i < specs.size(); ++i) {
    const bool again = std::any_of(specs.begin() + i + 1, specs.end(),
                                   [&](const ModuleArgSpec& later) { return later.symbol->id() == specs[i].symbol->id(); });
    used.push_back(!again && module.spec_circuit()->has_free_symbol(*specs[i].symbol));
  }
  return used;
}

// The argument with one batch axis of this size.
NodePtr with_batch_axis(const NodePtr& argument, const ModuleArgSpec& spec, Size size) {
  return argument->rank() > spec.symbol->rank() ? argument : insert_axes(argument, {0}, {size});
}

}  // namespace

NodePtr elim_empty_module(const Module& module) { return module.spec_circuit()->num_children() == 0 ? substitute(module) : nullptr; }

NodePtr elim_no_input_module(const Module& module) { return module.num_arguments() == 0 ? module.spec_circuit() : nullptr; }

NodePtr module_remove_unused_inputs(const Module& module, const RemoveUnusedOptions& options) {
  const std::vector<bool> used = used_arguments(module);
  if (!contains(used, false)) {
    const NodePtr eliminated = options.use_elim_no_input_module ? elim_no_input_module(module) : nullptr;
    return eliminated ? eliminated : NodePtr(&module);
  }
  ModuleSpec spec{module.spec_circuit(), {}};
  NodePtrs arguments;
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    spec.arg_specs.push_back(module.arg_specs()[i]);
    arguments.push_back(module.argument(i));
  }
  const Name name = options.add_suffix_on_remove_unused ? with_suffix(module.name(), " rem_unused") : module.name();
  NodePtr result =
      arguments.empty() && options.use_elim_no_input_module ? spec.circuit : NodePtr(Module::make(spec, std::move(arguments), name));
  const int64_t lost = module.rank() - result->rank();
  if (lost == 0) return result;
  const Shape lost_sizes(module.shape().begin(), module.shape().begin() + lost);
  return Rearrange::make(result, RearrangeSpec::prepend_batch_shape(lost_sizes, result->rank()), module.name());
}

NodePtr deep_module_remove_unused_inputs(const NodePtr& circuit, const RemoveUnusedOptions& options, bool elim_empty) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    const Module* module = rebuilt->as<Module>();
    if (!module) return rebuilt;
    if (elim_empty)
      if (const NodePtr eliminated = elim_empty_module(*module)) return eliminated;
    try {
      return module_remove_unused_inputs(*module, options);
    } catch (const CircuitError& error) {
      if (error.id() != ErrorId::RearrangeSpecLenShapeTooLarge) throw;
      return rebuilt;
    }
  });
}

NodePtr fuse_concat_modules(const NodePtr& circuit, const std::vector<Ref<const Module>>& modules, const Name& name) {
  const auto check = [](bool fine, const std::string& problem) {
    if (!fine) fail(ErrorId::RuntimeError, "fuse_concat_modules: " + problem);
  };
  check(!modules.empty(), "no modules specified");
  const Module& first = *modules.front();
  std::vector<Size> rows;
  std::vector<bool> batched;
  for (const auto& module : modules) {
    check(module->spec() == first.spec(), "not all same: " + describe(*module) + " and " + describe(first) + " have different specs");
    const Shape batch = module->aligned_batch_shape();
    check(batch.size() <= 1, "batch rank > 1 of " + describe(*module));
    batched.push_back(!batch.empty());
    rows.push_back(batch.empty() ? 1 : batch[0]);
  }
  NodePtrs arguments;
  for (size_t i = 0; i < first.num_arguments(); ++i) {
    const ModuleArgSpec& spec = first.arg_specs()[i];
    NodePtrs parts;
    for (size_t k = 0; k < modules.size(); ++k) {
      if (!spec.batchable)
        check(same(modules[k]->argument(i), first.argument(i)),
              "input '" + spec.symbol->name_or_empty() + "' is not batchable and differs between modules");
      parts.push_back(spec.batchable ? with_batch_axis(modules[k]->argument(i), spec, rows[k]) : nullptr);
    }
    arguments.push_back(spec.batchable ? NodePtr(Concat::make(std::move(parts), 0)) : first.argument(i));
  }
  const NodePtr fused = Module::make(first.spec(), std::move(arguments), name);
  check(fused->rank() > first.rank() - static_cast<int64_t>(batched[0]), "the modules have no batchable input to be told apart by");
  NodeMap replacements;
  Size start = 0;
  for (size_t k = 0; k < modules.size(); ++k) {
    IndexElements elements = full_index(fused->rank());
    elements[0] = slice_of(start, start + rows[k]);
    start += rows[k];
    const NodePtr piece = Index::make(fused, std::move(elements));
    replacements.emplace(modules[k]->id(), batched[k] ? piece : squeeze_axes(piece, {0}));
  }
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const auto found = replacements.find(node->id());
    return found != replacements.end() ? found->second : node->rebuild_if_changed(std::move(children));
  });
}

}  // namespace pycircuit
