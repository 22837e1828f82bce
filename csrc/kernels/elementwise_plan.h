// What the entry points of the elementwise interpreter (elementwise.cpp) hand to the code of one target (elementwise_tile.h). Plain data.
#pragma once

#include <cstdint>

#include "kernels/elementwise.h"

namespace pycircuit::kernels {

constexpr int64_t kElementwiseTile = 1024;

// Axes of size 1 are dropped, neighbours joined where every stride allows; at least two axes, outermost first.
struct ElementwisePlan {
  const ElementwiseProblem* problem;
  int32_t num_axes = 0;
  int64_t sizes[kMaxElementwiseAxes + 2] = {};
  int64_t result_strides[kMaxElementwiseAxes + 2] = {};
  int64_t operand_strides[kMaxElementwiseInstructions][kMaxElementwiseAxes + 2] = {};
  // A tile is `tile_rows` x `tile_columns` of the two innermost axes, at most kElementwiseTile elements.
  int64_t tile_rows = 1;
  int64_t tile_columns = 1;
  int64_t row_tiles = 1;
  int64_t column_tiles = 1;
  int64_t num_tiles = 1;
  int64_t tiles_per_part = 1;
  int32_t register_of[kMaxElementwiseInstructions] = {};  // which holds value k; -1 for an operand used where it lies
};

struct ElementwiseTarget {
  void (*run)(const ElementwisePlan& plan, int64_t part);
};

}  // namespace pycircuit::kernels
