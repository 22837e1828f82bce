// GeneralFunction rules (spec 10, section 5).
#include <cmath>

#include "rewrite/removable_axes.h"
#include "rewrite/rules.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

bool is_official(const GeneralFunction& function, std::string_view name) {
  return function.spec()->is_official() && function.num_children() == 1 && function.spec()->name() == name;
}

}  // namespace

NodePtr generalfunction_pull_removable_axes(const GeneralFunction& function) {
  if (function.num_children() != 1 || !function.input_batchable(0)) return nullptr;
  const int64_t batch_rank = function.rank() - function.num_non_batchable_output_dims();
  Axes axes = removable_axes(*function.child());
  std::erase_if(axes, [&](int64_t axis) { return axis >= batch_rank; });
  if (axes.empty()) return nullptr;
  Shape sizes;
  for (const int64_t axis : axes) sizes.push_back(function.shape()[axis]);
  return insert_axes(function.remake({remove_axes(function.child(), axes)}, function.name()), axes, sizes);
}

NodePtr generalfunction_merge_inverses(const GeneralFunction& function) {
  if (!is_official(function, "reciprocal")) return nullptr;
  const GeneralFunction* inner = function.child()->as<GeneralFunction>();
  return inner && is_official(*inner, "reciprocal") ? inner->child() : nullptr;
}

NodePtr generalfunction_special_case_simplification(const GeneralFunction& function) {
  const bool softmax = is_official(function, "softmax"), log_softmax = is_official(function, "log_softmax");
  if ((!softmax && !log_softmax && !is_official(function, "last_dim_size")) || function.child()->rank() == 0) return nullptr;
  const Size last = function.child()->shape().back();
  if (is_symbolic(last)) return nullptr;
  if (!softmax && !log_softmax) return Scalar::make(static_cast<double>(last), function.shape(), function.name());
  const Scalar* scalar = function.child()->as<Scalar>();
  if (!scalar || last == 0 || !std::isfinite(scalar->value())) return nullptr;
  const double value = softmax ? 1.0 / static_cast<double>(last) : -std::log(static_cast<double>(last));
  return Scalar::make(value, function.shape(), function.name());
}

NodePtr generalfunction_evaluate_simple(const GeneralFunction& function) {
  // Users' functions are left alone: they are called when the circuit is evaluated, and may compute in a dtype of their own.
  if (!function.spec()->is_official() || function.num_children() != 1 || function.rank() != 0 ||
      function.num_non_batchable_output_dims() != 0)
    return nullptr;
  const Scalar* scalar = function.child()->as<Scalar>();
  if (!scalar || scalar->rank() != 0) return nullptr;
  try {
    const Tensor result = function.spec()->apply({scalar_value(scalar->value(), {})}, {DeviceDtypeOp{}});
    return Scalar::make(double_value(result), {}, function.name());
  } catch (const std::exception&) {
    return nullptr;  // evaluation will report it
  }
}

NodePtr generalfunction_gen_index_const_to_index(const GeneralFunction& function) {
  const auto* spec = dynamic_cast<const GenIndexSpec*>(function.spec().get());
  if (!spec || !spec->batch_x || spec->batch_index) return nullptr;
  const NodePtr& x = function.child(0);
  const Array* positions = function.child(1)->as<Array>();
  if (!positions || positions->rank() != 1) return nullptr;
  const int64_t axis = x->rank() + spec->index_dim;
  const Tensor tensor = to_int64(positions->value());
  for (const int64_t position : int_values(tensor))
    if (position < 0 || position >= x->shape()[axis]) return nullptr;
  IndexElements elements = full_index(x->rank());
  elements[axis] = tensor;
  return Index::make(x, std::move(elements), function.name());
}

}  // namespace pycircuit
