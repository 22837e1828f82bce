// Fused attention on CUDA devices behind the C interface of kernels/attention.h (spec 12, section 12): from the caller's problem to
// launches.
//
// Up to four launches on the caller's stream: bounds of the tiles of a shared mask; the forward kernel; with output weights, which sum over
// value features and reduced axes, one matrix product of what the forward kernel left in the workspace; the pattern, if wanted. There are
// no atomics: the same problem gives the same bits, and a batch entry does not depend on its neighbours.
#include <algorithm>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/traits.cuh"

namespace pycircuit::kernels {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 29;
constexpr int64_t kMaxBlocks = (int64_t{1} << 31) - 1;
constexpr size_t kAlignment = 256;

int64_t element_size(Element element) { return element == Element::float32 ? 4 : 2; }

const ElementLaunches& launches_of(Element element) {
  if (element == Element::float16) return kFloat16Launches;
  if (element == Element::bfloat16) return kBfloat16Launches;
  return kFloat32Launches;
}

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// The problem with all batch axes filled in, and how its workspace is divided.
struct Plan {
  const AttentionProblem& problem;
  int64_t batch[kMaxBatchAxes] = {1, 1, 1, 1};
  int64_t kept[kMaxBatchAxes] = {1, 1, 1, 1};
  int64_t reduced[kMaxBatchAxes] = {1, 1, 1, 1};
  int64_t entries = 1, kept_entries = 1, reduced_entries = 1;
  bool has_weight;
  int64_t value_stride = 0, depth = 0;  // of the output in the workspace
  bool has_bounds = false;
  int64_t bounds_batch[kMaxBatchAxes] = {1, 1, 1, 1};
  int64_t bounds_entries = 1;
  int64_t row_tiles, column_tiles;
  size_t bounds_bytes = 0, output_bytes = 0;

  explicit Plan(const AttentionProblem& all) : problem(all), has_weight(all.weight.data != nullptr) {
    for (int axis = 0; axis < all.num_batch_axes; ++axis) {
      batch[axis] = all.batch[axis];
      (has_weight && all.reduced[axis] ? reduced : kept)[axis] = all.batch[axis];
      entries *= batch[axis];
      kept_entries *= kept[axis];
      reduced_entries *= reduced[axis];
    }
    if (has_weight) {
      value_stride = divide_up(all.value_size, kChunk) * kChunk;
      depth = value_stride * reduced_entries;
      output_bytes = aligned(static_cast<size_t>(kept_entries * all.num_queries * depth * element_size(all.element)));
    }
    row_tiles = divide_up(all.num_queries, kBoundRows);
    column_tiles = divide_up(all.num_keys, kBoundColumns);
    plan_bounds();
  }

  // Looking at a mask beforehand pays where several batch entries share it and there is something to skip.
  void plan_bounds() {
    const Operand &mask = problem.mask, &bias = problem.bias;
    if (!mask.data && !bias.data) return;
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) {
      bool varies = (mask.data && mask.batch_strides[axis] != 0) || (bias.data && bias.batch_strides[axis] != 0);
      if (varies) bounds_batch[axis] = batch[axis];
      bounds_entries *= bounds_batch[axis];
    }
    has_bounds = column_tiles > 1 && bounds_entries * 4 <= entries;
    if (has_bounds) bounds_bytes = aligned(static_cast<size_t>(bounds_entries * row_tiles * column_tiles) * sizeof(float));
  }

