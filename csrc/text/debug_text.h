// The abbreviated text behind repr(circuit) and error messages (spec 06, section 7).
#pragma once

#include <string>

#include "text/print_options.h"

namespace pycircuit {

// The options of the process; initially free text to the depth that RR_DEBUG_END_DEPTH says (section 6).
PrintOptions debug_print_options();
void set_debug_print_options(PrintOptions options);

// "<x [2] Add ...>".
std::string debug_text(const NodePtr& node);
// The same for a message under construction: never throws, at most 50 lines.
std::string debug_text_for_message(const Node& node);

}  // namespace pycircuit
