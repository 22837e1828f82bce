// BigUint arithmetic.
#include "shape/big.h"

#include <algorithm>
#include <cmath>

namespace pycircuit {
namespace {

using Wide = unsigned __int128;

}  // namespace

BigUint::BigUint(uint64_t value) {
  if (value) limbs_.push_back(value);
}

void BigUint::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

BigUint& BigUint::operator+=(const BigUint& other) {
  const size_t other_size = other.limbs_.size();  // `other` may be this object
  if (limbs_.size() < other_size) limbs_.resize(other_size);
  uint64_t carry = 0;
  for (size_t i = 0; i < limbs_.size() && (i < other_size || carry); ++i) {
    const Wide sum = Wide{limbs_[i]} + (i < other_size ? other.limbs_[i] : 0) + carry;
    limbs_[i] = static_cast<uint64_t>(sum);
    carry = static_cast<uint64_t>(sum >> 64);
  }
  if (carry) limbs_.push_back(carry);
  return *this;
}

BigUint& BigUint::operator*=(uint64_t factor) {
  uint64_t carry = 0;
  for (uint64_t& limb : limbs_) {
    const Wide product = Wide{limb} * factor + carry;
    limb = static_cast<uint64_t>(product);
    carry = static_cast<uint64_t>(product >> 64);
  }
  if (carry) limbs_.push_back(carry);
  trim();
  return *this;
}

BigUint operator*(const BigUint& a, const BigUint& b) {
  BigUint out;
  out.limbs_.assign(a.limbs_.size() + b.limbs_.size(), 0);
  for (size_t i = 0; i < a.limbs_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.limbs_.size(); ++j) {
      const Wide sum = Wide{a.limbs_[i]} * b.limbs_[j] + out.limbs_[i + j] + carry;
      out.limbs_[i + j] = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
    out.limbs_[i + b.limbs_.size()] = carry;
  }
  out.trim();
  return out;
}

BigUint saturating_sub(const BigUint& a, const BigUint& b) {
  if (a <= b) return {};
  BigUint out = a;
  uint64_t borrow = 0;
  for (size_t i = 0; i < out.limbs_.size(); ++i) {
    const Wide taken = Wide{i < b.limbs_.size() ? b.limbs_[i] : 0} + borrow;
    borrow = taken > out.limbs_[i];
    out.limbs_[i] -= static_cast<uint64_t>(taken);
  }
  out.trim();
  return out;
}

std::strong_ordering operator<=>(const BigUint& a, const BigUint& b) {
  if (const auto by_size = a.limbs_.size() <=> b.limbs_.size(); by_size != 0) return by_size;
  return std::lexicographical_compare_three_way(a.limbs_.rbegin(), a.limbs_.rend(), b.limbs_.rbegin(), b.limbs_.rend());
}

double BigUint::to_double() const {
  double value = 0;
  for (size_t i = limbs_.size(); i-- > 0;) value = value * 0x1p64 + static_cast<double>(limbs_[i]);
  return value;
}

std::string BigUint::to_string() const {
  constexpr uint64_t kGroup = 10'000'000'000'000'000'000u;  // 19 digits at a time
  std::vector<uint64_t> rest = limbs_;
  std::string reversed;
  while (!rest.empty()) {
    uint64_t remainder = 0;
    for (size_t i = rest.size(); i-- > 0;) {
      const Wide value = (Wide{remainder} << 64) | rest[i];
      rest[i] = static_cast<uint64_t>(value / kGroup);
      remainder = static_cast<uint64_t>(value % kGroup);
    }
    while (!rest.empty() && rest.back() == 0) rest.pop_back();
    for (int digit = 0; digit < 19 && (remainder || !rest.empty()); ++digit, remainder /= 10) {
      reversed += static_cast<char>('0' + remainder % 10);
    }
  }
  if (reversed.empty()) return "0";
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

}  // namespace pycircuit
