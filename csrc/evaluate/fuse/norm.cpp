// Layer norm and root-mean-square norm (spec 12, section 5; the form of 14, section 3.1): (x - mean(x)) * rsqrt(mean((x - mean(x))^2) +
// eps), or x * rsqrt(mean(x^2) + eps), over the last axis, with or without scale and bias. The factors may stand in nested or flat Einsums,
// the constants anywhere. What is left over (factors along other axes, other summands) is applied in place to the result.
#include "kernels/norm.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/rms_norm.h>

#include <algorithm>
#include <cmath>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/kernel_call.h"
#include "evaluate/fuse/pattern.h"
#include "evaluate/fuse/recognisers.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr std::string_view kName = "norm";

// Constants are numbers of the node's dtype: 1/3 in float16 is not 1/3.
bool close(double a, double b, const NodePtr& node) {
  const DType dtype = node->device_dtype().filled().dtype;
  const double unit = dtype == DType::bfloat16 ? 1e-2 : dtype == DType::float16 ? 1.2e-3 : 1e-6;
  return std::abs(a - b) <= unit * std::abs(b);
}

// rsqrt(eps + 1/H sum_h c^2), with c's axes by those of the rsqrt.
struct InverseDeviation {
  NodePtr centered;       // c
  std::vector<int> axes;  // per axis of c that of the rsqrt; -1 where its size is 1; `rank` for the axis summed over
  double eps = 0.0;
};

std::optional<InverseDeviation> match_inverse_deviation(const NodePtr& rsqrt, const FusionGraph& graph) {
  if (simple_function_of(rsqrt) != "rsqrt") return std::nullopt;
  InverseDeviation out;
  NodePtr variance = below_tags(rsqrt->child());
  if (variance->kind() == Kind::Add && variance->num_children() == 2) {
    for (const size_t i : {0, 1})
      if (const auto eps = graph.number(variance->child(i)); eps && variance->child(1 - i)->shape() == variance->shape()) {
        out.eps = *eps;
        variance = below_tags(variance->child(1 - i));
        break;
      }
  }
  const auto square = flatten_product(variance, graph, Sums::expand);
  if (!square || square->factors.size() != 2) return std::nullopt;
  const auto& [first, second] = std::tie(square->factors[0], square->factors[1]);
  if (!same(first.node, second.node) || first.axes != second.axes) return std::nullopt;
  if (static_cast<int>(square->sizes.size()) != square->rank + 1) return std::nullopt;  // one axis is summed over
  if (!close(square->coefficient * static_cast<double>(square->sizes.back()), 1.0, rsqrt)) return std::nullopt;
  out.centered = first.node;
  out.axes = first.axes;
  return out;
}

// x where the node is x - mean(x) over its last axis.
NodePtr match_centered(const NodePtr& node, const FusionGraph& graph) {
  if (node->kind() != Kind::Add || node->num_children() != 2) return {};
  for (const size_t i : {0, 1}) {
    const NodePtr x = below_tags(node->child(i)), negative_mean = below_tags(node->child(1 - i));
    if (x->shape() != node->shape()) continue;
    const auto mean = flatten_product(negative_mean, graph, Sums::expand, x);
    if (!mean || mean->factors.size() != 1 || !same(mean->factors[0].node, x)) continue;
    const std::vector<int>& axes = mean->factors[0].axes;
    // Aligned at the right; the last axis is summed over, and the mean has size 1 there or nothing.
    const int offset = static_cast<int>(node->rank()) - mean->rank, last = static_cast<int>(node->rank()) - 1;
    bool fits = axes[last] == mean->rank && static_cast<int>(mean->sizes.size()) == mean->rank + 1 &&
                close(mean->coefficient * static_cast<double>(x->shape().back()), -1.0, node);
    for (int axis = 0; axis < last; ++axis) fits &= axes[axis] == -1 || axes[axis] + offset == axis;
    fits &= mean->rank == 0 || (mean->rank - 1 + offset == last && mean->sizes[mean->rank - 1] == 1);
    if (fits) return x;
  }
  return {};
}

// A factor or summand applied to the result in place.
struct Leftover {
  AlignedView view;
  bool adds;
};

