// The CUDA attention kernels as a shared library for bench/gpu.py, which times them without the evaluator around them.
#include <algorithm>
#include <cstdint>

#include "kernels/attention.h"

using namespace pycircuit::kernels;

namespace {

constexpr int kOperands = 6;  // q, k, v, mask, bias, weight

// element, batch axes, 4 sizes, queries, keys, key size, value size, causal, causal offset, weight size, 4 reduced, then per operand and
// for the result 4 batch strides, row and column stride.
AttentionProblem problem_of(const int64_t* numbers, float scale, void* const* pointers) {
  AttentionProblem problem;
  problem.element = static_cast<Element>(*numbers++);
  problem.num_batch_axes = static_cast<int32_t>(*numbers++);
  for (int64_t& size : problem.batch) size = *numbers++;
  problem.num_queries = *numbers++;
  problem.num_keys = *numbers++;
  problem.key_size = *numbers++;
  problem.value_size = *numbers++;
  problem.causal = *numbers++ != 0;
  problem.causal_offset = *numbers++;
  problem.weight_size = *numbers++;
  for (bool& reduced : problem.reduced) reduced = *numbers++ != 0;
  problem.scale = scale;
  Operand* operands[kOperands] = {&problem.q, &problem.k, &problem.v, &problem.mask, &problem.bias, &problem.weight};
  for (Operand* operand : operands) {
    operand->data = *pointers++;
    for (int64_t& stride : operand->batch_strides) stride = *numbers++;
    operand->row_stride = *numbers++;
    operand->column_stride = *numbers++;
  }
  problem.result = *pointers;
  for (int64_t& stride : problem.result_batch_strides) stride = *numbers++;
  problem.result_row_stride = *numbers++;
  problem.result_column_stride = *numbers++;
  return problem;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) size_t bench_attention_workspace(const int64_t* numbers, float scale, void* const* pointers,
                                                                        int capability) {
  return attention_cuda_workspace(problem_of(numbers, scale, pointers), capability);
}

__attribute__((visibility("default"))) const char* bench_attention(const int64_t* numbers, float scale, void* const* pointers,
                                                                   void* workspace, int capability, void* stream) {
  AttentionProblem problem = problem_of(numbers, scale, pointers);
  if (!attention_cuda_supports(problem, capability)) return "not supported";
  return attention_cuda(problem, workspace, capability, stream);
}

__attribute__((visibility("default"))) const char* bench_hopper_status(int capability) { return attention_cuda_hopper_status(capability); }

}  // extern "C"
