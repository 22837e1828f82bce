// The choice of an instruction set.
#include "kernels/targets.h"

#include <cstdlib>
#include <cstring>

namespace pycircuit::kernels {
namespace {

const Target& choose() {
  const Target* best = &kPortable;
#ifdef PYCIRCUIT_X86_TARGETS
  const char* wanted = std::getenv("PYCIRCUIT_CPU_TARGET");
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx2) best = &kAvx2;
  if (avx2 && avx512) best = &kAvx512;
  if (wanted && best != &kPortable && std::strcmp(wanted, kPortable.name) == 0) best = &kPortable;
  if (wanted && best == &kAvx512 && std::strcmp(wanted, kAvx2.name) == 0) best = &kAvx2;
#endif
  return *best;
}

}  // namespace

const Target& best_target() {
  static const Target& target = choose();
  return target;
}

}  // namespace pycircuit::kernels
