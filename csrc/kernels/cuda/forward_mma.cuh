// Attention forward for 16-bit elements on tensor cores, sm_80 and later (spec 12, section 12).
//
// A block computes kRows queries of one batch entry; a warp owns 16 or 32 of them for all keys. Tiles of keys and values arrive two deep by
// background copies while the former tile is computed. Scores and output stay in registers, the softmax is online, tiles that a causal mask
// or the bounds of a mask show to have no weight are neither read nor computed. Results do not depend on other batch entries or on timing.
#pragma once

#include "kernels/cuda/load_tile.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/softmax.cuh"
#include "kernels/cuda/store_rows.cuh"
#include "kernels/cuda/terms.cuh"

namespace pycircuit::kernels {

template <class Traits>
struct ForwardBlock {
  using Element = typename Traits::Element;
  static constexpr int kHead = Traits::kHead;
  static constexpr int kKeys = Traits::kKeys;
  static constexpr int kThreads = Traits::kThreads;

  const ForwardParams& params;
  BlockTask task;
  int warp_row;  // first row of this warp within the block
  int row_in_warp;
  int column_in_tile;
  Element* q_tile;
  Element* kv_tiles;
  const Element *q, *k, *v, *mask, *bias;
  const float* bounds;
  OnlineSoftmax<Traits::kRowTiles> softmax;
  float output[Traits::kRowTiles][Traits::kHeadTiles][4];
  uint32_t queries[Traits::kRowTiles][Traits::kQueryInRegisters ? Traits::kHeadSteps : 1][4];

  PYCIRCUIT_DEVICE explicit ForwardBlock(const ForwardParams& all) : params(all), task(block_task<Traits::kRows>(all, block_index())) {
    int lane = thread_index() & 31;
    warp_row = (thread_index() / 32) * 16 * Traits::kRowTiles;
    row_in_warp = lane >> 2;
    column_in_tile = 2 * (lane & 3);
    q_tile = reinterpret_cast<Element*>(dynamic_shared());
    kv_tiles = q_tile + Traits::kRows * kHead;
    q = matrix_of<Element>(params.q, task.entry);
    k = matrix_of<Element>(params.k, task.entry);
    v = matrix_of<Element>(params.v, task.entry);
    mask = params.mask.data ? matrix_of<Element>(params.mask, task.entry) : nullptr;
    bias = params.bias.data ? matrix_of<Element>(params.bias, task.entry) : nullptr;
    bounds = bounds_of_rows(params, task.entry, task.first_row);
    softmax.clear();
#pragma unroll
    for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
#pragma unroll
      for (int head = 0; head < Traits::kHeadTiles; ++head) {
#pragma unroll
        for (int i = 0; i < 4; ++i) output[tile][head][i] = 0.0f;
      }
    }
  }

  PYCIRCUIT_DEVICE Element* k_tile(int stage) const { return kv_tiles + (2 * stage) * kKeys * kHead; }
  PYCIRCUIT_DEVICE Element* v_tile(int stage) const { return kv_tiles + (2 * stage + 1) * kKeys * kHead; }
  // The query of accumulator half `half` (rows lane / 4 and lane / 4 + 8) of 16-row tile `tile`.
  PYCIRCUIT_DEVICE int query(int tile, int half) const { return task.first_row + warp_row + 16 * tile + 8 * half + row_in_warp; }

  PYCIRCUIT_DEVICE void load_queries() const {
    load_tile<Element, Traits::kRows, kHead, kThreads>(q_tile, q, params.q, task.first_row, params.num_queries, params.key_size);
  }

  PYCIRCUIT_DEVICE void load_keys_and_values(int first_key, int stage) const {
    load_tile<Element, kKeys, kHead, kThreads>(k_tile(stage), k, params.k, first_key, params.num_keys, params.key_size);
    load_tile<Element, kKeys, kHead, kThreads>(v_tile(stage), v, params.v, first_key, params.num_keys, params.value_size);
    copy_async_commit();
  }

  // The next tile from `first_key` on that may have weight. All threads of the block get the same answer.
  PYCIRCUIT_DEVICE int next_tile(int first_key) const {
    if constexpr (Traits::kTerms) {
      if (bounds) {
        float lowest = infinity();  // maxima of real rows
#pragma unroll
        for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            if (query(tile, half) < params.num_queries) lowest = fminf(lowest, softmax.maximum[tile][half]);
          }
        }
        for (; first_key < task.key_end; first_key += kKeys) {
          float bound = bounds[first_key / kBoundColumns];
          if (bound >= kPlainTile) break;
          if (!sync_block_and(underflows(bound, lowest))) break;
        }
      }
    }
    return first_key;
  }

  PYCIRCUIT_DEVICE void keep_queries() {
    if constexpr (Traits::kQueryInRegisters) {
#pragma unroll
      for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
#pragma unroll
        for (int step = 0; step < Traits::kHeadSteps; ++step) load_left<kHead>(queries[tile][step], q_tile, warp_row + 16 * tile, step);
      }
    }
  }

  PYCIRCUIT_DEVICE void multiply_queries_keys(float (&scores)[Traits::kRowTiles][Traits::kKeyTiles][4], const Element* keys) {
#pragma unroll
    for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
#pragma unroll
      for (int key = 0; key < Traits::kKeyTiles; ++key) {
#pragma unroll
        for (int i = 0; i < 4; ++i) scores[tile][key][i] = 0.0f;
      }
    }
