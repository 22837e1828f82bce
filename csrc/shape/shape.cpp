// Broadcasting, axis positions, element counts.
#include "shape/shape.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_to_broadcast(const char* message, const std::vector<Shape>& shapes) {
  PayloadList payload;
  for (const Shape& shape : shapes) payload.emplace_back(shape);
  fail(ErrorId::MiscInputNotBroadcastable, message, std::move(payload));
}

// Aligns the shapes at the right and puts the sizes of each position together with `unify`, which says whether they fit.
template <class Unify>
Shape align(const std::vector<Shape>& shapes, const char* message, Unify&& unify) {
  size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  Shape out(rank);
  for (size_t from_end = 1; from_end <= rank; ++from_end) {
    bool first = true;
    Size& target = out[rank - from_end];
    for (const Shape& shape : shapes) {
      if (shape.size() < from_end) continue;
      const Size size = shape[shape.size() - from_end];
      if (first) {
        target = size;
      } else if (!unify(target, size)) {
        fail_to_broadcast(message, shapes);
      }
      first = false;
    }
  }
  return out;
}

}  // namespace

Shape broadcast_shapes(const std::vector<Shape>& shapes) {
  return align(shapes, "shapes do not broadcast: aligned at the right, sizes must be equal, or one of them 1 and the other not 0",
               [](Size& target, Size size) {
                 if (target == size) return true;
                 if (target == 0 || size == 0 || (target != 1 && size != 1)) return false;
                 target = std::max(target, size);
                 return true;
               });
}

Shape right_align_shapes(const std::vector<Shape>& shapes) {
  return align(shapes, "shapes do not fit: aligned at the right, sizes must be equal (1 does not stretch here)",
               [](const Size& target, Size size) { return target == size; });
}

int64_t normalize_axis(int64_t axis, int64_t count, std::string_view context) {
  if (axis < -count || axis >= count) {
    const std::string n = std::to_string(count);
    const std::string given = std::to_string(axis);
    fail(ErrorId::MiscInputItemOutOfBounds,
         std::string(context) + ": item=" + given + ", count=" + n + " (needed -" + n + " <= " + given + " < " + n + ")", axis, count);
  }
  return axis < 0 ? axis + count : axis;
}

std::vector<int64_t> normalize_axes(const std::vector<int64_t>& axes, int64_t count, std::string_view context) {
  std::vector<int64_t> out;
  out.reserve(axes.size());
  for (const int64_t axis : axes) out.push_back(normalize_axis(axis, count, context));
  return out;
}

BigUint numel(const Shape& shape) {
  BigUint out = 1;
  for (const Size size : shape) out *= static_cast<uint64_t>(size);
  return out;
}

uint64_t numel_saturating(const Shape& shape) {
  uint64_t out = 1;
  for (const Size size : shape) {
    if (size == 0) return 0;
    out = saturating_mul(out, static_cast<uint64_t>(size));
  }
  return out;
}

uint64_t saturating_mul(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

uint64_t saturating_add(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

std::string to_text(const Shape& shape) { return "[" + join(shape, ", ", size_text) + "]"; }

}  // namespace pycircuit
