// Trial division, then Pollard's rho with the Miller-Rabin test.
#include "shape/factorize.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace pycircuit {
namespace {

constexpr uint64_t kTrialLimit = 1000;

uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t n) { return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b % n); }

uint64_t pow_mod(uint64_t base, uint64_t exponent, uint64_t n) {
  uint64_t result = 1;
  for (base %= n; exponent; exponent >>= 1) {
    if (exponent & 1) result = mul_mod(result, base, n);
    base = mul_mod(base, base, n);
  }
  return result;
}

// `n` is odd and has no factor below kTrialLimit. These witnesses decide all 64-bit numbers.
bool is_prime(uint64_t n) {
  const int twos = std::countr_zero(n - 1);
  for (const uint64_t witness : {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37}) {
    uint64_t power = pow_mod(witness, (n - 1) >> twos, n);
    bool passes = power == 1 || power == n - 1;
    for (int i = 1; i < twos && !passes; ++i) {
      power = mul_mod(power, power, n);
      passes = power == n - 1;
    }
    if (!passes) return false;
  }
  return true;
}

// A proper factor of a composite number.
uint64_t find_factor(uint64_t n) {
  for (uint64_t shift = 1;; ++shift) {
    const auto step = [&](uint64_t x) { return static_cast<uint64_t>((static_cast<unsigned __int128>(x) * x + shift) % n); };
    uint64_t slow = 2, fast = 2, divisor = 1;
    while (divisor == 1) {
      slow = step(slow);
      fast = step(step(fast));
      divisor = std::gcd(slow > fast ? slow - fast : fast - slow, n);
    }
    if (divisor != n) return divisor;
  }
}

}  // namespace

std::vector<uint64_t> prime_factors(uint64_t n) {
  std::vector<uint64_t> primes;
  for (uint64_t d = 2; d < kTrialLimit && d * d <= n; ++d) {
    for (; n % d == 0; n /= d) primes.push_back(d);
  }
  std::vector<uint64_t> open;
  if (n > 1) open.push_back(n);
  while (!open.empty()) {
    const uint64_t part = open.back();
    open.pop_back();
    if (part < kTrialLimit * kTrialLimit || is_prime(part)) {
      primes.push_back(part);
      continue;
    }
    const uint64_t factor = find_factor(part);
    open.push_back(factor);
    open.push_back(part / factor);
  }
  std::sort(primes.begin(), primes.end());
  return primes;
}

}  // namespace pycircuit
