// The CPU kernels for AVX2 with FMA and F16C.
#define PYCIRCUIT_TARGET avx2
#include "kernels/attention_tile.h"
#include "kernels/elementwise_tile.h"
#include "kernels/row_sums.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {

const Target kAvx2 = {"avx2", avx2::attention, avx2::elementwise, avx2::rows};

}  // namespace pycircuit::kernels
