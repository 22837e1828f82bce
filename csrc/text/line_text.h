// The part of a node line after identifier and name: flag, shape, class and class-specific info (spec 05, sections 4 and 8; 06, 2.2, 2.4).
#pragma once

#include <string>

#include "circuit/node.h"
#include "text/print_options.h"

namespace pycircuit {

// "2", "ij,ij->i", "" for an Add. Saves tensors as the options say.
std::string info_text(const NodePtr& node, const PrintOptions& options);
// " AD [2,3] Scalar 2", with a leading space. Saves tensors as the options say.
void append_line_info(std::string& out, const NodePtr& node, const PrintOptions& options);
// "[batch:2,3]". In bijective text NamedAxesForbiddenCharacter for names that cannot be read back.
void append_shape(std::string& out, const Node& node, bool bijection);

}  // namespace pycircuit
