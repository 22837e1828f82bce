#include "circuit/broadcast.h"

namespace pycircuit {

NodePtr canonical_rearrange(const NodePtr& node, const RearrangeSpec& spec, Naming naming) {
  return Rearrange::make(node, spec.conform_to_input_shape(node->shape()).canonicalize(true), std::move(naming));
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

}  // namespace pycircuit
