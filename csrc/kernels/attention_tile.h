// Attention for one tile of queries (spec 12, section 12), written once for all targets.
//
// A lane of a register is a query. Scores are kept transposed, [key][query], so that maxima, sums and rescaling over the keys are plain
// vector operations; keys, values and folded weights are read where they lie, one element at a time, and broadcast.
//
// Keys are taken in panels. A panel's scores are computed first, then its maximum, its weights and its share of the result: within one
// panel (512 keys) the softmax is the exact one of two passes. Over several panels it is the usual online softmax, with one care: where
// a later maximum lets the weight of an earlier key underflow, but not those of all earlier keys, the tile is computed again from the
// final maximum, so that a weight that underflows is exactly 0 whatever the order of the keys.
#pragma once

#include "kernels/attention_plan.h"
#include "kernels/simd.h"
#include "kernels/vector_math.h"

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

constexpr int kLaneVectors = 2;
constexpr int64_t kLanes = kLaneVectors * kWidth;
#if defined(__AVX512F__)
constexpr int kBlock = 12;  // keys, or result columns, accumulated at once: kBlock * kLaneVectors registers
#else
constexpr int kBlock = 6;
#endif
constexpr int64_t kMaxTiles = kKeyPanel / kKeyTile;

// --- Products

// out[r][lane] = sum over c of rows[r][c] columns[c][lane]
template <int NV, int R>
static __attribute__((noinline)) void multiply_rows(const float* columns, const float* rows, int64_t row_stride, int64_t depth,
                                                    float* out) {
  Vec sums[R][NV] = {};
  constexpr int64_t kLine = 16;
  for (int64_t first = 0; first < depth; first += kLine) {
    // The rows that come next, a cache line each.
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) __builtin_prefetch(rows + (R + r) * row_stride + first);
    const int64_t last = smaller(first + kLine, depth);
    for (int64_t c = first; c < last; ++c) {
      Vec column[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) column[v] = load(columns + c * kLanes + v * kWidth);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const Vec element = splat(rows[r * row_stride + c]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sums[r][v] = fma(element, column[v], sums[r][v]);
      }
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(out + r * kLanes + v * kWidth, sums[r][v]);
  }
}

template <int NV, int R>
static void multiply_last_rows(const float* columns, const float* rows, int64_t row_stride, int64_t depth, int64_t n, float* out) {
  if constexpr (R > 0) {
    if (n == R) return multiply_rows<NV, R>(columns, rows, row_stride, depth, out);
    multiply_last_rows<NV, R - 1>(columns, rows, row_stride, depth, n, out);
  }
}

template <int NV>
static void multiply(const float* columns, const float* rows, int64_t row_stride, int64_t depth, int64_t n, float* out) {
  for (; n >= kBlock; n -= kBlock, rows += kBlock * row_stride, out += kBlock * kLanes) {
    multiply_rows<NV, kBlock>(columns, rows, row_stride, depth, out);
  }
  multiply_last_rows<NV, kBlock - 1>(columns, rows, row_stride, depth, n, out);
}

// out[f][lane] += sum over the n rows j of weights[j][lane] values[j][f]
template <int NV, int R>
static __attribute__((noinline)) void accumulate_columns(const float* weights, const float* values, int64_t value_stride, int64_t n,
                                                         float* out) {
  Vec sums[R][NV];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sums[r][v] = load(out + r * kLanes + v * kWidth);
  }
  for (int64_t j = 0; j < n; ++j) {
    Vec weight[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) weight[v] = load(weights + j * kLanes + v * kWidth);
    // What comes next: in this row (read again for the next columns) and below. Rows far apart are no pattern that the machine foresees.
    __builtin_prefetch(values + 2 * R - 1);
    __builtin_prefetch(values + 8 * value_stride);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Vec element = splat(values[r]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sums[r][v] = fma(element, weight[v], sums[r][v]);
    }
    values += value_stride;
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(out + r * kLanes + v * kWidth, sums[r][v]);
  }
}

