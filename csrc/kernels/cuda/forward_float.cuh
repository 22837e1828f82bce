// Attention forward for float32 elements, in float32 arithmetic throughout, and the pattern for every element type (spec 12, section 12).
//
// A block of 128 threads computes 64 queries of one batch entry. A thread holds 8 rows of scores and of the output, so that one value read
// from shared memory serves several products. Sixteen neighbouring threads share rows: row sums and weights never leave them.
#pragma once

#include "kernels/cuda/params.cuh"
#include "kernels/cuda/terms.cuh"

namespace pycircuit::kernels {

template <class Element_, int kHead_, int kKeys_>
struct FloatTraits {
  using Element = Element_;
  static constexpr int kHead = kHead_;
  static constexpr int kKeys = kKeys_;
  static constexpr int kRows = 64;
  static constexpr int kThreads = 128;
  static constexpr int kRowsPerThread = 8;
  static constexpr int kKeysPerThread = kKeys / 16;
  static constexpr int kHeadVectors = kHead / 64;  // of four columns, per thread
  // Rows are padded by 16 bytes: rows that neighbouring threads read start in different banks.
  static constexpr int kHeadStride = kHead + 4;
  static constexpr int kKeyStride = kKeys + 4;
  static constexpr size_t kSharedBytes = sizeof(float) * ((kRows + 2 * kKeys) * kHeadStride + kRows * kKeyStride);
};

template <class Traits>
struct FloatBlock {
  using Element = typename Traits::Element;
  static constexpr int kRowsPerThread = Traits::kRowsPerThread;
  static constexpr int kKeysPerThread = Traits::kKeysPerThread;
  static constexpr int kHeadVectors = Traits::kHeadVectors;

  const ForwardParams& params;
  BlockTask task;
  int first_local_row;  // of this thread
  int lane16;
  float *q_tile, *k_tile, *v_tile, *weight_tile;
  const Element *q, *k, *v, *mask, *bias;
  const float* bounds;
  float maximum[kRowsPerThread], sum[kRowsPerThread];
  float output[kRowsPerThread][kHeadVectors][4];

  PYCIRCUIT_DEVICE explicit FloatBlock(const ForwardParams& all) : params(all), task(block_task<Traits::kRows>(all, block_index())) {
    first_local_row = thread_index() / 16 * kRowsPerThread;
    lane16 = thread_index() % 16;
    q_tile = reinterpret_cast<float*>(dynamic_shared());
    k_tile = q_tile + Traits::kRows * Traits::kHeadStride;
    v_tile = k_tile + Traits::kKeys * Traits::kHeadStride;
    weight_tile = v_tile + Traits::kKeys * Traits::kHeadStride;
    q = matrix_of<Element>(params.q, task.entry);
    k = matrix_of<Element>(params.k, task.entry);
    v = matrix_of<Element>(params.v, task.entry);
    mask = params.mask.data ? matrix_of<Element>(params.mask, task.entry) : nullptr;
    bias = params.bias.data ? matrix_of<Element>(params.bias, task.entry) : nullptr;
    bounds = bounds_of_rows(params, task.entry, task.first_row);
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      maximum[row] = -infinity();
      sum[row] = 0.0f;
#pragma unroll
      for (int vector = 0; vector < kHeadVectors; ++vector) {
#pragma unroll
        for (int i = 0; i < 4; ++i) output[row][vector][i] = 0.0f;
      }
    }
  }

  PYCIRCUIT_DEVICE int query(int row) const { return task.first_row + first_local_row + row; }

  // Rows [first_row, first_row + tile_rows) as float32, zeros beyond the edges.
  PYCIRCUIT_DEVICE void load(float* tile, const Element* matrix, const Source& source, int tile_rows, int first_row, int rows,
                             int columns) const {
    if (sizeof(Element) == sizeof(float) && source.vectorised) {
      constexpr int kChunks = Traits::kHead / 4;
      for (int item = thread_index(); item < tile_rows * kChunks; item += Traits::kThreads) {
        int row = item / kChunks, column = item % kChunks * 4;
        bool valid = first_row + row < rows && column < columns;
        copy_async_16(tile + row * Traits::kHeadStride + column, valid ? matrix + (first_row + row) * source.row_stride + column : matrix,
                      valid);
      }
      return;
    }
    bool by_rows = source.row_stride == 1;
    for (int item = thread_index(); item < tile_rows * Traits::kHead; item += Traits::kThreads) {
      int row = by_rows ? item % tile_rows : item / Traits::kHead;
      int column = by_rows ? item / tile_rows : item % Traits::kHead;
      float value = 0.0f;
      if (first_row + row < rows && column < columns)
        value = to_float(matrix[(first_row + row) * source.row_stride + column * source.column_stride]);
      tile[row * Traits::kHeadStride + column] = value;
    }
  }