  bool starts_aligned(const void* data, const int64_t (&batch_strides)[kMaxBatchAxes], int64_t row_stride, int64_t column_stride,
                      int64_t rows, int64_t columns) const {
    int64_t size = element_size(problem.element);
    if (column_stride != 1 && columns > 1) return false;
    if (columns * size % 16 != 0 || reinterpret_cast<uintptr_t>(data) % 16 != 0) return false;
    if (rows > 1 && row_stride * size % 16 != 0) return false;
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) {
      if (batch[axis] > 1 && batch_strides[axis] * size % 16 != 0) return false;
    }
    return true;
  }

  Source source(const Operand& operand, int64_t rows, int64_t columns) const {
    Source source;
    source.data = operand.data;
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) source.batch_strides[axis] = operand.batch_strides[axis];
    source.row_stride = operand.row_stride;
    source.column_stride = operand.column_stride;
    source.vectorised =
        operand.data && starts_aligned(operand.data, operand.batch_strides, operand.row_stride, operand.column_stride, rows, columns);
    return source;
  }

  Target target(void* data, const int64_t (&batch_strides)[kMaxBatchAxes], int64_t row_stride, int64_t column_stride,
                int64_t columns) const {
    Target target;
    target.data = data;
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) target.batch_strides[axis] = batch_strides[axis];
    target.row_stride = row_stride;
    target.column_stride = column_stride;
    target.vectorised = starts_aligned(data, batch_strides, row_stride, column_stride, problem.num_queries, columns);
    return target;
  }

  // The forward result in the workspace: [kept axes, query, reduced axes, value_stride].
  Target workspace_target(void* data) const {
    int64_t strides[kMaxBatchAxes] = {0, 0, 0, 0};
    int64_t reduced_stride = value_stride, kept_stride = problem.num_queries * depth;
    for (int axis = problem.num_batch_axes - 1; axis >= 0; --axis) {
      int64_t& stride = problem.reduced[axis] ? reduced_stride : kept_stride;
      strides[axis] = stride;
      stride *= batch[axis];
    }
    return target(data, strides, depth, 1, problem.value_size);
  }

  TileBounds bounds(void* workspace) const {
    TileBounds bounds;
    if (!has_bounds) return bounds;
    bounds.data = static_cast<float*>(workspace);
    bounds.row_tiles = static_cast<int>(row_tiles);
    bounds.column_tiles = static_cast<int>(column_tiles);
    int64_t stride = row_tiles * column_tiles;
    for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
      bounds.batch_strides[axis] = bounds_batch[axis] > 1 ? stride : 0;
      stride *= bounds_batch[axis];
    }
    return bounds;
  }

  TileBoundsParams bounds_params(void* workspace) const {
    TileBoundsParams params;
    std::copy(bounds_batch, bounds_batch + kMaxBatchAxes, params.batch);
    params.num_queries = static_cast<int>(problem.num_queries);
    params.num_keys = static_cast<int>(problem.num_keys);
    params.mask = source(problem.mask, problem.num_queries, problem.num_keys);
    params.bias = source(problem.bias, problem.num_queries, problem.num_keys);
    params.bounds = bounds(workspace);
    return params;
  }

  ForwardParams forward_params(void* workspace) const {
    ForwardParams params;
    std::copy(batch, batch + kMaxBatchAxes, params.batch);
    params.num_queries = static_cast<int>(problem.num_queries);
    params.num_keys = static_cast<int>(problem.num_keys);
    params.key_size = static_cast<int>(problem.key_size);
    params.value_size = static_cast<int>(problem.value_size);
    int64_t offset = problem.causal ? std::clamp(problem.causal_offset, -problem.num_queries, problem.num_keys) : problem.num_keys;
    params.causal_offset = static_cast<int>(offset);
    params.scale = problem.scale;
    params.q = source(problem.q, problem.num_queries, problem.key_size);
    params.k = source(problem.k, problem.num_keys, problem.key_size);
    params.v = source(problem.v, problem.num_keys, problem.value_size);
    params.mask = source(problem.mask, problem.num_queries, problem.num_keys);
    params.bias = source(problem.bias, problem.num_queries, problem.num_keys);
    params.bounds = bounds(workspace);
    if (has_weight) {
      params.result = workspace_target(static_cast<char*>(workspace) + bounds_bytes);
    } else {
      params.result =
          target(problem.result, problem.result_batch_strides, problem.result_row_stride, problem.result_column_stride, problem.value_size);
    }
    params.pattern =
        target(problem.pattern, problem.pattern_batch_strides, problem.pattern_row_stride, problem.pattern_column_stride, problem.num_keys);
    return params;
  }

  bool weight_is_shared() const {
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) {
      if (!problem.reduced[axis] && batch[axis] > 1 && problem.weight.batch_strides[axis] != 0) return false;
    }
    return true;
  }

  ProjectParams project_params(void* workspace) const {
    ProjectParams params;
    std::copy(kept, kept + kMaxBatchAxes, params.kept);
    std::copy(reduced, reduced + kMaxBatchAxes, params.reduced);
    params.num_queries = problem.num_queries;
    params.group_rows = weight_is_shared() ? kept_entries * problem.num_queries : problem.num_queries;
    params.value_size = static_cast<int>(problem.value_size);
    params.value_stride = static_cast<int>(value_stride);
    params.depth = static_cast<int>(depth);
    params.columns = static_cast<int>(problem.weight_size);
    params.output = static_cast<char*>(workspace) + bounds_bytes;
    params.weight = source(problem.weight, problem.value_size, problem.weight_size);
    params.result =
        target(problem.result, problem.result_batch_strides, problem.result_row_stride, problem.result_column_stride, problem.weight_size);
    // A result stride of a reduced axis means nothing.
    for (int axis = 0; axis < problem.num_batch_axes; ++axis) {
      if (problem.reduced[axis]) params.result.batch_strides[axis] = 0;
    }
    return params;
  }

  bool fits() const {
    for (int64_t size : {problem.num_queries, problem.num_keys, problem.weight_size, depth}) {
      if (size < 0 || size > kMaxSize) return false;
    }
    int64_t row_blocks = std::max<int64_t>(1, row_tiles);
    if (entries > kMaxBlocks / row_blocks || bounds_entries > kMaxBlocks / row_blocks / std::max<int64_t>(1, column_tiles)) return false;
    return !has_weight || kept_entries <= kMaxBlocks / row_blocks / std::max<int64_t>(1, divide_up(problem.weight_size, 64));
  }
};

