// The product with output weights for 16-bit elements: 128 x 64 results, 4 warps of 64 x 32, tiles of depth 32 three deep (spec 12, section
// 12).
#pragma once

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/project.cuh"

namespace pycircuit::kernels {

template <class Element_>
struct ProjectTraits {
  using Element = Element_;
  static constexpr int kRows = 128, kColumns = 64, kDepth = 32, kStages = 3, kThreads = 128;
  static constexpr size_t kSharedBytes = sizeof(Element) * kStages * kDepth * (kRows + kColumns);
};

template <class Traits>
struct ProjectBlock {
  using Element = typename Traits::Element;
  static constexpr int kRows = Traits::kRows, kColumns = Traits::kColumns, kDepth = Traits::kDepth, kThreads = Traits::kThreads;

  const ProjectParams& params;
  ProjectTask<Element> task;
  Element* tiles;
  float sums[4][4][4];  // 16x8 tiles of 64 x 32

  PYCIRCUIT_DEVICE explicit ProjectBlock(const ProjectParams& all) : params(all), task(project_task<Element, kRows, kColumns>(all)) {
    tiles = reinterpret_cast<Element*>(dynamic_shared());
#pragma unroll
    for (int row = 0; row < 4; ++row) {
#pragma unroll
      for (int column = 0; column < 4; ++column) {
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[row][column][i] = 0.0f;
      }
    }
  }

  PYCIRCUIT_DEVICE Element* left_tile(int stage) const { return tiles + stage * kDepth * (kRows + kColumns); }
  PYCIRCUIT_DEVICE Element* right_tile(int stage) const { return left_tile(stage) + kDepth * kRows; }

  PYCIRCUIT_DEVICE void load(int first_k, int stage) const {
    const Element* output = static_cast<const Element*>(params.output);
    // value_stride is a multiple of a chunk, so rows of O are vectorised; a chunk may end in padding, which must not be read as numbers.
    for (int item = thread_index(); item < kRows * kDepth / kChunk; item += kThreads) {
      int row = item / (kDepth / kChunk), chunk = item % (kDepth / kChunk);
      int k = first_k + chunk * kChunk;
      Element* target = left_tile(stage) + swizzled_offset<kDepth>(row, chunk);
      bool row_exists = task.first_row + row < task.end_row;
      const Element* from = output + (task.first_row + row) * params.depth + k;
      if (params.value_size == params.value_stride) {
        bool valid = row_exists && k < params.depth;
        copy_async_16(target, valid ? from : output, valid);
      } else {
        for (int i = 0; i < kChunk; ++i) target[i] = row_exists && output_exists<Element>(params, k + i) ? from[i] : Element{};
      }
    }
    for (int item = thread_index(); item < kDepth * kColumns / kChunk; item += kThreads) {
      int row = item / (kColumns / kChunk), chunk = item % (kColumns / kChunk);
      const Element* from = weight_row(params, task.weight, first_k + row);
      int column = task.first_column + chunk * kChunk;
      Element* target = right_tile(stage) + swizzled_offset<kColumns>(row, chunk);
      if (params.weight.vectorised) {
        bool valid = from && column < params.columns;
        copy_async_16(target, valid ? from + column : task.weight, valid);
      } else {
        for (int i = 0; i < kChunk; ++i) {
          bool valid = from && column + i < params.columns;
          target[i] = valid ? from[(column + i) * params.weight.column_stride] : Element{};
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void multiply(int stage) {
    int warp = thread_index() / 32;
    int first_row = warp / 2 * 64, first_column = warp % 2 * 32;
#pragma unroll
    for (int step = 0; step < kDepth / 16; ++step) {
      uint32_t left[4][4], right[2][4];
#pragma unroll
      for (int row = 0; row < 4; ++row) load_left<kDepth>(left[row], left_tile(stage), first_row + 16 * row, step);
#pragma unroll
      for (int pair = 0; pair < 2; ++pair) load_right<kColumns>(right[pair], right_tile(stage), 16 * step, first_column / 16 + pair);
#pragma unroll
      for (int row = 0; row < 4; ++row) {
#pragma unroll
        for (int column = 0; column < 4; ++column)
          multiply_add(sums[row][column], left[row], right[column / 2][column % 2 * 2], right[column / 2][column % 2 * 2 + 1], Element{});
      }
    }
  }

  PYCIRCUIT_DEVICE void store() const {
    int lane = thread_index() & 31, warp = thread_index() / 32;
#pragma unroll
    for (int row = 0; row < 4; ++row) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        int64_t at = task.first_row + warp / 2 * 64 + 16 * row + 8 * half + (lane >> 2);
        if (at >= task.end_row) continue;
        Element* target = result_row<Element>(params, at);
#pragma unroll
        for (int column = 0; column < 4; ++column) {
          int64_t to = task.first_column + warp % 2 * 32 + 8 * column + 2 * (lane & 3);
          float low = sums[row][column][2 * half], high = sums[row][column][2 * half + 1];
          if (params.result.vectorised) {
            if (to < params.columns) *reinterpret_cast<uint32_t*>(target + to) = pack(low, high, Element{});
          } else {
            if (to < params.columns) target[to * params.result.column_stride] = from_float(low, Element{});
            if (to + 1 < params.columns) target[(to + 1) * params.result.column_stride] = from_float(high, Element{});
          }
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void run() {
    int num_tiles = (params.depth + kDepth - 1) / kDepth;
#pragma unroll
    for (int stage = 0; stage < Traits::kStages - 1; ++stage) {
      if (stage < num_tiles) load(stage * kDepth, stage);
      copy_async_commit();
    }
    for (int tile = 0; tile < num_tiles; ++tile) {
      copy_async_wait<Traits::kStages - 2>();
      sync_block();  // this tile is there, and nobody reads the one before it
      int ahead = tile + Traits::kStages - 1;
      if (ahead < num_tiles) load(ahead * kDepth, ahead % Traits::kStages);
      copy_async_commit();
      multiply(tile % Traits::kStages);
    }
    store();
  }
};

template <class Traits>
PYCIRCUIT_KERNEL(Traits::kThreads)
project_mma(PYCIRCUIT_GRID_CONSTANT ProjectParams params) {
  ProjectBlock<Traits>(params).run();
}

}  // namespace pycircuit::kernels
