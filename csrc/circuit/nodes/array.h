// Array: a constant tensor (spec 01, 7.1).
#pragma once

#include "circuit/node.h"
#include "tensor/tensor.h"

namespace pycircuit {

class Array final : public Node {
 public:
  static constexpr Kind kKind = Kind::Array;
  static Ref<const Array> make(Tensor value, Name name = {});
  const Tensor& value() const { return value_; }

  AxisMap child_axis_map() const override { return {}; }
  Name autoname() const override { return std::nullopt; }
  NodePtr remake(NodePtrs, Naming) const override { return NodePtr(this); }

 protected:
  Shape compute_shape() const override;
  DeviceDtypeOp compute_device_dtype() const override { return {value_.device(), value_.dtype()}; }
  void write_fields(IdentityBytes& bytes) const override;
  bool same_payload(const Node& other) const override { return value_.identity() == static_cast<const Array&>(other).value_.identity(); }
  Node* clone(NodePtrs) const override { return new Array(value_); }

 private:
  explicit Array(Tensor value) : Node(kKind, {}), value_(std::move(value)), content_key_(value_.content_key()) {}
  Tensor value_;
  Hash content_key_;  // as it was when the node was made, whatever becomes of the tensor
};

}  // namespace pycircuit
