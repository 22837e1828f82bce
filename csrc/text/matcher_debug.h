// The walk of a circuit with a matcher as text (spec 07, section 9).
#pragma once

#include <string>

#include "match/matcher.h"
#include "text/print_options.h"

namespace pycircuit {

// A line per visited (node, state): the node as the options print it, " # Found" if it is found, and the state. Without a final line feed.
std::string matcher_debug_text(const NodePtr& circuit, const IterativeMatcher& matcher, const PrintOptions& options);

}  // namespace pycircuit
