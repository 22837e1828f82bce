#include "rewrite/build.h"

namespace pycircuit {

Axes all_axes(int64_t rank) {
  Axes axes(rank);
  for (int64_t i = 0; i < rank; ++i) axes[i] = i;
  return axes;
}

NodePtr insert_axes(const NodePtr& node, const Axes& axes, const Shape& sizes) {
  if (axes.empty()) return node;
  return canonical_rearrange(node, RearrangeSpec::expand_at_axes(node->rank(), axes, sizes));
}

NodePtr squeeze_axes(const NodePtr& node, const Axes& axes, Naming naming) {
  if (axes.empty()) return node;
  return canonical_rearrange(node, RearrangeSpec::squeeze(node->rank(), axes), std::move(naming));
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
