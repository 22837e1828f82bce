// A transformer with every head a node of its own, so narrow that all work on it is the host's.
#pragma once

#include "circuit/node.h"

namespace pycircuit::bench {

// Names as in the module library: b3, b3.a, a3.h5, a3.h5.q, m3. The input is an Array of [4, 16].
NodePtr transformer(int layers, int heads);

}  // namespace pycircuit::bench
