// Orders of computation with a small accounted peak (spec 12, sections 4 and 9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pycircuit {

// Nodes to compute as a graph of numbers: what order search needs and nothing more.
struct OrderProblem {
  std::vector<std::vector<int>> operands;  // distinct computed operands of each node
  std::vector<std::vector<int>> users;
  std::vector<uint64_t> bytes;
  std::vector<bool> is_output;

  size_t size() const { return bytes.size(); }
};

// The numbers 0, 1, ... are the naive order. Fills `users`.
OrderProblem make_order_problem(std::vector<std::vector<int>> operands, std::vector<uint64_t> bytes, std::vector<bool> is_output);
// Largest sum of bytes of live nodes, right after a node is computed and before its operands are dropped.
uint64_t peak_of(const OrderProblem& problem, const std::vector<int>& order);

struct OrderSearch {
  int64_t timeout_milliseconds = 5000;
  uint64_t good_enough = 0;  // stop searching at an order with at most this peak
};
struct Order {
  std::vector<int> nodes;
  uint64_t peak = 0;
};
// The best order found: never worse than the naive one, minimal for forests and where at most 16 nodes remain when each with a
// single operand counts as part of that operand.
Order find_order(const OrderProblem& problem, const OrderSearch& search);

}  // namespace pycircuit
