// Specs of einsums in tests.
#pragma once

#include <map>
#include <string_view>

#include "shape/einsum_spec.h"

namespace pycircuit {

inline EinsumSpec einsum(std::string_view text, const std::map<char, Size>& sizes) {
  EinsumLabels labels = parse_einsum_string(text);
  EinsumSpec spec{labels.inputs, labels.output, {}};
  for (const auto& [letter, size] : sizes) {
    const Label label = *label_of_letter(static_cast<char32_t>(letter));
    if (spec.int_sizes.size() <= label) spec.int_sizes.resize(label + size_t{1}, 0);
    spec.int_sizes[label] = size;
  }
  return spec;
}

}  // namespace pycircuit
