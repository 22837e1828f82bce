// Index: one int, slice or tensor per axis, applied per axis independently (spec 03, section 13).
#pragma once

#include "circuit/node.h"
#include "tensor/index.h"

namespace pycircuit {

class Index final : public Node {
 public:
  static constexpr Kind kKind = Kind::Index;
  static Ref<const Index> make(const NodePtr& node, IndexElements index, Naming naming = {});
  const IndexElements& index() const { return index_->elements; }  // one element per axis of the child

  AxisMap child_axis_map() const override { return axis_map(false); }
  AxisMap child_axis_map_including_slices() const { return axis_map(true); }
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), index(), std::move(naming)); }

 protected:
  Shape compute_shape() const override { return indexed_shape(index(), child()->shape()); }
  DeviceDtypeOp compute_device_dtype() const override;
  void write_fields(IdentityBytes& bytes) const override;
  bool same_payload(const Node& other) const override { return same_tensors(index(), static_cast<const Index&>(other).index()); }
  Node* clone(NodePtrs children) const override { return new Index(std::move(children), index_); }

 private:
  struct Fields {
    IndexElements elements;
    std::string identity;  // its bytes when the node was made, whatever becomes of index tensors
  };
  Index(NodePtrs children, Shared<Fields> index) : Node(kKind, std::move(children)), index_(std::move(index)) {}
  AxisMap axis_map(bool including_slices) const;
  Shared<Fields> index_;
};

}  // namespace pycircuit
