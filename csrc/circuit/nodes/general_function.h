// GeneralFunction: one opaque tensor function of its children (spec 04, section 1).
#pragma once

#include "circuit/node.h"
#include "tensor/general_function.h"

namespace pycircuit {

class GeneralFunction final : public Node {
 public:
  static constexpr Kind kKind = Kind::GeneralFunction;
  static Ref<const GeneralFunction> make(NodePtrs nodes, FunctionSpecPtr spec, Naming naming = {});
  // By the text of a built-in; ConstructUnknownGeneralFunction for an unknown name.
  static Ref<const GeneralFunction> by_name(NodePtrs nodes, std::string_view spec_name, Name name = {});
  static Ref<const GeneralFunction> gen_index(const NodePtr& x, const NodePtr& index, int64_t index_dim, bool batch_x = false,
                                              bool batch_index = true, bool check_index_ints = true, Name name = {});
  static Ref<const GeneralFunction> cast_to(const NodePtr& x, DeviceDtypeOp required, DeviceDtypeOp output, Name name = {});
  const FunctionSpecPtr& spec() const { return spec_; }
  int64_t num_non_batchable_output_dims() const { return info_->num_non_batchable_output_dims; }
  bool input_batchable(size_t i) const { return i < info_->input_batchability.size() && info_->input_batchability[i]; }
  const std::vector<bool>& input_batchability() const { return info_->input_batchability; }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override { return make(std::move(children), spec_, std::move(naming)); }

 protected:
  Shape compute_shape() const override { return info_->shape; }
  DeviceDtypeOp compute_device_dtype() const override;
  void write_fields(IdentityBytes& bytes) const override;
  bool same_payload(const Node& other) const override {
    return spec_->payload_identity() == static_cast<const GeneralFunction&>(other).spec_->payload_identity();
  }
  // The rule of a user function is asked at every construction.
  bool derives_from_derived() const override { return spec_->kind() != FunctionKind::User; }
  Node* clone(NodePtrs children) const override { return new GeneralFunction(std::move(children), spec_, info_); }

 private:
  GeneralFunction(NodePtrs nodes, FunctionSpecPtr spec, Shared<FunctionShapeInfo> info)
      : Node(kKind, std::move(nodes)), spec_(std::move(spec)), info_(std::move(info)) {}
  FunctionSpecPtr spec_;
  Shared<FunctionShapeInfo> info_;
};

}  // namespace pycircuit
