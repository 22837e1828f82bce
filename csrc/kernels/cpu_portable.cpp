// The CPU kernels for any machine (SSE2 on x86-64, whatever the compiler takes for granted elsewhere).
#define PYCIRCUIT_TARGET portable
#include "kernels/attention_tile.h"
#include "kernels/elementwise_tile.h"
#include "kernels/row_sums.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {

const Target kPortable = {"portable", portable::attention, portable::elementwise, portable::rows};

}  // namespace pycircuit::kernels
