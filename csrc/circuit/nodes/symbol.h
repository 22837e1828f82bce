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
  // Symbols of equal (uuid, name) are "the same symbol with another shape" (08).
  bool same_ident(const Symbol& other) const { return uuid_ == other.uuid_ && name() == other.name(); }

  AxisMap child_axis_map() const override { return {}; }
  Name autoname() const override { return std::nullopt; }
  NodePtr remake(NodePtrs, Naming) const override { return NodePtr(this); }

 protected:
  Shape compute_shape() const override { return symbol_shape_; }
  void adjust_flags(Flags& flags) const override { flags.computable = false; }
  void hash_fields(Blake3& hasher, bool with_children) const override;
  Node* clone() const override { return new Symbol(symbol_shape_, uuid_); }

 private:
  Symbol(Shape shape, Uuid uuid) : Node(kKind, {}), symbol_shape_(std::move(shape)), uuid_(uuid) {}
  Shape symbol_shape_;  // hashed before the shape is derived
  Uuid uuid_;
};

}  // namespace pycircuit
