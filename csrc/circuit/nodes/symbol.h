// Symbol: a placeholder (spec 01, 7.2).
#pragma once

#include "base/uuid.h"
#include "circuit/node.h"

namespace pycircuit {

class Symbol final : public Node {
 public:
  static constexpr Kind kKind = Kind::Symbol;
  static Ref<const Symbol> make(Shape shape, Uuid uuid, Name name = {});
  // A stand-in for a circuit with these derived values, used to find out about a module without its arguments. Never shown to users.
  static NodePtr stand_in(const Derived& derived);
  const Uuid& uuid() const { return uuid_; }

  AxisMap child_axis_map() const override { return {}; }
  Name autoname() const override { return std::nullopt; }
  NodePtr remake(NodePtrs, Naming) const override { return NodePtr(this); }

 protected:
  Shape compute_shape() const override { return shape(); }  // given
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs) const override { return new Symbol(shape(), uuid_); }

 private:
  Symbol(Shape shape, Uuid uuid) : Symbol(derived_of_leaf(std::move(shape), false), uuid) {}
  Symbol(Derived derived, Uuid uuid) : Node(kKind, {}), uuid_(uuid) { set_leaf_derived(std::move(derived)); }
  Uuid uuid_;
};

}  // namespace pycircuit
