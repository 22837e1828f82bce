#include "circuit/module_spec.h"

#include <unordered_map>
#include <unordered_set>

namespace pycircuit {

std::vector<bool> are_args_used(const ModuleSpec& spec) {
  std::unordered_set<uint64_t> free, later;
  for (const auto& symbol : spec.circuit->free_symbols()) free.insert(symbol->id());
  std::vector<bool> used(spec.arg_specs.size());
  for (size_t i = spec.arg_specs.size(); i-- > 0;) {
    const uint64_t id = spec.arg_specs[i].symbol->id();
    used[i] = free.count(id) && later.insert(id).second;
  }
  return used;
}

void check_all_inputs_used(const ModuleSpec& spec) {
  const std::vector<bool> used = are_args_used(spec);
  NodePtrs missing;
  for (size_t i = 0; i < used.size(); ++i)
    if (!used[i]) missing.push_back(spec.arg_specs[i].symbol);
  if (missing.empty()) return;
  fail(ErrorId::ConstructModuleSomeArgsNotPresent,
       "the spec circuit " + describe(*spec.circuit) + " does not use the parameters " + describe(missing) +
           "; remove them from the arg specs or pass check_all_inputs_used=False",
       circuit_payload(spec.circuit), PayloadSet{circuit_payloads(missing)});
}

void check_unique_arg_names(const ModuleSpec& spec) {
  NodePtrs unnamed;
  for (const auto& arg_spec : spec.arg_specs)
    if (!arg_spec.symbol->name()) unnamed.push_back(arg_spec.symbol);
  if (!unnamed.empty())
    fail(ErrorId::ConstructModuleSomeArgsNamedNone, "parameters must have names, but these symbols have none: " + describe(unnamed),
         circuit_payloads(unnamed));
  std::unordered_map<std::string, int64_t> counts;
  for (const auto& arg_spec : spec.arg_specs) ++counts[*arg_spec.symbol->name()];
  PayloadDict repeated;
  std::string names;
  for (const auto& arg_spec : spec.arg_specs) {
    const auto count = counts.find(*arg_spec.symbol->name());
    if (count == counts.end() || count->second == 1) continue;
    names += (names.empty() ? "'" : ", '") + count->first + "'";
    repeated.items.emplace_back(count->first, count->second);
    counts.erase(count);
  }
  if (!names.empty())
    fail(ErrorId::ConstructModuleArgsDupNames, "parameters must have different names, but these occur several times: " + names, repeated);
}

}  // namespace pycircuit
