// Launches of the CUDA kernels, one translation unit per element type (spec 12, section 12). Each returns null or what went wrong.
#pragma once

#include "kernels/cuda/params.cuh"
#include "kernels/cuda/project.cuh"
#include "kernels/cuda/tile_bounds.cuh"

namespace pycircuit::kernels {

// `multiprocessors`: how many blocks a launch should at least have to fill the device.
struct LaunchTarget {
  int multiprocessors = 132;
  void* stream = nullptr;
};

// Host part of one element type. `entries`: number of batch entries.
struct ElementLaunches {
  // Fills in query_tiles.
  const char* (*forward)(ForwardParams params, int64_t entries, const LaunchTarget& target);
  const char* (*pattern)(ForwardParams params, int64_t entries, const LaunchTarget& target);
  const char* (*bounds)(const TileBoundsParams& params, int64_t entries, const LaunchTarget& target);
  // Fills in tiles; `groups`: of rows that share weights.
  const char* (*project)(ProjectParams params, int64_t groups, const LaunchTarget& target);
};

extern const ElementLaunches kFloat32Launches;
extern const ElementLaunches kFloat16Launches;
extern const ElementLaunches kBfloat16Launches;

// --- Hopper (attention_hopper.cu)

// Whether the kernels of sm_90a serve a problem on the current device. The first call on a device tests them, unless the stream is being
// captured.
bool hopper_serves(const ForwardParams& params, Element element, int64_t entries, int compute_capability, const LaunchTarget& target);
const char* launch_forward_hopper(const ForwardParams& params, Element element, int64_t entries, const LaunchTarget& target);

inline int64_t divide_up(int64_t number, int64_t by) { return (number + by - 1) / by; }

}  // namespace pycircuit::kernels
