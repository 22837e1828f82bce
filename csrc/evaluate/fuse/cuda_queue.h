// Where CUDA kernels of our own are queued: torch's current stream of a device (spec 12, section 12).
#pragma once

#include <cstdint>

namespace pycircuit {

struct CudaQueue {
  int compute_capability = 0;  // 80, 90, ...; 0: there is no such device, or no kernels for it were built
  void* stream = nullptr;      // a cudaStream_t
};

// `device` must be the current device.
CudaQueue cuda_queue(int64_t device);

}  // namespace pycircuit
