// Products of tiles on tensor cores: fragments by matrix loads from swizzled tiles (spec 12, section 12).
#pragma once

#include "kernels/cuda/traits.cuh"

namespace pycircuit::kernels {

// Rows [row, row + 16), columns [16 step, 16 step + 16) of a tile as the left operand.
template <int kColumns, class Element>
PYCIRCUIT_DEVICE void load_left(uint32_t (&fragment)[4], const Element* tile, int row, int step) {
  int lane = thread_index() & 31;
  load_matrices(fragment, tile + swizzled_offset<kColumns>(row + (lane & 15), 2 * step + (lane >> 4)));
}

// The transpose of rows [row, row + 16), columns [16 step, 16 step + 16) as the right operands of two products, of 8 rows each.
template <int kColumns, class Element>
PYCIRCUIT_DEVICE void load_right_transposed(uint32_t (&fragment)[4], const Element* tile, int row, int step) {
  int lane = thread_index() & 31;
  load_matrices(fragment, tile + swizzled_offset<kColumns>(row + (lane & 7) + ((lane >> 4) << 3), 2 * step + ((lane >> 3) & 1)));
}

// Rows [row, row + 16), columns [16 step, 16 step + 16) as the right operands of two products, of 8 columns each.
template <int kColumns, class Element>
PYCIRCUIT_DEVICE void load_right(uint32_t (&fragment)[4], const Element* tile, int row, int step) {
  int lane = thread_index() & 31;
  load_matrices_transposed(fragment, tile + swizzled_offset<kColumns>(row + (lane & 15), 2 * step + (lane >> 4)));
}

// Two neighbouring 16x8 accumulators, rounded, as a 16x16 left operand.
template <class Element>
PYCIRCUIT_DEVICE void accumulators_as_left(uint32_t (&fragment)[4], const float (&first)[4], const float (&second)[4], Element tag) {
  fragment[0] = pack(first[0], first[1], tag);
  fragment[1] = pack(first[2], first[3], tag);
  fragment[2] = pack(second[0], second[1], tag);
  fragment[3] = pack(second[2], second[3], tag);
}

}  // namespace pycircuit::kernels
