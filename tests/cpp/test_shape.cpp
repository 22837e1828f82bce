// Tests of csrc/shape/ and of hashing, UUIDs and text in csrc/base/: the example tables of spec 02 (section 7) and 03
// (sections 1 to 8, 10 to 12, 18), and random properties against direct computations.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "base/blake3.h"
#include "base/error.h"
#include "base/text.h"
#include "base/uuid.h"
#include "shape/big.h"
#include "shape/contraction_path.h"
#include "shape/einsum_spec.h"
#include "shape/factorize.h"
#include "shape/permutation.h"
#include "shape/rearrange_spec.h"
#include "shape/shape.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

using Spec = RearrangeSpec;
using Groups = RearrangeSpec::IntGroups;
using Sizes = std::vector<OptionalSize>;
constexpr auto None = std::nullopt;

// The error that `body` throws; an AssertionError id with no message where it throws none.
template <class Body>
CircuitError error_of(Body&& body) {
  try {
    body();
  } catch (const CircuitError& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return CircuitError(ErrorId::AssertionError, "");
}

#define EXPECT_ERROR(error_id, ...) \
  EXPECT_EQ(error_class_name(error_of([&] { (void)(__VA_ARGS__); }).id()), error_class_name(ErrorId::error_id))

Spec parse(std::string_view text) { return Spec::from_string(text); }

// --- base

std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

TEST(Blake3, KnownAnswers) {
  const std::pair<size_t, const char*> answers[] = {
      {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
      {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
      {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
      {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
      {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
      {127, "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d"},
      {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
      {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
      {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
      {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
      {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
      {5000, "ee78d92070de3df1c57c37002abf0a6b1a6589acdeef4d8ffac7cf3d9e8f2836"},
      {16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"},
      {16385, "1dabe216be2578830263b049de1639f39f05a4da616b9b78c7a5e4e41662fd1f"},
      {65537, "7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca"},
      {100000, "d93c23eedaf165a7e0be908ba86f1a7a520d568d2d13cde787c8580c5c72cc54"},
      {3500000, "77d3a4172df6d0200d2bd09fdd1d574def681545d2ca11b2bc90bbe3460a048c"},
  };
  for (const auto& [size, hex] : answers) {
    const std::string bytes = pattern(size);
    EXPECT_EQ(to_hex(blake3(bytes)), hex) << size;
    EXPECT_EQ(hash_from_hex(hex), blake3(bytes));
  }
  EXPECT_EQ(hash_from_hex("af13"), None);
  EXPECT_EQ(hash_from_hex(std::string(64, 'g')), None);
}

TEST(Blake3, PiecesAndThreadsAgree) {
  std::mt19937_64 random(1);
  const std::string bytes = pattern(5'000'000);
  for (int round = 0; round < 60; ++round) {
    const size_t size = round < 40 ? random() % 40'000 : random() % bytes.size();
    const std::string_view data = std::string_view(bytes).substr(0, size);
    const Hash whole = blake3(data);
    Blake3 hasher;
    for (size_t at = 0; at < size;) {
      const size_t piece = std::min<size_t>(size - at, 1 + random() % (round % 2 ? 100 : 200'000));
      hasher.update(data.substr(at, piece));
      at += piece;
    }
    EXPECT_EQ(hasher.finish(), whole);
    EXPECT_EQ(hasher.finish(), whole);
    const size_t prefix = size ? random() % std::min<size_t>(size, 5000) : 0;
    EXPECT_EQ(blake3_parallel(data.substr(0, prefix), data.data() + prefix, size - prefix), whole);
  }
}

TEST(Uuid, TextAndRandom) {
  constexpr Uuid tag = "88fb29e5-c81e-47fe-ae4c-678b22994670"_uuid;
  EXPECT_EQ(tag.to_string(), "88fb29e5-c81e-47fe-ae4c-678b22994670");
  EXPECT_EQ(Uuid::parse("88FB29E5c81e47feae4c678b22994670"), tag);
  EXPECT_EQ(Uuid::parse("88fb29e5-c81e-47fe-ae4c-678b2299467"), None);
  EXPECT_EQ(Uuid::parse("88fb29e5+c81e-47fe-ae4c-678b22994670"), None);
  const Uuid a = Uuid::random(), b = Uuid::random();
  EXPECT_NE(a, b);
  EXPECT_EQ(a.to_string()[14], '4');
  EXPECT_EQ(Uuid::parse(a.to_string()), a);
}

TEST(Text, Helpers) {
  EXPECT_EQ(join(std::vector<int>{1, 2, 3}, ", "), "1, 2, 3");
  EXPECT_EQ(trim("  a b\t\n"), "a b");
  EXPECT_EQ(split("a,,b", ",").size(), 3u);
  EXPECT_EQ(parse_decimal("1_000").value, 1000u);
  EXPECT_EQ(parse_decimal("18446744073709551615").value, UINT64_MAX);
  EXPECT_EQ(parse_decimal("18446744073709551616").status, ParsedNumber::Status::too_large);
  for (const char* bad : {"", "_1", "-1", "1a", " 1"}) EXPECT_EQ(parse_decimal(bad).status, ParsedNumber::Status::malformed);
  for (const char32_t c : {U'a', U'\u00e9', U'\u03b1', U'\u20ac', U'\U0001F600'}) {
    std::string text;
    append_utf8(text, c);
    EXPECT_TRUE(is_valid_utf8(text));
    EXPECT_EQ(decode_utf8(text, 0).value, c);
    EXPECT_EQ(decode_utf8(text, 0).size, text.size());
    EXPECT_EQ(is_valid_utf8(text.substr(0, text.size() - 1)), text.size() == 1);
  }
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x28\xA1"}) EXPECT_FALSE(is_valid_utf8(bad));
  EXPECT_TRUE(is_letter(U'\u03c9'));
  EXPECT_FALSE(is_letter(U'\u2192'));
}

TEST(BigUint, Arithmetic) {
  BigUint factorial = 1;
  for (uint64_t i = 2; i <= 30; ++i) factorial *= i;
  EXPECT_EQ(factorial.to_string(), "265252859812191058636308480000000");
  EXPECT_EQ((factorial * factorial).to_string(), "70359079638545882374689246780656119576032161719910400000000000000");
  EXPECT_EQ(saturating_sub(factorial, factorial), BigUint());
  EXPECT_EQ(saturating_sub(factorial + 5, factorial), BigUint(5));
  EXPECT_EQ(saturating_sub(BigUint(1), factorial), BigUint());
  EXPECT_LT(BigUint(UINT64_MAX), factorial);
  EXPECT_EQ((BigUint(UINT64_MAX) + 1).to_string(), "18446744073709551616");
  EXPECT_EQ((factorial * uint64_t{0}).to_string(), "0");
  EXPECT_EQ(BigUint(10'000'000'000'000'000'000u).to_string(), "10000000000000000000");
  EXPECT_EQ(numel({INT64_MAX, INT64_MAX, 4}).to_string(), "340282366920938463389587631136930004996");
  EXPECT_EQ(numel_saturating({INT64_MAX, INT64_MAX, 4}), UINT64_MAX);
  EXPECT_EQ(numel_saturating({INT64_MAX, INT64_MAX, 0}), 0u);
  EXPECT_EQ(numel_saturating({}), 1u);
}

// --- 03, sections 1, 10, 18

TEST(Axes, Normalise) {
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_EQ(normalize_axis(2, 3), 2);
  const CircuitError error = error_of([] { normalize_axis(5, 3, "axis out of bounds"); });
  EXPECT_EQ(error.id(), ErrorId::MiscInputItemOutOfBounds);
  EXPECT_NE(std::string(error.what()).find("item=5, count=3 (needed -3 <= 5 < 3)"), std::string::npos);
  EXPECT_ERROR(MiscInputItemOutOfBounds, normalize_axis(0, 0));
  EXPECT_ERROR(MiscInputItemOutOfBounds, normalize_axis(INT64_MIN, 3));
}

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

TEST(Permutation, Checks) {
  check_permutation({});
  check_permutation({2, 0, 1});
  EXPECT_ERROR(PermIntsNotUnique, check_permutation({0, 5, 5}));
  EXPECT_ERROR(PermNotContiguousInts, check_permutation({0, 1, 3}));
  EXPECT_ERROR(PermNotContiguousInts, check_permutation({-1, 0, 1}));
  EXPECT_EQ(inverse_permutation({2, 0, 1}), (std::vector<int64_t>{1, 2, 0}));
}

TEST(Broadcast, Table) {
  EXPECT_EQ(broadcast_shapes({{4, 1}, {3}}), (Shape{4, 3}));
  EXPECT_EQ(broadcast_shapes({{2, 1, 5}, {6, 1}, {}}), (Shape{2, 6, 5}));
  EXPECT_ERROR(MiscInputNotBroadcastable, broadcast_shapes({{2, 0}, {1, 1}}));
  EXPECT_ERROR(MiscInputNotBroadcastable, broadcast_shapes({{3, 4}, {4, 1}}));
  EXPECT_ERROR(MiscInputNotBroadcastable, broadcast_shapes({{0}, {1}}));
  EXPECT_EQ(broadcast_shapes({{0}, {0}}), (Shape{0}));
  EXPECT_EQ(broadcast_shapes({{0}, {}}), (Shape{0}));
  EXPECT_EQ(broadcast_shapes({}), Shape{});
  EXPECT_EQ(broadcast_shapes({{10007}, {1}}), (Shape{10007}));
  EXPECT_EQ(right_align_shapes({{2, 3}, {3}}), (Shape{2, 3}));
  EXPECT_ERROR(MiscInputNotBroadcastable, right_align_shapes({{2, 3}, {1}}));
}

// --- 02, section 7

TEST(Symbolic, PrimesAndText) {
  const auto& primes = symbolic_sizes();
  EXPECT_EQ(std::vector<Size>(primes.begin(), primes.begin() + 8),
            (std::vector<Size>{10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079}));
  EXPECT_EQ(primes[254], 12433);
  EXPECT_EQ(primes[255], 12437);
  EXPECT_EQ(size_text(10007), "0s");
  EXPECT_EQ(size_text(20014), "2*0s");
  EXPECT_EQ(size_text(10007 * 10009), "0s*1s");
  EXPECT_EQ(size_text(9999), "9999");
  EXPECT_EQ(size_text(Size{10007} * 10007 * 10009), "0s*0s*1s");
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(size_text(12451), "12451");
  EXPECT_EQ(parse_size_text("2 * 1s * 3"), 6 * 10009);
  EXPECT_EQ(SymbolicSizeProduct::decompose(0).other_factor, 0u);
  EXPECT_FALSE(is_symbolic(0));
  EXPECT_FALSE(is_symbolic(12451));
  EXPECT_TRUE(is_symbolic(3 * 12437));
  EXPECT_LT((SymbolicSizeProduct{1, {5}}), (SymbolicSizeProduct{2, {}}));
  EXPECT_LT((SymbolicSizeProduct{1, {0, 5}}), (SymbolicSizeProduct{1, {1}}));
}

TEST(Symbolic, TextErrors) {
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text("18446744073709551616"));
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text(""));
  EXPECT_ERROR(ParseInvalidNumber, parse_size_text("2*"));
  EXPECT_ERROR(ParseFactorProductTooLarge, parse_size_text("18446744073709551615*2"));
  EXPECT_ERROR(ParseSymbolicSizeNumberOutOfBounds, parse_size_text("256s"));
  EXPECT_ERROR(SymbolicSizeOverflowProductTooLarge, parse_size_text("9223372036854775808"));
  EXPECT_ERROR(SymbolicSizeOverflowProductTooLarge, parse_size_text("0s*0s*0s*0s*0s"));
  EXPECT_EQ(parse_size_text("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_size_text("0*0s*0s*0s*0s*0s"), 0);
}

TEST(Symbolic, RoundTripAndDivisibility) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 3000; ++round) {
    Size size = static_cast<Size>(random() % 1000 + 1);
    for (int k = static_cast<int>(random() % 4); k > 0; --k) size *= symbolic_sizes()[random() % 256];
    EXPECT_EQ(parse_size_text(size_text(size)), size);
    const bool divisible = std::any_of(symbolic_sizes().begin(), symbolic_sizes().end(), [&](Size prime) { return size % prime == 0; });
    EXPECT_EQ(is_symbolic(size), divisible);
    EXPECT_EQ(!SymbolicSizeProduct::decompose(size).symbolic_sizes.empty(), divisible);
  }
}

std::string declared(std::string_view x, std::string_view y) {
  const auto constraint = constraint_of(parse_size_text(x), parse_size_text(y));
  return constraint ? constraint->to_string() : "none";
}

TEST(Symbolic, ConstraintTable) {
  EXPECT_EQ(declared("0s", "0s"), "none");
  EXPECT_EQ(declared("0s", "3"), "0s=3");
  EXPECT_EQ(declared("2*0s", "6"), "2*0s=6");
  EXPECT_EQ(declared("0s", "1s"), "1s=0s");
  EXPECT_EQ(declared("0s*1s", "2s"), "0s*1s=2s");
  EXPECT_EQ(declared("2s", "0s*1s"), "0s*1s=2s");
  EXPECT_EQ(declared("2*0s", "0"), "0s=0");
  EXPECT_EQ(declared("0", "2*0s"), "0s=0");
  const CircuitError error = error_of([] { declared("2*0s", "5"); });
  EXPECT_EQ(error.id(), ErrorId::SymbolicSizeSetFactorDoesntDivideSetTo);
  EXPECT_EQ(to_text(error.payload()[0]), "2");
  EXPECT_EQ(to_text(error.payload()[1]), "5");
  EXPECT_EQ(to_text(error.payload()[2]), "2*0s");
  for (const auto& [x, y] : {std::pair("3", "4"), {"3", "6"}, {"6", "3"}, {"0", "3"}, {"3", "0"}, {"5", "2*0s"}}) {
    EXPECT_ERROR(SymbolicSizeSetFactorDoesntDivideSetTo, declared(x, y));
  }
}

std::vector<SymbolicSizeConstraint> constraints(std::string_view text) {
  std::vector<SymbolicSizeConstraint> out;
  for (const auto& equation : split(text, ",")) {
    const auto sides = split(equation, "=");
    out.push_back({SymbolicSizeProduct::parse(trim(sides.at(0))), SymbolicSizeProduct::parse(trim(sides.at(1)))});
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Symbolic, SatisfiabilityExamples) {
  for (const char* text : {"0s=3, 0s=5", "0s*1s=12, 0s=5", "2*0s=3*1s, 1s=1", "0s=0, 0s=3", "0s*1s=0, 0s=2, 1s=3", "0s*0s=8",
                           "0s*0s=2*1s*1s, 0s=2", "0s*0s*1s*1s=2*2s*2s, 2s=3"}) {
    EXPECT_FALSE(satisfiable(constraints(text))) << text;
  }
  for (const char* text : {"0s*1s=12, 0s=4", "0s*0s=9", "0s=0", "1s=0s", "0s*1s=2s", "0s*0s=2*1s*1s", "0s*1s=0, 0s=2", "2*0s=3*1s",
                           "0s=9223372036854775807", "0s*0s=36", "4611686014132420609=0s*0s"}) {
    EXPECT_TRUE(satisfiable(constraints(text))) << text;
  }
  EXPECT_TRUE(satisfiable({}));
  EXPECT_ERROR(SymbolicSizeSetFailedToSatisfyContraints, check_satisfiable(constraints("0s=3, 0s=5")));
}

// Random sets of equations between products of up to `max_degree` of three unknowns.
std::vector<SymbolicSizeConstraint> random_constraints(std::mt19937_64& random, const std::vector<uint64_t>& factors, size_t max_degree) {
  std::set<SymbolicSizeConstraint> set;
  const size_t count = 1 + random() % 3;
  while (set.size() < count) {
    SymbolicSizeConstraint constraint;
    for (auto* side : {&constraint.l, &constraint.r}) {
      side->other_factor = factors[random() % factors.size()];
      for (size_t k = random() % (max_degree + 1); k > 0; --k) side->symbolic_sizes.push_back(static_cast<int>(random() % 3));
      std::sort(side->symbolic_sizes.begin(), side->symbolic_sizes.end());
    }
    set.insert(constraint);
  }
  return {set.begin(), set.end()};
}

// Whether three of the values solve the equations.
bool solvable_among(const std::vector<SymbolicSizeConstraint>& list, const std::vector<double>& values) {
  std::array<double, 3> unknowns{};
  const auto product = [&](const SymbolicSizeProduct& side) {
    double out = static_cast<double>(side.other_factor);
    for (const int i : side.symbolic_sizes) out *= unknowns[static_cast<size_t>(i)];
    return out;
  };
  for (double x : values) {
    for (double y : values) {
      for (double z : values) {
        unknowns = {x, y, z};
        if (std::all_of(list.begin(), list.end(), [&](const auto& c) { return product(c.l) == product(c.r); })) return true;
      }
    }
  }
  return false;
}

std::string text_of(const std::vector<SymbolicSizeConstraint>& list) {
  return join(list, ", ", [](const auto& constraint) { return constraint.to_string(); });
}

TEST(Symbolic, SatisfiabilityAgreesWithBruteForce) {
  std::mt19937_64 random(3);
  std::vector<double> values(51);
  std::iota(values.begin(), values.end(), 0.0);
  for (int round = 0; round < 1500; ++round) {
    const auto list = random_constraints(random, {1, 1, 1, 2, 3, 4, 6, 0}, 2);
    EXPECT_EQ(satisfiable(list), solvable_among(list, values)) << text_of(list);
  }
}

// Equations in powers of 2 only, whose smallest solutions have small exponents: exercises the systems of several tangled equations.
TEST(Symbolic, SatisfiabilityInPowersOfTwo) {
  std::mt19937_64 random(4);
  std::vector<double> values = {0};
  for (int exponent = 0; exponent <= 20; ++exponent) values.push_back(static_cast<double>(uint64_t{1} << exponent));
  std::array<int, 2> answers{};
  for (int round = 0; round < 4000; ++round) {
    const auto list = random_constraints(random, {1, 2, 4, 8, 16, 32, 64}, 5);
    const bool answer = satisfiable(list);
    ++answers[answer];
    EXPECT_EQ(answer, solvable_among(list, values)) << text_of(list);
  }
  EXPECT_GT(answers[0], 400);
  EXPECT_GT(answers[1], 400);
}

TEST(Symbolic, SatisfiabilityOfHardSetsTerminates) {
  std::mt19937_64 random(9);
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < 40; ++round) {
    std::set<SymbolicSizeConstraint> set;
    for (int k = 0; k < 40; ++k) {
      SymbolicSizeConstraint constraint;
      for (auto* side : {&constraint.l, &constraint.r}) {
        side->other_factor = uint64_t{1} << (random() % 60);
        for (size_t n = 1 + random() % 4; n > 0; --n) side->symbolic_sizes.push_back(static_cast<int>(random() % 60));
        std::sort(side->symbolic_sizes.begin(), side->symbolic_sizes.end());
      }
      set.insert(constraint);
    }
    set.insert(SymbolicSizeConstraint{{uint64_t{1} << 50, {}}, {1, {0, 1, 2}}});
    satisfiable({set.begin(), set.end()});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Symbolic, Factorization) {
  EXPECT_EQ(prime_factors(1), std::vector<uint64_t>{});
  EXPECT_EQ(prime_factors(360), (std::vector<uint64_t>{2, 2, 2, 3, 3, 5}));
  EXPECT_EQ(prime_factors(4294967291ull * 4294967279ull), (std::vector<uint64_t>{4294967279ull, 4294967291ull}));
  EXPECT_EQ(prime_factors(18446744073709551557ull), std::vector<uint64_t>{18446744073709551557ull});
  EXPECT_EQ(prime_factors(999983ull * 999983ull), (std::vector<uint64_t>{999983, 999983}));
  EXPECT_EQ(prime_factors(INT64_MAX), (std::vector<uint64_t>{7, 7, 73, 127, 337, 92737, 649657}));
}

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

// --- 03, section 11

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

// --- 03, section 12

EinsumSpec einsum(std::string_view text, const std::map<char, Size>& sizes) {
  EinsumLabels labels = parse_einsum_string(text);
  EinsumSpec spec{labels.inputs, labels.output, {}};
  for (const auto& [letter, size] : sizes) {
    const Label label = *label_of_letter(static_cast<char32_t>(letter));
    if (spec.int_sizes.size() <= label) spec.int_sizes.resize(label + size_t{1}, 0);
    spec.int_sizes[label] = size;
  }
  return spec;
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

TEST(Path, ExampleAndSmallCases) {
  const EinsumSpec spec = einsum("ab,bc,cd->ad", {{'a', 2}, {'b', 3}, {'c', 4}, {'d', 5}});
  EXPECT_EQ(spec.optimize(), (Path{{0, 1}, {0, 1}}));
  EXPECT_EQ(path_cost(spec, {{0, 1}, {0, 1}}), 64u);
  EXPECT_EQ(path_cost(spec, {{1, 2}, {0, 1}}), 90u);
  EXPECT_EQ((EinsumSpec{{}, {}, {}}).optimize(), (Path{{}}));
  EXPECT_EQ(einsum("a->a", {{'a', 2}}).optimize(), (Path{{0}}));
  EXPECT_EQ(einsum("a,b->ab", {{'a', 2}, {'b', 2}}).optimize(), (Path{{0, 1}}));
  PathOptions capped;
  capped.mem_cap = 2;
  EXPECT_ERROR(RuntimeError, spec.optimize(capped));
  capped.mem_cap = 11;
  EXPECT_EQ(spec.optimize(capped), (Path{{0, 1}, {0, 1}}));
  EXPECT_ERROR(ValueError, path_cost(spec, {{0, 3}}));
  EXPECT_ERROR(ValueError, path_cost(spec, {{0, 1}}));
}

TEST(Path, SubsetAbsorption) {
  const EinsumSpec spec = einsum("abc,ab,b,cd->ad", {{'a', 2}, {'b', 3}, {'c', 4}, {'d', 5}});
  const PreContraction first = spec.optimize_pre_contract_subsets();
  EXPECT_EQ(first.path, (Path{{1, 2}, {0, 2}}));  // b into ab, that into abc
  EXPECT_EQ(first.remaining.size(), 2u);
  EXPECT_EQ(first.remaining[1], LabelSet(0b101));  // ac
  const PreContraction kept = spec.optimize_pre_contract_subsets({0});
  EXPECT_EQ(kept.path, (Path{{1, 2}}));
  EXPECT_EQ(spec.optimize_pre_contract_subsets({0, 1}).path, Path{});
  EXPECT_ERROR(MiscInputItemOutOfBounds, spec.optimize_pre_contract_subsets({4}));
}

EinsumSpec random_einsum(std::mt19937_64& random, size_t operands, size_t labels, size_t max_rank) {
  EinsumSpec spec;
  for (size_t i = 0; i < labels; ++i) spec.int_sizes.push_back(static_cast<Size>(1 + random() % 7));
  LabelSet used;
  for (size_t k = 0; k < operands; ++k) {
    Labels axes;
    for (size_t rank = 1 + random() % max_rank; rank > 0; --rank) axes.push_back(static_cast<Label>(random() % labels));
    for (const Label label : axes) used.set(label);
    spec.input_ints.push_back(axes);
  }
  for (size_t i = 0; i < labels; ++i) {
    if (used[i] && random() % 3 == 0) spec.output_ints.push_back(static_cast<Label>(i));
  }
  return spec;
}

// The cheapest order without outer products, by trying all; UINT64_MAX where there is none.
uint64_t brute_force(const EinsumSpec& spec, const std::vector<LabelSet>& operands) {
  if (operands.size() == 1) return 0;
  LabelSet output;
  for (const Label label : spec.output_ints) output.set(label);
  uint64_t best = UINT64_MAX;
  for (size_t x = 0; x < operands.size(); ++x) {
    for (size_t y = x + 1; y < operands.size(); ++y) {
      if ((operands[x] & operands[y]).none()) continue;
      std::vector<LabelSet> rest;
      LabelSet needed = output;
      for (size_t k = 0; k < operands.size(); ++k) {
        if (k == x || k == y) continue;
        rest.push_back(operands[k]);
        needed |= operands[k];
      }
      const LabelSet united = operands[x] | operands[y];
      uint64_t cost = 1;
      for (size_t i = 0; i < spec.int_sizes.size(); ++i) {
        if (united[i]) cost *= static_cast<uint64_t>(spec.int_sizes[i]);
      }
      rest.push_back(united & needed);
      best = std::min(best, saturating_add(cost, brute_force(spec, rest)));
    }
  }
  return best;
}

TEST(Path, CostAgreesWithBruteForce) {
  std::mt19937_64 random(7);
  int compared = 0;
  for (int round = 0; round < 600; ++round) {
    const EinsumSpec spec = random_einsum(random, 3 + random() % 4, 4 + random() % 4, 3);
    std::vector<LabelSet> operands;
    for (const Labels& axes : spec.input_ints) {
      LabelSet set;
      for (const Label label : axes) set.set(label);
      operands.push_back(set);
    }
    const uint64_t best = brute_force(spec, operands);
    if (best == UINT64_MAX) continue;  // several components
    ++compared;
    EXPECT_EQ(path_cost(spec, spec.optimize_dp()), best);
    EXPECT_EQ(spec.optimize_dp(), spec.optimize_dp());
    // The whole optimisation is optimal for what absorption leaves.
    const PreContraction first = spec.optimize_pre_contract_subsets();
    const Path path = spec.optimize();
    EXPECT_TRUE(std::equal(first.path.begin(), first.path.end(), path.begin()));
    uint64_t absorbed = path_cost(spec, path) - brute_force(spec, first.remaining);
    Path rest = first.path;
    for (size_t left = first.remaining.size(); left > 1; --left) rest.push_back({0, 1});
    EXPECT_LE(absorbed, path_cost(spec, rest));
    EXPECT_LE(path_cost(spec, path), path_cost(spec, rest));
  }
  EXPECT_GT(compared, 200);
}

TEST(Path, LargeInputsAreFastAndValid) {
  std::mt19937_64 random(8);
  for (const auto& [operands, labels, rank] :
       {std::tuple<size_t, size_t, size_t>{40, 30, 3}, {40, 30, 5}, {48, 256, 3}, {200, 256, 4}, {100, 3, 2}, {60, 60, 2}}) {
    const EinsumSpec spec = random_einsum(random, operands, labels, rank);
    const auto start = std::chrono::steady_clock::now();
    const Path path = spec.optimize();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << operands;
    path_cost(spec, path);
    EXPECT_EQ(path.size(), operands - 1);
    path_cost(spec, spec.optimize_dp());
  }
  // A chain of 40 matrices, and sizes of 0 and beyond any cost.
  EinsumSpec chain;
  for (Label i = 0; i < 40; ++i) {
    chain.input_ints.push_back({i, static_cast<Label>(i + 1)});
    chain.int_sizes.push_back(i % 2 ? 2 : 100);
  }
  chain.int_sizes.push_back(7);
  chain.output_ints = {0, 40};
  EXPECT_LE(path_cost(chain, chain.optimize()), uint64_t{20} * 800 + 10'000);
  chain.int_sizes.assign(41, INT64_MAX);
  EXPECT_EQ(path_cost(chain, chain.optimize()), UINT64_MAX);
  chain.int_sizes.assign(41, 0);
  EXPECT_EQ(path_cost(chain, chain.optimize()), 0u);
}

TEST(Path, ComponentsAreMultipliedSmallestFirst) {
  const EinsumSpec spec = einsum("a,b,c->abc", {{'a', 9}, {'b', 2}, {'c', 3}});
  EXPECT_EQ(spec.optimize(), (Path{{1, 2}, {0, 1}}));
}

}  // namespace
}  // namespace pycircuit
