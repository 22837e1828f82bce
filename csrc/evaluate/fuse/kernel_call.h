// What calls of csrc/kernels need from torch: element types, threads, strides.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "kernels/element.h"

namespace pycircuit {

inline bool has_kernel_element(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat || x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
}

inline kernels::Element kernel_element(const at::Tensor& x) {
  return x.scalar_type() == at::kHalf       ? kernels::Element::float16
         : x.scalar_type() == at::kBFloat16 ? kernels::Element::bfloat16
                                            : kernels::Element::float32;
}

// The caller's threads (torch.set_num_threads).
inline void kernel_parallel_for(int64_t parts, void (*work)(void* context, int64_t part), void* context) {
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) work(context, part);
  });
}

}  // namespace pycircuit
