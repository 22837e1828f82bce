#include "circuit/nodes/general_function.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const GeneralFunction> GeneralFunction::make(NodePtrs nodes, FunctionSpecPtr spec, Naming naming) {
  std::vector<Shape> shapes;
  for (const auto& node : nodes) shapes.push_back(node->shape());
  // The rule of a user function runs at every construction, found or not (04, 12.1).
  FunctionShapeInfo info = with_context([&] { return spec->shape_info(shapes); },
                                        [&] { return "while constructing GeneralFunction " + spec->name() + " of " + describe(nodes); });
  if (info.num_non_batchable_output_dims > static_cast<int64_t>(info.shape.size()))
    fail(ErrorId::ValueError, "GeneralFunction " + spec->name() + " declares " + std::to_string(info.num_non_batchable_output_dims) +
                                  " non-batchable output axes but its output has shape " + to_text(info.shape));
  return cast<GeneralFunction>(finish(new GeneralFunction(std::move(nodes), std::move(spec), Shared(std::move(info))), std::move(naming)));
}

Ref<const GeneralFunction> GeneralFunction::by_name(NodePtrs nodes, std::string_view spec_name, Name name) {
  FunctionSpecPtr spec = builtin_spec_by_name(spec_name);
  if (!spec) {
    std::string known;
    for (const auto& function : simple_function_names()) known += (known.empty() ? "" : ", ") + function;
    fail(ErrorId::ConstructUnknownGeneralFunction,
         "Unknown GeneralFunction name " + std::string(spec_name) + "; simple functions are " + known, std::string(spec_name));
  }
  return make(std::move(nodes), std::move(spec), std::move(name));
}

Ref<const GeneralFunction> GeneralFunction::gen_index(const NodePtr& x, const NodePtr& index, int64_t index_dim, bool batch_x,
                                                      bool batch_index, bool check_index_ints, Name name) {
  auto spec = std::make_shared<GenIndexSpec>();
  spec->index_dim = index_dim;
  spec->batch_x = batch_x;
  spec->batch_index = batch_index;
  spec->check_index_ints = check_index_ints;
  return make({x, index}, std::move(spec), std::move(name));
}

Ref<const GeneralFunction> GeneralFunction::cast_to(const NodePtr& x, DeviceDtypeOp required, DeviceDtypeOp output, Name name) {
  auto spec = std::make_shared<SetDDSpec>();
  spec->input_required_compatibility = required;
  spec->output = output;
  return make({x}, std::move(spec), std::move(name));
}

DeviceDtypeOp GeneralFunction::compute_device_dtype() const {
  std::vector<DeviceDtypeOp> parts;
  for (const auto& child : children()) parts.push_back(child->device_dtype());
  return with_context([&] { return spec_->device_dtype(parts); },
                      [&] { return "while constructing GeneralFunction " + spec_->name() + " of " + describe(children()); });
}

AxisMap GeneralFunction::child_axis_map() const {
  const int batch = static_cast<int>(rank() - info_->num_non_batchable_output_dims);
  AxisMap map;
  for (size_t i = 0; i < num_children(); ++i) {
    auto& axes = map.emplace_back(child(i)->rank());
    if (!input_batchable(i)) continue;
    for (int axis = 0; axis < batch && axis < child(i)->rank(); ++axis) axes[axis] = axis;
  }
  return map;
}

Name GeneralFunction::autoname() const { return function_autoname(*this, spec_->name(), true); }

void GeneralFunction::write_fields(IdentityBytes& bytes) const {
  bytes.add(spec_->identity_hash());
  bytes.add_children(children());
}

}  // namespace pycircuit
