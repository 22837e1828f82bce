#include "rewrite/build.h"

namespace pycircuit {

Axes all_axes(int64_t rank) {
  Axes axes(rank);
  for (int64_t i = 0; i < rank; ++i) axes[i] = i;
  return axes;
}

NodePtr canonical_rearrange(const NodePtr& node, const RearrangeSpec& spec, Naming naming) {
  return Rearrange::make(node, spec.conform_to_input_shape(node->shape()).canonicalize(true), std::move(naming));
}

NodePtr insert_axes(const NodePtr& node, const Axes& axes, const Shape& sizes) {
  if (axes.empty()) return node;
  return canonical_rearrange(node, RearrangeSpec::expand_at_axes(node->rank(), axes, sizes));
}

NodePtr squeeze_axes(const NodePtr& node, const Axes& axes, Naming naming) {
  if (axes.empty()) return node;
  return canonical_rearrange(node, RearrangeSpec::squeeze(node->rank(), axes), std::move(naming));
}

NodePtr make_broadcast(const NodePtr& node, const Shape& shape) {
  const Shape& own = node->shape();
  if (own == shape) return node;
  if (own.size() > shape.size()) return nullptr;
  const size_t offset = shape.size() - own.size();
  RearrangeSpec::check_rank(static_cast<int64_t>(shape.size()));
  RearrangeSpec::IntGroups input, output;
  std::vector<OptionalSize> sizes;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Label label = static_cast<Label>(axis);
    output.push_back({label});
    sizes.push_back(shape[axis]);
    if (axis < offset) continue;
    if (own[axis - offset] == shape[axis]) {
      input.push_back({label});
    } else if (own[axis - offset] == 1) {
      input.emplace_back();
    } else {
      return nullptr;
    }
  }
  return canonical_rearrange(node, RearrangeSpec(std::move(input), std::move(output), std::move(sizes)));
}

NodePtr new_trace(const NodePtr& node, const Labels& labels) {
  const Labels names = distinct(labels);
  Labels numbered;
  for (const Label label : labels) numbered.push_back(static_cast<Label>(std::find(names.begin(), names.end(), label) - names.begin()));
  return Einsum::make({node}, {std::move(numbered)}, iota_labels(static_cast<int64_t>(names.size())));
}

NodePtr new_diag(const NodePtr& node, const Labels& labels) { return Einsum::make({node}, {distinct(labels)}, labels); }

bool is_integral(const Node& node) {
  const auto& dtype = node.device_dtype().dtype;
  return dtype && !is_floating(*dtype);
}

bool is_rounded_within(const Node& part, const Node& whole) { return is_integral(whole) && !is_integral(part); }

IndexElements full_index(int64_t rank) { return IndexElements(rank, IndexElement(Slice{})); }

}  // namespace pycircuit
