// RearrangeSpec: the tables of spec 03, sections 2 to 8, and random specs against index arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "errors.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {
namespace {

using Spec = RearrangeSpec;
using Groups = RearrangeSpec::IntGroups;
using Sizes = std::vector<OptionalSize>;

Spec parse(std::string_view text) { return Spec::from_string(text); }

// --- 03, section 2

TEST(RearrangeSpec, Checks) {
  EXPECT_ERROR(RearrangeSpecIntsNotUnique, Spec({{0}, {0}}, {{0}}, {None}));
  EXPECT_ERROR(RearrangeSpecIntsNotUnique, Spec({{0}}, {{0}, {0}}, {None}));
  EXPECT_ERROR(RearrangeSpecInpNotInOut, Spec({{0}, {1}}, {{0}}, {None, None}));
  EXPECT_ERROR(RearrangeSpecIntNotInSizes, Spec({{0}, {200}}, {{0}, {200}}, {None, None}));
  EXPECT_ERROR(RearrangeSpecIntOnlyInOutputWithoutSize, Spec({{0}}, {{0}, {1}}, {None, None}));
  EXPECT_ERROR(RearrangeSpecInputAxisHasMultipleWildCards, Spec({{0, 1}}, {{0}, {1}}, {None, None}));
  EXPECT_ERROR(ValueError, Spec({{0}}, {{0}}, {-1}));
  Spec({{0}}, {{0, 1}}, {None, 3, 77});
  EXPECT_EQ(Spec({{1}}, {{1, 0}}, {2, None, 5}).renumbered(), Spec({{0}}, {{0, 1}}, {None, 2}));
  EXPECT_EQ(Spec({{1}}, {{1, 0}}, {2, None, 5}).identity_bytes(), Spec({{0}}, {{0, 1}}, {None, 2}).identity_bytes());
  EXPECT_NE(parse("a:6 -> a:6").identity_bytes(), parse("a -> a").identity_bytes());
  EXPECT_NE(parse("() a -> a").identity_bytes(), parse("b:1 a -> (b a)").identity_bytes());
  EXPECT_NE(parse("a b -> a b").identity_bytes(), parse("a b -> b a").identity_bytes());
}

// --- 03, section 3

TEST(RearrangeSpec, ParseTable) {
  EXPECT_EQ(parse("h w -> w h"), Spec({{0}, {1}}, {{1}, {0}}, {None, None}));
  EXPECT_EQ(parse("batch (head:8 dim) -> head (dim batch) 3"), Spec({{0}, {1, 2}}, {{1}, {2, 0}, {3}}, {None, 8, None, 3}));
  EXPECT_EQ(parse("() v -> 6 (v 2)"), Spec({{}, {0}}, {{1}, {0, 2}}, {None, 6, 2}));
  EXPECT_EQ(parse("->"), Spec({}, {}, {}));
  EXPECT_EQ(parse("-> 5 5"), Spec({}, {{0}, {1}}, {5, 5}));
  EXPECT_EQ(parse("q:0s (w:2*1s e) -> e (q w) 3s"), Spec({{0}, {1, 2}}, {{2}, {0, 1}, {3}}, {10007, 20018, None, 10039}));
  EXPECT_EQ(parse("t -> t k:4"), Spec({{0}}, {{0}, {1}}, {None, 4}));
  EXPECT_EQ(parse("(a b:2)c->(2 * 3 a)(b c)"), Spec({{0, 1}, {2}}, {{3, 0}, {1, 2}}, {None, 2, None, 6}));
  EXPECT_EQ(parse("α ß_1 -> ß_1 α"), Spec({{0}, {1}}, {{1}, {0}}, {None, None}));
  EXPECT_EQ(parse("a:1_0 -> a:10"), Spec({{0}}, {{0}}, {10}));
}

TEST(RearrangeSpec, ParseErrors) {
  EXPECT_ERROR(RearrangeParseArrowIssue, parse("a b"));
  EXPECT_ERROR(RearrangeParseArrowIssue, parse("a -> b -> c"));
  for (const char* text :
       {"a% (b -> b a", "a -> a)", "(a -> a", "((a) b) -> a b", "a: 3 -> a", "a :3 -> a", "3a -> 3a", "a: -> a", "a -> a 3*", "a -> a 2**3",
        "a -> a *3", "a:3 -> a:4", "a,b -> b a", "_a -> _a", "a -> a \xff", "a -> a 3s4", "a - > a", "a:b -> a"}) {
    const auto error = error_of([&] { parse(text); });
    EXPECT_TRUE(error.id() == ErrorId::RearrangeParseFailedToMatchRegex || error.id() == ErrorId::RearrangeParseArrowIssue) << text;
  }
  std::string many = "->";
  for (int i = 0; i < 257; ++i) many += " 2";
  EXPECT_ERROR(RearrangeParseTooManyAxes, parse(many));
  EXPECT_ERROR(ParseInvalidNumber, parse("-> 99999999999999999999"));
  EXPECT_ERROR(ParseFactorProductTooLarge, parse("-> 9999999999*9999999999"));
  EXPECT_ERROR(ParseSymbolicSizeNumberOutOfBounds, parse("-> 256s"));
  EXPECT_ERROR(SymbolicSizeOverflowProductTooLarge, parse("-> 0s*0s*0s*0s*0s"));
  EXPECT_ERROR(RearrangeSpecInpNotInOut, parse("1 a -> a"));
}

TEST(RearrangeSpec, Print) {
  const Spec spec = parse("batch (head:8 dim) -> head (dim batch) 3");
  EXPECT_EQ(spec.to_string(), "a (b:8 c) -> b:8 (c a) 3");
  EXPECT_EQ(spec.to_string(false), "a (b c) -> b (c a) 3");
  EXPECT_EQ(spec.to_einops_string(), "a (b c) -> b (c a) 3");
  EXPECT_EQ(spec.conform_to_input_shape({5, 32}).to_string(true, true, false), "a (b:8 c:4) -> b:8 (c:4 a) 3");
  EXPECT_EQ(parse("-> 5 5").to_string(), " -> 5 5");
  EXPECT_EQ(parse("() ->").to_string(), "() -> ");
  EXPECT_EQ(parse("a -> a 0s").to_string(), "a -> a 0s");
  EXPECT_EQ(parse("a -> a 0s").to_string(true, false), "a -> a 10007");
  Sizes wide(91);
  wide[60] = 3;
  EXPECT_EQ(Spec({{60}, {90}}, {{90}, {60}}, wide).to_string(), "ι:3 x90 -> x90 ι:3");
}

TEST(RearrangeSpec, FancyText) {
  const Spec spec = parse("a b -> b a");
  EXPECT_EQ(spec.to_fancy_einops_string({{0, "row"}, {1, "col"}}, {}), "row col -> col row");
  EXPECT_EQ(spec.to_fancy_einops_string({{0, "row"}, {1, "col"}}, {{0, "c2"}}), "row c2 -> c2 row");
  EXPECT_EQ(spec.to_fancy_einops_string({{0, "row"}}, {}), None);
  EXPECT_EQ(spec.to_fancy_einops_string({{0, "x"}, {1, "x"}}, {}), None);
  EXPECT_EQ(parse("(a b:2) -> a b").to_fancy_einops_string({{0, "x"}}, {{0, "y"}, {1, "z"}}), None);
  EXPECT_EQ(spec.to_maybe_fancy_einops_string({{0, "row"}}, {}), "a b -> b a");
  EXPECT_TRUE(spec.is_text_of_this("row col -> col row"));
  EXPECT_FALSE(parse("a:2 b -> b a").is_text_of_this("row col -> col row"));
  EXPECT_FALSE(spec.is_text_of_this("ro% col -> col ro%"));
}

// --- 03, section 4

TEST(RearrangeSpec, Constructors) {
  EXPECT_EQ(Spec::ident(2), parse("a b -> a b"));
  EXPECT_EQ(Spec::flatten(3), parse("a b c -> (a b c)"));
  EXPECT_EQ(Spec::flatten(0), Spec({}, {{}}, {}));
  EXPECT_EQ(Spec::unflatten({2, 3}), parse("(a:2 b:3) -> a b"));
  EXPECT_EQ(Spec::unflatten({}), Spec({{}}, {}, {}));
  EXPECT_EQ(Spec::unflatten_axis(3, 0, {2, 5}), Spec({{2, 3}, {0}, {1}}, {{2}, {3}, {0}, {1}}, {None, None, 2, 5}));
  EXPECT_EQ(Spec::unflatten_axis(3, 0, {2, 5}).to_string(), "(c:2 d:5) a b -> c:2 d:5 a b");
  EXPECT_EQ(Spec::unflatten_axis(2, -1, {3}).to_string(), "a b:3 -> a b:3");
  EXPECT_EQ(Spec::expand_at_axes(2, {-1, 0}, Shape{7, 4}), Spec({{0}, {1}}, {{2}, {0}, {1}, {3}}, {None, None, 4, 7}));
  EXPECT_EQ(Spec::expand_at_axes(2, {-1, 0}, Shape{7, 4}).to_string(), "a b -> 4 a b 7");
  EXPECT_EQ(Spec::unsqueeze(1, {0}).to_string(), "a -> 1 a");
  EXPECT_EQ(Spec::expand_at_axes(1, {0}, Shape{0}).to_string(), "a -> 0 a");
  EXPECT_EQ(Spec::prepend_batch_shape({4, 5}, 1), Spec({{2}}, {{0}, {1}, {2}}, {4, 5, None}));
  EXPECT_EQ(Spec::new_permute({2, 0, 1}).to_string(), "a b c -> c a b");
  EXPECT_EQ(Spec::new_permute_combine({{2}, {0, 1}}).to_string(), "a b c -> c (a b)");
  EXPECT_EQ(Spec::combine_axes_at_end(3, {2, 0}).to_string(), "a b c -> b (c a)");
  EXPECT_EQ(Spec::combine_axes_at_end(2, {}).to_string(), "a b -> a b ()");
  EXPECT_EQ(parse("(a:2 b) -> a:2 b").add_batch_dims(2).to_string(), "c d (a:2 b) -> c d a:2 b");
  EXPECT_EQ(Spec::squeeze(3, {0, -1}).to_string(), "() a () -> a");
  EXPECT_EQ(Spec::ident(255).input_rank(), 255u);
}

TEST(RearrangeSpec, ConstructorErrors) {
  EXPECT_ERROR(OverflowError, Spec::ident(256));
  EXPECT_ERROR(OverflowError, Spec::flatten(int64_t{1} << 60));
  EXPECT_ERROR(OverflowError, Spec::ident(-1));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::unflatten(Shape(256, 1)));
  EXPECT_ERROR(RearrangeSpecCantUnflattenScalar, Spec::unflatten_axis(0, 0, {1}));
  EXPECT_ERROR(MiscInputItemOutOfBounds, Spec::unflatten_axis(2, 2, {1}));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::unflatten_axis(200, 2, Shape(57, 1)));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::expand_at_axes(255, {0}));
  // Sums that do not fit the type.
  const CircuitError error = error_of([] { Spec::unflatten_axis(INT64_MAX, 0, {2, 3}); });
  EXPECT_EQ(error.id(), ErrorId::RearrangeSpecLenShapeTooLarge);
  EXPECT_NE(std::string(error.what()).find("rank 9223372036854775807 is too large"), std::string::npos) << error.what();
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::expand_at_axes(INT64_MAX, {0}));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::prepend_batch_shape({1, 1}, INT64_MAX));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::ident(1).add_batch_dims(INT64_MAX));
  EXPECT_ERROR(RearrangeSpecAxesAndCountsDontMatch, Spec::expand_at_axes(2, {0}, Shape{1, 2}));
  EXPECT_ERROR(MiscInputItemOutOfBounds, Spec::expand_at_axes(2, {3}));
  EXPECT_ERROR(RearrangeSpecRepeatedAxes, Spec::expand_at_axes(2, {0, -4}, Shape{1, 2}));
  EXPECT_ERROR(ValueError, Spec::expand_at_axes(2, {0}, Shape{-1}));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::prepend_batch_shape(Shape(200, 2), 56));
  EXPECT_ERROR(PermIntsNotUnique, Spec::new_permute({0, 0}));
  EXPECT_ERROR(PermNotContiguousInts, Spec::new_permute_combine({{0}, {3}}));
  EXPECT_ERROR(RearrangeSpecAxesToCombineNotSubset, Spec::combine_axes_at_end(2, {2}));
  EXPECT_ERROR(RearrangeSpecIntsNotUnique, Spec::combine_axes_at_end(2, {1, 1}));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::check_rank(256));
  EXPECT_ERROR(RearrangeSpecLenShapeTooLarge, Spec::ident(250).add_batch_dims(7));
}

