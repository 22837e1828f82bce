// Matrix products of values: by the fastest way that takes them. Only .cpp files that call ATen include this.
#pragma once

#include <ATen/core/Tensor.h>

namespace pycircuit {

// left[m, k] right[k, n].
at::Tensor matrix_product(const at::Tensor& left, const at::Tensor& right);

// target = alpha left right + beta target, in the target's memory; with beta 0 whatever was there does not matter. Matrices or batches of
// matrices that nobody watches; neither operand shares memory with the target.
void multiply_into(at::Tensor& target, const at::Tensor& left, const at::Tensor& right, double alpha = 1.0, double beta = 0.0);

}  // namespace pycircuit
