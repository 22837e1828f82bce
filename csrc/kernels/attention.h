// Fused attention (spec 12, section 12), for CPU and CUDA: raw pointers, sizes and strides in elements; no torch, no circuits.
//
//   S[b,i,j] = scale * m[b,i,j] * sum_c q[b,i,c] k[b,j,c] + t[b,i,j];   P = softmax over j of S;   O[b,i,f] = sum_j P[b,i,j] v[b,j,f]
//
// b runs over up to four batch axes (samples, heads, groups of heads, ...). A stride of 0 shares an operand along an axis: one mask for all
// heads, one key head for a group of query heads. m and t may be absent. With `weight` the result is Y[b',i,d] = sum over f, and over the
// batch axes in `reduced`, of O[b,i,f] weight[b,f,d], b' being the batch axes that are left (a result stride of a reduced axis is ignored).
//
// A weight that underflows to 0 is exactly 0. A row whose scores are all -infinity is NaN; a row without keys is 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.h"

namespace pycircuit::kernels {

constexpr int kMaxBatchAxes = 4;
constexpr int kMaxHeadSize = 256;

// A matrix per batch entry.
struct Operand {
  const void* data = nullptr;  // null: absent
  int64_t batch_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  int64_t row_stride = 0;
  int64_t column_stride = 0;
};

struct AttentionProblem {
  Element element = Element::float32;  // of every operand and of the result; sums are accumulated in float32
  int32_t num_batch_axes = 0;
  int64_t batch[kMaxBatchAxes] = {1, 1, 1, 1};
  int64_t num_queries = 0;
  int64_t num_keys = 0;
  int64_t key_size = 0;    // c
  int64_t value_size = 0;  // f
  float scale = 1.0f;
  Operand q;     // [i, c]
  Operand k;     // [j, c]
  Operand v;     // [j, f]
  Operand mask;  // m: [i, j], multiplies
  Operand bias;  // t: [i, j], is added
  // Known to the caller: keys j > i + causal_offset have weight 0 in every row (their scores underflow). Tiles beyond are skipped.
  bool causal = false;
  int64_t causal_offset = 0;
  Operand weight;  // [f, d]
  int64_t weight_size = 0;
  bool reduced[kMaxBatchAxes] = {false, false, false, false};
  void* result = nullptr;
  int64_t result_batch_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  int64_t result_row_stride = 0;
  int64_t result_column_stride = 1;
  // The pattern P [b,i,j], if wanted.
  void* pattern = nullptr;
  int64_t pattern_batch_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  int64_t pattern_row_stride = 0;
  int64_t pattern_column_stride = 1;
};

// --- CPU, blocked

bool attention_cpu_supports(const AttentionProblem& problem);
// Bytes of workspace for `threads` threads.
size_t attention_cpu_workspace(const AttentionProblem& problem, int threads);
void attention_cpu(const AttentionProblem& problem, void* workspace, int threads, ParallelFor parallel_for);

#ifdef PYCIRCUIT_CUDA
// --- CUDA. Returns null, or what went wrong. Nothing synchronises with the host.

bool attention_cuda_supports(const AttentionProblem& problem, int compute_capability);  // 80, 90, ...
size_t attention_cuda_workspace(const AttentionProblem& problem, int compute_capability);
// `stream`: a cudaStream_t. Pointers are device pointers.
const char* attention_cuda(const AttentionProblem& problem, void* workspace, int compute_capability, void* stream);

// Whether the kernels for Hopper are in use on the current device, and if not, why. They are tested on their first use on each device,
// beside the caller's stream; the environment variable PYCIRCUIT_HOPPER=0 disables them.
const char* attention_cuda_hopper_status(int compute_capability);
#endif

}  // namespace pycircuit::kernels
