// Copying a tile of a strided matrix into shared memory, zeros beyond its edges (spec 12, section 12).
#pragma once

#include "kernels/cuda/params.cuh"
#include "kernels/cuda/traits.cuh"

namespace pycircuit::kernels {

// Rows [first_row, first_row + kRows) of a matrix of `rows` x `columns` elements, columns <= kColumns, into a swizzled tile. Vectorised
// rows are copied in the background (commit and wait are the caller's); others at once, element by element.
template <class Element, int kRows, int kColumns, int kThreads>
PYCIRCUIT_DEVICE void load_tile(Element* tile, const Element* matrix, const Source& source, int first_row, int rows, int columns) {
  constexpr int kChunks = kColumns / kChunk;
  if (source.vectorised) {
#pragma unroll
    for (int step = 0; step < (kRows * kChunks + kThreads - 1) / kThreads; ++step) {
      int item = step * kThreads + thread_index();
      if ((kRows * kChunks) % kThreads != 0 && item >= kRows * kChunks) break;
      int row = item / kChunks, chunk = item % kChunks;
      bool valid = first_row + row < rows && chunk * kChunk < columns;
      const Element* from = valid ? matrix + (first_row + row) * source.row_stride + chunk * kChunk : matrix;
      copy_async_16(tile + swizzled_offset<kColumns>(row, chunk), from, valid);
    }
    return;
  }
  // Neighbouring threads take neighbouring elements, whichever way the matrix lies.
  bool by_rows = source.row_stride == 1;
  for (int item = thread_index(); item < kRows * kColumns; item += kThreads) {
    int row = by_rows ? item % kRows : item / kColumns;
    int column = by_rows ? item / kRows : item % kColumns;
    bool valid = first_row + row < rows && column < columns;
    Element value = {};
    if (valid) value = matrix[(first_row + row) * source.row_stride + column * source.column_stride];
    tile[swizzled_offset<kColumns>(row, column / kChunk) + column % kChunk] = value;
  }
}

}  // namespace pycircuit::kernels
