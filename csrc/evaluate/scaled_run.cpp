#include "evaluate/scaled_run.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/div.h>
#include <ATen/ops/mean.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/interrupt.h"
#include "circuit/nodes/all.h"
#include "evaluate/memory_count.h"
#include "tensor/aten.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

// The value t / scale.
struct Scaled {
  Tensor t;
  double scale = 1.0;
};

bool is_scalable(const Tensor& tensor) { return is_floating(tensor.dtype()); }

// Through float64: the factor may lie outside the range of the dtype.
Tensor divided(const Tensor& tensor, double divisor) {
  if (divisor == 1.0) return tensor;
  const at::Tensor value = to_aten(tensor);
  return from_aten(at::div(value.to(at::kDouble), divisor).to(value.scalar_type()));
}

double mean_magnitude(const Tensor& tensor) { return at::mean(at::abs(to_aten(tensor).detach().to(at::kDouble))).item<double>(); }

double largest_magnitude(const Tensor& tensor) {
  const at::Tensor value = to_aten(tensor).detach();
  return value.numel() == 0 ? 0.0 : at::abs(value.to(at::kDouble)).max().item<double>();
}

double largest_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 65504.0;
    case DType::float32:
    case DType::bfloat16:
      return 3.38e38;
    default:
      return std::numeric_limits<double>::max();
  }
}

class ScaledRunner {
 public:
  ScaledRunner(const Program& program, const Lowered& lowered, const OptimizationSettings& settings, RunStats* stats)
      : program_(program), lowered_(lowered), min_(settings.numerical_scale_min), max_(settings.numerical_scale_max), stats_(stats) {}

  std::vector<Tensor> operator()(std::vector<Tensor> leaves) {
    values_.resize(static_cast<size_t>(lowered_.num_slots()));
    for (size_t i = 0; i < leaves.size(); ++i) {
      const auto* scalar = lowered_.leaves[i]->as<Scalar>();
      values_[i] = scalar ? scaled_scalar(*scalar) : normalised({std::move(leaves[i]), 1.0});
    }
    count_uses();
    for (const auto& planned : program_.plan) {
      poll_interrupt();
      compute(planned);
    }
    std::vector<Tensor> outputs;
    for (size_t i = 0; i < lowered_.outputs.size(); ++i)
      outputs.push_back(to_device_dtype(unscaled(values_[lowered_.outputs[i]]), lowered_.circuits[i]->device_dtype()));
    return outputs;
  }

 private:
  bool outside(double magnitude) const { return magnitude != 0.0 && std::isfinite(magnitude) && (magnitude < min_ || magnitude > max_); }

  Scaled normalised(Scaled value) const {
    if (!is_scalable(value.t) || value.t.numel() == 0) return value;
    const double mean = mean_magnitude(value.t);
    return outside(mean) ? Scaled{divided(value.t, mean), value.scale / mean} : value;
  }

  Scaled scaled_scalar(const Scalar& scalar) const {
    const double value = scalar.value();
    if (!outside(std::abs(value))) return {scalar_value(value, scalar.shape()), 1.0};
    return {scalar_value(std::copysign(1.0, value), scalar.shape()), 1.0 / std::abs(value)};
  }

  static Tensor unscaled(const Scaled& value) { return divided(value.t, value.scale); }

  void count_uses() {
    uses_.assign(static_cast<size_t>(lowered_.num_slots()), 0);
    for (const auto& planned : program_.plan)
      for (const int operand : planned.operands) ++uses_[operand];
    for (const int output : lowered_.outputs) ++uses_[output];
  }

  void compute(const PlannedNode& planned) {
    const NodePtr& node = lowered_.node(planned.slot);
    std::vector<Scaled> operands;
    for (const int operand : planned.operands) {
      operands.push_back(values_[operand]);
      if (--uses_[operand] == 0) values_[operand] = {};
    }
    with_context([&] { values_[planned.slot] = value_of(node, std::move(operands)); },
                 [&] { return "while computing " + describe(*node); });
    check_device_dtype(*node, values_[planned.slot].t);
  }

  Scaled value_of(const NodePtr& node, std::vector<Scaled> operands) const {
    const auto& dtype = node->device_dtype().dtype;
    if (dtype && !is_floating(*dtype)) return plain(node, std::move(operands));
    switch (node->kind()) {
      case Kind::Einsum:
      case Kind::Conv: {
        double scale = 1.0;
        for (auto& operand : operands) {
          operand = normalised(std::move(operand));
          scale *= operand.scale;
        }
        return normalised({apply(node, std::move(operands)), scale});
      }
      case Kind::Add:
      case Kind::Concat: {
        const double scale = common_scale(operands);
        for (auto& operand : operands) operand.t = divided(operand.t, operand.scale / scale);
        return {apply(node, std::move(operands)), scale};
      }
      case Kind::Rearrange:
      case Kind::Index:
      case Kind::Scatter: {
        const double scale = operands[0].scale;
        return {apply(node, std::move(operands)), scale};
      }
      default:
        return normalised(plain(node, std::move(operands)));
    }
  }

  // The largest scale, unless an operand (or the sum of all) overflows at it.
  static double common_scale(const std::vector<Scaled>& operands) {
    double scale = 0.0;
    for (const auto& operand : operands) scale = std::max(scale, operand.scale);
    for (const auto& operand : operands) {
      if (operand.scale == scale || !is_scalable(operand.t)) continue;
      const double largest = largest_magnitude(operand.t);
      if (largest > 0.0 && std::isfinite(largest))
        scale = std::min(scale, operand.scale * (largest_of(operand.t.dtype()) / (2.0 * static_cast<double>(operands.size())) / largest));
    }
    return operands.empty() ? 1.0 : scale;
  }

  Scaled plain(const NodePtr& node, std::vector<Scaled> operands) const {
    for (auto& operand : operands) operand = {unscaled(operand), 1.0};
    return {apply(node, std::move(operands)), 1.0};
  }

  Tensor apply(const NodePtr& node, std::vector<Scaled> operands) const {
    KernelArgs args;
    args.stats = stats_;
    for (auto& operand : operands) args.operands.push_back(std::move(operand.t));
    if (const auto* index = node->as<Index>()) args.indices.push_back(&index->index());
    return make_kernel(node)(std::move(args));
  }

  const Program& program_;
  const Lowered& lowered_;
  const double min_, max_;
  RunStats* stats_;
  std::vector<Scaled> values_;
  std::vector<int> uses_;
};

}  // namespace

std::vector<Tensor> scaled_run(const Program& program, const Lowered& lowered, std::vector<Tensor> leaves,
                               const OptimizationSettings& settings, RunStats* stats) {
  std::optional<MemoryCount> count;
  if (stats) count.emplace();
  std::vector<Tensor> outputs = ScaledRunner(program, lowered, settings, stats)(std::move(leaves));
  if (stats) stats->peak_bytes = count->peak_bytes();
  return outputs;
}

}  // namespace pycircuit
