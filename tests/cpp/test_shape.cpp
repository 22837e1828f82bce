// Axes and broadcasting (spec 03, sections 1 and 10).
#include <gtest/gtest.h>

#include "errors.h"
#include "shape/shape.h"

namespace pycircuit {
namespace {

TEST(Axes, Normalise) {
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_EQ(normalize_axis(2, 3), 2);
  const CircuitError error = error_of([] { normalize_axis(5, 3, "axis out of bounds"); });
  EXPECT_EQ(error.id(), ErrorId::MiscInputItemOutOfBounds);
  EXPECT_NE(std::string(error.what()).find("item=5, count=3 (needed -3 <= 5 < 3)"), std::string::npos);
  EXPECT_ERROR(MiscInputItemOutOfBounds, normalize_axis(0, 0));
  EXPECT_ERROR(MiscInputItemOutOfBounds, normalize_axis(INT64_MIN, 3));
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

}  // namespace
}  // namespace pycircuit
