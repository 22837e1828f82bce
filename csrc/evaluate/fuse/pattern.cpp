#include "evaluate/fuse/pattern.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "circuit/nodes/all.h"
#include "tensor/aten.h"
#include "tensor/general_function.h"
#include "tensor/operations.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr size_t kCoverNodes = 96;  // most nodes between a root and its operands

bool has_repeats(const Labels& labels) {
  LabelSet seen;
  for (const Label label : labels) {
    if (seen.test(label)) return true;
    seen.set(label);
  }
  return false;
}

class Flattener {
 public:
  Flattener(const FusionGraph& graph, Sums sums, const NodePtr& stop) : graph_(graph), sums_(sums), stop_(stop) {}

  std::optional<Expression> operator()(const NodePtr& node) {
    out_.rank = static_cast<int>(node->rank());
    out_.sizes = node->shape();
    std::vector<int> axes;
    for (int axis = 0; axis < out_.rank; ++axis) axes.push_back(axis);
    pending_.push_back({node, axes});
    bool top = true;
    for (int steps = 0; !pending_.empty(); ++steps) {
      if (steps > kMaxSteps) return std::nullopt;
      const Factor factor = std::move(pending_.back());
      pending_.pop_back();
      const bool open = top || (graph_.is_private(factor.node) && !(stop_ && same(factor.node, stop_)));
      if (!(open && take_apart(factor))) {
        if (top) return std::nullopt;
        add_factor(factor);
      }
      top = false;
    }
    std::vector<bool> used(out_.sizes.size(), false);
    for (const auto& factor : out_.factors)
      for (const int axis : factor.axes)
        if (axis >= 0) used[axis] = true;
    for (size_t axis = out_.rank; axis < out_.sizes.size(); ++axis)
      if (!used[axis]) out_.coefficient *= static_cast<double>(out_.sizes[axis]);
    return std::move(out_);
  }

 private:
  static constexpr int kMaxSteps = 64;

  int new_axis(Size size) {
    if (size == 1) return -1;
    out_.sizes.push_back(size);
    return static_cast<int>(out_.sizes.size()) - 1;
  }

  // Pushed last to first, so that factors come in order of appearance.
  void push(const NodePtr& child, std::vector<int> axes) {
    const NodePtr& node = below_tags(child);
    for (size_t i = 0; i < axes.size(); ++i)
      if (node->shape()[i] == 1) axes[i] = -1;
    pending_.push_back({node, std::move(axes)});
  }

  bool take_apart(const Factor& factor) {
    if (factor.node->kind() == Kind::Einsum) return take_apart_einsum(*factor.node->as<Einsum>(), factor.axes);
    if (factor.node->kind() == Kind::Rearrange) return take_apart_rearrange(*factor.node->as<Rearrange>(), factor.axes);
    return false;
  }

  bool take_apart_einsum(const Einsum& einsum, const std::vector<int>& axes) {
    if (has_repeats(einsum.out_axes()) || !is_floating_or_open(NodePtr(&einsum)) ||
        std::any_of(einsum.input_labels().begin(), einsum.input_labels().end(), has_repeats))
      return false;
    const EinsumSpec spec = einsum.spec();
    std::unordered_map<int, int> axis_of;
    for (size_t i = 0; i < axes.size(); ++i) axis_of[einsum.out_axes()[i]] = axes[i];
    for (const Label label : einsum.reduced_axes()) {
      if (sums_ == Sums::keep && spec.size_of(label) != 1) return false;
    }
    for (const Label label : einsum.reduced_axes()) axis_of[label] = new_axis(spec.size_of(label));
    for (size_t i = einsum.num_children(); i-- > 0;) {
      if (const auto value = graph_.number(einsum.child(i))) {
        out_.coefficient *= *value;
        continue;
      }
      std::vector<int> child_axes;
      for (const Label label : einsum.input_labels()[i]) child_axes.push_back(axis_of.at(label));
      push(einsum.child(i), std::move(child_axes));
    }
    return true;
  }

  bool take_apart_rearrange(const Rearrange& rearrange, const std::vector<int>& axes) {
    const RearrangeSpec spec = rearrange.conformed_spec();
    const auto small = [](const Labels& group) { return group.size() <= 1; };
    if (!std::all_of(spec.input_ints().begin(), spec.input_ints().end(), small) ||
        !std::all_of(spec.output_ints().begin(), spec.output_ints().end(), small))
      return false;
    std::unordered_map<int, int> axis_of;
    for (size_t i = 0; i < axes.size(); ++i)
      if (!spec.output_ints()[i].empty()) axis_of[spec.output_ints()[i][0]] = axes[i];
    std::vector<int> child_axes;
    for (const auto& group : spec.input_ints()) child_axes.push_back(group.empty() ? -1 : axis_of.at(group[0]));
    push(rearrange.child(), std::move(child_axes));
    return true;
  }

