// Einsum: sums of products over labelled axes (spec 03, section 11).
#pragma once

#include <utility>

#include "circuit/node.h"
#include "shape/einsum_spec.h"

namespace pycircuit {

class Einsum final : public Node {
 public:
  static constexpr Kind kKind = Kind::Einsum;
  // One label list per node. ConstructEinsumWrongNumChildren where the counts differ; the checks of section 11.
  static Ref<const Einsum> make(NodePtrs nodes, std::vector<Labels> input_labels, Labels out_axes, Naming naming = {});
  static Ref<const Einsum> from_string(std::string_view text, NodePtrs nodes, Name name = {});
  static Ref<const Einsum> from_fancy_string(std::string_view text, NodePtrs nodes, Name name = {});
  static Ref<const Einsum> elementwise_broadcasted(NodePtrs nodes, Name name = {});
  static Ref<const Einsum> scalar_mul(const NodePtr& node, double scalar, Name name = {}, Name scalar_name = {});
  static Ref<const Einsum> identity(const NodePtr& node, Name name = {});
  // `permutation`, if given, lists which label stands at each output axis.
  static Ref<const Einsum> outer_product(NodePtrs nodes, Name name = {}, const std::optional<std::vector<int64_t>>& permutation = {});

  const std::vector<Labels>& input_labels() const { return labels_->inputs; }
  const Labels& out_axes() const { return labels_->output; }
  const EinsumLabels& labels() const { return *labels_; }
  Labels reduced_axes() const;  // ascending
  int64_t next_axis() const;    // largest operand label + 1, 0 if there is none
  EinsumSpec spec() const;
  Ref<const Einsum> normalize_ints() const;  // labels by first appearance over operands

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(std::move(children), labels_, std::move(naming)); }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Einsum(std::move(children), labels_); }

 private:
  static Ref<const Einsum> make(NodePtrs nodes, Shared<EinsumLabels> labels, Naming naming);
  Einsum(NodePtrs nodes, Shared<EinsumLabels> labels) : Node(kKind, std::move(nodes)), labels_(std::move(labels)) {}
  Shared<EinsumLabels> labels_;
};

// Labels 0 .. rank-1.
Labels iota_labels(int64_t rank);

}  // namespace pycircuit
