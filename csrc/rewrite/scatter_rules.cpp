// Scatter rules (spec 10, section 7).
#include <array>

#include "rewrite/removable_axes.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

struct Range {
  Size start, stop;
  bool operator==(const Range&) const = default;
  Range intersect(const Range& other) const { return {std::max(start, other.start), std::min(stop, other.stop)}; }
  bool empty() const { return start >= stop; }
  Size length() const { return stop - start; }
  // Seen from the start of `outer`.
  Slice within(const Range& outer) const { return slice_of(start - outer.start, stop - outer.start); }
  Slice slice() const { return slice_of(start, stop); }
};
using RangeByLabel = std::array<std::optional<Range>, kLabelCount>;

Range scattered(const Scatter& scatter, size_t axis) {
  const Slice& slice = std::get<Slice>(scatter.index()[axis]);
  return {*slice.start, *slice.stop};
}

// The operand indexed by the ranges of its labels.
NodePtr indexed_operand(const NodePtr& operand, const Labels& labels, const RangeByLabel& ranges) {
  IndexElements elements;
  for (const Label label : labels) elements.push_back(ranges[label] ? ranges[label]->slice() : Slice{});
  return Index::make(operand, std::move(elements));
}

NodePtr scatter_at(const NodePtr& node, const std::vector<Range>& ranges, const Shape& shape) {
  IndexElements elements;
  for (const Range& range : ranges) elements.push_back(range.slice());
  return Scatter::make(node, std::move(elements), shape);
}

}  // namespace

NodePtr scatter_elim_identity(const Scatter& scatter) { return scatter.is_identity() ? scatter.child() : nullptr; }

NodePtr scatter_fuse(const Scatter& scatter) {
  const Scatter* inner = scatter.child()->as<Scatter>();
  if (!inner) return nullptr;
  IndexElements elements;
  for (size_t axis = 0; axis < scatter.index().size(); ++axis) {
    const Size shift = scattered(scatter, axis).start;
    const Range range = scattered(*inner, axis);
    elements.push_back(slice_of(range.start + shift, range.stop + shift));
  }
  return Scatter::make(inner->child(), std::move(elements), scatter.shape(), scatter.name());
}

NodePtr scatter_pull_removable_axes(const Scatter& scatter) {
  Axes axes = removable_axes(*scatter.child());
  std::erase_if(axes, [&](int64_t axis) { return scattered(scatter, axis) != Range{0, scatter.shape()[axis]}; });
  if (axes.empty()) return nullptr;
  Shape sizes;
  for (const int64_t axis : axes) sizes.push_back(scatter.shape()[axis]);
  const NodePtr smaller =
      Scatter::make(remove_axes(scatter.child(), axes), without_axes(scatter.index(), axes), without_axes(scatter.shape(), axes));
  return insert_axes(smaller, axes, sizes);
}

NodePtr einsum_pull_scatter(const Einsum& einsum) {
  const auto& labels = einsum.input_labels();
  RangeByLabel ranges;
  bool any = false;
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const Scatter* scatter = einsum.child(i)->as<Scatter>();
    if (!scatter) continue;
    any = true;
    for (size_t axis = 0; axis < labels[i].size(); ++axis) {
      auto& range = ranges[labels[i][axis]];
      const Range here = scattered(*scatter, axis);
      range = range ? range->intersect(here) : here;
    }
  }
  if (!any) return nullptr;
  for (const auto& range : ranges)
    if (range && range->empty()) return Scalar::make(0.0, einsum.shape());
  NodePtrs operands;
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const Scatter* scatter = einsum.child(i)->as<Scatter>();
    if (!scatter) {
      operands.push_back(indexed_operand(einsum.child(i), labels[i], ranges));
      continue;
    }
    IndexElements elements;
    for (size_t axis = 0; axis < labels[i].size(); ++axis) elements.push_back(ranges[labels[i][axis]]->within(scattered(*scatter, axis)));
    operands.push_back(Index::make(scatter->child(), std::move(elements)));
  }
  std::vector<Range> out;
  for (size_t axis = 0; axis < einsum.out_axes().size(); ++axis)
    out.push_back(ranges[einsum.out_axes()[axis]].value_or(Range{0, einsum.shape()[axis]}));
  return scatter_at(Einsum::make(std::move(operands), labels, einsum.out_axes(), einsum.name()), out, einsum.shape());
}