at::Tensor root_mean_square_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const int64_t size = x.size(-1);
  if (!x.is_cpu()) return at::rms_norm(x, {size}, weight.defined() ? std::optional<at::Tensor>(weight) : std::nullopt, eps);
  const bool half = x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
  at::Tensor scale = at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true, half ? std::optional(at::kFloat) : std::nullopt);
  scale.square_().mul_(1.0 / static_cast<double>(size)).add_(eps).rsqrt_();
  at::Tensor out = x.mul(scale);
  if (weight.defined()) out.mul_(weight);
  return half ? out.to(x.scalar_type()) : out;
}

// For float32 on CPU, where our kernel is faster than torch's.
at::Tensor norm_of_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps, bool centers) {
  const int64_t size = x.size(-1);
  const at::Tensor rows = x.contiguous();
  const at::Tensor scale = weight.defined() ? weight.contiguous() : weight, shift = bias.defined() ? bias.contiguous() : bias;
  at::Tensor out = views::empty(x.sizes(), x);
  kernels::NormRows problem;
  problem.x = rows.data_ptr<float>();
  problem.rows = rows.numel() / size;
  problem.columns = problem.row_stride = problem.result_row_stride = size;
  problem.centered = centers;
  problem.eps = static_cast<float>(eps);
  problem.scale = scale.defined() ? scale.data_ptr<float>() : nullptr;
  problem.bias = shift.defined() ? shift.data_ptr<float>() : nullptr;
  problem.result = out.data_ptr<float>();
  kernels::norm(problem, kernel_parallel_for);
  return out;
}

class NormMatch {
 public:
  NormMatch(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) : root_(root), graph_(graph), refusals_(refusals) {}

  std::optional<Region> operator()() {
    if (root_->kind() != Kind::Add) return match_product(root_, {});
    if (root_->num_children() != 2) return std::nullopt;
    for (const size_t i : {1, 0}) {
      const NodePtr product = below_tags(root_->child(i)), bias = below_tags(root_->child(1 - i));
      if (product->kind() != Kind::Einsum || product->shape() != root_->shape() || !graph_.is_private(product)) continue;
      if (auto region = match_product(product, bias)) return region;
    }
    return std::nullopt;
  }

 private:
  std::optional<Region> match_product(const NodePtr& product, const NodePtr& bias) {
    if (product->kind() != Kind::Einsum) return std::nullopt;
    auto expression = flatten_product(product, graph_, Sums::keep);
    if (!expression || expression->factors.size() < 2) return std::nullopt;
    for (size_t i = 0; i < expression->factors.size(); ++i)
      if (const auto deviation = match_inverse_deviation(expression->factors[i].node, graph_))
        for (size_t j = 0; j < expression->factors.size(); ++j)
          if (j != i && is_normalised(*expression, expression->factors[j], expression->factors[i], *deviation)) {
            if (const NodePtr x = match_centered(deviation->centered, graph_))
              if (auto region = make(product, bias, *expression, i, j, *deviation, x)) return region;
            return make(product, bias, *expression, i, j, *deviation, {});
          }
    return std::nullopt;
  }

  // Whether the factor is c, aligned with its own deviation, the last axis of c being normalised.
  bool is_normalised(const Expression& expression, const Factor& factor, const Factor& rsqrt, const InverseDeviation& deviation) const {
    if (!same(factor.node, deviation.centered) || is_empty(factor.node)) return false;
    const auto rank = static_cast<int>(rsqrt.axes.size());
    for (size_t axis = 0; axis < factor.axes.size(); ++axis) {
      const bool summed = deviation.axes[axis] == rank;
      if (summed != (axis + 1 == factor.axes.size())) return false;
      if (!summed && factor.axes[axis] != (deviation.axes[axis] < 0 ? -1 : rsqrt.axes[deviation.axes[axis]])) return false;
    }
    // The rsqrt must not run along the normalised axis, and c must have every axis of the product.
    const std::vector<int>& mine = factor.axes;
    for (int axis = 0; axis < expression.rank; ++axis)
      if (expression.sizes[axis] != 1 && std::find(mine.begin(), mine.end(), axis) == mine.end()) return false;
    return std::find(rsqrt.axes.begin(), rsqrt.axes.end(), mine.back()) == rsqrt.axes.end();
  }

