// Scatter: a block of zeros with the child set at contiguous slices (spec 03, section 14).
#pragma once

#include "circuit/node.h"
#include "tensor/index.h"

namespace pycircuit {

class Scatter final : public Node {
 public:
  static constexpr Kind kKind = Kind::Scatter;
  static Ref<const Scatter> make(const NodePtr& node, IndexElements index, Shape shape, Naming naming = {});
  const IndexElements& index() const { return index_; }  // canonical slices, one per output axis
  bool is_identity() const { return shape() == child()->shape(); }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), index_, out_shape_, std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Scatter(std::move(children), index_, out_shape_); }

 private:
  Scatter(NodePtrs children, IndexElements index, Shape shape)
      : Node(kKind, std::move(children)), index_(std::move(index)), out_shape_(std::move(shape)) {}
  IndexElements index_;
  Shape out_shape_;
};

}  // namespace pycircuit
