// einsum_push_down_trace (spec 10, section 2.9): diagonals taken below an operand.
#include "rewrite/build.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

struct TracedOperand {
  NodePtr node;
  Labels labels;
};

// Positions that may be merged with an earlier one of the same label; `may` says whether a position can take part.
template <class May>
std::vector<std::optional<size_t>> merged_into(const Labels& labels, const May& may) {
  std::vector<std::optional<size_t>> into(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!may(i)) continue;
    for (size_t j = 0; j < i && !into[i]; ++j)
      if (labels[j] == labels[i] && may(j)) into[i] = j;
  }
  return into;
}

Axes merged_positions(const std::vector<std::optional<size_t>>& into) {
  Axes positions;
  for (size_t i = 0; i < into.size(); ++i)
    if (into[i]) positions.push_back(i);
  return positions;
}

TracedOperand trace_add(const Add& add, const Labels& labels) {
  const NodePtr explicit_add = add_make_broadcasts_explicit(add);
  NodePtrs summands;
  for (const auto& summand : (explicit_add ? *explicit_add : static_cast<const Node&>(add)).children())
    summands.push_back(new_trace(summand, labels));
  // A sum of nothing has rank 0 and no labels, so it does not come here.
  return {Add::make(std::move(summands)), distinct(labels)};
}

std::optional<TracedOperand> trace_rearrange(const Rearrange& rearrange, const Labels& labels) {
  const RearrangeSpec spec = rearrange.conformed_spec();
  // The input axis of a plain output axis.
  const auto source = [&](size_t out) -> std::optional<size_t> {
    const Labels& group = spec.output_ints()[out];
    if (group.size() != 1) return std::nullopt;
    const auto& inputs = spec.input_ints();
    const auto found = std::find(inputs.begin(), inputs.end(), group);
    if (found == inputs.end()) return std::nullopt;
    return found - inputs.begin();
  };
  const auto into = merged_into(labels, [&](size_t out) { return source(out).has_value(); });
  const Axes dropped = merged_positions(into);
  if (dropped.empty()) return std::nullopt;
  Labels trace_labels = iota_labels(rearrange.child()->rank());
  RearrangeSpec::IntGroups groups = spec.input_ints();
  for (const int64_t out : dropped) {
    const size_t kept = *into[out];
    trace_labels[*source(out)] = trace_labels[*source(kept)];
    groups[*source(out)] = spec.output_ints()[kept];
  }
  RearrangeSpec::IntGroups input;
  Labels seen;
  for (size_t axis = 0; axis < groups.size(); ++axis) {
    if (contains(seen, trace_labels[axis])) continue;
    seen.push_back(trace_labels[axis]);
    input.push_back(groups[axis]);
  }
  const RearrangeSpec smaller(std::move(input), without_axes(spec.output_ints(), dropped), spec.int_sizes());
  return TracedOperand{canonical_rearrange(new_trace(rearrange.child(), trace_labels), smaller), without_axes(labels, dropped)};
}

std::optional<TracedOperand> trace_index(const Index& index, const Labels& labels) {
  std::vector<size_t> sources;  // the child's axis of each axis
  for (size_t axis = 0; axis < index.index().size(); ++axis)
    if (!std::holds_alternative<int64_t>(index.index()[axis])) sources.push_back(axis);
  const auto into =
      merged_into(labels, [&](size_t out) { return is_identity(index.index()[sources[out]], index.child()->shape()[sources[out]]); });
  const Axes dropped = merged_positions(into);
  if (dropped.empty()) return std::nullopt;
  Labels trace_labels = iota_labels(index.child()->rank());
  Axes dropped_sources;
  for (const int64_t out : dropped) {
    trace_labels[sources[out]] = trace_labels[sources[*into[out]]];
    dropped_sources.push_back(sources[out]);
  }
  return TracedOperand{Index::make(new_trace(index.child(), trace_labels), without_axes(index.index(), dropped_sources)),
                       without_axes(labels, dropped)};
}

std::optional<TracedOperand> trace_concat(const Concat& concat, const Labels& labels) {
  const auto into = merged_into(labels, [&](size_t axis) { return static_cast<int64_t>(axis) != concat.axis(); });
  const Axes dropped = merged_positions(into);
  if (dropped.empty()) return std::nullopt;
  Labels trace_labels = iota_labels(concat.rank());
  for (const int64_t axis : dropped) trace_labels[axis] = trace_labels[*into[axis]];
  NodePtrs pieces;
  for (const auto& piece : concat.children()) pieces.push_back(new_trace(piece, trace_labels));
  const int64_t dropped_before = std::count_if(dropped.begin(), dropped.end(), [&](int64_t axis) { return axis < concat.axis(); });
  return TracedOperand{Concat::make(std::move(pieces), concat.axis() - dropped_before), without_axes(labels, dropped)};
}

std::optional<TracedOperand> traced(const NodePtr& node, const Labels& labels) {
  if (const Add* add = node->as<Add>()) return trace_add(*add, labels);
  if (const Rearrange* rearrange = node->as<Rearrange>()) return trace_rearrange(*rearrange, labels);
  if (const Index* index = node->as<Index>()) return trace_index(*index, labels);
  if (const Concat* concat = node->as<Concat>()) return trace_concat(*concat, labels);
  return std::nullopt;
}

}  // namespace

NodePtr einsum_push_down_trace(const Einsum& einsum) {
  NodePtrs operands = einsum.children();
  std::vector<Labels> labels = einsum.input_labels();
  bool any = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (all_distinct(labels[i])) continue;
    if (auto operand = traced(operands[i], labels[i])) {
      any = true;
      operands[i] = std::move(operand->node);
      labels[i] = std::move(operand->labels);
    }
  }
  return any ? NodePtr(Einsum::make(std::move(operands), std::move(labels), einsum.out_axes(), einsum.name())) : nullptr;
}

}  // namespace pycircuit
