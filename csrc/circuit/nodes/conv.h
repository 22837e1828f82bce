// Conv: cross-correlation over up to three spatial axes, channels last (spec 03, section 15).
#pragma once

#include <utility>

#include "circuit/node.h"

namespace pycircuit {

class Conv final : public Node {
 public:
  static constexpr Kind kKind = Kind::Conv;
  using Padding = std::vector<std::pair<int64_t, int64_t>>;  // before and after, per spatial axis
  static Ref<const Conv> make(const NodePtr& input, const NodePtr& filter, std::vector<int64_t> stride, Padding padding,
                              Naming naming = {});
  const NodePtr& input() const { return child(0); }
  const NodePtr& filter() const { return child(1); }
  const std::vector<int64_t>& stride() const { return stride_; }
  const Padding& padding() const { return padding_; }
  int64_t dims() const { return static_cast<int64_t>(stride_.size()); }
  Shape input_batch_shape() const;

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override {
    return make(children.at(0), children.at(1), stride_, padding_, std::move(naming));
  }

 protected:
  Shape compute_shape() const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Conv(std::move(children), stride_, padding_); }

 private:
  Conv(NodePtrs children, std::vector<int64_t> stride, Padding padding)
      : Node(kKind, std::move(children)), stride_(std::move(stride)), padding_(std::move(padding)) {}
  std::vector<int64_t> stride_;
  Padding padding_;
};

}  // namespace pycircuit
