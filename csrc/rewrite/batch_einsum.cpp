// batch_einsum (spec 10, section 14.2).
#include "circuit/walk.h"
#include "rewrite/batch.h"
#include "rewrite/build.h"
#include "rewrite/contraction.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_batch(const Einsum& einsum, const std::string& problem) {
  fail(ErrorId::BatchRequiresMultipleAxes, "batch_einsum: " + problem + " in " + describe(einsum));
}

// Stand-ins for the operands, so that batching does not go below them.
class Operands {
 public:
  NodePtr symbol_of(const NodePtr& operand) {
    Hash hash = operand->hash();
    Uuid uuid;
    std::copy_n(hash.bytes.begin(), uuid.bytes.size(), uuid.bytes.begin());
    const NodePtr symbol = Symbol::make(operand->shape(), uuid, operand->name());
    operands_.emplace(symbol->id(), operand);
    return symbol;
  }
  NodePtr put_back(const NodePtr& circuit) const {
    return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
      const auto found = operands_.find(node->id());
      return found == operands_.end() ? node->rebuild_if_changed(std::move(children)) : found->second;
    });
  }
  bool is_operand(const Node& node) const { return operands_.contains(node.id()); }

 private:
  NodeMap operands_;
};

uint64_t elements_with(const Einsum& node, Label label, Size size) {
  uint64_t elements = 1;
  for (size_t axis = 0; axis < node.out_axes().size(); ++axis)
    elements = saturating_mul(elements, static_cast<uint64_t>(node.out_axes()[axis] == label ? size : node.shape()[axis]));
  return elements;
}

// The largest label that every intermediate above the limit has.
std::optional<Label> label_to_batch(const std::vector<const Einsum*>& intermediates, uint64_t limit) {
  for (int label = kLabelCount - 1; label >= 0; --label) {
    const bool everywhere = std::all_of(intermediates.begin(), intermediates.end(), [&](const Einsum* node) {
      return numel_saturating(node->shape()) <= limit || contains(node->out_axes(), static_cast<Label>(label));
    });
    if (everywhere) return static_cast<Label>(label);
  }
  return std::nullopt;
}

// The nested nodes highest up that have the label, in batches.
NodePtr batched(const NodePtr& root, Label label, Size batch_size, const Operands& operands) {
  const auto has_label = [&](const Node& node) { return !operands.is_operand(node) && contains(node.as<Einsum>()->out_axes(), label); };
  NodeMap replaced;
  for (const auto& node : pre_order(root, [&](const Node& node) { return !has_label(node); })) {
    if (!has_label(*node)) continue;
    const Labels& out = node->as<Einsum>()->out_axes();
    replaced.emplace(node->id(), batch_to_concat(node, std::find(out.begin(), out.end(), label) - out.begin(), batch_size));
  }
  return map_bottom_up(root, [&](const NodePtr& node, NodePtrs children) {
    const auto found = replaced.find(node->id());
    return found == replaced.end() ? node->rebuild_if_changed(std::move(children)) : found->second;
  });
}

}  // namespace

NodePtr batch_einsum(const NodePtr& node, uint64_t limit) {
  const Einsum& einsum = *node->as<Einsum>();
  if (numel_saturating(einsum.shape()) > limit) fail_batch(einsum, "the output alone has more than " + std::to_string(limit) + " elements");
  Operands operands;
  NodePtrs symbols;
  for (const auto& operand : einsum.children()) symbols.push_back(operands.symbol_of(operand));
  const NodePtr nested = einsum_nest_path(*einsum.remake(std::move(symbols), einsum.name())->as<Einsum>(), einsum.spec().optimize());
  std::vector<const Einsum*> intermediates;
  uint64_t largest = 0;
  const NodePtrs nodes = post_order(nested);
  for (const auto& each : nodes) {
    if (operands.is_operand(*each)) continue;
    intermediates.push_back(each->as<Einsum>());
    largest = std::max(largest, numel_saturating(each->shape()));
  }
  if (largest <= limit) return operands.put_back(nested);
  const auto label = label_to_batch(intermediates, limit);
  if (!label) fail_batch(einsum, "no single label is carried by every intermediate of more than " + std::to_string(limit) + " elements");
  const Size size = einsum.spec().size_of(*label);
  for (Size divisor = size; divisor >= 1; --divisor) {
    if (size % divisor != 0) continue;
    const bool fits = std::all_of(intermediates.begin(), intermediates.end(),
                                  [&](const Einsum* each) { return elements_with(*each, *label, divisor) <= limit; });
    if (fits) return operands.put_back(batched(nested, *label, divisor, operands));
  }
  fail_batch(einsum, "even slices of one position have intermediates of more than " + std::to_string(limit) + " elements");
}

}  // namespace pycircuit
