// Chains and small trees of elementwise nodes as one pass over memory (spec 12, section 5): sums with broadcasting, products without sums,
// unary functions and powers, with the unit axes, permutations and repeats between them. Each inner node has the size of the root and no
// user outside. On the CPU in float32, float16 and bfloat16 one kernel computes them, each sum in its order; it writes over an operand that
// dies here. Elsewhere the nodes run as written.
#include "kernels/elementwise.h"

#include <algorithm>
#include <map>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/kernel_call.h"
#include "evaluate/fuse/pattern.h"
#include "evaluate/fuse/recognisers.h"
#include "tensor/aten.h"
#include "tensor/general_function.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

using kernels::ElementwiseInstruction;
using kernels::ElementwiseOp;

constexpr std::string_view kName = "elementwise";
constexpr size_t kMaxNodes = 64;

std::optional<ElementwiseOp> op_of(std::string_view function) {
  static const auto& table = *new std::map<std::string_view, ElementwiseOp>{
      {"sin", ElementwiseOp::sin},
      {"cos", ElementwiseOp::cos},
      {"sigmoid", ElementwiseOp::sigmoid},
      {"tanh", ElementwiseOp::tanh},
      {"rsqrt", ElementwiseOp::rsqrt},
      {"gelu", ElementwiseOp::gelu},
      {"gelu_new", ElementwiseOp::gelu_new},
      {"relu", ElementwiseOp::relu},
      {"step", ElementwiseOp::step},
      {"reciprocal", ElementwiseOp::reciprocal},
      {"log_exp_p_1", ElementwiseOp::log_exp_p_1},
      {"gaussian_pdf", ElementwiseOp::gaussian_pdf},
      {"gaussian_cdf", ElementwiseOp::gaussian_cdf},
      {"abs", ElementwiseOp::abs},
      {"exp", ElementwiseOp::exp},
      {"log", ElementwiseOp::log},
      {"logit", ElementwiseOp::logit},
  };
  const auto found = table.find(function);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

bool has_repeats(Labels labels) {
  std::sort(labels.begin(), labels.end());
  return std::adjacent_find(labels.begin(), labels.end()) != labels.end();
}

bool is_broadcast_product(const Einsum& einsum) {
  const EinsumSpec spec = einsum.spec();
  for (const Label label : einsum.reduced_axes())
    if (spec.size_of(label) != 1) return false;
  return einsum.num_children() > 0 && !has_repeats(einsum.out_axes()) &&
         std::none_of(einsum.input_labels().begin(), einsum.input_labels().end(), has_repeats);
}

bool is_simple_view(const Rearrange& rearrange) {
  const RearrangeSpec spec = rearrange.conformed_spec();
  const auto small = [](const Labels& group) { return group.size() <= 1; };
  return std::all_of(spec.input_ints().begin(), spec.input_ints().end(), small) &&
         std::all_of(spec.output_ints().begin(), spec.output_ints().end(), small);
}

// Operations of the kernel that the node stands for; 0 for a view, nothing for a node of another kind.
std::optional<int> num_operations(const NodePtr& node) {
  const int children = static_cast<int>(node->num_children());
  switch (node->kind()) {
    case Kind::Add:
      return children < 2 ? std::nullopt : std::optional(children - 1);
    case Kind::Einsum:
      return is_broadcast_product(*node->as<Einsum>()) ? std::optional(children - 1) : std::nullopt;
    case Kind::Rearrange:
      return is_simple_view(*node->as<Rearrange>()) ? std::optional(0) : std::nullopt;
    case Kind::GeneralFunction:
      if (node->as<GeneralFunction>()->spec()->kind() == FunctionKind::Pow) return 1;
      return op_of(simple_function_of(node)) ? std::optional(1) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// An operand of the kernel: which value, and which of the value's axes runs along each axis of the root (-1: none).
struct Load {
  int operand;
  std::vector<int> axes;
  bool aligned = false;  // the value has the root's shape, axis by axis, and is loaded this once: the result may be written over it
};

struct Elementwise {
  std::vector<ElementwiseInstruction> instructions;
  std::vector<Load> loads;
  Shape shape;
};

at::Tensor run(const Elementwise& program, std::vector<at::Tensor>& values) {
  kernels::ElementwiseOperand operands[kernels::kMaxElementwiseInstructions];
  kernels::ElementwiseProblem problem;
  problem.instructions = program.instructions.data();
  problem.num_instructions = static_cast<int32_t>(program.instructions.size());
  problem.operands = operands;
  problem.num_operands = static_cast<int32_t>(program.loads.size());
  problem.num_axes = static_cast<int32_t>(program.shape.size());
  std::copy(program.shape.begin(), program.shape.end(), problem.sizes);
  at::Tensor result;
  for (size_t k = 0; k < program.loads.size(); ++k) {
    const Load& load = program.loads[k];
    const at::Tensor& value = values[load.operand];
    operands[k].element = kernel_element(value);
    operands[k].data = value.const_data_ptr();
    for (size_t axis = 0; axis < load.axes.size(); ++axis)
      operands[k].strides[axis] = load.axes[axis] < 0 ? 0 : value.stride(load.axes[axis]);
    if (!result.defined() && load.aligned && is_owned(value)) result = value;
  }
  if (!result.defined()) result = views::empty(program.shape, values[0]);
  problem.result_element = kernel_element(result);
  problem.result = result.data_ptr();
  std::copy(result.strides().begin(), result.strides().end(), problem.result_strides);
  kernels::elementwise(problem, kernel_parallel_for);
  return result;
}

class ElementwiseMatch {
 public:
  ElementwiseMatch(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) : root_(root), graph_(graph), refusals_(refusals) {}

  std::optional<Region> operator()() {
    grow();
    int operations = 0;
    for (const auto& [id, count] : inside_) operations += count;
    if (operations < 2) return std::nullopt;
    std::vector<int> axes;
    for (int axis = 0; axis < root_->rank(); ++axis) axes.push_back(root_->shape()[axis] == 1 ? -1 : axis);
    program_.shape = root_->shape();
    if (!emit(root_, axes)) return std::nullopt;
    if (!supported()) return refuse(refusals_, root_, kName, "it has more axes, operations or intermediates than the kernel takes");
    RegionParts parts{kName, root_, operands_, operands_.size(), {}, {}, 0, {}};
    parts.accepts = [](const std::vector<at::Tensor>& values) { return values[0].is_cpu() && has_kernel_element(values[0]); };
    parts.kernel = [program = program_](std::vector<at::Tensor>& values, const auto&) { return run(program, values); };
    return make_region(std::move(parts), graph_, refusals_);
  }

 private:
  // Takes in every node below whose users are all inside; one with several users is looked at from each of them.
  void grow() {
    inside_[root_->id()] = *num_operations(root_);
    NodePtrs border = {root_};
    for (size_t i = 0; i < border.size() && inside_.size() < kMaxNodes; ++i) {
      for (const auto& child : border[i]->children()) {
        const NodePtr& node = below_tags(child);
        if (inside_.contains(node->id()) || !may_disappear(node)) continue;
        inside_[node->id()] = *num_operations(node);
        border.push_back(node);
      }
    }
  }

  bool may_disappear(const NodePtr& node) const {
    if (!graph_.is_computed(node) || graph_.is_taken(node) || graph_.number(node) || !num_operations(node)) return false;
    if (numel_saturating(node->shape()) != numel_saturating(root_->shape())) return false;
    if (node->device_dtype().dtype != root_->device_dtype().dtype) return false;
    const NodePtrs& users = graph_.users(node);
    return graph_.num_uses(node) == static_cast<int>(users.size()) &&
           std::all_of(users.begin(), users.end(), [&](const NodePtr& user) { return inside_.contains(user->id()); });
  }

  // The number of the value that holds the node, whose axes run along these axes of the root; nothing where it cannot be written.
  std::optional<int> emit(const NodePtr& tagged, const std::vector<int>& axes) {
    const NodePtr& node = below_tags(tagged);
    if (const auto number = graph_.number(node)) return push({ElementwiseOp::constant, -1, -1, static_cast<float>(*number)});
    if (const auto done = values_.find({node->id(), axes}); done != values_.end()) return done->second;
    const auto value = inside_.contains(node->id()) ? emit_inside(node, axes) : emit_load(node, axes);
    if (value) values_[{node->id(), axes}] = *value;
    return value;
  }

  std::optional<int> emit_inside(const NodePtr& node, const std::vector<int>& axes) {
    switch (node->kind()) {
      case Kind::Add:
        return emit_fold(ElementwiseOp::add, node, axes);
      case Kind::Einsum:
        return emit_product(*node->as<Einsum>(), axes);
      case Kind::Rearrange: {
        const RearrangeSpec spec = node->as<Rearrange>()->conformed_spec();
        std::map<int, int> axis_of;
        for (size_t i = 0; i < axes.size(); ++i)
          if (!spec.output_ints()[i].empty()) axis_of[spec.output_ints()[i][0]] = axes[i];
        std::vector<int> child;
        for (size_t i = 0; i < spec.input_ints().size(); ++i)
          child.push_back(node->child()->shape()[i] == 1 ? -1 : axis_of.at(spec.input_ints()[i][0]));
        return emit(node->child(), child);
      }
      default:
        break;
    }
    const auto unary = op_of(simple_function_of(node));
    if (!unary) return emit_fold(ElementwiseOp::pow, node, axes);
    const auto value = emit(node->child(), axes);
    return value ? push({*unary, *value, -1, 0.0f}) : value;
  }

  // ((c_1 op c_2) op c_3) ..., broadcast.
  std::optional<int> emit_fold(ElementwiseOp op, const NodePtr& node, const std::vector<int>& axes) {
    std::optional<int> folded;
    for (const auto& child : node->children()) {
      std::vector<int> own(axes.end() - child->rank(), axes.end());
      for (size_t i = 0; i < own.size(); ++i)
        if (child->shape()[i] == 1) own[i] = -1;
      const auto value = emit(child, own);
      if (!value) return value;
      folded = folded ? push({op, *folded, *value, 0.0f}) : value;
    }
    return folded;
  }

  std::optional<int> emit_product(const Einsum& einsum, const std::vector<int>& axes) {
    std::map<Label, int> axis_of;
    for (size_t i = 0; i < axes.size(); ++i) axis_of[einsum.out_axes()[i]] = axes[i];
    double factor = 1.0;
    std::optional<int> product;
    for (size_t i = 0; i < einsum.num_children(); ++i) {
      if (const auto number = graph_.number(einsum.child(i))) {
        factor *= *number;
        continue;
      }
      std::vector<int> own;
      for (size_t k = 0; k < einsum.input_labels()[i].size(); ++k)
        own.push_back(einsum.child(i)->shape()[k] == 1 ? -1 : axis_of.at(einsum.input_labels()[i][k]));
      const auto value = emit(einsum.child(i), own);
      if (!value) return value;
      product = product ? push({ElementwiseOp::multiply, *product, *value, 0.0f}) : value;
    }
    if (product && factor == 1.0) return product;
    const int constant = push({ElementwiseOp::constant, -1, -1, static_cast<float>(factor)});
    return product ? push({ElementwiseOp::multiply, *product, constant, 0.0f}) : constant;
  }

  std::optional<int> emit_load(const NodePtr& node, const std::vector<int>& axes) {
    if (!is_floating_or_open(node)) return std::nullopt;
    auto operand = std::find_if(operands_.begin(), operands_.end(), [&](const NodePtr& other) { return same(other, node); });
    if (operand == operands_.end()) operand = operands_.insert(operands_.end(), node);
    Load load{static_cast<int>(operand - operands_.begin()), std::vector<int>(program_.shape.size(), -1)};
    for (size_t axis = 0; axis < axes.size(); ++axis)
      if (axes[axis] >= 0) load.axes[axes[axis]] = static_cast<int>(axis);
    load.aligned = node->shape() == program_.shape;
    for (size_t axis = 0; axis < axes.size(); ++axis) load.aligned &= axes[axis] < 0 || axes[axis] == static_cast<int>(axis);
    for (auto& other : program_.loads)
      if (other.operand == load.operand) other.aligned = load.aligned = false;
    program_.loads.push_back(std::move(load));
    return push({ElementwiseOp::load, static_cast<int32_t>(program_.loads.size() - 1), -1, 0.0f});
  }

  int push(ElementwiseInstruction instruction) {
    program_.instructions.push_back(instruction);
    return static_cast<int>(program_.instructions.size()) - 1;
  }

  bool supported() const {
    if (program_.shape.size() > kernels::kMaxElementwiseAxes) return false;
    // Operands that the kernel must convert take most of its registers: what it does with these it does with all.
    std::vector<kernels::ElementwiseOperand> operands(program_.loads.size());
    for (auto& operand : operands) operand.element = kernels::Element::bfloat16;
    kernels::ElementwiseProblem problem;
    problem.instructions = program_.instructions.data();
    problem.num_instructions = static_cast<int32_t>(program_.instructions.size());
    problem.operands = operands.data();
    problem.num_operands = static_cast<int32_t>(program_.loads.size());
    problem.num_axes = static_cast<int32_t>(program_.shape.size());
    std::copy(program_.shape.begin(), program_.shape.end(), problem.sizes);
    return !operands_.empty() && kernels::elementwise_supports(problem);
  }

  const NodePtr root_;
  const FusionGraph& graph_;
  Refusals* refusals_;
  std::map<uint64_t, int> inside_;  // operations by node id
  std::map<std::pair<uint64_t, std::vector<int>>, int> values_;
  NodePtrs operands_;
  Elementwise program_;
};

}  // namespace

bool is_elementwise(const NodePtr& node) {
  const DeviceDtypeOp& made = node->device_dtype();
  const bool on_cpu = !made.device || made.device->is_cpu();
  const bool fits = !made.dtype || (is_floating(*made.dtype) && *made.dtype != DType::float64);
  return on_cpu && fits && node->kind() != Kind::Rearrange && !is_empty(node) && num_operations(node);
}

std::optional<Region> recognise_elementwise(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  if (!is_elementwise(root)) return std::nullopt;
  return ElementwiseMatch(root, graph, refusals)();
}

}  // namespace pycircuit
