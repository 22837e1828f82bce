// The alphabet of labels (spec 03, section 1).
#include <gtest/gtest.h>

#include "base/text.h"
#include "errors.h"
#include "shape/alphabet.h"

namespace pycircuit {
namespace {

TEST(Axes, Alphabet) {
  EXPECT_EQ(label_text(0), "a");
  EXPECT_EQ(label_text(25), "z");
  EXPECT_EQ(label_text(26), "A");
  EXPECT_EQ(label_text(51), "Z");
  EXPECT_EQ(label_text(52), "α");
  EXPECT_EQ(label_text(68), "ρ");
  EXPECT_EQ(label_text(69), "ς");
  EXPECT_EQ(label_text(75), "ψ");
  EXPECT_EQ(label_text(76), "x76");
  EXPECT_EQ(label_text(255), "x255");
  for (int i = 0; i < kLetterCount; ++i) {
    const std::string text = label_text(static_cast<Label>(i));
    EXPECT_EQ(label_of_letter(decode_utf8(text, 0).value), static_cast<Label>(i));
  }
  EXPECT_EQ(label_of_letter(U'ω'), None);
  EXPECT_EQ(label_of_letter(U'1'), None);
}

}  // namespace
}  // namespace pycircuit
