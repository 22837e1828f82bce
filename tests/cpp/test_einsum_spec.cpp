// Einsum strings and specs (spec 03, sections 11 and 12).
#include <gtest/gtest.h>

#include "einsums.h"
#include "errors.h"
#include "shape/einsum_spec.h"

namespace pycircuit {
namespace {

TEST(Einsum, Strings) {
  EXPECT_EQ(parse_einsum_string("ij->ji"), (EinsumLabels{{{8, 9}}, {9, 8}}));
  EXPECT_EQ(parse_einsum_string(" a b , α-> α"), (EinsumLabels{{{0, 1}, {52}}, {52}}));
  EXPECT_EQ(parse_einsum_string(",->").inputs.size(), 2u);
  EinsumLabels empty = parse_einsum_string("->");
  EXPECT_EQ(empty.inputs.size(), 1u);
  drop_lone_scalar(empty, 1);
  EXPECT_EQ(empty.inputs.size(), 1u);
  drop_lone_scalar(empty, 0);
  EXPECT_EQ(empty.inputs.size(), 0u);
  EXPECT_ERROR(ParseEinsumStringNoArrow, parse_einsum_string("ab"));
  EXPECT_ERROR(ParseEinsumStringNoArrow, parse_einsum_string("a->b->c"));
  for (const char* text : {"a1->a", "a\tb->a", "a.->a", "ω->ω", "a-b->a"})
    EXPECT_ERROR(ParseEinsumStringInvalid, parse_einsum_string(text));
  EXPECT_EQ(to_text(error_of([] { parse_einsum_string("ω->"); }).payload()[1]), "'ω'");
}

TEST(Einsum, FancyStrings) {
  EXPECT_EQ(parse_fancy_einsum_string("batch q, batch k q -> batch k"), (EinsumLabels{{{0, 1}, {0, 2, 1}}, {0, 2}}));
  EXPECT_EQ(parse_fancy_einsum_string("a:1 [b],->[b]"), (EinsumLabels{{{0, 1}, {}}, {1}}));
  EXPECT_ERROR(ParseEinsumStringNoArrow, parse_fancy_einsum_string("a b"));
  std::string many;
  for (int i = 0; i < 257; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_ERROR(ParseEinsumStringInvalid, parse_fancy_einsum_string(many + "->"));
}

TEST(Einsum, LineText) {
  const EinsumLabels labels = parse_einsum_string("ab,cb->bc");
  const std::vector<NamedAxes> children = {{{0, "rows"}, {1, "small"}}, {{0, "large"}, {1, "little"}}};
  EXPECT_EQ(einsum_line_text(labels, {{0, "small"}, {1, "large"}}, children, false), "fancy: rows small, large small -> small large");
  EXPECT_EQ(einsum_line_text(labels, {{0, "small"}, {1, "large"}}, children, true), "fancy: rows small, large small -> small large");
  EXPECT_EQ(einsum_line_text(labels, {}, children, false), "ab,cb->bc");
  EXPECT_EQ(einsum_line_text(labels, {{0, "small"}}, {{{0, "rows"}}, children[1]}, false), "ab,cb->bc");  // too few names
  EXPECT_EQ(einsum_line_text(labels, {{0, "rows"}}, children, false), "ab,cb->bc");                       // two labels of one name
  // Labels that are not numbered by first appearance, and names that cannot be read.
  const std::vector<NamedAxes> pair = {{{0, "x"}, {1, "y"}}};
  EXPECT_EQ(einsum_line_text(parse_einsum_string("ba->b"), {{0, "x"}}, pair, false), "fancy: x y -> x");
  EXPECT_EQ(einsum_line_text(parse_einsum_string("ba->b"), {{0, "x"}}, pair, true), "ba->b");
  for (const char* name : {"x,y", "x->y", "", "x z"}) {
    EXPECT_EQ(einsum_line_text(parse_einsum_string("ab->a"), {{0, name}}, pair, true), "ab->a") << name;
  }
  EXPECT_EQ(einsum_text({{{0, 80}, {80, 1}}, {0, 1}}), "fancy: a x80, x80 b -> a b");
  EXPECT_EQ(einsum_letters({{{0, 80}}, {0}}), None);
  EXPECT_EQ(einsum_text({{}, {}}), "->");
  EXPECT_EQ(einsum_text({{{}}, {}}), "->");
  EXPECT_EQ(einsum_text({{{}, {}}, {}}), ",->");
}

TEST(EinsumSpec, Methods) {
  const EinsumSpec spec = einsum("cb,bd->cd", {{'b', 2}, {'c', 3}, {'d', 5}});
  EXPECT_EQ(spec.ints_in_input(), (Labels{1, 2, 3}));
  EXPECT_TRUE(spec.validate());
  EXPECT_FALSE(einsum("a->b", {{'a', 2}, {'b', 2}}).validate());
  EXPECT_FALSE(einsum("ab->a", {{'a', 2}}).validate());
  EXPECT_EQ(spec.shapes(), std::pair(std::vector<Shape>{{3, 2}, {2, 5}}, Shape{3, 5}));
  EXPECT_EQ(spec.normalize(), einsum("ab,bc->ac", {{'a', 3}, {'b', 2}, {'c', 5}}));
  EXPECT_EQ(spec.to_einsum_string(), "cb,bd->cd");
  EXPECT_EQ(spec.flops().to_string(), "45");  // 30 products, 15 sums of two
  EXPECT_EQ((EinsumSpec{{}, {}, {}}).flops(), BigUint());
  EXPECT_EQ(einsum("a->aa", {{'a', 4}}).flops(), BigUint());
  EXPECT_EQ(einsum("a->", {{'a', 4}}).flops(), BigUint(3));
  EXPECT_EQ(einsum("ab->b", {{'a', 0}, {'b', 3}}).flops(), BigUint());
  EXPECT_EQ(einsum("ab,ab->", {{'a', INT64_MAX}, {'b', INT64_MAX}}).flops().to_string(),
            "170141183460469231694793815568465002497");  // 2 * numel - 1
}

}  // namespace
}  // namespace pycircuit
