// Concat: children joined along one axis (spec 03, section 16).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class Concat final : public Node {
 public:
  static constexpr Kind kKind = Kind::Concat;
  static Ref<const Concat> make(NodePtrs nodes, int64_t axis, Naming naming = {});
  // Each child unsqueezed at a new axis (`<x>_unsqueeze_stack`), then joined there.
  static Ref<const Concat> stack(const NodePtrs& nodes, int64_t axis, Name name = {});
  int64_t axis() const { return axis_; }
  std::vector<Size> sizes_at_axis() const;

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(std::move(children), axis_, std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Concat(std::move(children), axis_); }

 private:
  Concat(NodePtrs nodes, int64_t axis) : Node(kKind, std::move(nodes)), axis_(axis) {}
  int64_t axis_;
};

}  // namespace pycircuit
