// DiscreteVar: a random row of its values (spec 01, 9.3).
#pragma once

#include "circuit/node.h"

namespace pycircuit {

class DiscreteVar final : public Node {
 public:
  static constexpr Kind kKind = Kind::DiscreteVar;
  static Ref<const DiscreteVar> make(const NodePtr& values, const NodePtr& probs_and_group, Naming naming = {});
  // A new group: a Tag with random UUID on Scalar(1/size, (size,)).
  static NodePtr uniform_probs_and_group(int64_t size, Name name = {});
  // A new group of the values' length. ConstructDiscreteVarNoSamplesDim for rank 0.
  static Ref<const DiscreteVar> new_uniform(const NodePtr& values, Name name = {});
  const NodePtr& values() const { return child(0); }
  const NodePtr& probs_and_group() const { return child(1); }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), children.at(1), std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void adjust_flags(Flags& flags) const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new DiscreteVar(std::move(children)); }

 private:
  explicit DiscreteVar(NodePtrs children) : Node(kKind, std::move(children)) {}
};

}  // namespace pycircuit
