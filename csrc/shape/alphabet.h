// The alphabet of axis labels (spec 03, section 1): a..z, A..Z, Greek, then x76, x77, ...
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pycircuit {

using Label = uint8_t;
using Labels = std::vector<Label>;

inline constexpr int kLabelCount = 256;
using LabelSet = std::bitset<kLabelCount>;
// Labels below this have a letter.
inline constexpr int kLetterCount = 76;

// The letter, or "x<label>" for labels without one.
std::string label_text(Label label);
// The label of a letter; nothing for any other character.
std::optional<Label> label_of_letter(char32_t letter);

}  // namespace pycircuit
