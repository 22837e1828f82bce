// Replacing nodes with expansion of those above (spec 08, section 8).
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "circuit/node.h"
#include "match/matcher.h"
#include "match/transform.h"

namespace pycircuit {

// What takes a node's place, or null.
using Replacing = std::function<NodePtr(const NodePtr&)>;
// 8.1. Root first; once per distinct node and scope.
NodePtr replace_expand_bottom_up(const NodePtr& circuit, const Replacing& replacing);

// 8.2. Several updates at once, with expansion. Results are kept in the object.
class Expander {
 public:
  struct Options {
    bool ban_multiple_matches_on_node = false;
    bool default_fancy_validate = false;
    bool default_assert_any_found = false;
  };
  Expander(std::vector<std::pair<IterativeMatcher, Transform>> expanders, Options options, Name suffix = {});
  ~Expander();

  NodePtr operator()(const NodePtr& circuit, std::optional<bool> fancy_validate = {}, std::optional<bool> assert_any_found = {});

  std::vector<Transform> replacements() const;
  std::vector<IterativeMatcher> matchers() const;
  const Name& suffix() const { return suffix_; }
  Options& options() { return options_; }

 private:
  class Run;
  std::vector<std::pair<IterativeMatcher, Transform>> expanders_;
  Options options_;
  Name suffix_;
  std::unique_ptr<Run> run_;
};

}  // namespace pycircuit
