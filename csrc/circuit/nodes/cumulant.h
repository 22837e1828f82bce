// Cumulant: the joint cumulant of its arguments (spec 01, 9.5; 09, section 2).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class Cumulant final : public Node {
 public:
  static constexpr Kind kKind = Kind::Cumulant;
  static Ref<const Cumulant> make(NodePtrs nodes, Naming naming = {});
  // Arguments sorted, below the Rearrange that restores the given order of axes.
  static NodePtr new_canon_rearrange(const NodePtrs& nodes, Name name = {});
  // Scalar 1, the argument, or zeros. ConstructNoEquivalentExplicitlyComputable where an argument is not constant and computable.
  NodePtr equivalent_explicitly_computable() const;

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(std::move(children), std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void adjust_flags(Flags& flags) const override { flags.constant = true; }
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Cumulant(std::move(children)); }

 private:
  explicit Cumulant(NodePtrs nodes) : Node(kKind, std::move(nodes)) {}
};

}  // namespace pycircuit
