// Prime factors of 64-bit numbers, for the constraints of symbolic sizes.
#pragma once

#include <cstdint>
#include <vector>

namespace pycircuit {

// The prime factors of `n` > 0, ascending, with repeats.
std::vector<uint64_t> prime_factors(uint64_t n);

}  // namespace pycircuit