  void add_factor(const Factor& factor) {
    if (const auto value = graph_.number(factor.node)) {
      out_.coefficient *= *value;
    } else {
      out_.factors.push_back(factor);
    }
  }

  const FusionGraph& graph_;
  const Sums sums_;
  const NodePtr stop_;
  Expression out_;
  std::vector<Factor> pending_;
};

// The nodes between root and operands, operands before users, with those whose value is a known number. Nothing where a value comes in that
// is neither.
std::optional<NodePtrs> nodes_between(const NodePtr& root, const NodePtrs& operands, const FusionGraph& graph) {
  std::unordered_set<uint64_t> done = {root->id()};
  for (const auto& operand : operands) done.insert(operand->id());
  NodePtrs order;
  std::vector<std::pair<NodePtr, size_t>> stack = {{root, 0}};
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next == node->num_children() || graph.number(node)) {
      if (!same(node, root)) order.push_back(node);
      stack.pop_back();
      continue;
    }
    const NodePtr child = below_tags(node->child(next++));
    if (!done.insert(child->id()).second) continue;
    if (done.size() > kCoverNodes || !(graph.number(child) || graph.is_computed(child))) return std::nullopt;
    stack.push_back({child, 0});
  }
  return order;
}

// The nodes of a region one after the other, as they would run without it.
class PlainSteps {
 public:
  PlainSteps(const NodePtr& root, const NodePtrs& operands, const NodePtrs& between, const FusionGraph& graph, NodePtrs& indices) {
    std::unordered_map<uint64_t, int> slots;
    for (const auto& operand : operands) slots.emplace(operand->id(), static_cast<int>(slots.size()));
    NodePtrs order = between;
    order.push_back(root);
    for (const auto& node : order) {
      Step step;
      if (const auto number = graph.number(node)) {
        step.kernel = [value = *number, shape = node->shape(), wanted = node->device_dtype()](KernelArgs) {
          return to_device_dtype(scalar_value(value, shape), wanted);
        };
      } else {
        step.kernel = make_kernel(node);
        for (const auto& child : node->children()) step.operands.push_back(slots.at(below_tags(child)->id()));
      }
      if (node->kind() == Kind::Index) {
        step.index = static_cast<int>(indices.size());
        indices.push_back(node);
      }
      slots.emplace(node->id(), static_cast<int>(slots.size()));
      steps_.push_back(std::move(step));
    }
    std::unordered_set<int> kept;
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step)
      for (const int operand : step->operands)
        if (kept.insert(operand).second) step->drops.push_back(operand);
  }

  Tensor operator()(KernelArgs args) const {
    std::vector<Tensor> values = std::move(args.operands);
    values.reserve(values.size() + steps_.size());
    for (const auto& step : steps_) {
      std::vector<Tensor> operands;
      for (const int operand : step.operands) operands.push_back(values[operand]);
      for (const int dropped : step.drops) values[dropped] = Tensor();
      std::vector<const IndexElements*> indices;
      if (step.index >= 0) indices.push_back(args.indices[step.index]);
      values.push_back(step.kernel({std::move(operands), std::move(indices), args.stats}));
    }
    return std::move(values.back());
  }

 private:
  struct Step {
    Kernel kernel;
    std::vector<int> operands;
    std::vector<int> drops;
    int index = -1;
  };
  std::vector<Step> steps_;
};

// The dtype and device that the leading operands share, as far as they are known beforehand.
class Unification {
 public:
  Unification(const NodePtr& root, const NodePtrs& operands, size_t count) : count_(count), wanted_(root->device_dtype()) {
    for (size_t i = 0; i < count; ++i) open_.push_back(!operands[i]->device_dtype().dtype);
  }

  // Converts what was unspecified; false where values do not fit the fused kernel.
  bool operator()(std::vector<at::Tensor>& values) const {
    const bool gradients = at::GradMode::is_enabled();
    const at::Tensor* model = nullptr;
    for (size_t i = 0; i < values.size(); ++i) {
      if (gradients && values[i].requires_grad()) return false;
      if (i < count_ && !model && (!open_[i] || !wanted_.dtype)) model = &values[i];
    }
    if (!model || !model->is_floating_point()) return false;
    const at::ScalarType dtype = model->scalar_type();
    const at::Device device = model->device();
    if (wanted_.dtype && to_scalar_type(*wanted_.dtype) != dtype) return false;
    for (size_t i = 0; i < count_; ++i) {
      if (values[i].scalar_type() == dtype && values[i].device() == device) continue;
      if (!open_[i] || !wanted_.dtype) return false;
      values[i] = values[i].to(device, dtype);
    }
    for (size_t i = count_; i < values.size(); ++i)
      if (!values[i].is_cpu() && values[i].device() != device) return false;
    return true;
  }

