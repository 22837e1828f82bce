// Making rules: hashing of fields, interning, and the layout of their text (spec 07, section 9). For the files of this room.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "match/matcher.h"

namespace pycircuit {

class RuleTable {
 public:
  // The live rule with the candidate's class and fields, or the candidate itself. The candidate dies outside the table's lock.
  static Ref<const StateRule> intern(std::unique_ptr<StateRule> candidate);
  static void remove(const StateRule& rule);
};

template <class Rule, class... Fields>
Ref<const StateRule> make_rule(Fields&&... fields) {
  return RuleTable::intern(std::make_unique<Rule>(std::forward<Fields>(fields)...));
}
template <class Rule, class... Fields>
Matcher make_matcher(Fields&&... fields) {
  return Matcher(Ref<const PredicateRule>(static_cast<const PredicateRule*>(make_rule<Rule>(std::forward<Fields>(fields)...).get())));
}

inline uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 33);
}
template <class... Values>
uint64_t field_hash(std::string_view rule_class, Values... values) {
  uint64_t hash = std::hash<std::string_view>{}(rule_class);
  ((hash = mix(hash, static_cast<uint64_t>(values))), ...);
  return hash;
}

template <class Parts>
uint64_t hash_of(const Parts& parts) {
  uint64_t hash = parts.size();
  for (const auto& part : parts) hash = mix(hash, part.hash());
  return hash;
}
template <class Parts>
bool calls_users_of(const Parts& parts) {
  for (const auto& part : parts)
    if (part.calls_users()) return true;
  return false;
}
inline uint32_t nesting_above(const StateRule& rule) { return rule.nesting() + 1; }
template <class Parts>
uint32_t nesting_of(const Parts& parts) {
  uint32_t nesting = 0;
  for (const auto& part : parts) nesting = std::max(nesting, part.rule()->nesting() + 1);
  return nesting;
}

// "Any(a, b)": on one line if that is short, else one member per line.
std::string list_text(std::string_view open, const std::vector<std::string>& members, std::string_view separator, std::string_view close);
std::string quoted(std::string_view name);

// `restrict` in the state that it has at a depth.
IterativeMatcher restrict_at(const IterativeMatcher& matcher, bool term_if_matches, DepthRange depths, const Matcher& term_early_at,
                             uint32_t depth);

}  // namespace pycircuit