  PYCIRCUIT_DEVICE void load_keys(int first_key) const {
    load(k_tile, k, params.k, Traits::kKeys, first_key, params.num_keys, params.key_size);
    copy_async_commit();
  }
  PYCIRCUIT_DEVICE void load_values(int first_key) const {
    load(v_tile, v, params.v, Traits::kKeys, first_key, params.num_keys, params.value_size);
    copy_async_commit();
  }

  // The next tile from `first_key` on that may have weight; the same for all threads of the block.
  PYCIRCUIT_DEVICE int next_tile(int first_key) const {
    if (!bounds) return first_key;
    float lowest = infinity();
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      if (query(row) < params.num_queries) lowest = fminf(lowest, maximum[row]);
    }
    for (; first_key < task.key_end; first_key += Traits::kKeys) {
      float bound = bounds[first_key / kBoundColumns];
      if (bound >= kPlainTile) break;
      if (!sync_block_and(underflows(bound, lowest))) break;
    }
    return first_key;
  }

  // Thread t has keys t % 16 + 16 n of its rows.
  PYCIRCUIT_DEVICE void multiply_queries_keys(float (&scores)[kRowsPerThread][kKeysPerThread]) const {
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key) scores[row][key] = 0.0f;
    }
#pragma unroll 2
    for (int c = 0; c < Traits::kHead; c += 4) {
      float4 keys[kKeysPerThread];
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key)
        keys[key] = *reinterpret_cast<const float4*>(k_tile + (lane16 + 16 * key) * Traits::kHeadStride + c);
#pragma unroll
      for (int row = 0; row < kRowsPerThread; ++row) {
        float4 queries = *reinterpret_cast<const float4*>(q_tile + (first_local_row + row) * Traits::kHeadStride + c);
#pragma unroll
        for (int key = 0; key < kKeysPerThread; ++key) {
          float score = scores[row][key];
          score = fmaf(queries.x, keys[key].x, score);
          score = fmaf(queries.y, keys[key].y, score);
          score = fmaf(queries.z, keys[key].z, score);
          scores[row][key] = fmaf(queries.w, keys[key].w, score);
        }
      }
    }
  }

  // Scale, mask, bias; keys that do not exist or that a query does not see get -infinity.
  PYCIRCUIT_DEVICE void apply_terms(float (&scores)[kRowsPerThread][kKeysPerThread], int first_key) const {
    bool plain = bounds && bounds[first_key / kBoundColumns] == kPlainTile;
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      int i = query(row);
      int end = i < params.num_queries ? visible_keys(params, i) : params.num_keys;
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key) {
        int64_t at = first_key + lane16 + 16 * key;
        float score = scores[row][key] * params.scale;
        if (!plain && i < params.num_queries && at < params.num_keys) {
          if (mask) score *= to_float(mask[i * params.mask.row_stride + at * params.mask.column_stride]);
          if (bias) score += to_float(bias[i * params.bias.row_stride + at * params.bias.column_stride]);
        }
        scores[row][key] = at < end ? score : -infinity();
      }
    }
  }

  PYCIRCUIT_DEVICE static float max16(float value) {
#pragma unroll
    for (int lanes = 1; lanes < 16; lanes *= 2) value = fmaxf(value, shuffle_xor(value, lanes));
    return value;
  }
  PYCIRCUIT_DEVICE static float sum16(float value) {
#pragma unroll
    for (int lanes = 1; lanes < 16; lanes *= 2) value += shuffle_xor(value, lanes);
    return value;
  }

  // Scores become unnormalised weights, in shared memory too. A maximum of -infinity counts as 0: all weights are 0 then.
  PYCIRCUIT_DEVICE void update_softmax(float (&scores)[kRowsPerThread][kKeysPerThread]) {
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      float former = maximum[row];
      float current = former;
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key) current = fmaxf(current, scores[row][key]);
      current = max16(current);
      maximum[row] = current;
      float shift = current == -infinity() ? 0.0f : current;
      float keep = exp_accurate(former - shift);
      float total = 0.0f;
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key) {
        float weight = exp_accurate(scores[row][key] - shift);
        total += weight;
        weight_tile[(first_local_row + row) * Traits::kKeyStride + lane16 + 16 * key] = weight;
      }
      sum[row] = sum[row] * keep + total;
      // A former maximum that counts for nothing clears the row: infinities must not remain of values without weight.
