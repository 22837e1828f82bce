// Unsigned integers of any size: element counts and operation counts are exact Python ints.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace pycircuit {

class BigUint {
 public:
  BigUint() = default;
  BigUint(uint64_t value);

  BigUint& operator+=(const BigUint& other);
  BigUint& operator*=(uint64_t factor);
  friend BigUint operator+(BigUint a, const BigUint& b) { return a += b; }
  friend BigUint operator*(BigUint a, uint64_t factor) { return a *= factor; }
  friend BigUint operator*(const BigUint& a, const BigUint& b);
  // a - b, or 0 where b is larger.
  friend BigUint saturating_sub(const BigUint& a, const BigUint& b);

  friend bool operator==(const BigUint&, const BigUint&) = default;
  friend std::strong_ordering operator<=>(const BigUint& a, const BigUint& b);

  bool is_zero() const { return limbs_.empty(); }
  // The value, or 2**64 - 1 where it is larger.
  uint64_t saturated() const { return limbs_.empty() ? 0 : limbs_.size() == 1 ? limbs_[0] : UINT64_MAX; }
  double to_double() const;
  std::string to_string() const;  // decimal

 private:
  void trim();
  std::vector<uint64_t> limbs_;  // base 2**64, least significant first, no leading zeros
};

}  // namespace pycircuit
