// Tile shapes and shared memory of the tensor-core kernels, and how a tile lies there (spec 12, section 12).
#pragma once

#include <cstddef>

#include "kernels/cuda/device.cuh"

namespace pycircuit::kernels {

// Tiles in shared memory are rows of kColumns 16-bit elements in chunks of 16 bytes. Chunks are permuted within a row so that the eight
// rows that a matrix load touches fall into different banks.
constexpr int kChunk = 8;  // elements

template <int kColumns>
PYCIRCUIT_HOST_DEVICE int swizzled_offset(int row, int chunk) {
  static_assert(kColumns % 32 == 0);
  int moved = kColumns % 64 == 0 ? chunk ^ (row & 7) : chunk ^ ((row >> 1) & 3);
  return row * kColumns + moved * kChunk;
}

// kTerms: the scores have a mask or a bias, or a scale that is not positive.
template <class Element_, int kHead_, int kRows_, int kKeys_, int kWarps_, bool kTerms_>
struct ForwardTraits {
  using Element = Element_;
  static constexpr int kHead = kHead_;  // head sizes of keys and values, padded
  static constexpr int kRows = kRows_;  // queries of a block
  static constexpr int kKeys = kKeys_;  // keys of a tile
  static constexpr int kWarps = kWarps_;
  static constexpr bool kTerms = kTerms_;
  static constexpr int kThreads = kWarps * 32;
  static constexpr int kRowTiles = kRows / (16 * kWarps);  // of 16 queries, per warp
  static constexpr int kKeyTiles = kKeys / 8;              // of 8 keys
  static constexpr int kHeadTiles = kHead / 8;
  static constexpr int kHeadSteps = kHead / 16;
  static constexpr int kKeySteps = kKeys / 16;
  static constexpr int kStages = 2;
  // Queries stay in registers where there is room; otherwise their fragments are loaded for every tile of keys.
  static constexpr bool kQueryInRegisters = kRowTiles * kHeadSteps * 4 <= 32;
  static constexpr size_t kSharedBytes = sizeof(Element) * kHead * (kRows + 2 * kStages * kKeys);
  static_assert(kRows % (16 * kWarps) == 0 && kKeys % 16 == 0);
};

}  // namespace pycircuit::kernels
