// A circuit as a Concat of the same computation on slices (spec 10, section 14).
#pragma once

#include <cstddef>
#include <cstdint>

#include "circuit/nodes/module.h"

namespace pycircuit {

// More pieces than anybody evaluates: building them takes seconds and about a gigabyte.
constexpr Size kMaxPieces = 1'000'000;

// 14.1. RuntimeError for a bad axis or an axis from inside a module, BatchBatchSizeIsZero, BatchPartialBatchNotAllowed, BatchError for
// more than kMaxPieces.
// `max_pieces`: the first pieces are enough.
NodePtr batch_to_concat(const NodePtr& circuit, int64_t axis, int64_t batch_size, bool keep_non_axis_leaves = false,
                        bool allow_partial_batch = true, size_t max_pieces = SIZE_MAX);

// The piece start .. stop-1 of it by itself. Pieces of one size differ in the first arguments alone, which are slices of the leaves that
// have the axis. `axis` and the bounds are valid.
struct BatchPiece {
  Ref<const Module> call;
  std::vector<int> sliced_axes;  // of the leaf of each of these arguments
};
BatchPiece batch_piece(const NodePtr& circuit, int64_t axis, Size start, Size stop);

// 14.2: an Einsum whose pairwise contraction has intermediates of more than `limit` elements, in batches. BatchRequiresMultipleAxes.
NodePtr batch_einsum(const NodePtr& einsum, uint64_t limit);

}  // namespace pycircuit