const char* run(const Plan& plan, void* workspace, int compute_capability, const LaunchTarget& target) {
  const AttentionProblem& problem = plan.problem;
  const ElementLaunches& launches = launches_of(problem.element);
  if (problem.num_queries == 0) return nullptr;
  if (plan.has_bounds) {
    if (const char* error = launches.bounds(plan.bounds_params(workspace), plan.bounds_entries, target)) return error;
  }
  ForwardParams params = plan.forward_params(workspace);
  const char* error = hopper_serves(params, problem.element, plan.entries, compute_capability, target)
                          ? launch_forward_hopper(params, problem.element, plan.entries, target)
                          : launches.forward(params, plan.entries, target);
  if (error) return error;
  if (plan.has_weight && plan.kept_entries > 0) {
    ProjectParams project = plan.project_params(workspace);
    int64_t groups = plan.kept_entries * problem.num_queries / project.group_rows;
    error = launches.project(project, groups, target);
    if (error) return error;
  }
  if (problem.pattern) return launches.pattern(params, plan.entries, target);
  return nullptr;
}

}  // namespace

bool attention_cuda_supports(const AttentionProblem& problem, int compute_capability) {
  if (compute_capability < 80 || problem.num_batch_axes < 0 || problem.num_batch_axes > kMaxBatchAxes) return false;
  if (problem.key_size < 0 || problem.key_size > kMaxHeadSize || problem.value_size < 0 || problem.value_size > kMaxHeadSize) return false;
  return Plan(problem).fits();
}

size_t attention_cuda_workspace(const AttentionProblem& problem, int /*compute_capability*/) {
  Plan plan(problem);
  return plan.bounds_bytes + plan.output_bytes;
}

const char* attention_cuda(const AttentionProblem& problem, void* workspace, int compute_capability, void* stream) {
  if (!attention_cuda_supports(problem, compute_capability)) return "attention_cuda: the problem is not supported";
  LaunchTarget target;
  target.stream = stream;
  target.multiprocessors = multiprocessor_count();
  return run(Plan(problem), workspace, compute_capability, target);
}

}  // namespace pycircuit::kernels
