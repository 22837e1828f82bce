#include "tensor/matrix_product.h"

#include <ATen/Context.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/mm.h>

#include "tensor/small_product.h"
#include "tensor/views.h"

namespace at::native {
// oneDNN's product, which torch itself asks for only in lower precisions: result = alpha mat1 mat2 + beta result. Weak, since no header
// promises it: a torch without it multiplies by its BLAS.
__attribute__((weak)) void mkldnn_matmul(const Tensor& mat1, const Tensor& mat2, const Tensor& result, float beta, float alpha);
}  // namespace at::native

namespace pycircuit {
namespace {

// Multiplications from which oneDNN's kernels make up for 15 microseconds of preparation (measured from 64^3 to 512 x 3,072 x 768).
constexpr double kOneDnnWork = 16e6;

// MKL has no AVX-512 kernels for processors of other makers: there oneDNN takes 0.75 to 0.95 of its time (AMD Zen, 1 and 2 threads).
bool prefers_onednn() {
#if defined(__x86_64__)
  static const bool preferred = [] {
    __builtin_cpu_init();
    return at::native::mkldnn_matmul != nullptr && at::Context::hasMKLDNN() && !__builtin_cpu_is("intel") &&
           __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }();
  return preferred && at::globalContext().userEnabledMkldnn();
#else
  return false;
#endif
}

bool is_plain(const at::Tensor& x) { return x.is_contiguous() || (x.dim() == 2 && x.stride(0) == 1 && x.stride(1) == x.size(0)); }

bool is_for_onednn(const at::Tensor& target, const at::Tensor& left, const at::Tensor& right) {
  if (target.dim() != 2 || target.scalar_type() != at::kFloat || !target.is_cpu()) return false;
  const double work = static_cast<double>(target.numel()) * static_cast<double>(left.size(1));
  // It would copy operands that lie otherwise.
  return work >= kOneDnnWork && is_plain(left) && is_plain(right) && target.is_contiguous() && prefers_onednn();
}

}  // namespace

at::Tensor matrix_product(const at::Tensor& left, const at::Tensor& right) {
  if (views::is_watched(left) || views::is_watched(right)) return at::mm(left, right);
  SmallProductPlan plan;
  plan.rows = {{left.size(0), 0, -1, 0}};
  plan.columns = {{right.size(1), -1, 1, 1}};
  plan.inner = {{left.size(1), 1, 0, -1}};
  plan.finish({left.size(0), right.size(1)});
  if (plan.takes(left, right)) return plan(left, right);
  at::Tensor result = views::empty({left.size(0), right.size(1)}, left);
  multiply_into(result, left, right);
  return result;
}

void multiply_into(at::Tensor& target, const at::Tensor& left, const at::Tensor& right, double alpha, double beta) {
  if (is_for_onednn(target, left, right)) {
    at::native::mkldnn_matmul(left, right, target, static_cast<float>(beta), static_cast<float>(alpha));
  } else if (alpha == 1.0 && beta == 0.0 && target.dim() == 2) {
    at::mm_out(target, left, right);
  } else if (target.dim() == 2) {
    at::addmm_out(target, target, left, right, beta, alpha);
  } else {
    at::baddbmm_out(target, target, left, right, beta, alpha);
  }
}

}  // namespace pycircuit
