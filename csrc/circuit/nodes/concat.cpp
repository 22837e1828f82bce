#include "circuit/nodes/concat.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"
#include "circuit/nodes/rearrange.h"

namespace pycircuit {

Ref<const Concat> Concat::make(NodePtrs nodes, int64_t axis, Naming naming) {
  if (nodes.empty())
    fail(ErrorId::ConstructConcatZeroNodes,
         "Concat '" + naming.name.value_or("") + "' got no circuits; it needs at least one to have a shape");
  axis = with_context([&] { return normalize_axis(axis, nodes.front()->rank(), "Concat axis out of bounds"); },
                      [&] { return "while constructing Concat of " + describe(nodes); });
  return cast<Concat>(finish(new Concat(std::move(nodes), axis), std::move(naming)));
}

Ref<const Concat> Concat::stack(const NodePtrs& nodes, int64_t axis, Name name) {
  if (nodes.empty()) return make({}, axis, std::move(name));
  axis = normalize_axis(axis, nodes.front()->rank() + 1, "Concat.stack axis out of bounds");
  NodePtrs unsqueezed;
  for (const auto& node : nodes)
    unsqueezed.push_back(Rearrange::make(
        node,
        with_context([&] { return RearrangeSpec::unsqueeze(node->rank(), {axis}); }, [&] { return "while stacking " + describe(nodes); }),
        with_suffix(node->name(), "_unsqueeze_stack")));
  return make(std::move(unsqueezed), axis, std::move(name));
}

std::vector<Size> Concat::sizes_at_axis() const {
  std::vector<Size> sizes;
  for (const auto& child : children()) sizes.push_back(child->shape()[axis_]);
  return sizes;
}

Shape Concat::compute_shape() const {
  Shape shape = child()->shape();
  __int128 total = 0;
  for (const auto& node : children()) {
    bool fits = node->rank() == child()->rank();
    for (int64_t axis = 0; fits && axis < node->rank(); ++axis) fits = axis == axis_ || node->shape()[axis] == shape[axis];
    if (!fits) {
      PayloadList shapes;
      for (const auto& each : children()) shapes.emplace_back(each->shape());
      fail(ErrorId::ConstructConcatShapeDifferent,
           "Concat '" + name_or_empty() + "' on axis " + std::to_string(axis_) + " needs children of one shape apart from that axis, got " +
               describe(children()),
           std::move(shapes));
    }
    total += node->shape()[axis_];
  }
  if (total > INT64_MAX) fail(ErrorId::OverflowError, "Concat of " + describe(children()) + ": the sum of the sizes does not fit 63 bits");
  shape[axis_] = static_cast<Size>(total);
  return shape;
}

AxisMap Concat::child_axis_map() const {
  std::vector<std::optional<int>> axes(rank());
  for (int axis = 0; axis < rank(); ++axis)
    if (axis != axis_) axes[axis] = axis;
  return AxisMap(num_children(), axes);
}

Name Concat::autoname() const { return infix_autoname(*this, " ++ "); }

void Concat::write_fields(IdentityBytes& bytes) const {
  bytes.add_u64(static_cast<uint64_t>(axis_));
  bytes.add_children(children());
}

}  // namespace pycircuit
