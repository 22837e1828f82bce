// Where CUDA kernels of our own are queued (see cuda_queue.h).
#include "evaluate/fuse/cuda_queue.h"

// Needs our kernels and a torch with CUDA.
#if defined(PYCIRCUIT_CUDA) && defined(PYCIRCUIT_TORCH_CUDA)

#include <c10/cuda/CUDAStream.h>

namespace pycircuit {

CudaQueue cuda_queue(int64_t device) {
  const auto index = static_cast<c10::DeviceIndex>(device);
  int major = 0, minor = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
  return {10 * major + minor, c10::cuda::getCurrentCUDAStream(index).stream()};
}

}  // namespace pycircuit

#else

namespace pycircuit {

CudaQueue cuda_queue(int64_t) { return {}; }

}  // namespace pycircuit

#endif
