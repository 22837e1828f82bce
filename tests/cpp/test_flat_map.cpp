// Properties of FlatMap and NumberSet: they hold what std::unordered_map holds after the same calls.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_map>

#include "base/flat_map.h"

namespace pycircuit {
namespace {

struct SameHash {
  size_t operator()(uint64_t) const noexcept { return 7; }
};

template <class Map>
void compare_with_standard(uint64_t largest, int calls) {
  std::mt19937_64 random(largest);
  Map map;
  std::unordered_map<uint64_t, std::string> expected;
  for (int call = 0; call < calls; ++call) {
    const uint64_t key = 1 + random() % largest;
    const std::string value = std::to_string(random());
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(map.emplace(key, value).second, expected.emplace(key, value).second);
        break;
      case 1:
        map[key] = value;
        expected[key] = value;
        break;
      case 2:
        ASSERT_EQ(map.contains(key), expected.contains(key));
        if (expected.contains(key)) {
          EXPECT_EQ(map.at(key), expected.at(key));
          EXPECT_EQ(map.find(key)->first, key);
        } else {
          EXPECT_THROW(map.at(key), std::out_of_range);
        }
        break;
      default:
        map.reserve(random() % 100);
    }
    ASSERT_EQ(map.size(), expected.size());
  }
  size_t met = 0;
  for (const auto& [key, value] : map) {
    ++met;
    EXPECT_EQ(expected.at(key), value);
  }
  EXPECT_EQ(met, expected.size());
}

TEST(FlatMap, HoldsWhatTheStandardMapHolds) {
  for (const uint64_t largest : {1ull, 3ull, 20ull, 1000ull, ~0ull}) compare_with_standard<FlatMap<uint64_t, std::string>>(largest, 3000);
}

TEST(FlatMap, KeysOfOneHashStayApart) { compare_with_standard<FlatMap<uint64_t, std::string, SameHash>>(50, 500); }

TEST(FlatMap, AnEmptyOneHasNothing) {
  const FlatMap<uint64_t, int> map;
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains(5));
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_THROW(map.at(5), std::out_of_range);
}

TEST(NumberSet, InsertSaysWhatIsNew) {
  NumberSet set = {4, 4, 9};
  EXPECT_EQ(set.size(), 2u);
  EXPECT_FALSE(set.insert(9));
  EXPECT_TRUE(set.insert(5));
  EXPECT_TRUE(set.contains(5));
  EXPECT_FALSE(set.contains(6));
}

}  // namespace
}  // namespace pycircuit
