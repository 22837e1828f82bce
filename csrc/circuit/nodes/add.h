// Add: the broadcast sum of its children in order (spec 03, section 17).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class Add final : public Node {
 public:
  static constexpr Kind kKind = Kind::Add;
  static Ref<const Add> make(NodePtrs nodes, Naming naming = {});
  bool has_broadcast() const;

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(std::move(children), std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Add(std::move(children)); }

 private:
  explicit Add(NodePtrs nodes) : Node(kKind, std::move(nodes)) {}
};

}  // namespace pycircuit
