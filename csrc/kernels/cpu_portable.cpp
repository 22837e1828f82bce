// The CPU kernels for any machine (SSE2 on x86-64, whatever the compiler takes for granted elsewhere).
#define PYCIRCUIT_TARGET portable
#include "kernels/attention_tile.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {

const Target kPortable = {"portable", portable::attention};

}  // namespace pycircuit::kernels
