#include "tensor/small_product.h"

#include "kernels/small_product.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

int64_t volume(const std::vector<SmallProductPlan::Axis>& axes) {
  Size out = 1;
  for (const auto& axis : axes) out = static_cast<Size>(saturating_mul(static_cast<uint64_t>(out), static_cast<uint64_t>(axis.size)));
  return out;
}

}  // namespace

void SmallProductPlan::finish(Shape shape) {
  result_shape = std::move(shape);
  fits = kernels::is_small_product(volume(batch), volume(rows), volume(columns), volume(inner));
  for (const auto* axes : {&batch, &rows, &columns, &inner}) fits &= axes->size() <= kernels::kMaxProductAxes;
}

bool SmallProductPlan::takes(const at::Tensor& left, const at::Tensor& right) const {
  return fits && left.scalar_type() == at::kFloat && left.is_cpu() && !views::is_watched(left) && !views::is_watched(right);
}

at::Tensor SmallProductPlan::operator()(const at::Tensor& left, const at::Tensor& right) const {
  at::Tensor result = views::empty(result_shape, left);
  kernels::SmallProduct problem;
  const auto fill = [&](kernels::ProductAxes& to, const std::vector<Axis>& from) {
    to.count = static_cast<int32_t>(from.size());
    for (size_t i = 0; i < from.size(); ++i) {
      const Axis& axis = from[i];
      const auto stride = [](const at::Tensor& x, int place) { return place < 0 ? 0 : x.stride(place); };
      to.axes[i] = {axis.size, stride(left, axis.left), stride(right, axis.right), stride(result, axis.result)};
    }
  };
  fill(problem.batch, batch);
  fill(problem.rows, rows);
  fill(problem.columns, columns);
  fill(problem.inner, inner);
  problem.left = left.const_data_ptr<float>();
  problem.right = right.const_data_ptr<float>();
  problem.result = result.mutable_data_ptr<float>();
  kernels::small_product(problem);
  return result;
}

}  // namespace pycircuit
