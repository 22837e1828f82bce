// Symbolic sizes: reserved primes, size text, constraints and their satisfiability (spec 02, section 7).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shape/shape.h"

namespace pycircuit {

inline constexpr int kSymbolicSizeCount = 256;
// The 256 smallest primes above 10,000, ascending: symbolic size number i is entry i.
const std::array<Size, kSymbolicSizeCount>& symbolic_sizes();
// Whether a reserved prime divides `size`. False for 0.
bool is_symbolic(Size size);
bool has_symbolic(const Shape& shape);

// A size as ordinary factor times symbolic sizes.
struct SymbolicSizeProduct {
  uint64_t other_factor = 1;
  std::vector<int> symbolic_sizes;  // symbolic numbers, ascending, with repeats

  static SymbolicSizeProduct decompose(Size size);
  // Reads size text: factors in any order, `*` with spaces around it, underscores in digits. The text must be of the form
  // `factor ("*" factor)*`, else ParseInvalidNumber; other errors as in 03, section 3.1. The product may exceed a Size.
  static SymbolicSizeProduct parse(std::string_view text);
  // The plain size. SymbolicSizeOverflowProductTooLarge where it does not fit 63 bits.
  Size compose() const;
  std::string to_string() const;  // "2*0s*1s"

  friend bool operator==(const SymbolicSizeProduct&, const SymbolicSizeProduct&) = default;
  friend auto operator<=>(const SymbolicSizeProduct&, const SymbolicSizeProduct&) = default;
};

// Size text of a plain size: decompose(size).to_string().
std::string size_text(Size size);
// SymbolicSizeProduct::parse(text).compose().
Size parse_size_text(std::string_view text);

// Both sides are equal for the sizes that will be filled in.
struct SymbolicSizeConstraint {
  SymbolicSizeProduct l;
  SymbolicSizeProduct r;

  std::string to_string() const { return l.to_string() + "=" + r.to_string(); }
  friend bool operator==(const SymbolicSizeConstraint&, const SymbolicSizeConstraint&) = default;
  friend auto operator<=>(const SymbolicSizeConstraint&, const SymbolicSizeConstraint&) = default;
};

// The constraint of declaring that size x has size y (02, 7.3); nothing if they are equal. SymbolicSizeSetFactorDoesntDivideSetTo.
std::optional<SymbolicSizeConstraint> constraint_of(Size x, Size y);
// Whether the constraints have a common solution in non-negative integers. Exact; remembered per set, thread-safe. `constraints` must be
// sorted and without repeats.
bool satisfiable(const std::vector<SymbolicSizeConstraint>& constraints);
// Throws SymbolicSizeSetFailedToSatisfyContraints unless satisfiable.
void check_satisfiable(const std::vector<SymbolicSizeConstraint>& constraints);

}  // namespace pycircuit

template <>
struct std::hash<pycircuit::SymbolicSizeProduct> {
  size_t operator()(const pycircuit::SymbolicSizeProduct& product) const noexcept;
};
template <>
struct std::hash<pycircuit::SymbolicSizeConstraint> {
  size_t operator()(const pycircuit::SymbolicSizeConstraint& constraint) const noexcept;
};
