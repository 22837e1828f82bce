#include "random/cumulants.h"

#include <algorithm>
#include <numeric>

#include "circuit/build.h"
#include "circuit/nodes/add.h"
#include "circuit/nodes/einsum.h"
#include "circuit/nodes/scalar.h"

namespace pycircuit {
namespace {

// Axes of each argument within a list of arguments given in some order: permutation that brings an outer product over `order` into the
// order 0 .. n-1.
std::vector<int64_t> axes_in_order(const NodePtrs& arguments, const std::vector<size_t>& order) {
  std::vector<int64_t> first(arguments.size());
  int64_t next = 0;
  for (const size_t argument : order) {
    first[argument] = next;
    next += arguments[argument]->rank();
  }
  std::vector<int64_t> permutation;
  for (size_t argument = 0; argument < arguments.size(); ++argument)
    for (int64_t axis = 0; axis < arguments[argument]->rank(); ++axis) permutation.push_back(first[argument] + axis);
  return permutation;
}

NodePtrs select(const NodePtrs& nodes, const std::vector<size_t>& positions) {
  NodePtrs out;
  for (const size_t position : positions) out.push_back(nodes[position]);
  return out;
}

// The outer product of the factors, one per block and maybe rank-0 ones after them, with axes in the order of the arguments.
NodePtr product_of_blocks(const NodePtrs& arguments, const Partition& blocks, NodePtrs factors) {
  std::vector<size_t> order;
  for (const auto& block : blocks) order.insert(order.end(), block.begin(), block.end());
  return Einsum::outer_product(std::move(factors), {}, axes_in_order(arguments, order));
}

}  // namespace

std::vector<Partition> set_partitions(size_t count) {
  constexpr size_t kMost = 12;
  if (count > kMost)
    fail(ErrorId::RuntimeError,
         "a cumulant of " + std::to_string(count) + " arguments has too many set partitions; at most 12 arguments are supported");
  std::vector<Partition> partitions = {{}};
  for (size_t element = 0; element < count; ++element) {
    std::vector<Partition> next;
    for (const auto& partition : partitions) {
      for (size_t block = 0; block < partition.size(); ++block) {
        next.push_back(partition);
        next.back()[block].push_back(element);
      }
      next.push_back(partition);
      next.back().push_back({element});
    }
    partitions = std::move(next);
  }
  return partitions;
}

NodePtr basic_expectation(const Cumulant& cumulant) {
  const NodePtrs& arguments = cumulant.children();
  NodePtrs summands;
  for (const auto& partition : set_partitions(arguments.size())) {
    NodePtrs factors;
    for (const auto& block : partition) factors.push_back(Cumulant::make({Einsum::outer_product(select(arguments, block))}));
    double coefficient = partition.size() % 2 == 0 && !partition.empty() ? -1.0 : 1.0;
    for (size_t i = 2; i < partition.size(); ++i) coefficient *= static_cast<double>(i);
    factors.push_back(Scalar::make(coefficient));
    summands.push_back(product_of_blocks(arguments, partition, std::move(factors)));
  }
  return Add::make(std::move(summands));
}

NodePtr factored_cumulant_expectation(const Ref<const Cumulant>& cumulant) {
  const NodePtrs& arguments = cumulant->children();
  if (arguments.size() <= 1) return cumulant;
  NodePtrs centred;
  for (const auto& argument : arguments) centred.push_back(subtract(argument, Cumulant::make({argument})));
  NodePtrs summands = {Cumulant::make({Einsum::outer_product(centred)})};
  for (auto partition : set_partitions(arguments.size())) {
    if (partition.size() < 2 || std::any_of(partition.begin(), partition.end(), [](const auto& block) { return block.size() < 2; }))
      continue;
    NodePtrs factors;
    for (auto& block : partition) {
      std::stable_sort(block.begin(), block.end(), [&](size_t a, size_t b) { return circuit_less(*arguments[a], *arguments[b]); });
      factors.push_back(Cumulant::make(select(arguments, block)));
    }
    summands.push_back(Einsum::scalar_mul(product_of_blocks(arguments, partition, std::move(factors)), -1.0));
  }
  return Add::make(std::move(summands));
}

NodePtr checked_sub(const NodePtr& cumulant, const SubCumulant& sub, std::string_view what) {
  NodePtr replaced = sub(cumulant);
  if (replaced->shape() != cumulant->shape())
    fail(ErrorId::RuntimeError,
         std::string(what) + ": " + describe(*replaced) + " took the place of " + describe(*cumulant) + ", which has another shape");
  return replaced;
}

KappaTerm kappa_term(const std::vector<KappaBlock>& blocks, const SubCumulant& sub) {
  size_t count = 0;
  for (const auto& block : blocks) count += block.size();
  NodePtrs arguments(count);
  std::vector<size_t> order;
  for (const auto& block : blocks)
    for (const auto& [position, circuit] : block) {
      if (position < 0 || position >= static_cast<int64_t>(count) || arguments[position])
        fail(ErrorId::RuntimeError, "kappa_term: the positions must be a permutation of 0 .. " + std::to_string(count) + " - 1, got " +
                                        std::to_string(position) + " twice or out of range");
      arguments[position] = circuit;
      order.push_back(static_cast<size_t>(position));
    }
  KappaTerm term;
  NodePtrs factors;
  for (const auto& block : blocks) {
    NodePtrs members;
    for (const auto& [position, circuit] : block) members.push_back(circuit);
    term.cumulants.push_back(Cumulant::make(std::move(members)));
    factors.push_back(checked_sub(term.cumulants.back(), sub, "kappa_term"));
  }
  term.product = Einsum::outer_product(std::move(factors), {}, axes_in_order(arguments, order));
  return term;
}

}  // namespace pycircuit
