// The CUDA attention kernels for float32 (spec 12, section 12).
#include <algorithm>

#include "kernels/cuda/forward_float.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/project_float.cuh"

namespace pycircuit::kernels {
namespace {

template <class Traits>
const char* launch_forward(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  params.query_tiles = static_cast<int>(divide_up(params.num_queries, Traits::kRows));
  return launch(forward_float<Traits>, params.query_tiles * entries, Traits::kThreads, Traits::kSharedBytes, params, target.stream);
}

const char* forward(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  int size = std::max(params.key_size, params.value_size);
  if (size <= 64) return launch_forward<FloatTraits<float, 64, 64>>(params, entries, target);
  if (size <= 128) return launch_forward<FloatTraits<float, 128, 64>>(params, entries, target);
  return launch_forward<FloatTraits<float, 256, 32>>(params, entries, target);
}

const char* pattern(ForwardParams params, int64_t entries, const LaunchTarget& target) {
  using Traits = FloatTraits<float, 256, 32>;
  params.query_tiles = static_cast<int>(divide_up(params.num_queries, Traits::kRows));
  return launch(forward_pattern<Traits>, params.query_tiles * entries, Traits::kThreads, Traits::kSharedBytes, params, target.stream);
}

const char* bounds(const TileBoundsParams& params, int64_t entries, const LaunchTarget& target) {
  int64_t tiles = static_cast<int64_t>(params.bounds.row_tiles) * params.bounds.column_tiles;
  return launch(tile_bounds<float>, tiles * entries, kTileBoundsThreads, kTileBoundsSharedBytes, params, target.stream);
}

const char* project(ProjectParams params, int64_t groups, const LaunchTarget& target) {
  using Traits = FloatProjectTraits;
  params.row_tiles = divide_up(params.group_rows, Traits::kRows);
  params.column_tiles = divide_up(params.columns, Traits::kColumns);
  return launch(project_float<Traits>, groups * params.row_tiles * params.column_tiles, Traits::kThreads, Traits::kSharedBytes, params,
                target.stream);
}

}  // namespace

const ElementLaunches kFloat32Launches = {forward, pattern, bounds, project};

}  // namespace pycircuit::kernels