#pragma unroll
      for (int vector = 0; vector < kHeadVectors; ++vector) {
#pragma unroll
        for (int i = 0; i < 4; ++i) output[row][vector][i] = keep == 0.0f ? 0.0f : output[row][vector][i] * keep;
      }
    }
  }

  // Thread t has columns 4 (t % 16) + 64 n + 0..3 of its rows.
  PYCIRCUIT_DEVICE void multiply_weights_values() {
    for (int key = 0; key < Traits::kKeys; key += 4) {
      float4 weights[kRowsPerThread];
#pragma unroll
      for (int row = 0; row < kRowsPerThread; ++row)
        weights[row] = *reinterpret_cast<const float4*>(weight_tile + (first_local_row + row) * Traits::kKeyStride + key);
#pragma unroll
      for (int vector = 0; vector < kHeadVectors; ++vector) {
        const float* column = v_tile + key * Traits::kHeadStride + 64 * vector + 4 * lane16;
#pragma unroll
        for (int next = 0; next < 4; ++next) {
          float4 values = *reinterpret_cast<const float4*>(column + next * Traits::kHeadStride);
#pragma unroll
          for (int row = 0; row < kRowsPerThread; ++row) {
            float weight = next == 0 ? weights[row].x : next == 1 ? weights[row].y : next == 2 ? weights[row].z : weights[row].w;
            float (&sums)[4] = output[row][vector];
            sums[0] = fmaf(weight, values.x, sums[0]);
            sums[1] = fmaf(weight, values.y, sums[1]);
            sums[2] = fmaf(weight, values.z, sums[2]);
            sums[3] = fmaf(weight, values.w, sums[3]);
          }
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void store() const {
    Element* result = matrix_of<Element>(params.result, task.entry);
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      int i = query(row);
      float total = sum16(sum[row]);
      if (i >= params.num_queries) continue;
      bool has_keys = visible_keys(params, i) > 0;
#pragma unroll
      for (int vector = 0; vector < kHeadVectors; ++vector) {
#pragma unroll
        for (int next = 0; next < 4; ++next) {
          int column = 64 * vector + 4 * lane16 + next;
          if (column >= params.value_size) continue;
          float value = has_keys ? output[row][vector][next] / total : 0.0f;
          result[i * params.result.row_stride + column * params.result.column_stride] = from_float(value, Element{});
        }
      }
    }
  }

  PYCIRCUIT_DEVICE void run() {
    int first_key = next_tile(0);
    if (first_key < task.key_end) {
      load(q_tile, q, params.q, Traits::kRows, task.first_row, params.num_queries, params.key_size);
      load_keys(first_key);
      load_values(first_key);
    }
    while (first_key < task.key_end) {
      float scores[kRowsPerThread][kKeysPerThread];
      copy_async_wait<1>();
      sync_block();  // queries and keys are there
      multiply_queries_keys(scores);
      apply_terms(scores, first_key);
      update_softmax(scores);
      int next = next_tile(first_key + Traits::kKeys);
      copy_async_wait<0>();
      sync_block();  // values and weights are there, keys are free
      if (next < task.key_end) load_keys(next);
      multiply_weights_values();
      sync_block();  // values are free
      if (next < task.key_end) load_values(next);
      first_key = next;
    }
    store();
  }

  // The pattern: row maxima and sums first, then every weight. Skipped tiles and keys get 0.
  PYCIRCUIT_DEVICE void run_pattern() {
    Element* pattern = matrix_of<Element>(params.pattern, task.entry);
    load(q_tile, q, params.q, Traits::kRows, task.first_row, params.num_queries, params.key_size);
    for (int pass = 0; pass < 2; ++pass) {
      for (int first_key = 0; first_key < params.num_keys; first_key += Traits::kKeys) {
        float scores[kRowsPerThread][kKeysPerThread];
        sync_block();  // keys are free
        load_keys(first_key);
        copy_async_wait<0>();
        sync_block();
        multiply_queries_keys(scores);
        apply_terms(scores, first_key);
        if (pass == 0) {
          update_softmax(scores);
        } else {
          store_pattern(pattern, scores, first_key);
        }
      }
#pragma unroll
      for (int row = 0; row < kRowsPerThread; ++row) {
        if (pass == 0) sum[row] = sum16(sum[row]);
      }
    }
  }

  PYCIRCUIT_DEVICE void store_pattern(Element* pattern, const float (&scores)[kRowsPerThread][kKeysPerThread], int first_key) const {
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
      int i = query(row);
      if (i >= params.num_queries) continue;
      bool has_keys = visible_keys(params, i) > 0;
      float shift = maximum[row] == -infinity() ? 0.0f : maximum[row];
#pragma unroll
      for (int key = 0; key < kKeysPerThread; ++key) {
        int64_t at = first_key + lane16 + 16 * key;
        if (at >= params.num_keys) continue;
        float weight = has_keys ? exp_accurate(scores[row][key] - shift) / sum[row] : 0.0f;
        pattern[i * params.pattern.row_stride + at * params.pattern.column_stride] = from_float(weight, Element{});
      }
    }
  }
};

template <class Traits>
PYCIRCUIT_KERNEL(Traits::kThreads)
forward_float(PYCIRCUIT_GRID_CONSTANT ForwardParams params) {
  FloatBlock<Traits>(params).run();
}

template <class Traits>
PYCIRCUIT_KERNEL(Traits::kThreads)
forward_pattern(PYCIRCUIT_GRID_CONSTANT ForwardParams params) {
  FloatBlock<Traits>(params).run_pattern();
}

}  // namespace pycircuit::kernels
