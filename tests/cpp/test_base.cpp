// Hashing, UUIDs and text.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/blake3.h"
#include "base/text.h"
#include "base/uuid.h"
#include "errors.h"

namespace pycircuit {
namespace {

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

}  // namespace
}  // namespace pycircuit
