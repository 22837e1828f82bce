// The CUDA attention kernels for bfloat16 (spec 12, section 12).
#include "kernels/cuda/launch_mma.cuh"

namespace pycircuit::kernels {

const ElementLaunches kBfloat16Launches = {forward_launch<Bfloat16>, pattern_launch<Bfloat16>, bounds_launch<Bfloat16>,
                                           project_launch<Bfloat16>};

}  // namespace pycircuit::kernels
