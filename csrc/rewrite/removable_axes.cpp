#include "rewrite/removable_axes.h"

#include "circuit/names.h"

namespace pycircuit {
namespace {

NodePtr smaller_scalar(const Scalar& scalar, const Axes& axes) {
  return Scalar::make(scalar.value(), without_axes(scalar.shape(), axes), with_suffix(scalar.name(), "_rem_ax"));
}

// The Rearrange's child under `spec` without these output axes.
NodePtr rearrange_without(const Rearrange& rearrange, const RearrangeSpec& spec, const Axes& axes) {
  RearrangeSpec smaller = RearrangeSpec(spec.input_ints(), without_axes(spec.output_ints(), axes), spec.int_sizes()).renumbered();
  if (smaller.is_identity()) return rearrange.child();
  return Rearrange::make(rearrange.child(), std::move(smaller), with_suffix(rearrange.name(), "_rem_ax"));
}

}  // namespace

Axes removable_axes(const Node& node) {
  if (node.kind() == Kind::Scalar) return all_axes(node.rank());
  if (const Rearrange* rearrange = node.as<Rearrange>()) return rearrange->spec().out_broadcast_axes();
  return {};
}

NodePtr remove_axes(const NodePtr& node, const Axes& axes) {
  if (axes.empty()) return node;
  if (const Scalar* scalar = node->as<Scalar>()) return smaller_scalar(*scalar, axes);
  if (const Rearrange* rearrange = node->as<Rearrange>())
    return rearrange_without(*rearrange, rearrange->conformed_spec().canonicalize(true), axes);
  return squeeze_axes(node, axes, with_suffix(node->name(), "_rem_ax"));
}

NodePtr remove_axes_weakly(const NodePtr& node, const Axes& axes) {
  if (axes.empty()) return node;
  if (const Scalar* scalar = node->as<Scalar>()) return smaller_scalar(*scalar, axes);
  const Rearrange& rearrange = *node->as<Rearrange>();
  return rearrange_without(rearrange, rearrange.spec(), axes);
}

std::vector<size_t> choose_removals(const std::vector<size_t>& users, const std::vector<size_t>& removable, const NodePtrs& nodes) {
  if (removable != users) return removable;
  std::vector<size_t> scalars;
  for (const size_t i : removable)
    if (nodes[i]->kind() == Kind::Scalar) scalars.push_back(i);
  if (scalars.empty() || scalars.size() == removable.size()) return {};
  return scalars;
}

}  // namespace pycircuit
