// Scalar: a constant tensor with one value everywhere (spec 01, 7.3).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class Scalar final : public Node {
 public:
  static constexpr Kind kKind = Kind::Scalar;
  static Ref<const Scalar> make(double value, Shape shape = {}, Name name = {});
  double value() const { return value_; }
  bool is_zero() const { return value_ == 0.0; }
  bool is_one() const { return value_ == 1.0; }

  AxisMap child_axis_map() const override { return {}; }
  Name autoname() const override { return std::nullopt; }
  NodePtr remake(NodePtrs, Naming) const override { return NodePtr(this); }

 protected:
  Shape compute_shape() const override { return shape(); }  // given
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs) const override { return new Scalar(value_, shape()); }

 private:
  Scalar(double value, Shape shape) : Node(kKind, {}), value_(value) { set_leaf_derived(derived_of_leaf(std::move(shape))); }
  double value_;
};

}  // namespace pycircuit