 private:
  size_t count_;
  DeviceDtypeOp wanted_;
  std::vector<bool> open_;
};

}  // namespace

std::string_view simple_function_of(const NodePtr& node) {
  const auto* function = node->as<GeneralFunction>();
  if (!function || function->spec()->kind() != FunctionKind::Simple) return {};
  return static_cast<const SimpleSpec&>(*function->spec()).function_name;
}

bool is_floating_or_open(const NodePtr& node) { return !node->device_dtype().dtype || is_floating(*node->device_dtype().dtype); }

bool is_empty(const NodePtr& node) { return std::find(node->shape().begin(), node->shape().end(), 0) != node->shape().end(); }

std::optional<Expression> flatten_product(const NodePtr& node, const FusionGraph& graph, Sums sums, const NodePtr& stop) {
  if (!graph.is_computed(node)) return std::nullopt;
  return Flattener(graph, sums, stop)(below_tags(node));
}

AlignedView::AlignedView(const Factor& factor, const std::vector<int>& order) {
  const auto axis_for = [&](int wanted) { return std::find(factor.axes.begin(), factor.axes.end(), wanted) - factor.axes.begin(); };
  for (const int wanted : order) {
    const auto axis = wanted < 0 ? static_cast<int64_t>(factor.axes.size()) : axis_for(wanted);
    const bool has = axis < static_cast<int64_t>(factor.axes.size());
    if (has) permutation.push_back(axis);
    shape.push_back(has ? factor.node->shape()[axis] : 1);
  }
  for (size_t axis = 0; axis < factor.axes.size(); ++axis)
    if (factor.axes[axis] < 0) permutation.push_back(static_cast<int64_t>(axis));  // size 1: anywhere
  if (std::is_sorted(permutation.begin(), permutation.end())) permutation.clear();
}

at::Tensor AlignedView::operator()(const at::Tensor& value) const {
  const at::Tensor permuted = permutation.empty() ? value : views::permute(value, permutation);
  return permuted.sizes() == at::IntArrayRef(shape) ? permuted : views::reshape(permuted, shape);
}

std::nullopt_t refuse(Refusals* refusals, const NodePtr& node, std::string_view fusion, std::string reason) {
  if (refusals) refusals->push_back({node, std::string(fusion), std::move(reason)});
  return std::nullopt;
}

std::optional<Region> make_region(RegionParts parts, const FusionGraph& graph, Refusals* refusals) {
  const auto between = nodes_between(parts.root, parts.operands, graph);
  if (!between) return refuse(refusals, parts.root, parts.fusion, "a value that the fused kernel does not take is used inside");
  Region region;
  region.fusion = parts.fusion;
  region.root = parts.root;
  region.operands = parts.operands;
  region.workspace_bytes = parts.workspace_bytes;
  std::unordered_set<uint64_t> inside = {parts.root->id()};
  for (auto node = between->rbegin(); node != between->rend(); ++node) {
    if (!graph.is_computed(*node)) continue;
    const NodePtrs& users = graph.users(*node);
    const bool closed = !graph.is_taken(*node) && graph.num_uses(*node) == static_cast<int>(users.size()) &&
                        std::all_of(users.begin(), users.end(), [&](const NodePtr& user) { return inside.contains(user->id()); });
    if (!closed) continue;
    inside.insert((*node)->id());
    region.inner.push_back(*node);
  }
  std::reverse(region.inner.begin(), region.inner.end());
  for (const auto& node : parts.required_inner)
    if (!inside.contains(node->id())) return refuse(refusals, parts.root, parts.fusion, describe(*node) + " is used elsewhere too");
  for (const auto& node : *between)
    if (node->kind() == Kind::Index && !inside.contains(node->id()))
      return refuse(refusals, parts.root, parts.fusion, describe(*node) + " is used elsewhere too");
  region.kernel = [plain = PlainSteps(parts.root, parts.operands, *between, graph, region.indices),
                   unify = Unification(parts.root, parts.operands, parts.num_unified), fused = std::move(parts.kernel),
                   accepts = std::move(parts.accepts)](KernelArgs args) {
    std::vector<at::Tensor> values = to_aten(args.operands);
    if (!unify(values) || (accepts && !accepts(values))) {
      values.clear();
      return plain(std::move(args));
    }
    args.operands.clear();
    return from_aten(fused(values, args.indices));
  };
  return region;
}

}  // namespace pycircuit
