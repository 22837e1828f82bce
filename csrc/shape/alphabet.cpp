// Letters of axis labels.
#include "shape/alphabet.h"

#include "base/text.h"

namespace pycircuit {
namespace {

constexpr char32_t kFirstGreek = 0x03B1;
constexpr int kFirstGreekLabel = 52;

}  // namespace

std::string label_text(Label label) {
  if (label < 26) return std::string(1, static_cast<char>('a' + label));
  if (label < kFirstGreekLabel) return std::string(1, static_cast<char>('A' + label - 26));
  if (label >= kLetterCount) return "x" + std::to_string(label);
  std::string out;
  append_utf8(out, kFirstGreek + static_cast<char32_t>(label - kFirstGreekLabel));
  return out;
}

std::optional<Label> label_of_letter(char32_t letter) {
  if (letter >= 'a' && letter <= 'z') return static_cast<Label>(letter - 'a');
  if (letter >= 'A' && letter <= 'Z') return static_cast<Label>(letter - 'A' + 26);
  if (letter < kFirstGreek || letter >= kFirstGreek + (kLetterCount - kFirstGreekLabel)) return std::nullopt;
  return static_cast<Label>(letter - kFirstGreek + kFirstGreekLabel);
}

}  // namespace pycircuit