  // With `x`, whose centered value is the deviation's, a layer norm; else a root-mean-square norm.
  std::optional<Region> make(const NodePtr& product, const NodePtr& bias, const Expression& expression, size_t rsqrt, size_t centered,
                             const InverseDeviation& deviation, const NodePtr& x) {
    const Factor& body = expression.factors[centered];
    RegionParts parts{kName, root_, {x ? x : deviation.centered}, 0, {expression.factors[rsqrt].node}, {}, 0};
    if (x) parts.required_inner.push_back(deviation.centered);
    if (bias) parts.required_inner.push_back(product);

    // The result has c's axes until the end.
    const std::vector<int>& order = body.axes;
    std::vector<Leftover> leftovers;
    bool has_weight = false, has_bias = false;
    for (size_t i = 0; i < expression.factors.size(); ++i) {
      if (i == rsqrt || i == centered) continue;
      const Factor& factor = expression.factors[i];
      if (contains(parts.operands, factor.node)) return std::nullopt;  // cubes and the like
      const bool vector = is_vector_along(factor, order.back());
      if (vector && !has_weight && leftovers.empty()) {
        has_weight = true;
      } else {
        leftovers.push_back({AlignedView(factor, order), false});
      }
      parts.operands.push_back(factor.node);
    }
    const bool scaled = std::abs(expression.coefficient - 1.0) > 1e-12;
    if (bias) {
      if (contains(parts.operands, bias)) return std::nullopt;
      Factor factor{bias, {}};
      for (int64_t axis = 0; axis < bias->rank(); ++axis)
        factor.axes.push_back(bias->shape()[axis] == 1 ? -1 : static_cast<int>(root_->rank() - bias->rank() + axis));
      if (is_vector_along(factor, order.back()) && leftovers.empty() && !scaled) {
        has_bias = true;
      } else {
        leftovers.push_back({AlignedView(factor, order), true});
      }
      parts.operands.push_back(bias);
    }
    parts.num_unified = parts.operands.size();

    const AlignedView to_root(Factor{deviation.centered, order}, root_axes());
    parts.kernel = [centers = static_cast<bool>(x), eps = deviation.eps, has_weight, has_bias, leftovers, to_root,
                    coefficient = scaled ? expression.coefficient : 1.0](std::vector<at::Tensor>& values, const auto&) {
      const int64_t size = values[0].size(-1);
      size_t next = 1;
      const at::Tensor weight = has_weight ? views::reshape(values[next++], {size}) : at::Tensor();
      const size_t first_leftover = next;
      const at::Tensor vector_bias = has_bias ? views::reshape(values.back(), {size}) : at::Tensor();
      at::Tensor out;
      if (values[0].is_cpu() && values[0].scalar_type() == at::kFloat) {
        out = norm_of_rows(values[0], weight, vector_bias, eps, centers);
      } else if (centers) {
        out = std::get<0>(at::native_layer_norm(values[0], at::IntArrayRef{size}, weight, vector_bias, eps));
      } else {
        out = root_mean_square_norm(values[0], weight, eps);
        if (has_bias) out.add_(vector_bias);
      }
      values[0].reset();
      // Factors come before the summand.
      for (size_t i = 0; i < leftovers.size() && !leftovers[i].adds; ++i) out.mul_(leftovers[i].view(values[first_leftover + i]));
      if (coefficient != 1.0) out.mul_(coefficient);
      if (!leftovers.empty() && leftovers.back().adds) out.add_(leftovers.back().view(values[first_leftover + leftovers.size() - 1]));
      return to_root(out);
    };
    return make_region(std::move(parts), graph_, refusals_);
  }

  static bool contains(const NodePtrs& nodes, const NodePtr& node) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const NodePtr& other) { return same(other, node); });
  }

  bool is_vector_along(const Factor& factor, int axis) const {
    return std::count(factor.axes.begin(), factor.axes.end(), axis) == 1 &&
           std::count(factor.axes.begin(), factor.axes.end(), -1) == static_cast<int64_t>(factor.axes.size()) - 1;
  }

  std::vector<int> root_axes() const {
    std::vector<int> axes;
    for (int axis = 0; axis < root_->rank(); ++axis) axes.push_back(root_->shape()[axis] == 1 ? -1 : axis);
    return axes;
  }

  const NodePtr root_;
  const FusionGraph& graph_;
  Refusals* refusals_;
};

}  // namespace

std::optional<Region> recognise_norm(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  if ((root->kind() != Kind::Add && root->kind() != Kind::Einsum) || root->rank() == 0 || is_empty(root)) return std::nullopt;
  return NormMatch(root, graph, refusals)();
}

}  // namespace pycircuit
