// Output weights: Y[b',i,d] = sum over r, f of O[b',i,r,f] weight[b',r,f,d], r being the reduced batch axes (spec 12, section 12.1).
//
// O comes from a forward kernel, in the element type, as a dense matrix [b' i, r f] in the workspace; this is one matrix product, summed in
// float32 in a fixed order. Where the weights do not depend on b', all rows form one problem.
#pragma once

#include "kernels/cuda/params.cuh"

namespace pycircuit::kernels {

struct ProjectParams {
  int64_t kept[kMaxBatchAxes] = {1, 1, 1, 1};     // sizes of the batch axes that stay, 1 for the others
  int64_t reduced[kMaxBatchAxes] = {1, 1, 1, 1};  // sizes of those that are summed over
  int64_t num_queries = 0;
  int64_t group_rows = 0;  // rows that share weights: num_queries, or all rows
  int64_t row_tiles = 0;   // per group
  int64_t column_tiles = 0;
  int value_size = 0;
  int value_stride = 0;  // of r in O: value_size, padded
  int depth = 0;         // value_stride times the size of the reduced axes
  int columns = 0;       // of the result
  const void* output = nullptr;
  Source weight;
  Target result;
};

template <class Element>
struct ProjectTask {
  int64_t first_row;  // within all groups
  int64_t end_row;
  int first_column;
  const Element* weight;
};

template <class Element, int kRows, int kColumns>
PYCIRCUIT_DEVICE ProjectTask<Element> project_task(const ProjectParams& params) {
  // Blocks of one column tile follow each other: they share weights.
  int64_t rest = block_index();
  int64_t row_tile = rest % params.row_tiles;
  rest /= params.row_tiles;
  ProjectTask<Element> task;
  task.first_column = static_cast<int>(rest % params.column_tiles) * kColumns;
  int64_t group = rest / params.column_tiles;
  task.first_row = group * params.group_rows + row_tile * kRows;
  task.end_row = (group + 1) * params.group_rows;
  task.weight = matrix_of<Element>(params.weight, batch_index(task.first_row / params.num_queries, params.kept));
  return task;
}

// Row k of the weights, k running over reduced axes and value features; null for padding.
template <class Element>
PYCIRCUIT_DEVICE const Element* weight_row(const ProjectParams& params, const Element* weight, int k) {
  int feature = k % params.value_stride;
  if (k >= params.depth || feature >= params.value_size) return nullptr;
  return weight + batch_index(k / params.value_stride, params.reduced).offset(params.weight.batch_strides) +
         feature * params.weight.row_stride;
}

// O beyond value_size is never written: it counts as 0.
template <class Element>
PYCIRCUIT_DEVICE bool output_exists(const ProjectParams& params, int k) {
  return k < params.depth && k % params.value_stride < params.value_size;
}

template <class Element>
PYCIRCUIT_DEVICE Element* result_row(const ProjectParams& params, int64_t row) {
  return matrix_of<Element>(params.result, batch_index(row / params.num_queries, params.kept)) +
         row % params.num_queries * params.result.row_stride;
}

}  // namespace pycircuit::kernels
