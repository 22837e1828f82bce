// Updating: found nodes replaced by what a transform makes of them (spec 07, section 7).
#pragma once

#include "match/matcher.h"
#include "match/transform.h"

namespace pycircuit {

struct UpdateChecks {
  bool fancy_validate = false;
  bool assert_any_found = false;
};
NodePtr update(const NodePtr& circuit, const IterativeMatcher& matcher, const Transform& transform, UpdateChecks checks = {});

}  // namespace pycircuit
