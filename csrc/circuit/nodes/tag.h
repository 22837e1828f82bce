// Tag: the same tensor as its child, but a different circuit (spec 01, 9.2).
#pragma once

#include "base/uuid.h"
#include "circuit/node.h"

namespace pycircuit {

class Tag final : public Node {
 public:
  static constexpr Kind kKind = Kind::Tag;
  static Ref<const Tag> make(const NodePtr& node, Uuid uuid, Naming naming = {});
  const Uuid& uuid() const { return uuid_; }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), uuid_, std::move(naming)); }

 protected:
  Shape compute_shape() const override { return child()->shape(); }
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Tag(std::move(children), uuid_); }

 private:
  Tag(NodePtrs children, Uuid uuid) : Node(kKind, std::move(children)), uuid_(uuid) {}
  Uuid uuid_;
};

}  // namespace pycircuit
