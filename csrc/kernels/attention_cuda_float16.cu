// The CUDA attention kernels for float16 (spec 12, section 12).
#include "kernels/cuda/launch_mma.cuh"

namespace pycircuit::kernels {

const ElementLaunches kFloat16Launches = {forward_launch<Half>, pattern_launch<Half>, bounds_launch<Half>, project_launch<Half>};

}  // namespace pycircuit::kernels