// --- 03, section 5

TEST(RearrangeSpec, Queries) {
  EXPECT_TRUE(parse("() -> ()").is_identity());
  EXPECT_TRUE(parse("->").is_identity());
  EXPECT_FALSE(parse("() a -> a ()").is_identity());
  EXPECT_FALSE(parse("() a -> a").is_permute());
  EXPECT_EQ(Spec::new_permute({2, 0, 1}).get_fwd_permutation(), (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(parse("a -> a 3").get_fwd_permutation(), None);
  EXPECT_EQ(parse("a -> 3 (a 2) ()").out_broadcast_axes(), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(parse("a (b:2 c) -> a b c 7").ints_needing_sizes(), (Labels{1, 2}));
  EXPECT_EQ(parse("a (b:2 c) -> a b c 7").ints_in_inp(), (Labels{0, 1, 2}));
  EXPECT_EQ(parse("a (b:2 c) -> a b c 7").ints_in_out(), (Labels{0, 1, 2, 3}));
  EXPECT_EQ(parse("->").next_axis(), 0);
  EXPECT_EQ(Spec({{255}}, {{255}}, Sizes(256)).next_axis(), 256);
  EXPECT_ERROR(RearrangeSpecHasWildcardSizes, parse("a -> a").shapes());
  EXPECT_EQ(parse("a:2 b:3 -> (a b) 4").shapes(), std::pair(Shape{2, 3}, Shape{6, 4}));
  EXPECT_ERROR(OverflowError, Spec({}, {{0, 1}}, {INT64_MAX, 2}).shapes());
  EXPECT_EQ(Spec({}, {{0, 1, 2}}, {INT64_MAX, 2, 0}).shapes().second, Shape{0});
  EXPECT_EQ(parse("a (b:2 c) d -> (a b) c d").child_axis_map(), (std::vector<std::optional<int64_t>>{None, None, 2}));
}

// --- 03, section 6

TEST(RearrangeSpec, Conform) {
  const Spec spec = parse("batch (head:8 dim) -> head (dim batch) 3").conform_to_input_shape({5, 32});
  EXPECT_EQ(spec.to_string(), "a:5 (b:8 c:4) -> b:8 (c:4 a:5) 3");
  EXPECT_EQ(spec.shapes(), std::pair(Shape{5, 32}, Shape{8, 20, 3}));
  EXPECT_ERROR(RearrangeSpecNotConformable, parse("(a:8 b) -> a b").conform_to_input_shape({12}));
  EXPECT_ERROR(RearrangeSpecNotConformable, parse("a -> a").conform_to_input_shape({1, 2}));
  EXPECT_ERROR(RearrangeSpecNotConformable, parse("a:3 -> a").conform_to_input_shape({4}));
  EXPECT_ERROR(RearrangeSpecNotConformable, parse("(a:0 b) -> a b").conform_to_input_shape({0}));
  EXPECT_ERROR(RearrangeSpecNotConformable, Spec({{0, 1}}, {{0}, {1}}, {INT64_MAX, 4}).conform_to_input_shape({INT64_MAX}));
  EXPECT_EQ(parse("(a:2 b) c -> (a c) b").conform_to_output_shape({6, 5}).to_string(), "(a:2 b:5) c:3 -> (a:2 c:3) b:5");
  EXPECT_ERROR(RearrangeSpecTooManyWildcardSizes, parse("a b -> (a b)").conform_to_output_shape({6}));
  EXPECT_ERROR(RearrangeSpecNotConformable, parse("a b -> (a b 4)").conform_to_output_shape({6}));
}

TEST(RearrangeSpec, ExpandTo) {
  const Spec spec = parse("(a:4 b:6) c:3 -> c:3 a:4 b:6");
  EXPECT_EQ(spec.expand_to({24, 3}), spec);
  EXPECT_EQ(spec.expand_to({24, 5}).to_string(), "(a:4 b:6) c -> c a:4 b:6");
  EXPECT_EQ(spec.expand_to({28, 3}).to_string(), "(a:4 b) c:3 -> c:3 a:4 b");
  EXPECT_EQ(spec.expand_to({18, 3}).to_string(), "(a b:6) c:3 -> c:3 a b:6");
  EXPECT_ERROR(RearrangeSpecAmbiguousExpand, spec.expand_to({48, 3}));
  EXPECT_ERROR(RearrangeSpecAmbiguousExpand, spec.expand_to({5, 3}));
  EXPECT_ERROR(RearrangeSpecAmbiguousExpand, parse("() a -> a").expand_to({2, 3}));
  EXPECT_ERROR(RearrangeSpecNotConformable, spec.expand_to({24}));
  EXPECT_EQ(parse("(a b:2) -> a b:2").expand_to({7}).to_string(), "(a b:2) -> a b:2");
  const RearrangeExpansion forced = spec.try_expand_to({48, 5});
  EXPECT_FALSE(forced.spec);
  EXPECT_EQ(forced.forced, (Sizes{24, None}));
  EXPECT_EQ(spec.try_expand_to({28, 5}).spec->to_string(), "(a:4 b) c -> c a:4 b");
}

TEST(RearrangeSpec, FillEmptyInts) {
  EXPECT_EQ(parse("() a -> a").fill_empty_ints().to_string(), "b:1 a -> (a b:1)");
  EXPECT_EQ(parse("a () -> () a ()").fill_empty_ints(), Spec({{0}, {1}}, {{2, 1}, {0}, {3}}, {None, 1, 1, 1}));
  EXPECT_ERROR(RearrangeSpecNotConvertable, parse("() () ->").fill_empty_ints());
  EXPECT_EQ(parse("->").fill_empty_ints(), parse("->"));
}

// --- random specs

Spec random_spec(std::mt19937_64& random, bool known_sizes) {
  const Size choices[] = {1, 2, 3, 4, 6, 2, 3, known_sizes ? 5 : 0};
  const size_t inputs = random() % 6, repeats = random() % 3;
  Sizes sizes;
  for (size_t i = 0; i < inputs + repeats; ++i) sizes.push_back(choices[random() % 8]);
  const auto group = [&](std::vector<Label> ints) {
    Groups groups;
    std::shuffle(ints.begin(), ints.end(), random);
    for (const Label i : ints) {
      while (random() % 8 == 0) groups.push_back({});
      if (groups.empty() || random() % 2) groups.push_back({});
      groups.back().push_back(i);
    }
    return groups;
  };
  Labels ints(inputs + repeats);
  std::iota(ints.begin(), ints.end(), Label{0});
  Groups output = group(ints);
  ints.resize(inputs);
  Groups input = group(ints);
  if (!known_sizes) {
    for (const Labels& axis : input) {
      if (!axis.empty() && random() % 2) sizes[axis[random() % axis.size()]] = None;
    }
  }
  return {input, output, sizes};
}

// For each output element, row-major, the input element it is a copy of.
std::vector<size_t> apply(const Spec& spec) {
  std::vector<size_t> stride(spec.int_sizes().size(), 0);
  size_t input_numel = 1;
  for (size_t k = spec.input_rank(); k-- > 0;) {
    const Labels& group = spec.input_ints()[k];
    for (size_t i = group.size(); i-- > 0;) {
      stride[group[i]] = input_numel;
      input_numel *= static_cast<size_t>(*spec.int_sizes()[group[i]]);
    }
  }
  std::vector<size_t> out = {0};
  for (const Labels& group : spec.output_ints()) {
    for (const Label i : group) {
      std::vector<size_t> next;
      for (const size_t offset : out) {
        for (size_t k = 0; k < static_cast<size_t>(*spec.int_sizes()[i]); ++k) next.push_back(offset + k * stride[i]);
      }
      out = std::move(next);
    }
  }
  return out;
}

// The same by the steps of the plan.
std::vector<size_t> apply_plan(const RearrangePlan& plan, const Shape& input_shape) {
  Shape shape = plan.needs_split ? plan.split_shape : input_shape;
  std::vector<size_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * static_cast<size_t>(shape[i]);
  if (plan.needs_permute) {
    Shape permuted;
    std::vector<size_t> permuted_strides;
    for (const int64_t source : plan.permutation) {
      permuted.push_back(shape[static_cast<size_t>(source)]);
      permuted_strides.push_back(strides[static_cast<size_t>(source)]);
    }
    shape = permuted;
    strides = permuted_strides;
  }
  if (plan.needs_expand) {
    std::vector<size_t> expanded(plan.expanded_shape.size(), 0);
    size_t axis = 0;
    for (size_t i = 0; i < expanded.size(); ++i) {
      if (axis < shape.size() && plan.unsqueezed_shape[i] == shape[axis] && plan.unsqueezed_shape[i] == plan.expanded_shape[i]) {
        expanded[i] = strides[axis++];
      } else {
        EXPECT_EQ(plan.unsqueezed_shape[i], 1);
      }
    }
    EXPECT_EQ(axis, shape.size());
    shape = plan.expanded_shape;
    strides = expanded;
  }
  EXPECT_EQ(numel(shape), numel(plan.output_shape));
  EXPECT_EQ(shape == plan.output_shape, !plan.needs_merge);
  std::vector<size_t> out = {0};
  for (size_t i = 0; i < shape.size(); ++i) {
    std::vector<size_t> next;
    for (const size_t offset : out) {
      for (size_t k = 0; k < static_cast<size_t>(shape[i]); ++k) next.push_back(offset + k * strides[i]);
    }
    out = std::move(next);
  }
  return out;
}

Shape random_input_shape(const Spec& spec, std::mt19937_64& random) {
  Shape shape;
  for (const Labels& group : spec.input_ints()) {
    Size size = 1;
    for (const Label i : group) size *= spec.int_sizes()[i].value_or(static_cast<Size>(1 + random() % 3));
    shape.push_back(size);
  }
  return shape;
}

TEST(RearrangeSpec, RandomProperties) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5000; ++round) {
    const Spec spec = random_spec(random, round % 2);
    EXPECT_EQ(parse(spec.to_string()), spec.renumbered()) << spec.to_string();
    EXPECT_EQ(parse(spec.add_batch_dims(2).to_string()), spec.add_batch_dims(2).renumbered());
    Shape shape = random_input_shape(spec, random);
    Spec conformed = spec;
    try {
      conformed = spec.conform_to_input_shape(shape);
    } catch (const CircuitError&) {
      continue;  // a wildcard beside a size of 0
    }
    EXPECT_EQ(conformed.shapes().first, shape);
    const auto expected = apply(conformed);
    for (const bool ones : {true, false}) {
      const Spec canonical = conformed.canonicalize(ones);
      EXPECT_EQ(apply(canonical), expected) << conformed.to_string();
      EXPECT_EQ(canonical.canonicalize(ones), canonical);
      EXPECT_EQ(canonical.renumbered(), canonical);
      EXPECT_EQ(canonical.shapes(), conformed.shapes());
      EXPECT_EQ(apply(spec.canonicalize(ones).conform_to_input_shape(shape)), expected);
    }
    EXPECT_EQ(apply_plan(spec.plan(shape), shape), expected) << conformed.to_string();
    try {
      EXPECT_EQ(apply(conformed.fill_empty_ints()), expected);
    } catch (const CircuitError& error) {
      EXPECT_EQ(error.id(), ErrorId::RearrangeSpecNotConvertable);
    }
  }
}

// --- 03, sections 7 and 8

TEST(RearrangeSpec, Canonicalize) {
  const Spec spec = parse("x (h:3 w:5) c:1 -> (h:3 w:5) c x (2 7)");
  EXPECT_EQ(spec.canonicalize(true).to_string(), "a b:15 () -> b:15 () a 14");
  EXPECT_EQ(spec.canonicalize(false).to_string(), "a b:15 c:1 -> b:15 c:1 a 14");
  const Spec swap = parse("(a:2 b:3) c -> c b:3 a:2");
  EXPECT_EQ(swap.canonicalize(true), swap);
  EXPECT_EQ(swap.canonicalize(false), swap);
  EXPECT_EQ(parse("p (q:4 r:2 s:3) -> (p q:4) (r:2 s:3)").canonicalize(true).to_string(), "a (b:4 c:6) -> (a b:4) c:6");
  EXPECT_EQ(parse("p (q:4 r:2 s:3) -> (p q:4) (r:2 s:3)").canonicalize(false).to_string(), "a (b:4 c:6) -> (a b:4) c:6");
}

TEST(RearrangeSpec, FuseTable) {
  const auto fused = [](const char* inner, const char* outer) { return Spec::fuse(parse(inner), parse(outer)).to_string(); };
  EXPECT_EQ(fused("a:4 b:6 -> (a:4 b:6)", "(x:8 y:3) -> y:3 x:8"), "a:4 (b:2 c:3) -> c:3 (a:4 b:2)");
  EXPECT_EQ(fused("t:5 -> t:5 3", "u:5 v:3 -> (v:3 u:5)"), "a:5 -> (3 a:5)");
  EXPECT_EQ(fused("a:6 -> a:6 2", "(x:2 y:3) z:2 -> (z:2 y:3) x:2"), "(a:2 b:3) -> (2 b:3) a:2");
  EXPECT_EQ(fused("a:2 b:1 -> a:2 b:1", "x:2 () -> x:2"), "a:2 () -> a:2");
  EXPECT_EQ(fused("() a:7 -> a:7", "b:7 -> 1 b:7"), "() a:7 -> () a:7");
  EXPECT_EQ(fused("a:0 -> a:0", "b:0 -> b:0 2"), "a:0 -> a:0 2");
  EXPECT_ERROR(RearrangeSpecNotFusable, fused("a:4 b:9 -> (a:4 b:9)", "(x:6 y:6) -> y:6 x:6"));
  EXPECT_ERROR(RearrangeSpecNotFusable, fused("a:0 -> a:0", "b:2 -> b:2"));
  EXPECT_ERROR(RearrangeSpecNotFusable, fused("a:2 -> a:2", "b:2 c:2 -> b:2 c:2"));
  EXPECT_ERROR(RearrangeSpecHasWildcardSizes, fused("a -> a", "b:2 -> b:2"));
  EXPECT_ERROR(RearrangeSpecHasWildcardSizes, fused("b:2 -> b:2", "a -> a"));
}

TEST(RearrangeSpec, FuseAgreesWithIndexArithmetic) {
  std::mt19937_64 random(6);
  int fused_count = 0;
  for (int round = 0; round < 60'000 && fused_count < 3000; ++round) {
    const Spec inner = random_spec(random, true);
    // An outer spec whose input axes are random splits of the inner's output axes.
    const Shape middle = inner.output_shape();
    Groups input, output;
    Sizes sizes;
    for (Size size : middle) {
      Labels group;
      for (const Size part : {2, 3, 2, 5}) {
        if (size % part == 0 && random() % 2) {
          group.push_back(static_cast<Label>(sizes.size()));
          sizes.push_back(part);
          size /= part;
        }
      }
      if (size != 1 || random() % 3 == 0) {
        group.insert(group.begin() + static_cast<long>(random() % (group.size() + 1)), static_cast<Label>(sizes.size()));
        sizes.push_back(size);
      }
      input.push_back(group);
    }
    Labels ints(sizes.size());
    std::iota(ints.begin(), ints.end(), Label{0});
    std::shuffle(ints.begin(), ints.end(), random);
    if (random() % 2) {
      ints.push_back(static_cast<Label>(sizes.size()));
      sizes.push_back(2);
    }
    for (const Label i : ints) {
      if (output.empty() || random() % 2) output.push_back({});
      output.back().push_back(i);
    }
    const Spec outer(input, output, sizes);
    try {
      const Spec fused = Spec::fuse(inner, outer);
      ++fused_count;
      const auto first = apply(inner);
      std::vector<size_t> both;
      for (const size_t element : apply(outer)) both.push_back(first[element]);
      EXPECT_EQ(apply(fused), both) << inner.to_string() << " | " << outer.to_string();
      EXPECT_EQ(fused.shapes(), std::pair(inner.shapes().first, outer.shapes().second));
      EXPECT_EQ(fused.canonicalize(true), fused);
    } catch (const CircuitError& error) {
      EXPECT_EQ(error.id(), ErrorId::RearrangeSpecNotFusable);
    }
  }
  EXPECT_EQ(fused_count, 3000);
}

}  // namespace
}  // namespace pycircuit
