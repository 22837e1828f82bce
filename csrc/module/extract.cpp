#include "module/extract.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "match/get.h"
#include "module/replace.h"
#include "module/spec.h"

namespace pycircuit {

Ref<const Module> module_new_bind(const NodePtr& spec_circuit, const std::vector<BindItem>& binders, bool check_unique_arg_names,
                                  Name name) {
  ModuleSpec spec{spec_circuit, {}};
  NodePtrs arguments;
  for (const auto& binder : binders) {
    const NodePtr found = get_unique(spec_circuit, binder.matcher);
    const auto symbol = cast<Symbol>(found);
    if (!symbol)
      fail(ErrorId::ModuleBindExpectedSymbol,
           "binding in " + describe(*spec_circuit) + ": " + binder.matcher.to_string() + " finds " + describe(*found) +
               ", which is not a Symbol",
           circuit_payload(found), opaque(binder.matcher, binder.matcher.to_string()), circuit_payload(spec_circuit));
    spec.arg_specs.push_back({symbol, binder.batchable, binder.expandable, binder.ban_non_symbolic_size_expand});
    arguments.push_back(binder.input_circuit);
  }
  check_spec(spec, true, check_unique_arg_names);
  return Module::make(spec, std::move(arguments), std::move(name));
}

Extracted extract(const NodePtr& circuit, const std::vector<CircuitArgSpec>& arg_specs, ExtractChecks checks) {
  std::unordered_map<uint64_t, SymbolPtr> symbols;  // by the id of the circuit replaced
  std::vector<ModuleArgSpec> new_specs;
  for (const auto& [node, arg_spec] : arg_specs) {
    const Symbol& given = *arg_spec.symbol;
    ModuleArgSpec& own = new_specs.emplace_back(arg_spec);
    own.symbol = Symbol::make(node->shape(), given.uuid(), given.name() ? given.name() : node->name());
    symbols.emplace(node->id(), own.symbol);
  }
  std::unordered_set<uint64_t> met;
  Extracted result;
  result.spec.circuit = replace_top_down(circuit, [&](const NodePtr& node) -> NodePtr {
    const auto found = symbols.find(node->id());
    if (found == symbols.end()) return nullptr;
    met.insert(node->id());
    return found->second;
  });
  for (size_t i = 0; i < arg_specs.size(); ++i) {
    const NodePtr& node = arg_specs[i].first;
    if (met.contains(node->id()) && symbols.at(node->id()) == new_specs[i].symbol) {
      result.spec.arg_specs.push_back(new_specs[i]);
      result.arguments.push_back(node);
    } else if (checks.all_inputs_used) {
      fail(ErrorId::ConstructModuleExtractNotPresent,
           "extracting from " + describe(*circuit) + ": " + describe(*node) +
               " is not met (it does not occur, or only below another circuit to extract)",
           circuit_payload(node));
    }
  }
  // Two circuits that became one symbol would both be bound to the later one's.
  std::unordered_map<uint64_t, uint64_t> circuit_of;
  for (size_t i = 0; i < result.arguments.size(); ++i) {
    const auto& symbol = result.spec.arg_specs[i].symbol;
    const auto [known, fresh] = circuit_of.emplace(symbol->id(), result.arguments[i]->id());
    if (fresh || known->second == result.arguments[i]->id()) continue;
    fail(ErrorId::ConstructModuleSomeArgsNotPresent,
         "extracting from " + describe(*circuit) + ": " + describe(*result.arguments[i]) + " and another circuit would both become " +
             describe(*symbol) + "; give them symbols of different uuid or name",
         circuit_payload(result.spec.circuit), PayloadSet{{circuit_payload(symbol)}});
  }
  check_spec(result.spec, checks.all_inputs_used, checks.unique_arg_names);
  return result;
}

Ref<const Module> extract_rewrite_raw(const NodePtr& circuit, const std::vector<CircuitArgSpec>& input_specs, const Name& prefix_to_strip,
                                      Name module_name, ExtractChecks checks) {
  Extracted extracted = extract(circuit, input_specs, checks);
  NodePtr& body = extracted.spec.circuit;
  if (prefix_to_strip && body->name() && body->name()->starts_with(*prefix_to_strip))
    body = body->rename(body->name()->substr(prefix_to_strip->size()));
  return Module::make(extracted.spec, std::move(extracted.arguments), std::move(module_name));
}

Ref<const Module> extract_rewrite(const NodePtr& circuit, const IterativeMatcher& matcher, const Name& prefix_to_strip, Name module_name,
                                  ExtractChecks checks, const ArgSpecOf& circuit_to_arg_spec) {
  std::vector<CircuitArgSpec> arg_specs;
  for (const auto& node : get(circuit, matcher))
    arg_specs.emplace_back(node, circuit_to_arg_spec ? circuit_to_arg_spec(node) : just_name_shape(node));
  std::stable_sort(arg_specs.begin(), arg_specs.end(),
                   [](const CircuitArgSpec& a, const CircuitArgSpec& b) { return a.second.symbol->name() < b.second.symbol->name(); });
  return extract_rewrite_raw(circuit, arg_specs, prefix_to_strip, std::move(module_name), checks);
}

}  // namespace pycircuit
