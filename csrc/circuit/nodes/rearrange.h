// Rearrange: splitting, permuting, merging, inserting and repeating axes (spec 03, section 9.1).
#pragma once

#include "circuit/node.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {

class Rearrange final : public Node {
 public:
  static constexpr Kind kKind = Kind::Rearrange;
  static Ref<const Rearrange> make(const NodePtr& node, RearrangeSpec spec, Naming naming = {});
  // Two unnamed nodes: flatten, then unflatten.
  static Ref<const Rearrange> reshape(const NodePtr& node, const Shape& shape);
  const RearrangeSpec& spec() const { return spec_->spec; }
  RearrangeSpec conformed_spec() const { return spec().conform_to_input_shape(child()->shape()); }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(children.at(0), spec_, std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  // Specs that differ only in numbering share one identity, yet each node keeps its spec as given (03, section 2).
  bool same_payload(const Node& other) const override { return spec() == static_cast<const Rearrange&>(other).spec(); }
  Node* clone(NodePtrs children) const override { return new Rearrange(std::move(children), spec_); }

 private:
  struct Fields {
    RearrangeSpec spec;
    std::string identity;  // its bytes, which every look-up takes
  };
  static Ref<const Rearrange> make(const NodePtr& node, Shared<Fields> spec, Naming naming);
  Rearrange(NodePtrs children, Shared<Fields> spec) : Node(kKind, std::move(children)), spec_(std::move(spec)) {}
  Shared<Fields> spec_;
};

}  // namespace pycircuit