template <int NV, int R>
static void accumulate_last_columns(const float* weights, const float* values, int64_t value_stride, int64_t n, int64_t columns,
                                    float* out) {
  if constexpr (R > 0) {
    if (columns == R) return accumulate_columns<NV, R>(weights, values, value_stride, n, out);
    accumulate_last_columns<NV, R - 1>(weights, values, value_stride, n, columns, out);
  }
}

template <int NV>
static void accumulate(const float* weights, const float* values, int64_t value_stride, int64_t n, int64_t columns, float* out) {
  for (; columns >= kBlock; columns -= kBlock, values += kBlock, out += kBlock * kLanes) {
    accumulate_columns<NV, kBlock>(weights, values, value_stride, n, out);
  }
  accumulate_last_columns<NV, kBlock - 1>(weights, values, value_stride, n, columns, out);
}

// --- Workspace of a task, in floats

struct Workspace {
  float* query;    // [c][lane]
  float* scores;   // [key of the panel][lane]
  float* output;   // [f][lane]
  float* folded;   // [d][lane], with `weight`
  float* rows;     // [lane][column chunk]
  float* mask;     // [key of the tile][lane]
  float* bias;     // [key of the tile][lane]
  float* keys;     // [key of the tile][c], where keys must be converted
  float* values;   // [key of the panel][f], likewise
  float* weights;  // [f][column chunk], likewise
};

static bool read_in_place(const AttentionProblem& p, const Operand& operand) {
  return p.element == Element::float32 && operand.column_stride == 1;
}

// Lays the buffers out from `base` (may be null) and returns their total size.
static int64_t lay_out(const AttentionProblem& p, float* base, Workspace* w) {
  int64_t size = 0;
  const auto take = [&](float*& buffer, int64_t floats) {
    buffer = base ? base + size : nullptr;
    size += round_up(floats, 16);
  };
  const int64_t value_rows = round_up(p.value_size, kWidth);
  take(w->query, round_up(p.key_size, kWidth) * kLanes);
  take(w->scores, kKeyPanel * kLanes);
  take(w->output, value_rows * kLanes);
  take(w->folded, p.weight.data ? round_up(p.weight_size, kWidth) * kLanes : 0);
  take(w->rows, kLanes * kColumnChunk);
  take(w->mask, p.mask.data ? kKeyTile * kLanes : 0);
  take(w->bias, p.bias.data ? kKeyTile * kLanes : 0);
  take(w->keys, read_in_place(p, p.k) ? 0 : kKeyTile * p.key_size);
  take(w->values, read_in_place(p, p.v) ? 0 : kKeyPanel * p.value_size);
  take(w->weights, p.weight.data && !read_in_place(p, p.weight) ? p.value_size * kColumnChunk : 0);
  return size;
}

static int64_t attention_workspace(const AttentionPlan& plan) {
  Workspace w;
  return lay_out(plan.problem, nullptr, &w) * int64_t(sizeof(float));
}

// --- One task

static int64_t batch_offset(const int64_t* index, const int64_t* strides) {
  int64_t offset = 0;
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) offset += index[axis] * strides[axis];
  return offset;
}

// Keys first to last of a panel.
struct Run {
  int64_t first;
  int64_t last;
};

// NV: vectors of queries.
template <int NV>
class Task {
 public:
  Task(const AttentionPlan& plan, int64_t query_tile, const Workspace& workspace)
      : plan_(plan), p_(plan.problem), w_(workspace), query_tile_(query_tile), first_query_(query_tile * plan.query_tile) {
    num_queries_ = smaller(plan.query_tile, p_.num_queries - first_query_);
    num_keys_ = p_.num_keys;
    if (p_.causal) num_keys_ = larger(0, smaller(num_keys_, first_query_ + num_queries_ + p_.causal_offset));
    // float16 weights are 0 from half the smallest subnormal on.
    lowest_ = p_.element == Element::float16 ? -17.3286795f : -87.33654f;
  }

