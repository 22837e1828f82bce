// Updating: found nodes replaced by what a transform makes of them (spec 07, section 7).
#pragma once

#include <memory>
#include <optional>

#include "match/matcher.h"
#include "match/transform.h"

namespace pycircuit {

struct UpdateChecks {
  bool fancy_validate = false;
  bool assert_any_found = false;
};
NodePtr update(const NodePtr& circuit, const IterativeMatcher& matcher, const Transform& transform, UpdateChecks checks = {});

// Remembers results for its lifetime. May be used by several threads and from its own callbacks; copies share what is remembered.
class Updater {
 public:
  explicit Updater(Transform transform);
  const Transform& transform() const;
  NodePtr update(const NodePtr& circuit, const IterativeMatcher& matcher, UpdateChecks checks = {}) const;

 private:
  struct Memory;
  std::shared_ptr<Memory> memory_;
};

}  // namespace pycircuit
