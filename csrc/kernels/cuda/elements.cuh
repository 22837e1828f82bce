// Element types of the CUDA attention kernels (spec 12, section 12), as plain bits.
#pragma once

#include <cstdint>

namespace pycircuit::kernels {

struct Half {
  uint16_t bits;
};

struct Bfloat16 {
  uint16_t bits;
};

}  // namespace pycircuit::kernels
