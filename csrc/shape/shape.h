// Shapes: axis positions (spec 03, section 1), broadcasting (03, section 18), element counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shape/big.h"

namespace pycircuit {

using Size = int64_t;
using Shape = std::vector<Size>;
// Axis position -> name (02, section 5).
using NamedAxes = std::map<int64_t, std::string>;

// Broadcast shape, aligned at the right; 1 stretches to any size but 0. MiscInputNotBroadcastable otherwise.
Shape broadcast_shapes(const std::vector<Shape>& shapes);
// Aligned at the right, where sizes present at a position must be equal (batch shapes, 08). MiscInputNotBroadcastable otherwise.
Shape right_align_shapes(const std::vector<Shape>& shapes);

// `axis` in -count .. count-1, counted from the end where negative, as 0 .. count-1. MiscInputItemOutOfBounds otherwise; `context` goes
// into the message.
int64_t normalize_axis(int64_t axis, int64_t count, std::string_view context = "axis out of bounds");
std::vector<int64_t> normalize_axes(const std::vector<int64_t>& axes, int64_t count, std::string_view context = "axis out of bounds");

// Number of elements.
BigUint numel(const Shape& shape);
// The same, but at most 2**64 - 1: for costs and comparisons.
uint64_t numel_saturating(const Shape& shape);
// a * b and a + b, at most 2**64 - 1.
uint64_t saturating_mul(uint64_t a, uint64_t b);
uint64_t saturating_add(uint64_t a, uint64_t b);

// "[2, 3*0s]": sizes in size text (02, 7.2).
std::string to_text(const Shape& shape);

}  // namespace pycircuit
