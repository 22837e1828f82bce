// The code that is compiled once per instruction set, and the choice among them at run time.
#pragma once

#include "kernels/attention_plan.h"
#include "kernels/elementwise_plan.h"
#include "kernels/row_target.h"

namespace pycircuit::kernels {

struct Target {
  const char* name;
  AttentionTarget attention;
  ElementwiseTarget elementwise;
  RowTarget rows;
};

extern const Target kPortable;
// On x86-64 only.
extern const Target kAvx2;
extern const Target kAvx512;

// The best that this machine runs. The environment variable PYCIRCUIT_CPU_TARGET (portable, avx2, avx512) may choose a lesser one.
const Target& best_target();

}  // namespace pycircuit::kernels
