// Contractions of one operand with several others over the same labels, to be run as one product (spec 12, section 16).
#pragma once

#include <functional>
#include <vector>

#include "evaluate/lower.h"
#include "tensor/operations.h"

namespace pycircuit {

struct ProductGroup {
  int shared;                  // slot of the operand that all have
  std::vector<int> others;     // slots of the other operands, joined along `joined_axis`
  std::vector<int> results;    // slots, in the order of `others`
  int64_t joined_axis;         // of the other operands
  int64_t result_axis;         // where the joined axis is in the result
  std::vector<int64_t> sizes;  // of every part along it
  Contraction contraction;     // of the joined operand, in the order of the operands
  bool shared_first;
};

// `products`: slots of plain Einsums in the order of computation. `ready(slot, at)`: whether a value is there before product number `at` is
// computed. `reused`: constants are joined once for many runs. Each product is in one group at most.
std::vector<ProductGroup> find_product_groups(const Lowered& lowered, const std::vector<int>& products, bool reused,
                                              const std::function<bool(int slot, size_t at)>& ready);

// Values of the parts, views of one tensor. `joined`: the other operands joined.
std::vector<Tensor> run_group(const ProductGroup& group, const Tensor& shared, const Tensor& joined);

}  // namespace pycircuit