NodePtr add_pull_scatter(const Add& add) {
  if (add.num_children() == 0) return nullptr;
  std::vector<std::optional<Range>> hull(add.rank());
  const auto extend = [&](size_t axis, const Range& range) {
    hull[axis] = hull[axis] ? Range{std::min(hull[axis]->start, range.start), std::max(hull[axis]->stop, range.stop)} : range;
  };
  for (const auto& child : add.children()) {
    const Scatter* scatter = child->as<Scatter>();
    if (!scatter) return nullptr;
    const size_t offset = add.rank() - child->rank();
    for (size_t axis = 0; axis < hull.size(); ++axis) {
      const bool whole = axis < offset || child->shape()[axis - offset] != add.shape()[axis];
      extend(axis, whole ? Range{0, add.shape()[axis]} : scattered(*scatter, axis - offset));
    }
  }
  std::vector<Range> ranges;
  bool all_whole = true;
  for (size_t axis = 0; axis < hull.size(); ++axis) {
    ranges.push_back(*hull[axis]);
    all_whole &= ranges.back() == Range{0, add.shape()[axis]};
  }
  if (all_whole) return nullptr;
  NodePtrs children;
  for (const auto& child : add.children()) {
    const size_t offset = add.rank() - child->rank();
    IndexElements elements;
    for (size_t axis = offset; axis < ranges.size(); ++axis)
      elements.push_back(child->shape()[axis - offset] == add.shape()[axis] ? ranges[axis].slice() : Slice{});
    children.push_back(Index::make(child, std::move(elements)));
  }
  return scatter_at(Add::make(std::move(children), add.name()), ranges, add.shape());
}

NodePtr index_einsum_to_scatter(const Index& index) {
  const Einsum* einsum = index.child()->as<Einsum>();
  if (!einsum || all_distinct(einsum->out_axes())) return nullptr;
  const IndexElements elements = canonical(index.index(), einsum->shape());
  std::vector<Range> own;
  for (const auto& element : elements) {
    if (const auto* position = std::get_if<int64_t>(&element)) {
      own.push_back({*position, *position + 1});
    } else if (const auto* slice = std::get_if<Slice>(&element)) {
      own.push_back({*slice->start, *slice->stop});
    } else {
      return nullptr;
    }
  }
  RangeByLabel ranges;
  bool agree = true;
  const Labels& out = einsum->out_axes();
  for (size_t axis = 0; axis < out.size(); ++axis) {
    auto& range = ranges[out[axis]];
    agree &= !range || *range == own[axis];
    range = range ? range->intersect(own[axis]) : own[axis];
  }
  if (agree) return nullptr;
  for (const auto& range : ranges)
    if (range && range->empty()) return Scalar::make(0.0, index.shape());
  NodePtrs operands;
  for (size_t i = 0; i < einsum->num_children(); ++i)
    operands.push_back(indexed_operand(einsum->child(i), einsum->input_labels()[i], ranges));
  IndexElements block, top;
  Shape shape;
  for (size_t axis = 0; axis < out.size(); ++axis) {
    block.push_back(ranges[out[axis]]->within(own[axis]));
    shape.push_back(own[axis].length());
    top.push_back(std::holds_alternative<int64_t>(elements[axis]) ? IndexElement(int64_t{0}) : IndexElement(Slice{}));
  }
  const NodePtr smaller = Einsum::make(std::move(operands), einsum->input_labels(), out, einsum->name());
  return Index::make(Scatter::make(smaller, std::move(block), std::move(shape)), std::move(top));
}

NodePtr scatter_to_concat(const Scatter& scatter) {
  NodePtr current = scatter.child();
  for (int64_t axis = 0; axis < scatter.rank(); ++axis) {
    const Range range = scattered(scatter, axis);
    const auto pad = [&](Size size) {
      Shape shape = current->shape();
      shape[axis] = size;
      return NodePtr(Scalar::make(0.0, std::move(shape)));
    };
    current = Concat::make({pad(range.start), current, pad(scatter.shape()[axis] - range.stop)}, axis, scatter.name());
  }
  return current;
}

}  // namespace pycircuit
