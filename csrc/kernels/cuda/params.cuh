// What a forward launch gets, and where the operands of one batch entry lie (spec 12, section 12).
#pragma once

#include <cstdint>

#include "kernels/attention.h"
#include "kernels/cuda/device.cuh"

namespace pycircuit::kernels {

// A matrix per batch entry. `vectorised`: rows are contiguous, every row starts at a multiple of 16 bytes and is a multiple of 16 bytes
// long.
template <class Pointer>
struct Strided {
  Pointer data = nullptr;
  int64_t batch_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  int64_t row_stride = 0;
  int64_t column_stride = 0;
  bool vectorised = false;
};
using Source = Strided<const void*>;
using Target = Strided<void*>;

// What is known of the scores of tiles of kBoundRows x kBoundColumns: the largest bias where queries and keys do not matter (the mask is 0,
// or the bias -infinity); kPlainTile where mask and bias do not matter; else +infinity.
constexpr int kBoundRows = 64;
constexpr int kBoundColumns = 64;
constexpr float kPlainTile = 3e38f;
struct TileBounds {
  float* data = nullptr;  // [entries..., query tile, key tile], dense; null: not known
  int64_t batch_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  int row_tiles = 0;
  int column_tiles = 0;
};

struct ForwardParams {
  int64_t batch[kMaxBatchAxes] = {1, 1, 1, 1};
  int num_queries = 0;
  int num_keys = 0;
  int key_size = 0;
  int value_size = 0;
  int query_tiles = 0;
  int causal_offset = 0;  // keys beyond query + causal_offset have weight 0; at least num_keys: all keys count
  float scale = 1.0f;
  Source q, k, v, mask, bias;
  Target result;
  Target pattern;
  TileBounds bounds;
};

PYCIRCUIT_HOST_DEVICE int lesser(int x, int y) { return x < y ? x : y; }

// The indices of a batch entry along the batch axes.
struct BatchIndex {
  int64_t at[kMaxBatchAxes];

  PYCIRCUIT_HOST_DEVICE int64_t offset(const int64_t (&strides)[kMaxBatchAxes]) const {
    int64_t sum = 0;
#pragma unroll
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) sum += at[axis] * strides[axis];
    return sum;
  }
};

PYCIRCUIT_HOST_DEVICE BatchIndex batch_index(int64_t entry, const int64_t (&batch)[kMaxBatchAxes]) {
  BatchIndex index;
#pragma unroll
  for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
    index.at[axis] = entry % batch[axis];
    entry /= batch[axis];
  }
  return index;
}

template <class Element>
PYCIRCUIT_DEVICE const Element* matrix_of(const Source& source, const BatchIndex& entry) {
  return static_cast<const Element*>(source.data) + entry.offset(source.batch_strides);
}
template <class Element>
PYCIRCUIT_DEVICE Element* matrix_of(const Target& target, const BatchIndex& entry) {
  return static_cast<Element*>(target.data) + entry.offset(target.batch_strides);
}

// Keys from here on have weight 0 for `row`.
PYCIRCUIT_DEVICE int visible_keys(const ForwardParams& params, int row) { return lesser(params.num_keys, row + params.causal_offset + 1); }

// What one block computes: rows of one batch entry. Within an entry the last rows, which see most keys under a causal mask, go first.
struct BlockTask {
  BatchIndex entry;
  int first_row;
  int key_end;  // keys from here on have weight 0 in every row of the block
};

// Task `number` of query_tiles per batch entry.
template <int kRows>
PYCIRCUIT_DEVICE BlockTask block_task(const ForwardParams& params, int64_t number) {
  BlockTask task;
  task.entry = batch_index(number / params.query_tiles, params.batch);
  task.first_row = (params.query_tiles - 1 - static_cast<int>(number % params.query_tiles)) * kRows;
  int last_row = lesser(task.first_row + kRows, params.num_queries) - 1;
  task.key_end = visible_keys(params, last_row);
  return task;
}

}  // namespace pycircuit::kernels