  // One entry of the result, summing over the reduced batch axes.
  void run(int64_t entry) {
    int64_t index[kMaxBatchAxes] = {0, 0, 0, 0};
    for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
      if (p_.reduced[axis]) continue;
      index[axis] = entry % p_.batch[axis];
      entry /= p_.batch[axis];
    }
    if (!p_.weight.data) {
      attend(index);
      write(w_.output, p_.value_size, index);
      return;
    }
    clear(w_.folded, p_.weight_size);
    int64_t reduced_entries = 1;
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) reduced_entries *= p_.reduced[axis] ? p_.batch[axis] : 1;
    for (int64_t reduced = 0; reduced < reduced_entries; ++reduced) {
      int64_t rest = reduced;
      for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
        if (!p_.reduced[axis]) continue;
        index[axis] = rest % p_.batch[axis];
        rest /= p_.batch[axis];
      }
      attend(index);
      fold(index);
    }
    for (int axis = 0; axis < kMaxBatchAxes; ++axis) index[axis] = p_.reduced[axis] ? 0 : index[axis];
    write(w_.folded, p_.weight_size, index);
  }

  // The ranges of m and t over a row of tiles.
  void classify(int64_t mask_entry, MaskTile* tiles) {
    int64_t index[kMaxBatchAxes] = {0, 0, 0, 0};
    for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
      if (!plan_.mask_entry_axes[axis]) continue;
      index[axis] = mask_entry % p_.batch[axis];
      mask_entry /= p_.batch[axis];
    }
    set_masks(index);
    for (int64_t tile = 0; tile * kKeyTile < num_keys_; ++tile) tiles[tile] = ranges(tile);
  }

 private:
  static void clear(float* rows, int64_t n) {
    for (int64_t i = 0; i < n * kLanes; i += kWidth) store(rows + i, Vec{});
  }

  // Row `lane` of a matrix of queries; lanes beyond the last query repeat it, so that nothing needs to know how many there are.
  int64_t row_of(int64_t lane) const { return first_query_ + smaller(lane, num_queries_ - 1); }

  const char* entry_of(const Operand& operand, const int64_t* index) const {
    if (!operand.data) return nullptr;
    return element_at(operand.data, p_.element, batch_offset(index, operand.batch_strides));
  }

  void set_masks(const int64_t* index) {
    mask_ = entry_of(p_.mask, index);
    bias_ = entry_of(p_.bias, index);
  }

  // O of one batch entry to w_.output.
  void attend(const int64_t* index) {
    set_masks(index);
    keys_ = entry_of(p_.k, index);
    values_ = entry_of(p_.v, index);
    if (plan_.mask_tiles) {
      const int64_t entry = batch_offset(index, plan_.mask_entry_strides);
      mask_tiles_ = plan_.mask_tiles + (entry * plan_.num_query_tiles + query_tile_) * plan_.num_key_tiles;
    }
    load_query(entry_of(p_.q, index));
    for (int v = 0; v < NV; ++v) maximum_[v] = splat(-kInfinity);
    if (!sum_panels()) {
      for (int64_t first = 0; first < num_keys_; first += kKeyPanel) {
        Vec panel_maximum[NV];
        score_panel(first, panel_maximum);
        for (int v = 0; v < NV; ++v) maximum_[v] = max(panel_maximum[v], maximum_[v]);
      }
      sum_panels();
    }
    normalise();
    if (p_.pattern) write_pattern(index);
  }

  void load_query(const char* query) {
    Vec largest = Vec{};
    for (int64_t c = 0; c < p_.key_size; c += kColumnChunk) {
      const int64_t n = smaller(kColumnChunk, p_.key_size - c);
      for (int64_t lane = 0; lane < NV * kWidth; ++lane) {
        const int64_t offset = row_of(lane) * p_.q.row_stride + c * p_.q.column_stride;
        load_elements(element_at(query, p_.element, offset), p_.element, p_.q.column_stride, n, w_.rows + lane * kColumnChunk);
      }
      transpose(w_.rows, kColumnChunk, NV * kWidth, n, w_.query + c * kLanes, kLanes);
    }
    Vec squares[NV] = {};
    for (int64_t c = 0; c < p_.key_size; ++c) {
      for (int v = 0; v < NV; ++v) {
        const Vec q = load(w_.query + c * kLanes + v * kWidth);
        squares[v] = fma(q, q, squares[v]);
      }
    }
    bool strange = false;
    for (int v = 0; v < NV; ++v) {
      strange = strange || any(squares[v] != squares[v]);
      largest = max(squares[v], largest);
    }
    query_norm_ = strange ? kInfinity : __builtin_sqrtf(max_of(largest));
  }

  // --- Masks

  // m or t over a key tile to `to` [lane][key].
  void load_mask_rows(const Operand& operand, const char* data, int64_t first_key, int64_t n) {
    for (int64_t lane = 0; lane < NV * kWidth; ++lane) {
      const int64_t offset = row_of(lane) * operand.row_stride + first_key * operand.column_stride;
      load_elements(element_at(data, p_.element, offset), p_.element, operand.column_stride, n, w_.rows + lane * kKeyTile);
    }
  }

  void range(const Operand& operand, const char* data, int64_t tile, float* lowest, float* highest) {
    const int64_t first_key = tile * kKeyTile;
    const int64_t n = smaller(kKeyTile, p_.num_keys - first_key);
    load_mask_rows(operand, data, first_key, n);
    Vec low = splat(kInfinity);
    Vec high = splat(-kInfinity);
    VecInt strange = {};
    for (int64_t lane = 0; lane < smaller(NV * kWidth, num_queries_); ++lane) {
      const float* row = w_.rows + lane * kKeyTile;
      int64_t j = 0;
      for (; j + kWidth <= n; j += kWidth) {
        const Vec x = load(row + j);
        low = min(x, low);
        high = max(x, high);
        strange |= (x != x);
      }
      for (; j < n; ++j) {
        const Vec x = splat(row[j]);
        low = min(x, low);
        high = max(x, high);
        strange |= (x != x);
      }
    }
    *lowest = any(strange) ? -kInfinity : min_of(low);
    *highest = any(strange) ? kInfinity : max_of(high);
  }

  MaskTile ranges(int64_t tile) {
    MaskTile result;
    if (mask_) range(p_.mask, mask_, tile, &result.mask_min, &result.mask_max);
    if (bias_) range(p_.bias, bias_, tile, &result.bias_min, &result.bias_max);
    return result;
  }

  static float largest_factor(const MaskTile& tile) {
    const float a = __builtin_fabsf(tile.mask_min);
    const float b = __builtin_fabsf(tile.mask_max);
    return a > b ? a : b;
  }

  // --- Scores

  // Rows of keys or values as float32, side by side; converted ones in `buffer`.
  const float* rows_of(const Operand& operand, const char* data, int64_t first, int64_t n, int64_t columns, float* buffer,
                       int64_t* row_stride) const {
    if (read_in_place(p_, operand)) {
      *row_stride = operand.row_stride;
      return reinterpret_cast<const float*>(data) + first * operand.row_stride;
    }
    *row_stride = columns;
    for (int64_t j = 0; j < n; ++j) {
      load_elements(element_at(data, p_.element, (first + j) * operand.row_stride), p_.element, operand.column_stride, columns,
                    buffer + j * columns);
    }
    return buffer;
  }

  // No score of the tile is above this; NaN or infinity where that is unknown. By the norms of queries and keys, the keys' from above:
  // the largest partial sums of all keys together, which saves a sum over lanes per key.
  float bound(int64_t first, int64_t n, const MaskTile& masks) {
    int64_t row_stride;
    const float* rows = rows_of(p_.k, keys_, first, n, p_.key_size, w_.keys, &row_stride);
    Vec largest = Vec{};
    float largest_rest = 0.0f;
    VecInt strange = {};
    for (int64_t j = 0; j < n; ++j) {
      const float* row = rows + j * row_stride;
      Vec squares = Vec{};
      int64_t c = 0;
      for (; c + kWidth <= p_.key_size; c += kWidth) {
        const Vec k = load(row + c);
        squares = fma(k, k, squares);
      }
      float rest = 0.0f;
      for (; c < p_.key_size; ++c) rest += row[c] * row[c];
      strange |= (squares != squares) | (splat(rest) != splat(rest));
      largest = max(squares, largest);
      largest_rest = rest > largest_rest ? rest : largest_rest;
    }
    if (any(strange)) return kInfinity;
    const float key_norm = __builtin_sqrtf(sum_of(largest) + largest_rest);
    return __builtin_fabsf(p_.scale) * largest_factor(masks) * query_norm_ * key_norm * 1.001f + masks.bias_max;
  }

  // Whether every weight of the tile underflows, for the maxima `lowest_maximum` and above.
  bool underflows(int64_t first, int64_t n, const MaskTile& masks, float lowest_maximum) {
    // The margin covers rounding of scores.
    const float limit = lowest_maximum + lowest_ - 1.0f - 1e-6f * (__builtin_fabsf(lowest_maximum) + __builtin_fabsf(masks.bias_max));
    return masks.bias_max < limit && bound(first, n, masks) < limit;
  }

  void load_mask(const Operand& operand, const char* data, int64_t first, int64_t n, float* to) {
    if (operand.row_stride == 0) {
      for (int64_t j = 0; j < n; ++j) {
        const Vec x = splat(load_one(data, p_.element, (first + j) * operand.column_stride));
        for (int v = 0; v < NV; ++v) store(to + j * kLanes + v * kWidth, x);
      }
      return;
    }
    load_mask_rows(operand, data, first, n);
    transpose(w_.rows, kKeyTile, NV * kWidth, n, to, kLanes);
  }

  // S of a key tile to `scores` [key][lane], and its maxima.
  void score_tile(int64_t first, int64_t n, const MaskTile& masks, float* scores, Vec* maximum) {
    const bool mask_varies = masks.mask_min != masks.mask_max;
    const bool bias_varies = masks.bias_min != masks.bias_max;
    const bool diagonal = p_.causal && first + n - 1 > first_query_ + p_.causal_offset;
    // Without factors, scores are t. (An infinite key would give NaN: its norm is seen.)
    const bool product_vanishes = !mask_varies && masks.mask_min == 0.0f && bound(first, n, masks) < kInfinity;
    if (product_vanishes) {
      clear(scores, n);
    } else {
      int64_t row_stride;
      const float* rows = rows_of(p_.k, keys_, first, n, p_.key_size, w_.keys, &row_stride);
      multiply<NV>(w_.query, rows, row_stride, p_.key_size, n, scores);
    }
    if (mask_varies) load_mask(p_.mask, mask_, first, n, w_.mask);
    if (bias_varies) load_mask(p_.bias, bias_, first, n, w_.bias);
    const Vec factor = splat(p_.scale * (mask_varies ? 1.0f : masks.mask_min));
    const Vec bias = splat(masks.bias_min);
    for (int64_t j = 0; j < n; ++j) {
      for (int v = 0; v < NV; ++v) {
        float* score = scores + j * kLanes + v * kWidth;
        const Vec m = mask_varies ? factor * load(w_.mask + j * kLanes + v * kWidth) : factor;
        const Vec t = bias_varies ? load(w_.bias + j * kLanes + v * kWidth) : bias;
        Vec s = fma(load(score), m, t);
        if (diagonal) s = select(last_key(v) < int32_t(first + j - first_query_), splat(-kInfinity), s);
        store(score, s);
        maximum[v] = max(s, maximum[v]);
      }
    }
  }

  // For each lane the last key that a causal problem lets it see, counted from the first query.
  VecInt last_key(int v) const {
    VecInt lane;
    for (int i = 0; i < kWidth; ++i) lane[i] = i + v * kWidth;
    const VecInt last = VecInt{} + int32_t(num_queries_ - 1);
    return (lane < last ? lane : last) + int32_t(p_.causal_offset);
  }

  // The scores of a panel's tiles that matter; which these are, to runs_; the maxima of the scores.
  void score_panel(int64_t first_key, Vec* maximum) {
    for (int v = 0; v < NV; ++v) maximum[v] = splat(-kInfinity);
    const int64_t last_key = smaller(num_keys_, first_key + kKeyPanel);
    const int tiles = int((last_key - first_key + kKeyTile - 1) / kKeyTile);
    MaskTile masks[kMaxTiles];
    float best_bias = -kInfinity;
    for (int tile = 0; tile < tiles; ++tile) {
      const int64_t number = first_key / kKeyTile + tile;
      masks[tile] = mask_tiles_ ? mask_tiles_[number] : ranges(number);
      if (largest_factor(masks[tile]) > 0.0f && masks[tile].bias_max > best_bias) best_bias = masks[tile].bias_max;
    }
    // First the tiles that look as if they had the larger scores, then those of the others that can matter beside them.
    bool wanted[kMaxTiles];
    for (int round = 0; round < 2; ++round) {
      for (int tile = 0; tile < tiles; ++tile) {
        const int64_t first = first_key + tile * kKeyTile;
        const int64_t n = smaller(kKeyTile, last_key - first);
        const bool later = masks[tile].bias_max < best_bias + lowest_;
        if (later != (round == 1)) continue;
        wanted[tile] = !later;
        if (later) {
          Vec lowest = splat(kInfinity);
          for (int v = 0; v < NV; ++v) lowest = min(max(maximum[v], maximum_[v]), lowest);
          wanted[tile] = !underflows(first, n, masks[tile], min_of(lowest));
        }
        if (wanted[tile]) score_tile(first, n, masks[tile], w_.scores + tile * kKeyTile * kLanes, maximum);
      }
    }
    num_runs_ = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      if (wanted[tile]) add_run(tile * kKeyTile, smaller((tile + 1) * kKeyTile, last_key - first_key));
    }
  }

  void add_run(int64_t first, int64_t last) {
    if (num_runs_ > 0 && runs_[num_runs_ - 1].last == first) {
      runs_[num_runs_ - 1].last = last;
    } else {
      runs_[num_runs_++] = {first, last};
    }
  }

  // --- Weights and sums

  // w_.output = sum over keys of e^(score - maximum_) v, sum_ = sum of the e^..., from what maximum_ is now; it is raised where needed.
  // False: an earlier key's weight underflows under a later maximum.
  bool sum_panels() {
    clear(w_.output, p_.value_size);
    Vec least[NV];  // the least score whose weight is not 0
    for (int v = 0; v < NV; ++v) {
      sum_[v] = Vec{};
      least[v] = splat(kInfinity);
    }
    for (int64_t first = 0; first < num_keys_; first += kKeyPanel) {
      Vec panel_maximum[NV];
      score_panel(first, panel_maximum);
      if (first > 0) {
        if (!raise(panel_maximum, least)) return false;
      } else {
        for (int v = 0; v < NV; ++v) maximum_[v] = max(panel_maximum[v], maximum_[v]);
      }
      weigh_panel(least);
      add_values(first);
    }
    return true;
  }

  // Scores are taken relative to this: the maximum, or 0 in rows that have nothing but -infinity.
  Vec reference(int v) const { return select(maximum_[v] == -kInfinity, Vec{}, maximum_[v]); }

  // Takes the new maxima into account in the sums so far.
  bool raise(const Vec* panel_maximum, Vec* least) {
    Vec factor[NV];
    VecInt changed = {};
    for (int v = 0; v < NV; ++v) {
      const Vec old = maximum_[v];
      maximum_[v] = max(panel_maximum[v], old);
      changed |= (maximum_[v] != old);
      factor[v] = exp_of_negative(old - reference(v), splat(lowest_));
      const VecInt all_underflow = (factor[v] == 0.0f);
      if (any(~all_underflow & (least[v] - maximum_[v] < lowest_))) return false;
      least[v] = select(all_underflow, splat(kInfinity), least[v]);
      sum_[v] *= factor[v];
    }
    if (!any(changed)) return true;
    for (int64_t f = 0; f < p_.value_size; ++f) {
      for (int v = 0; v < NV; ++v) {
        float* output = w_.output + f * kLanes + v * kWidth;
        // Sums of large values may have overflowed: not 0 * infinity.
        store(output, select(factor[v] == 0.0f, Vec{}, load(output) * factor[v]));
      }
    }
    return true;
  }

  // Scores of the panel's runs to weights. Tiles whose weights are all 0 are dropped.
  void weigh_panel(Vec* least) {
    Run runs[kMaxTiles];
    const int num_runs = num_runs_;
    for (int run = 0; run < num_runs; ++run) runs[run] = runs_[run];
    num_runs_ = 0;
    Vec total[NV] = {};
    for (int run = 0; run < num_runs; ++run) {
      for (int64_t first = runs[run].first; first < runs[run].last; first += kKeyTile) {
        const int64_t last = smaller(first + kKeyTile, runs[run].last);
        VecInt found = {};
        for (int v = 0; v < NV; ++v) {
          float* scores = w_.scores + v * kWidth;
          // The least score matters where another panel may raise the maximum.
          const Vec sum = num_keys_ > kKeyPanel ? weigh<true>(scores, first, last, reference(v), &least[v])
                                                : weigh<false>(scores, first, last, reference(v), &least[v]);
          total[v] += sum;
          found |= (sum != 0.0f);
        }
        if (any(found)) add_run(first, last);
      }
    }
    for (int v = 0; v < NV; ++v) sum_[v] += total[v];
  }

  // One vector of queries; returns the sum of the weights.
  template <bool kTrackLeast>
  PYCIRCUIT_INLINE Vec weigh(float* scores, int64_t first, int64_t last, Vec base, Vec* least) const {
    Vec sum = Vec{};
    Vec low = *least;
    for (int64_t j = first; j < last; ++j) {
      const Vec s = load(scores + j * kLanes);
      const Vec weight = exp_of_negative(s - base, splat(lowest_));
      store(scores + j * kLanes, weight);
      sum += weight;
      if (kTrackLeast) low = min(select(weight != 0.0f, s, low), low);
    }
    *least = low;
    return sum;
  }

  void add_values(int64_t first_key) {
    for (int run = 0; run < num_runs_; ++run) {
      const int64_t n = runs_[run].last - runs_[run].first;
      const int64_t first = first_key + runs_[run].first;
      int64_t row_stride;
      const float* values = rows_of(p_.v, values_, first, n, p_.value_size, w_.values, &row_stride);
      accumulate<NV>(w_.scores + runs_[run].first * kLanes, values, row_stride, n, p_.value_size, w_.output);
    }
  }

  // Rows that a causal problem lets see no key.
  VecInt without_keys(int v) const {
    if (num_keys_ == 0) return VecInt{} == 0;
    if (!p_.causal || p_.causal_offset >= 0) return VecInt{};
    return last_key(v) < int32_t(-first_query_);
  }

  void normalise() {
    for (int v = 0; v < NV; ++v) {
      const VecInt none = without_keys(v);
      for (int64_t f = 0; f < p_.value_size; ++f) {
        float* output = w_.output + f * kLanes + v * kWidth;
        store(output, select(none, Vec{}, load(output) / sum_[v]));
      }
    }
  }

  // --- Results

  // w_.folded += O weight
  void fold(const int64_t* index) {
    const char* weight = entry_of(p_.weight, index);
    if (read_in_place(p_, p_.weight)) {
      accumulate<NV>(w_.output, reinterpret_cast<const float*>(weight), p_.weight.row_stride, p_.value_size, p_.weight_size, w_.folded);
      return;
    }
    for (int64_t d = 0; d < p_.weight_size; d += kColumnChunk) {
      const int64_t n = smaller(kColumnChunk, p_.weight_size - d);
      for (int64_t f = 0; f < p_.value_size; ++f) {
        const int64_t offset = f * p_.weight.row_stride + d * p_.weight.column_stride;
        load_elements(element_at(weight, p_.element, offset), p_.element, p_.weight.column_stride, n, w_.weights + f * kColumnChunk);
      }
      accumulate<NV>(w_.output, w_.weights, kColumnChunk, p_.value_size, n, w_.folded + d * kLanes);
    }
  }

  // `from` [column][lane] to the rows of the tile's queries.
  void write_columns(const float* from, int64_t n, void* to, int64_t row_stride, int64_t column_stride) {
    for (int64_t c = 0; c < n; c += kColumnChunk) {
      const int64_t columns = smaller(kColumnChunk, n - c);
      transpose(from + c * kLanes, kLanes, columns, NV * kWidth, w_.rows, kColumnChunk);
      for (int64_t lane = 0; lane < num_queries_; ++lane) {
        const int64_t offset = (first_query_ + lane) * row_stride + c * column_stride;
        store_elements(element_at(to, p_.element, offset), p_.element, column_stride, columns, w_.rows + lane * kColumnChunk);
      }
    }
  }

  void write(const float* from, int64_t n, const int64_t* index) {
    void* to = element_at(p_.result, p_.element, batch_offset(index, p_.result_batch_strides));
    write_columns(from, n, to, p_.result_row_stride, p_.result_column_stride);
  }

  // P, from the final maxima and sums.
  void write_pattern(const int64_t* index) {
    char* to = element_at(p_.pattern, p_.element, batch_offset(index, p_.pattern_batch_strides));
    for (int64_t first = 0; first < p_.num_keys; first += kKeyPanel) {
      const int64_t n = smaller(kKeyPanel, p_.num_keys - first);
      num_runs_ = 0;
      Vec unused[NV];
      if (first < num_keys_) score_panel(first, unused);
      int64_t written = 0;
      for (int run = 0; run <= num_runs_; ++run) {
        // Keys without weight up to the run; after the last run, to the end.
        const int64_t start = run < num_runs_ ? runs_[run].first : n;
        for (; written < start; ++written) fill_pattern(written, [&](int v, float*) { return Vec{} / sum_[v]; });
        if (run == num_runs_) break;
        for (; written < runs_[run].last; ++written) {
          fill_pattern(written, [&](int v, float* at) { return exp_of_negative(load(at) - reference(v), splat(lowest_)) / sum_[v]; });
        }
      }
      write_columns(w_.scores, n, element_at(to, p_.element, first * p_.pattern_column_stride), p_.pattern_row_stride,
                    p_.pattern_column_stride);
    }
  }

  template <typename F>
  PYCIRCUIT_INLINE void fill_pattern(int64_t key, F weight) {
    for (int v = 0; v < NV; ++v) {
      float* at = w_.scores + key * kLanes + v * kWidth;
      store(at, select(without_keys(v), Vec{}, weight(v, at)));
    }
  }

  const AttentionPlan& plan_;
  const AttentionProblem& p_;
  const Workspace w_;
  const int64_t query_tile_;
  const int64_t first_query_;
  int64_t num_queries_;
  int64_t num_keys_;  // up to the last that a query of the tile may see
  float lowest_;      // e^x is 0 below
  float query_norm_ = 0.0f;
  const char* mask_ = nullptr;
  const char* bias_ = nullptr;
  const char* keys_ = nullptr;
  const char* values_ = nullptr;
  const MaskTile* mask_tiles_ = nullptr;
  Vec maximum_[NV];
  Vec sum_[NV];
  Run runs_[kMaxTiles];
  int num_runs_ = 0;
};

static void attention_run(const AttentionPlan& plan, int64_t task, void* workspace) {
  Workspace w;
  lay_out(plan.problem, static_cast<float*>(workspace), &w);
  const int64_t query_tile = task % plan.num_query_tiles;
  const int64_t entry = task / plan.num_query_tiles;
  if (plan.problem.num_queries - query_tile * plan.query_tile > kWidth) {
    Task<kLaneVectors>(plan, query_tile, w).run(entry);
  } else {
    Task<1>(plan, query_tile, w).run(entry);
  }
}

static void attention_classify(const AttentionPlan& plan, int64_t part, void* workspace) {
  Workspace w;
  lay_out(plan.problem, static_cast<float*>(workspace), &w);
  const int64_t query_tile = part % plan.num_query_tiles;
  Task<kLaneVectors>(plan, query_tile, w).classify(part / plan.num_query_tiles, plan.mask_tiles + part * plan.num_key_tiles);
}

static const AttentionTarget attention = {kLanes, attention_workspace, attention_classify, attention_run};

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
