#include "circuit/measure.h"

#include <algorithm>
#include <array>

#include "circuit/nodes/einsum.h"
#include "circuit/walk.h"

namespace pycircuit {

BigUint self_flops(const Node& node) {
  if (const auto* einsum = node.as<Einsum>()) return einsum->spec().flops();
  if (node.kind() == Kind::Add) return numel(node.shape()) * node.num_children();
  return {};
}

BigUint total_flops(const NodePtr& circuit) {
  BigUint total;
  for (const auto& node : post_order(circuit)) total += self_flops(*node);
  return total;
}

BigUint total_arrayconstant_size(const NodePtr& circuit) {
  BigUint total;
  for (const auto& node : post_order(circuit))
    if (node->kind() == Kind::Array) total += numel(node->shape());
  return total;
}

BigUint max_non_input_size(const NodePtr& circuit) {
  BigUint largest;
  for (const auto& node : post_order(circuit))
    if (!node->is_leaf())
      largest = std::max(largest, numel(node->shape()) * static_cast<uint64_t>(element_size(node->device_dtype().filled().dtype)));
  return largest;
}

uint64_t count_nodes(const NodePtr& circuit) { return post_order(circuit).size(); }

std::string oom_fmt(const BigUint& x) {
  constexpr std::array<std::string_view, 9> suffixes = {"", "K", "M", "G", "T", "P", "E", "Z", "Y"};
  std::string digits = x.to_string();
  size_t suffix = 0;
  while (digits.size() > 3 && suffix + 1 < suffixes.size()) {
    digits.resize(digits.size() - 3);
    ++suffix;
  }
  return digits + std::string(suffixes[suffix]);
}

std::string stats_line(const NodePtr& circuit) {
  return circuit->name_or_empty() + " " + std::string(kind_name(circuit->kind())) + " nodes " + std::to_string(count_nodes(circuit)) +
         " max_size " + oom_fmt(max_non_input_size(circuit)) + " flops " + oom_fmt(total_flops(circuit));
}

}  // namespace pycircuit
