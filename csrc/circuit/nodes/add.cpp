#include "circuit/nodes/add.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Add> Add::make(NodePtrs nodes, Naming naming) { return cast<Add>(finish(new Add(std::move(nodes)), std::move(naming))); }

bool Add::has_broadcast() const {
  for (const auto& child : children())
    if (child->shape() != shape()) return true;
  return false;
}

Shape Add::compute_shape() const {
  bool equal = true;
  for (const auto& child : children()) equal &= child->shape() == children().front()->shape();
  if (equal) return children().empty() ? Shape{} : child()->shape();
  std::vector<Shape> shapes;
  for (const auto& child : children()) shapes.push_back(child->shape());
  return with_context([&] { return broadcast_shapes(shapes); }, [&] { return "while constructing Add of " + describe(children()); });
}

AxisMap Add::child_axis_map() const {
  AxisMap map;
  for (const auto& child : children()) {
    auto& axes = map.emplace_back();
    const int offset = static_cast<int>(rank() - child->rank());
    for (int i = 0; i < child->rank(); ++i)
      axes.push_back(child->shape()[i] == shape()[i + offset] ? std::optional<int>(i + offset) : std::nullopt);
  }
  return map;
}

Name Add::autoname() const { return infix_autoname(*this, " + "); }

void Add::write_fields(IdentityBytes& bytes) const { bytes.add_children(children()); }

}  // namespace pycircuit
