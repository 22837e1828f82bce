// One kernel per node class; conversions to the unified dtype and device happen here, before the class's own operation.
#include "evaluate/kernel.h"

#include "circuit/nodes/all.h"
#include "tensor/general_function.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

std::vector<DeviceDtypeOp> children_device_dtypes(const Node& node) {
  std::vector<DeviceDtypeOp> parts;
  for (const auto& child : node.children()) parts.push_back(child->device_dtype());
  return parts;
}

// Wraps an operation on unified values.
template <class Operation>
Kernel unified(const NodePtr& node, Operation operation) {
  return [parts = children_device_dtypes(*node), operation = std::move(operation)](KernelArgs args) {
    return operation(unify_values(std::move(args.operands), parts));
  };
}

Kernel general_function_kernel(const NodePtr& node, const GeneralFunction& function) {
  return [shape = node->shape(), spec = function.spec(), parts = children_device_dtypes(*node)](KernelArgs args) {
    if (args.stats && spec->kind() == FunctionKind::User) ++args.stats->python_calls;
    Tensor value = materialised(spec->apply(args.operands, parts));
    if (value.shape() != shape)
      fail(ErrorId::RuntimeError,
           "function " + spec->name() + " returned shape " + to_text(value.shape()) + ", expected " + to_text(shape));
    return value;
  };
}

Kernel cumulant_kernel(const NodePtr& node) {
  if (node->num_children() == 0) return [](KernelArgs) { return scalar_value(1.0, {}); };
  if (node->num_children() == 1) return [](KernelArgs args) { return std::move(args.operands[0]); };
  return unified(node,
                 [shape = node->shape()](std::vector<Tensor> values) { return zeros(shape, {values[0].device(), values[0].dtype()}); });
}

[[noreturn]] void fail_not_computable(const NodePtr& node) {
  fail(ErrorId::TensorEvalNotExplicitlyComputable, describe(*node) + " has no value of its own", circuit_payload(node));
}

}  // namespace

Kernel make_kernel(const NodePtr& node) {
  switch (node->kind()) {
    case Kind::Add:
      return unified(node, [](std::vector<Tensor> values) { return add_values(std::move(values)); });
    case Kind::Einsum:
      return unified(node, [contraction = std::make_shared<const Contraction>(node->as<Einsum>()->spec())](std::vector<Tensor> values) {
        return (*contraction)(std::move(values));
      });
    case Kind::Rearrange:
      return [plan = node->as<Rearrange>()->spec().plan(node->child()->shape())](KernelArgs args) {
        return apply_rearrange(args.operands[0], plan);
      };
    case Kind::Index:
      return [](KernelArgs args) { return apply_index(args.operands[0], *args.indices[0]); };
    case Kind::GeneralFunction:
      return general_function_kernel(node, *node->as<GeneralFunction>());
    case Kind::Concat:
      return unified(node, [axis = node->as<Concat>()->axis()](std::vector<Tensor> values) { return concat_values(values, axis); });
    case Kind::Scatter:
      return [index = node->as<Scatter>()->index(), shape = node->shape()](KernelArgs args) {
        return scatter_value(args.operands[0], index, shape);
      };
    case Kind::Conv:
      return unified(node, [stride = node->as<Conv>()->stride(), padding = node->as<Conv>()->padding()](std::vector<Tensor> values) {
        return conv_values(values[0], values[1], stride, padding);
      });
    case Kind::Cumulant:
      return cumulant_kernel(node);
    case Kind::Tag:
      return [](KernelArgs args) { return std::move(args.operands[0]); };
    case Kind::Array:
    case Kind::Symbol:
    case Kind::Scalar:
    case Kind::Module:
    case Kind::SetSymbolicShape:
    case Kind::DiscreteVar:
    case Kind::StoredCumulantVar:
      fail_not_computable(node);
  }
  fail_not_computable(node);
}

}  // namespace pycircuit
