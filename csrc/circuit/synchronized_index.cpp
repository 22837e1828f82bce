#include "circuit/synchronized_index.h"

#include "circuit/names.h"
#include "circuit/nodes/index.h"
#include "circuit/nodes/rearrange.h"

namespace pycircuit {
namespace {

// Row-major position in `own` (aligned at the right) of the element at row-major position `flat` of `joint`.
int64_t broadcast_position(int64_t flat, const Shape& joint, const Shape& own) {
  int64_t position = 0, stride = 1;
  for (size_t i = 0; i < joint.size(); ++i) {
    const size_t axis = joint.size() - 1 - i;
    const int64_t coordinate = flat % joint[axis];
    flat /= joint[axis];
    if (i >= own.size()) continue;
    const Size size = own[own.size() - 1 - i];
    if (size != 1) position += coordinate * stride;
    stride *= size;
  }
  return position;
}

}  // namespace

NodePtr synchronized_index(const NodePtr& node, std::vector<JointElement> elements, Name name) {
  const Shape& shape = node->shape();
  if (elements.size() > shape.size())
    fail(ErrorId::IndexIndexRankTooHigh,
         "new_synchronized_to_start: " + std::to_string(elements.size()) + " elements for " + describe(*node), elements.size(),
         shape.size());
  elements.resize(shape.size(), Slice{});
  std::vector<int64_t> joint_axes;
  std::vector<Shape> shapes;
  IndexElements rest;
  for (size_t axis = 0; axis < elements.size(); ++axis) {
    if (const auto* joint = std::get_if<JointIndex>(&elements[axis])) {
      joint_axes.push_back(static_cast<int64_t>(axis));
      shapes.push_back(joint->shape);
    } else if (const auto* number = std::get_if<int64_t>(&elements[axis])) {
      rest.emplace_back(*number);
    } else {
      rest.emplace_back(std::get<Slice>(elements[axis]));
    }
  }
  if (joint_axes.empty())
    fail(ErrorId::RuntimeError, "new_synchronized_to_start needs at least one tensor axis; use Index for " + describe(*node));
  const Shape joint_shape = broadcast_shapes(shapes);
  std::vector<int64_t> flat(numel_saturating(joint_shape), 0);
  for (const int64_t axis : joint_axes) {
    const auto& joint = std::get<JointIndex>(elements[axis]);
    for (size_t i = 0; i < flat.size(); ++i) {
      const int64_t given = joint.values[broadcast_position(static_cast<int64_t>(i), joint_shape, joint.shape)];
      if (given < -shape[axis] || given >= shape[axis])
        fail(ErrorId::IndexIndexOutOfBounds,
             "new_synchronized_to_start: position " + std::to_string(given) + " is out of bounds on axis " + std::to_string(axis) + " of " +
                 describe(*node),
             "tensor of shape " + to_text(joint.shape), shape, axis, given, shape[axis]);
      flat[i] = flat[i] * shape[axis] + (given < 0 ? given + shape[axis] : given);
    }
  }

  // Joint axes merged in front, one flat index, the joint axes split again, then the rest.
  Labels merged(joint_axes.begin(), joint_axes.end());
  RearrangeSpec::IntGroups input, output = {merged};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    input.push_back({static_cast<Label>(axis)});
    if (!std::holds_alternative<JointIndex>(elements[axis])) output.push_back({static_cast<Label>(axis)});
  }
  const RearrangeSpec merge(std::move(input), std::move(output), std::vector<OptionalSize>(shape.size()));
  NodePtr result = Rearrange::make(node, merge, with_suffix(name, "_pre_idx_flat"));
  Tensor positions = int_tensor(flat);
  const Device device = node->device_dtype().device.value_or(std::get<JointIndex>(elements[joint_axes[0]]).device);
  result = Index::make(result, {to_device_dtype(positions, {device, std::nullopt})}, with_suffix(name, "_t_idx"));
  result = Rearrange::make(result, RearrangeSpec::unflatten_axis(result->rank(), 0, joint_shape), with_suffix(name, "_post_t_shape"));
  rest.insert(rest.begin(), joint_shape.size(), Slice{});
  return Index::make(result, std::move(rest), std::move(name));
}

}  // namespace pycircuit
