// Which instantiation of the tensor-core kernels serves a problem, for one 16-bit element type (spec 12, section 12).
#pragma once

#include <algorithm>

#include "kernels/cuda/forward_float.cuh"
#include "kernels/cuda/forward_mma.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/project_mma.cuh"

namespace pycircuit::kernels {

template <class Traits>
const char* launch_forward_mma(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  params.query_tiles = static_cast<int>(divide_up(params.num_queries, Traits::kRows));
  return launch(forward_mma<Traits>, params.query_tiles * entries, Traits::kThreads, Traits::kSharedBytes, params, target.stream);
}

// Tiles of 128 queries read keys and values half as often, but need enough work to fill the device twice over.
inline bool prefers_large_tiles(const ForwardParams& params, int64_t entries, const LaunchTarget& target) {
  return divide_up(params.num_queries, 128) * entries >= 2 * target.multiprocessors && params.num_queries > 64;
}

template <class Element, int kHead>
const char* launch_forward_head(const ForwardParams& params, int64_t entries, const LaunchTarget& target) {
  bool terms = params.mask.data || params.bias.data || !(params.scale > 0);
  if constexpr (kHead == 64 || kHead == 128) {
    if (!terms && prefers_large_tiles(params, entries, target))
      return launch_forward_mma<ForwardTraits<Element, kHead, 128, 64, 4, false>>(params, entries, target);
    if (!terms) return launch_forward_mma<ForwardTraits<Element, kHead, 64, 64, 4, false>>(params, entries, target);
  }
  return launch_forward_mma<ForwardTraits<Element, kHead, 64, 64, 4, true>>(params, entries, target);
}

template <class Element>
const char* forward_launch(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  int size = std::max(params.key_size, params.value_size);
  if (size <= 32) return launch_forward_head<Element, 32>(params, entries, target);
  if (size <= 64) return launch_forward_head<Element, 64>(params, entries, target);
  if (size <= 96) return launch_forward_head<Element, 96>(params, entries, target);
  if (size <= 128) return launch_forward_head<Element, 128>(params, entries, target);
  return launch_forward_head<Element, 256>(params, entries, target);
}

template <class Element>
const char* pattern_launch(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  using Traits = FloatTraits<Element, 256, 32>;
  params.query_tiles = static_cast<int>(divide_up(params.num_queries, Traits::kRows));
  return launch(forward_pattern<Traits>, params.query_tiles * entries, Traits::kThreads, Traits::kSharedBytes, params, target.stream);
}

template <class Element>
const char* bounds_launch(const TileBoundsParams& params, int64_t entries, const LaunchTarget& target) {
  int64_t tiles = static_cast<int64_t>(params.bounds.row_tiles) * params.bounds.column_tiles;
  return launch(tile_bounds<Element>, tiles * entries, kTileBoundsThreads, kTileBoundsSharedBytes, params, target.stream);
}

template <class Element>
const char* project_launch(ProjectParams params, int64_t groups, const LaunchTarget& target) {
  using Traits = ProjectTraits<Element>;
  params.row_tiles = divide_up(params.group_rows, Traits::kRows);
  params.column_tiles = divide_up(params.columns, Traits::kColumns);
  return launch(project_mma<Traits>, groups * params.row_tiles * params.column_tiles, Traits::kThreads, Traits::kSharedBytes, params,
                target.stream);
}

}  // namespace pycircuit::kernels
