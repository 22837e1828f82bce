// Comparing two circuits top-down (spec 06, section 8).
#pragma once

#include <string>

#include "text/print_options.h"

namespace pycircuit {

struct DiffColor {
  CliColor color;
  std::string label;  // how the legend calls it
};

struct DiffOptions {
  bool require_child_count_same = true;
  bool require_child_shapes_same = false;
  bool require_name_same = true;
  bool print_legend = true;
  DiffColor same_self{3, "Blue"};
  DiffColor same{std::nullopt, "None"};
  DiffColor added{1, "Green"};
  DiffColor removed{0, "Red"};
};

// `print` says how blocks printed in full look; free text, in the diff's colours.
std::string diff_circuits(const NodePtr& new_circuit, const NodePtr& old_circuit, PrintOptions print, const DiffOptions& options);

}  // namespace pycircuit
