#include "circuit/nodes/scatter.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Scatter> Scatter::make(const NodePtr& node, IndexElements index, Shape shape, Naming naming) {
  IndexElements slices = with_context([&] { return canonical(checked_index(std::move(index), shape, "Scatter"), shape); },
                                      [&] { return "while constructing Scatter of " + describe(*node) + " into shape " + to_text(shape); });
  for (const auto& element : slices)
    if (!std::holds_alternative<Slice>(element))
      fail(ErrorId::ConstructScatterIndexTypeUnimplemented,
           "Scatter of " + describe(*node) + " needs slices or runs of consecutive positions, got " + index_text(slices),
           opaque(slices, index_text(slices)));
  return cast<Scatter>(finish(new Scatter({node}, std::move(slices), std::move(shape)), std::move(naming)));
}

Shape Scatter::compute_shape() const {
  const Shape block = indexed_shape(index_, out_shape_);
  if (block != child()->shape())
    fail(ErrorId::ConstructScatterShapeWrong,
         "Scatter: index " + index_text(index_) + " selects a block of shape " + to_text(block) + " of the output shape " +
             to_text(out_shape_) + ", but the child is " + describe(*child()),
         opaque(index_, index_text(index_)), out_shape_, block);
  return out_shape_;
}

AxisMap Scatter::child_axis_map() const {
  AxisMap map(1);
  for (size_t axis = 0; axis < index_.size(); ++axis)
    map[0].push_back(pycircuit::is_identity(index_[axis], out_shape_[axis]) ? std::optional<int>(static_cast<int>(axis)) : std::nullopt);
  return map;
}

Name Scatter::autoname() const { return postfix_autoname(*this, " scatter"); }

void Scatter::write_fields(IdentityBytes& bytes) const {
  bytes.add_part(identity_bytes(index_));
  bytes.add_sizes(out_shape_);
  bytes.add_children(children());
}

}  // namespace pycircuit
