#include "text/references.h"

#include <unordered_map>

namespace pycircuit {

void check_distinct_identifiers(const std::vector<std::string_view>& identifiers) {
  std::unordered_map<std::string_view, int64_t> counts;
  for (const auto identifier : identifiers) ++counts[identifier];
  if (counts.size() == identifiers.size()) return;
  PayloadDict repeated;
  std::string names;
  for (const auto identifier : identifiers) {
    const auto count = counts.find(identifier);
    if (count == counts.end() || count->second == 1) continue;
    names += (names.empty() ? "'" : ", '") + std::string(identifier) + "'";
    repeated.items.emplace_back(identifier, count->second);
    counts.erase(count);
  }
  fail(ErrorId::ReferenceCircDuplicateIdentifier,
       "reference circuits must have different identifiers, but these occur several times: " + names, repeated);
}

const std::string& reference_name(const NodePtr& circuit) {
  if (!circuit->name())
    fail(ErrorId::ReferenceCircByNameHasNoneName, "a reference circuit given by its name has none: " + describe(*circuit),
         circuit_payload(circuit));
  return *circuit->name();
}

}  // namespace pycircuit
