// A rule as data, for pickling and for inspection by other rooms.
#pragma once

#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "match/matcher.h"
#include "match/regex.h"

namespace pycircuit {

using RuleField =
    std::variant<bool, std::optional<uint32_t>, std::set<uint64_t>, std::vector<std::string>, std::vector<Kind>, NodePtrs, Regex,
                 std::shared_ptr<const ForeignFunction>, IterativeMatcher, std::vector<Matcher>, std::vector<IterativeMatcher>>;

struct RuleDescription {
  std::string_view rule;  // "names", "restrict", ...
  std::vector<RuleField> fields;
};

// The matcher or state again.
IterativeMatcher from_description(std::string_view rule, const std::vector<RuleField>& fields);

}  // namespace pycircuit
