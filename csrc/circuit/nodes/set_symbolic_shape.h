// SetSymbolicShape: the child, seen as having another, declared shape (spec 02, section 7.4).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class SetSymbolicShape final : public Node {
 public:
  static constexpr Kind kKind = Kind::SetSymbolicShape;
  static Ref<const SetSymbolicShape> make(const NodePtr& node, Shape shape, Naming naming = {});
  // Entries without a size keep the present one; the node itself if nothing changes.
  static NodePtr some_set_neq(const NodePtr& node, const std::vector<std::optional<Size>>& shape, Name name = {});
  // The same, ignoring entries for axes whose present size is not symbolic.
  static NodePtr some_set_and_symbolic_neq(const NodePtr& node, std::vector<std::optional<Size>> shape, Name name = {});

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), set_shape_, std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void adjust_flags(Flags& flags) const override { flags.computable = false; }
  void own_constraints(Constraints& constraints) const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new SetSymbolicShape(std::move(children), set_shape_); }

 private:
  SetSymbolicShape(NodePtrs children, Shape shape) : Node(kKind, std::move(children)), set_shape_(std::move(shape)) {}
  Shape set_shape_;
};

}  // namespace pycircuit
