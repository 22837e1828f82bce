// What every kernel's interface uses: element types, and how a caller lends threads.
#pragma once

#include <cstdint>

namespace pycircuit::kernels {

enum class Element : int32_t { float32, float16, bfloat16 };

// Runs `work(context, part)` for every part in [0, parts), on as many threads as the caller wants.
using ParallelFor = void (*)(int64_t parts, void (*work)(void* context, int64_t part), void* context);

}  // namespace pycircuit::kernels
