// The CPU kernels for AVX-512 (F, BW, DQ, VL).
#define PYCIRCUIT_TARGET avx512
#include "kernels/attention_tile.h"
#include "kernels/elementwise_tile.h"
#include "kernels/row_sums.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {

const Target kAvx512 = {"avx512", avx512::attention, avx512::elementwise, avx512::rows};

}  // namespace pycircuit::kernels