#pragma unroll
    for (int step = 0; step < Traits::kHeadSteps; ++step) {
      uint32_t left[Traits::kRowTiles][4];
#pragma unroll
      for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
        if constexpr (Traits::kQueryInRegisters) {
#pragma unroll
          for (int i = 0; i < 4; ++i) left[tile][i] = queries[tile][step][i];
        } else {
          load_left<kHead>(left[tile], q_tile, warp_row + 16 * tile, step);
        }
      }
#pragma unroll
      for (int key = 0; key < Traits::kKeyTiles; key += 2) {
        uint32_t right[4];
        load_right_transposed<kHead>(right, keys, 8 * key, step);
#pragma unroll
        for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
          multiply_add(scores[tile][key], left[tile], right[0], right[1], Element{});
          multiply_add(scores[tile][key + 1], left[tile], right[2], right[3], Element{});
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void multiply_weights_values(const float (&weights)[Traits::kRowTiles][Traits::kKeyTiles][4], const Element* values) {
#pragma unroll
    for (int step = 0; step < Traits::kKeySteps; ++step) {
      uint32_t left[Traits::kRowTiles][4];
#pragma unroll
      for (int tile = 0; tile < Traits::kRowTiles; ++tile)
        accumulators_as_left(left[tile], weights[tile][2 * step], weights[tile][2 * step + 1], Element{});
#pragma unroll
      for (int head = 0; head < Traits::kHeadTiles; head += 2) {
        uint32_t right[4];
        load_right<kHead>(right, values, 16 * step, head / 2);
#pragma unroll
        for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
          multiply_add(output[tile][head], left[tile], right[0], right[1], Element{});
          multiply_add(output[tile][head + 1], left[tile], right[2], right[3], Element{});
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void compute_tile(int first_key, int stage) {
    int first_query = task.first_row + warp_row;
    if (first_key >= visible_keys(params, first_query + 16 * Traits::kRowTiles - 1)) return;
    float scores[Traits::kRowTiles][Traits::kKeyTiles][4];
    multiply_queries_keys(scores, k_tile(stage));
    if constexpr (Traits::kTerms) {
      bool plain = bounds && bounds[first_key / kBoundColumns] == kPlainTile;
#pragma unroll
      for (int tile = 0; tile < Traits::kRowTiles; ++tile)
        apply_terms<0, Traits::kKeyTiles>(scores[tile], params, mask, bias, query(tile, 0), first_key, plain);
    }
    if (first_key + kKeys > visible_keys(params, first_query)) {
#pragma unroll
      for (int tile = 0; tile < Traits::kRowTiles; ++tile) hide_keys(scores[tile], params, query(tile, 0), first_key);
    }
    float keep[Traits::kRowTiles][2];
    softmax.update(scores, Traits::kTerms ? 1.0f : params.scale, keep);
    softmax.rescale(output, keep);
    multiply_weights_values(scores, v_tile(stage));
  }

  PYCIRCUIT_DEVICE void store() {
    Element* result = matrix_of<Element>(params.result, task.entry);
#pragma unroll
    for (int tile = 0; tile < Traits::kRowTiles; ++tile) {
      float inverse[2];
#pragma unroll
      for (int half = 0; half < 2; ++half) inverse[half] = softmax.inverse_sum(tile, half, visible_keys(params, query(tile, half)) > 0);
      // A warp goes through its own rows of the query tile.
      int row = warp_row + 16 * tile;
      store_rows<kHead>(q_tile + row * kHead, output[tile], inverse, params, result, task.first_row + row);
    }
  }

  PYCIRCUIT_DEVICE void run() {
    int first_key = next_tile(0);
    if (first_key < task.key_end) {
      load_queries();
      load_keys_and_values(first_key, 0);
    }
    bool first = true;
    for (int stage = 0; first_key < task.key_end; stage ^= 1) {
      int next = next_tile(first_key + kKeys);
      // This tile is there, and nobody reads the other stage any more.
      copy_async_wait<0>();
      sync_block();
      if (next < task.key_end) load_keys_and_values(next, stage ^ 1);
      if (first) keep_queries();
      first = false;
      compute_tile(first_key, stage);
      first_key = next;
    }
    store();
  }
};

template <class Traits>
PYCIRCUIT_KERNEL(Traits::kThreads)
forward_mma(PYCIRCUIT_GRID_CONSTANT ForwardParams params) {
  ForwardBlock<Traits>(params).run();
}

}  // namespace pycircuit::kernels
