// Classifying the tiles of a mask and a bias that many batch entries share (spec 12, sections 12.1 and 12.3).
//
// Where every element of the mask is 0, scores are the bias alone, whatever queries and keys are. The forward kernels skip such a tile if
// its largest bias is so far below the maximum of every row that all weights underflow to exactly 0.
#pragma once

#include "kernels/cuda/params.cuh"

namespace pycircuit::kernels {

struct TileBoundsParams {
  int64_t batch[kMaxBatchAxes] = {1, 1, 1, 1};
  int num_queries = 0;
  int num_keys = 0;
  Source mask, bias;
  TileBounds bounds;
};

constexpr int kTileBoundsThreads = 128;
constexpr size_t kTileBoundsSharedBytes = kTileBoundsThreads / 32 * sizeof(float);

template <class Element>
PYCIRCUIT_KERNEL(kTileBoundsThreads)
tile_bounds(PYCIRCUIT_GRID_CONSTANT TileBoundsParams params) {
  int64_t tiles_of_entry = static_cast<int64_t>(params.bounds.row_tiles) * params.bounds.column_tiles;
  BatchIndex entry = batch_index(block_index() / tiles_of_entry, params.batch);
  int tile = static_cast<int>(block_index() % tiles_of_entry);
  int first_row = tile / params.bounds.column_tiles * kBoundRows;
  int first_column = tile % params.bounds.column_tiles * kBoundColumns;
  const Element* mask = params.mask.data ? matrix_of<Element>(params.mask, entry) : nullptr;
  const Element* bias = params.bias.data ? matrix_of<Element>(params.bias, entry) : nullptr;

  bool known = true, plain = true;
  float largest = -infinity();
  for (int item = thread_index(); item < kBoundRows * kBoundColumns; item += kTileBoundsThreads) {
    int64_t row = first_row + item / kBoundColumns, column = first_column + item % kBoundColumns;
    if (row >= params.num_queries || column >= params.num_keys) continue;
    float factor = mask ? to_float(mask[row * params.mask.row_stride + column * params.mask.column_stride]) : 1.0f;
    float summand = bias ? to_float(bias[row * params.bias.row_stride + column * params.bias.column_stride]) : 0.0f;
    known = known && (factor == 0.0f ? summand == summand : summand == -infinity());
    plain = plain && factor == 1.0f && summand == 0.0f;
    largest = fmaxf(largest, summand);
  }

#pragma unroll
  for (int lanes = 1; lanes < 32; lanes *= 2) largest = fmaxf(largest, shuffle_xor(largest, lanes));
  float* largest_of_warps = reinterpret_cast<float*>(dynamic_shared());
  if (thread_index() % 32 == 0) largest_of_warps[thread_index() / 32] = largest;
  bool all_known = sync_block_and(known);
  bool all_plain = sync_block_and(plain);
  if (thread_index() != 0) return;
  for (int warp = 1; warp < kTileBoundsThreads / 32; ++warp) largest = fmaxf(largest, largest_of_warps[warp]);
  params.bounds.data[entry.offset(params.bounds.batch_strides) + tile] = all_known ? largest : all_plain ? kPlainTile : infinity();
}

}  // namespace pycircuit::kernels
