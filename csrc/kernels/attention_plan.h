// What the entry points of the CPU attention kernel (attention_cpu.cpp) hand to the code of one target (attention_tile.h). Plain data.
#pragma once

#include <cstdint>

#include "kernels/attention.h"

namespace pycircuit::kernels {

constexpr int64_t kKeyTile = 32;      // keys that are skipped or computed together
constexpr int64_t kKeyPanel = 512;    // keys whose scores are kept at once, a multiple of kKeyTile
constexpr int64_t kColumnChunk = 64;  // columns that are transposed at once

// The range of m and t over a tile of queries and keys; -infinity to infinity where there is a NaN.
struct MaskTile {
  float mask_min = 1.0f;
  float mask_max = 1.0f;
  float bias_min = 0.0f;
  float bias_max = 0.0f;
};

struct AttentionPlan {
  AttentionProblem problem;
  int64_t query_tile = 0;  // queries of a task: lanes of the target's registers
  int64_t num_query_tiles = 0;
  int64_t num_key_tiles = 0;
  int64_t num_entries = 1;  // batch entries of the result
  // Where batch entries share m and t: the ranges of all tiles, [entry of the masks][query tile][key tile]. Else null.
  MaskTile* mask_tiles = nullptr;
  int64_t num_mask_entries = 1;
  int64_t mask_entry_strides[kMaxBatchAxes] = {0, 0, 0, 0};
  bool mask_entry_axes[kMaxBatchAxes] = {false, false, false, false};
};

// The code of one target.
struct AttentionTarget {
  int64_t query_tile;
  // Bytes of workspace of one task.
  int64_t (*workspace)(const AttentionPlan& plan);
  // The ranges of one row of mask tiles: part = entry of the masks * num_query_tiles + query tile.
  void (*classify)(const AttentionPlan& plan, int64_t part, void* workspace);
  // task = entry of the result * num_query_tiles + query tile
  void (*run)(const AttentionPlan& plan, int64_t task, void* workspace);
};

}  // namespace pycircuit::kernels
