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
  Shape compute_shape() const override { return shape(); }
  void derive(Derived& derived) const override { derived.flags.computable = false; }  // the shape is given
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone() const override { return new Symbol(shape(), uuid_); }

 private:
  Symbol(Shape shape, Uuid uuid) : Node(kKind, {}), uuid_(uuid) { mutable_derived().shape = std::move(shape); }
  Uuid uuid_;
};

}  // namespace pycircuit
