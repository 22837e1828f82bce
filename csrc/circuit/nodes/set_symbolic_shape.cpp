#include "circuit/nodes/set_symbolic_shape.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {
namespace {

void check_rank(const Node& node, size_t rank) {
  if (static_cast<int64_t>(rank) != node.rank())
    fail(ErrorId::ConstructError, "SetSymbolicShape of " + describe(node) + " needs one size per axis, got " + std::to_string(rank));
}

}  // namespace

Ref<const SetSymbolicShape> SetSymbolicShape::make(const NodePtr& node, Shape shape, Naming naming) {
  return cast<SetSymbolicShape>(finish(new SetSymbolicShape({node}, std::move(shape)), std::move(naming)));
}

NodePtr SetSymbolicShape::some_set_neq(const NodePtr& node, const std::vector<std::optional<Size>>& shape, Name name) {
  check_rank(*node, shape.size());
  Shape declared = node->shape();
  for (size_t axis = 0; axis < shape.size(); ++axis) declared[axis] = shape[axis].value_or(declared[axis]);
  if (declared == node->shape()) return node;
  return make(node, std::move(declared), std::move(name));
}

NodePtr SetSymbolicShape::some_set_and_symbolic_neq(const NodePtr& node, std::vector<std::optional<Size>> shape, Name name) {
  check_rank(*node, shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (!is_symbolic(node->shape()[axis])) shape[axis].reset();
  return some_set_neq(node, shape, std::move(name));
}

Shape SetSymbolicShape::compute_shape() const {
  check_rank(*child(), set_shape_.size());
  return set_shape_;
}

void SetSymbolicShape::own_constraints(Constraints& constraints) const {
  for (size_t axis = 0; axis < set_shape_.size(); ++axis) {
    auto constraint = with_context([&] { return constraint_of(child()->shape()[axis], set_shape_[axis]); },
                                   [&] { return "while setting the shape of " + describe(*child()) + " to " + to_text(set_shape_); });
    if (constraint) constraints.push_back(std::move(*constraint));
  }
}

AxisMap SetSymbolicShape::child_axis_map() const {
  AxisMap map(1);
  for (int axis = 0; axis < child()->rank(); ++axis) map[0].push_back(axis);
  return map;
}

Name SetSymbolicShape::autoname() const { return postfix_autoname(*this, " set_shape"); }

void SetSymbolicShape::write_fields(IdentityBytes& bytes) const {
  bytes.add_sizes(set_shape_);
  bytes.add_children(children());
}

}  // namespace pycircuit
