#include "circuit/build.h"

#include <algorithm>

#include "base/text.h"
#include "circuit/names.h"
#include "circuit/nodes/all.h"

namespace pycircuit {
namespace {

// Distinct axes in the order given; all of them in order for nothing.
std::vector<int64_t> distinct_axes(const NodePtr& node, const OptionalAxes& axes, std::string_view what) {
  std::vector<int64_t> out;
  if (!axes) {
    for (int64_t axis = 0; axis < node->rank(); ++axis) out.push_back(axis);
    return out;
  }
  const auto normalized = with_context([&] { return normalize_axes(*axes, node->rank(), "axis out of bounds"); },
                                       [&] { return std::string(what) + " of " + describe(*node); });
  for (const int64_t axis : normalized)
    if (std::find(out.begin(), out.end(), axis) == out.end()) out.push_back(axis);
  return out;
}

Labels kept_labels(const NodePtr& node, const std::vector<int64_t>& reduced) {
  Labels kept;
  for (const Label label : iota_labels(node->rank()))
    if (std::find(reduced.begin(), reduced.end(), label) == reduced.end()) kept.push_back(label);
  return kept;
}

}  // namespace

NodePtr subtract(const NodePtr& node, const NodePtr& other, Name name) {
  return Add::make({node, Einsum::scalar_mul(other, -1.0, with_prefix("neg ", other->name()), "neg_1")}, std::move(name));
}

NodePtr multiply(const NodePtr& node, const NodePtr& other, Name name) {
  return Einsum::elementwise_broadcasted({node, other}, std::move(name));
}

NodePtr multiply_scalar(const NodePtr& node, double scalar, Name name, Name scalar_name) {
  return multiply(node, Scalar::make(scalar, {}, std::move(scalar_name)), std::move(name));
}

NodePtr sum(const NodePtr& node, const OptionalAxes& axes, Name name) {
  return Einsum::make({node}, {iota_labels(node->rank())}, kept_labels(node, distinct_axes(node, axes, "sum")), std::move(name));
}

NodePtr mean(const NodePtr& node, const OptionalAxes& axes, Name name, Name scalar_name) {
  const auto reduced = distinct_axes(node, axes, "mean");
  double count = 1;
  for (const int64_t axis : reduced) count *= static_cast<double>(node->shape()[axis]);
  if (!scalar_name) scalar_name = with_prefix("mean_div_", node->name());
  return Einsum::make({node, Scalar::make(1.0 / count, {}, std::move(scalar_name))}, {iota_labels(node->rank()), {}},
                      kept_labels(node, reduced), std::move(name));
}

NodePtr reduce(const NodePtr& node, std::string_view op_name, const OptionalAxes& axes, Name name) {
  if (op_name == "sum") return sum(node, axes, std::move(name));
  if (op_name == "mean") return mean(node, axes, std::move(name));
  const NodePtr merged = Rearrange::make(node, RearrangeSpec::combine_axes_at_end(node->rank(), distinct_axes(node, axes, op_name)));
  return GeneralFunction::by_name({merged}, op_name, std::move(name));
}

NodePtr expand_at_axes(const NodePtr& node, const std::vector<int64_t>& axes, const std::optional<Shape>& counts, Name name) {
  return Rearrange::make(node,
                         with_context([&] { return RearrangeSpec::expand_at_axes(node->rank(), axes, counts); },
                                      [&] { return "expand_at_axes of " + describe(*node); }),
                         std::move(name));
}

NodePtr squeeze(const NodePtr& node, const std::vector<int64_t>& axes, Name name) {
  const auto removed = distinct_axes(node, axes, "squeeze");
  for (const int64_t axis : removed)
    if (node->shape()[axis] != 1)
      fail(ErrorId::RuntimeError, "squeeze of " + describe(*node) + " at axes [" + join(axes, ", ") + "]: axis " + std::to_string(axis) +
                                      " has size " + size_text(node->shape()[axis]) + ", not 1");
  return Rearrange::make(node, RearrangeSpec::squeeze(node->rank(), removed), std::move(name));
}

NodePtr flatten(const NodePtr& node, Name name) { return Rearrange::make(node, RearrangeSpec::flatten(node->rank()), std::move(name)); }

NodePtr unflatten(const NodePtr& node, const Shape& shape, Name name) {
  if (node->rank() != 1)
    fail(ErrorId::ConstructUnflattenButNDimNot1, "unflatten needs a circuit of rank 1, got " + describe(*node) + "; see unflatten_axis",
         node->rank());
  return Rearrange::make(node, RearrangeSpec::unflatten(shape), std::move(name));
}

NodePtr unflatten_axis(const NodePtr& node, int64_t axis, const Shape& shape, Name name) {
  return Rearrange::make(node,
                         with_context([&] { return RearrangeSpec::unflatten_axis(node->rank(), axis, shape); },
                                      [&] { return "unflatten_axis of " + describe(*node); }),
                         std::move(name));
}

NodePtr flat_concat(const NodePtrs& circuits) {
  NodePtrs flat;
  for (const auto& circuit : circuits) flat.push_back(flatten(circuit, "flatten"));
  return Concat::make(std::move(flat), 0, "flat_concat");
}

std::pair<NodePtr, NodePtrs> flat_concat_back(const NodePtrs& circuits) {
  const NodePtr joined = flat_concat(circuits);
  NodePtrs back;
  int64_t start = 0;
  for (size_t i = 0; i < circuits.size(); ++i) {
    const int64_t stop = start + joined->child(i)->shape()[0];
    back.push_back(Rearrange::make(Index::make(joined, {Slice{start, stop}}), RearrangeSpec::unflatten(circuits[i]->shape())));
    start = stop;
  }
  return {joined, std::move(back)};
}

}  // namespace pycircuit
