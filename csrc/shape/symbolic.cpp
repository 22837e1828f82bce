// Symbolic sizes: primes, products, size text, and the constraint of a declared size.
#include "shape/symbolic.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace pycircuit {
namespace {

constexpr Size kFirstReserved = 10007;

constexpr bool is_prime(Size n) {
  if (n % 2 == 0) return n == 2;
  for (Size d = 3; d * d <= n; d += 2) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

constexpr std::array<Size, kSymbolicSizeCount> kReserved = [] {
  std::array<Size, kSymbolicSizeCount> primes{};
  size_t count = 0;
  for (Size n = 10001; count < primes.size(); n += 2) {
    if (is_prime(n)) primes[count++] = n;
  }
  return primes;
}();
static_assert(kReserved.front() == kFirstReserved && kReserved.back() == 12437);

// A prime p divides n exactly if n times the inverse of p modulo 2**64 is at most (2**64 - 1) / p: no division is needed.
struct DivisibilityTest {
  uint64_t inverse;
  uint64_t limit;
};

constexpr std::array<DivisibilityTest, kSymbolicSizeCount> kTests = [] {
  std::array<DivisibilityTest, kSymbolicSizeCount> tests{};
  for (size_t i = 0; i < tests.size(); ++i) {
    const uint64_t prime = static_cast<uint64_t>(kReserved[i]);
    uint64_t inverse = prime;  // right in the lowest 3 bits; each step doubles them
    for (int step = 0; step < 5; ++step) inverse *= 2 - prime * inverse;
    tests[i] = {inverse, UINT64_MAX / prime};
  }
  return tests;
}();

bool divides(size_t number, uint64_t size) { return size * kTests[number].inverse <= kTests[number].limit; }

// A payload entry for an unsigned number: an int where it fits one.
PayloadValue number_payload(uint64_t number) {
  if (number <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(number);
  return std::to_string(number);
}

uint64_t parse_number(std::string_view text) {
  const ParsedNumber number = parse_decimal(text);
  if (number.status == ParsedNumber::Status::ok) return number.value;
  const char* reason = number.status == ParsedNumber::Status::too_large ? "number too large to fit in 64 bits" : "not a number";
  fail(ErrorId::ParseInvalidNumber, "cannot read the number '" + std::string(text) + "': " + reason, text, reason);
}

size_t hash_product(const SymbolicSizeProduct& product) {
  uint64_t hash = product.other_factor * 0x9E3779B97F4A7C15ull;
  for (const int number : product.symbolic_sizes) hash = (hash ^ static_cast<uint64_t>(number + 1)) * 0xD6E8FEB86659FD93ull;
  return static_cast<size_t>(hash ^ (hash >> 32));
}

}  // namespace

const std::array<Size, kSymbolicSizeCount>& symbolic_sizes() { return kReserved; }

bool is_symbolic(Size size) {
  if (size < kFirstReserved) return false;
  for (size_t i = 0; i < kTests.size(); ++i) {
    if (divides(i, static_cast<uint64_t>(size))) return true;
  }
  return false;
}

bool has_symbolic(const Shape& shape) { return std::any_of(shape.begin(), shape.end(), is_symbolic); }

SymbolicSizeProduct SymbolicSizeProduct::decompose(Size size) {
  SymbolicSizeProduct product;
  uint64_t rest = static_cast<uint64_t>(size);
  for (size_t i = 0; i < kTests.size() && rest >= static_cast<uint64_t>(kFirstReserved); ++i) {
    while (divides(i, rest)) {
      rest /= static_cast<uint64_t>(kReserved[i]);
      product.symbolic_sizes.push_back(static_cast<int>(i));
    }
  }
  product.other_factor = rest;
  return product;
}

SymbolicSizeProduct SymbolicSizeProduct::parse(std::string_view text) {
  SymbolicSizeProduct product;
  std::vector<uint64_t> factors;
  bool overflow = false;
  for (std::string_view factor : split(text, "*")) {
    factor = trim(factor);
    const bool symbolic = !factor.empty() && factor.back() == 's';
    if (symbolic) factor.remove_suffix(1);
    const uint64_t value = parse_number(factor);
    if (!symbolic) {
      factors.push_back(value);
      overflow |= __builtin_mul_overflow(product.other_factor, value, &product.other_factor);
      continue;
    }
    if (value >= kSymbolicSizeCount) {
      fail(ErrorId::ParseSymbolicSizeNumberOutOfBounds,
           "there are symbolic sizes 0s to 255s; got " + std::to_string(value) + "s in '" + std::string(text) + "'", number_payload(value),
           int64_t{kSymbolicSizeCount});
    }
    product.symbolic_sizes.push_back(static_cast<int>(value));
  }
  if (overflow) {
    PayloadList list;
    for (const uint64_t factor : factors) list.push_back(number_payload(factor));
    fail(ErrorId::ParseFactorProductTooLarge, "the product of the factors of the size '" + std::string(text) + "' does not fit 64 bits",
         std::move(list), text);
  }
  std::sort(product.symbolic_sizes.begin(), product.symbolic_sizes.end());
  return product;
}

Size SymbolicSizeProduct::compose() const {
  if (other_factor == 0) return 0;
  Size size = 0;
  bool overflow = __builtin_add_overflow(other_factor, uint64_t{0}, &size);
  for (size_t i = 0; i < symbolic_sizes.size() && !overflow; ++i) {
    overflow = __builtin_mul_overflow(size, kReserved.at(static_cast<size_t>(symbolic_sizes[i])), &size);
  }
  if (overflow) {
    fail(ErrorId::SymbolicSizeOverflowProductTooLarge, "the size " + to_string() + " does not fit 63 bits", opaque(*this, to_string()));
  }
  return size;
}

std::string SymbolicSizeProduct::to_string() const {
  if (symbolic_sizes.empty()) return std::to_string(other_factor);
  const std::string symbols = join(symbolic_sizes, "*", [](int number) { return std::to_string(number) + "s"; });
  return other_factor == 1 ? symbols : std::to_string(other_factor) + "*" + symbols;
}

std::string size_text(Size size) {
  if (size < kFirstReserved) return std::to_string(size);
  return SymbolicSizeProduct::decompose(size).to_string();
}

Size parse_size_text(std::string_view text) { return SymbolicSizeProduct::parse(text).compose(); }

std::optional<SymbolicSizeConstraint> constraint_of(Size x, Size y) {
  if (x == y) return std::nullopt;
  SymbolicSizeProduct declared = SymbolicSizeProduct::decompose(x);
  SymbolicSizeProduct target = SymbolicSizeProduct::decompose(y);
  const auto check = [](const SymbolicSizeProduct& with_factor, const SymbolicSizeProduct& plain) {
    if (!plain.symbolic_sizes.empty()) return;
    const uint64_t factor = with_factor.other_factor;
    const uint64_t value = plain.other_factor;
    if (factor == 0 ? value == 0 : value % factor == 0) return;
    fail(ErrorId::SymbolicSizeSetFactorDoesntDivideSetTo,
         "size " + with_factor.to_string() + " cannot have the value " + std::to_string(value) + ": its factor " + std::to_string(factor) +
             " does not divide it",
         static_cast<int64_t>(factor), static_cast<int64_t>(value), opaque(with_factor, with_factor.to_string()));
  };
  check(declared, target);
  check(target, declared);
  // A product is 0 whatever its ordinary factor.
  if (x == 0) target.other_factor = 1;
  if (y == 0) declared.other_factor = 1;
  if (declared.symbolic_sizes.size() > target.symbolic_sizes.size()) return SymbolicSizeConstraint{std::move(declared), std::move(target)};
  return SymbolicSizeConstraint{std::move(target), std::move(declared)};
}

void check_satisfiable(const std::vector<SymbolicSizeConstraint>& constraints) {
  if (satisfiable(constraints)) return;
  PayloadSet payload;
  for (const SymbolicSizeConstraint& constraint : constraints) payload.items.push_back(opaque(constraint, constraint.to_string()));
  fail(ErrorId::SymbolicSizeSetFailedToSatisfyContraints,
       "no sizes satisfy all of: " + join(constraints, ", ", [](const auto& constraint) { return constraint.to_string(); }),
       std::move(payload));
}

}  // namespace pycircuit

size_t std::hash<pycircuit::SymbolicSizeProduct>::operator()(const pycircuit::SymbolicSizeProduct& product) const noexcept {
  return pycircuit::hash_product(product);
}

size_t std::hash<pycircuit::SymbolicSizeConstraint>::operator()(const pycircuit::SymbolicSizeConstraint& constraint) const noexcept {
  return pycircuit::hash_product(constraint.l) * 31 + pycircuit::hash_product(constraint.r);
}
