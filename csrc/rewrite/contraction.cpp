#include "rewrite/contraction.h"

#include <chrono>

#include "base/text.h"
#include "circuit/walk.h"
#include "rewrite/batch.h"
#include "rewrite/build.h"
#include "rewrite/canonical.h"
#include "rewrite/distribute.h"
#include "rewrite/memo_map.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_path(const Einsum& einsum, const std::string& problem) {
  fail(ErrorId::ValueError,
       "einsum_nest_path: " + problem + ", for the " + std::to_string(einsum.num_children()) + " operands of " + describe(einsum));
}

// The operand to distribute over; the number of operands if there is none.
size_t operand_to_distribute(const Einsum& einsum, uint64_t min_elements) {
  size_t i = 0;
  for (; i < einsum.num_children(); ++i) {
    const NodePtr& operand = einsum.child(i);
    if (operand->kind() == Kind::Add && operand->num_children() > 0 && !is_rounded_within(*operand, einsum) &&
        numel_saturating(operand->shape()) >= min_elements)
      break;
  }
  return i;
}

bool is_no_path(const CircuitError& error) { return error.id() == ErrorId::RuntimeError; }

NodePtr best_nesting(const Einsum& einsum, uint64_t max_bytes) {
  try {
    return einsum_nest_optimize(einsum, max_bytes);
  } catch (const CircuitError& error) {
    if (!is_no_path(error)) throw;
  }
  try {
    return batch_einsum(NodePtr(&einsum), elements_within(einsum, max_bytes));
  } catch (const CircuitError& error) {
    if (error.id() != ErrorId::BatchRequiresMultipleAxes) throw;
    return NodePtr(&einsum);
  }
}

}  // namespace

NodePtr einsum_nest_path(const Einsum& einsum, const Path& path) {
  NodePtrs nodes = einsum.children();
  std::vector<Labels> labels = einsum.input_labels();
  if (path.empty()) fail_path(einsum, "the path has no steps");
  for (const auto& step : path) {
    std::vector<int64_t> picked = step;
    std::sort(picked.rbegin(), picked.rend());
    NodePtrs operands;
    std::vector<Labels> operand_labels;
    for (size_t i = 0; i < picked.size(); ++i) {
      if (picked[i] < 0 || picked[i] >= static_cast<int64_t>(nodes.size()) || (i > 0 && picked[i] == picked[i - 1]))
        fail_path(einsum, "the step [" + join(step, ", ") + "] does not fit");
      operands.push_back(nodes[picked[i]]);
      operand_labels.push_back(labels[picked[i]]);
    }
    for (const int64_t position : picked) {
      nodes.erase(nodes.begin() + position);
      labels.erase(labels.begin() + position);
    }
    Labels out = einsum.out_axes();
    if (!nodes.empty()) {
      LabelSet own, needed;
      for (const Labels& operand : operand_labels)
        for (const Label label : operand) own.set(label);
      for (const Label label : out) needed.set(label);
      for (const Labels& operand : labels)
        for (const Label label : operand) needed.set(label);
      out.clear();
      for (int label = 0; label < kLabelCount; ++label)
        if (own[label] && needed[label]) out.push_back(static_cast<Label>(label));
    }
    nodes.push_back(Einsum::make(std::move(operands), std::move(operand_labels), out));
    labels.push_back(std::move(out));
  }
  if (nodes.size() != 1) fail_path(einsum, "the path leaves " + std::to_string(nodes.size()) + " operands instead of one");
  return nodes[0];
}

uint64_t elements_within(const Node& node, uint64_t bytes) { return bytes / element_size(node.device_dtype().filled().dtype); }

NodePtr einsum_nest_optimize(const Einsum& einsum, uint64_t max_bytes) {
  PathOptions options;
  options.mem_cap = elements_within(einsum, max_bytes);
  for (size_t i = 0; i < einsum.num_children(); ++i)
    if (einsum.child(i)->kind() == Kind::Array) options.dont_contract_subsets_into.push_back(i);
  return einsum_nest_path(einsum, einsum.spec().optimize(options));
}

NodePtr deep_optimize_einsums(const NodePtr& circuit, uint64_t max_bytes, const PathObserver& observer) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    const Einsum* einsum = rebuilt->as<Einsum>();
    if (!einsum) return rebuilt;
    const auto start = std::chrono::steady_clock::now();
    NodePtr nested = best_nesting(*einsum, max_bytes);
    if (observer) observer(*einsum, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return nested;
  });
}

NodePtr maybe_distribute(const Einsum& einsum, const MaybeDistributeOptions& options) {
  const size_t operand = operand_to_distribute(einsum, options.min_elements);
  if (operand == einsum.num_children()) return nullptr;
  return deep_canonicalize(options.rules.simp(distribute_once(einsum, operand)));
}

DeepDistributed deep_maybe_distribute(const NodePtr& circuit, const MaybeDistributeOptions& options) {
  Simplifier simplify(options.rules, options.observer, true);
  MemoMap canonical;
  int distributions = 0;
  bool gave_up = false;
  NodePtr result = map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    const Einsum* einsum = rebuilt->as<Einsum>();
    if (!einsum) return rebuilt;
    const size_t operand = operand_to_distribute(*einsum, options.min_elements);
    if (operand == einsum->num_children()) return rebuilt;
    if (distributions == kMaxDistributions) {
      gave_up = true;
      return rebuilt;
    }
    ++distributions;
    return canonical(simplify(distribute_once(*einsum, operand)),
                     [](const NodePtr& each, NodePtrs parts) { return canonicalize_node(each->rebuild_if_changed(std::move(parts))); });
  });
  return {std::move(result), gave_up};
}

}  // namespace pycircuit
