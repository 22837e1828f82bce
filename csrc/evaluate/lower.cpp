#include "evaluate/lower.h"

#include <algorithm>
#include <bit>

#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "evaluate/fusion.h"
#include "evaluate/unexpand.h"

namespace pycircuit {
namespace {

// Where a Concat stands below an Einsum that sums over its axis.
struct SummedConcat {
  size_t operand;
  const Concat* concat;
  Label label;
};

bool contains(const Labels& labels, Label label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

std::optional<SummedConcat> summed_concat(const Node& node, const FlatMap<uint64_t, int>& uses) {
  const auto* einsum = node.as<Einsum>();
  if (!einsum) return std::nullopt;
  for (size_t i = 0; i < einsum->num_children(); ++i) {
    const auto* concat = below_tags(einsum->child(i))->as<Concat>();
    if (!concat || concat->num_children() < 2 || uses.at(concat->id()) != 1) continue;
    const Label label = einsum->input_labels()[i][concat->axis()];
    const auto& own = einsum->input_labels()[i];
    if (contains(einsum->out_axes(), label) || std::count(own.begin(), own.end(), label) != 1) continue;
    size_t computed = 0;
    for (const auto& piece : concat->children()) computed += !below_tags(piece)->is_leaf();
    if (computed >= 2) return SummedConcat{i, concat, label};
  }
  return std::nullopt;
}

// The part of an operand that belongs to the piece: sliced where it has the label.
NodePtr sliced(const NodePtr& operand, const Labels& labels, Label label, int64_t start, int64_t stop) {
  if (!contains(labels, label)) return operand;
  IndexElements elements;
  for (const Label each : labels) elements.push_back(each == label ? Slice{start, stop} : Slice{});
  return Index::make(operand, std::move(elements));
}

NodePtr sum_over_pieces(const Einsum& einsum, const SummedConcat& found) {
  NodePtrs terms;
  int64_t start = 0;
  for (const auto& piece : found.concat->children()) {
    const int64_t stop = start + piece->shape()[found.concat->axis()];
    NodePtrs operands;
    for (size_t i = 0; i < einsum.num_children(); ++i)
      operands.push_back(i == found.operand ? piece : sliced(einsum.child(i), einsum.input_labels()[i], found.label, start, stop));
    terms.push_back(Einsum::make(std::move(operands), einsum.input_labels(), einsum.out_axes()));
    start = stop;
  }
  return Add::make(std::move(terms), einsum.kept_naming());
}

// A sum over, or a permutation of, a private Einsum: the two are one contraction (a projection of every head, summed over heads).
const Einsum* contracted_child(const Node& node, const FlatMap<uint64_t, int>& uses) {
  const auto* einsum = node.as<Einsum>();
  if (!einsum || einsum->num_children() != 1) return nullptr;
  const auto* child = below_tags(einsum->child())->as<Einsum>();
  if (!child || child->num_children() == 0 || uses.at(child->id()) != 1) return nullptr;
  const auto distinct = [](Labels labels) {
    std::sort(labels.begin(), labels.end());
    return std::adjacent_find(labels.begin(), labels.end()) == labels.end();
  };
  return distinct(einsum->input_labels()[0]) && distinct(child->out_axes()) ? child : nullptr;
}

NodePtr contract_once(const Einsum& einsum, const Einsum& child) {
  Labels out;
  for (const Label label : einsum.out_axes()) {
    const auto& own = einsum.input_labels()[0];
    out.push_back(child.out_axes()[std::find(own.begin(), own.end(), label) - own.begin()]);
  }
  return Einsum::make(child.children(), child.input_labels(), std::move(out), einsum.kept_naming());
}

// Contracts nested Einsums at once (`fuse`) and replaces Einsums over private Concats (`stream`), whose sums go to `made`.
NodePtrs prepare(const NodePtrs& circuits, bool fuse, bool stream, std::unordered_set<uint64_t>& made) {
  const NodePtrs nodes = post_order(circuits);
  FlatMap<uint64_t, int> uses;
  for (const auto& node : nodes)
    if (node->kind() != Kind::Tag)
      for (const auto& child : node->children()) ++uses[below_tags(child)->id()];
  for (const auto& circuit : circuits) ++uses[below_tags(circuit)->id()];
  const bool any = std::any_of(nodes.begin(), nodes.end(), [&](const NodePtr& node) {
    return (stream && summed_concat(*node, uses)) || (fuse && contracted_child(*node, uses));
  });
  if (!any) return circuits;
  NodeMap done;
  for (const auto& node : nodes) {
    NodePtrs children;
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    NodePtr result = node->rebuild_if_changed(std::move(children));
    // Uses are those of the circuit as given: what is below may have changed, but not how often it is used.
    FlatMap<uint64_t, int> once;
    for (const auto& child : result->children()) ++once[below_tags(child)->id()];
    if (fuse && contracted_child(*node, uses))
      if (const auto* child = contracted_child(*result, once)) result = contract_once(*result->as<Einsum>(), *child);
    if (stream && summed_concat(*node, uses))
      if (const auto found = summed_concat(*result, once)) {
        result = sum_over_pieces(*result->as<Einsum>(), *found);
        made.insert(result->id());
      }
    done.emplace(node->id(), std::move(result));
  }
  NodePtrs out;
  for (const auto& circuit : circuits) out.push_back(done.at(circuit->id()));
  return out;
}

// Whether there are pieces to be computed one after the other.
bool has_pieces(const NodePtrs& circuits) {
  const NodePtrs nodes = post_order(circuits);
  return std::any_of(nodes.begin(), nodes.end(), [](const NodePtr& node) {
    return node->kind() == Kind::Concat && std::count_if(node->children().begin(), node->children().end(),
                                                         [](const NodePtr& piece) { return !below_tags(piece)->is_leaf(); }) >= 2;
  });
}

// --- structure

class Bytes {
 public:
  void number(int64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void byte(int value) { bytes_.push_back(static_cast<char>(value)); }
  void hash(const Hash& hash) { bytes_.append(reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()); }
  template <class List>
  void list(const List& values) {
    number(static_cast<int64_t>(values.size()));
    for (const auto value : values) number(static_cast<int64_t>(value));
  }
  void metadata(const Node& node) {
    list(node.shape());
    const DeviceDtypeOp& device_dtype = node.device_dtype();
    byte(device_dtype.dtype ? static_cast<int>(*device_dtype.dtype) : -1);
    byte(device_dtype.device ? device_dtype.device->index : -2);
  }
  Hash finish() const { return blake3(bytes_); }

 private:
  std::string bytes_;
};

void add_fields(Bytes& bytes, const Node& node) {
  switch (node.kind()) {
    case Kind::Einsum: {
      const auto& einsum = *node.as<Einsum>();
      for (const auto& labels : einsum.input_labels()) bytes.list(labels);
      bytes.list(einsum.out_axes());
      return;
    }
    case Kind::Add:
    case Kind::Cumulant:
      return;
    case Kind::Concat:
      return bytes.number(node.as<Concat>()->axis());
    case Kind::GeneralFunction: {
      const FunctionSpec& spec = *node.as<GeneralFunction>()->spec();
      bytes.hash(spec.identity_hash());
      return bytes.number(reinterpret_cast<int64_t>(spec.payload_identity()));
    }
    case Kind::Index:
      for (const auto& element : node.as<Index>()->index()) bytes.byte(static_cast<int>(element.index()));
      return;
    default:
      return bytes.hash(node.self_hash(false, false, false));
  }
}

}  // namespace

FlatMap<uint64_t, int> Lowered::slots() const {
  FlatMap<uint64_t, int> out;
  out.reserve(static_cast<size_t>(num_slots()));
  for (int slot = 0; slot < num_slots(); ++slot) out.emplace(node(slot)->id(), slot);
  return out;
}

Lowered lower(const NodePtrs& circuits, const OptimizationSettings& settings) {
  Lowered lowered;
  const bool pieces = settings.stream_concat && has_pieces(circuits);
  lowered.circuits = prepare(pieces ? unexpanded(circuits) : circuits, settings.fuse, settings.stream_concat, lowered.streamed_sums);
  const NodePtrs nodes = post_order(lowered.circuits);
  for (const auto& node : nodes)
    if (node->is_irreducible()) lowered.leaves.push_back(node);
  lowered.num_constants = lowered.leaves.size();
  for (const auto& node : nodes)
    if (node->kind() == Kind::Scalar) lowered.leaves.push_back(node);
  for (const auto& leaf : lowered.leaves) {
    const auto* scalar = leaf->as<Scalar>();
    lowered.numbers.push_back(scalar ? std::optional(scalar->value()) : std::nullopt);
  }
  for (const auto& node : nodes)
    if (!node->is_leaf() && node->kind() != Kind::Tag) lowered.computed.push_back(node);
  const auto slots = lowered.slots();
  for (const auto& node : lowered.computed) {
    auto& operands = lowered.operands.emplace_back();
    for (const auto& child : node->children()) operands.push_back(slots.at(below_tags(child)->id()));
  }
  for (const auto& circuit : lowered.circuits) lowered.outputs.push_back(slots.at(below_tags(circuit)->id()));
  return lowered;
}

LoweredPart part_of(const Lowered& lowered, const std::vector<int>& computed, const std::vector<int>& outputs,
                    const std::unordered_map<uint64_t, double>& numbers) {
  LoweredPart part;
  Lowered& inside = part.lowered;
  std::unordered_map<int, int> local;  // slot outside -> slot inside
  for (const int slot : computed) {
    inside.computed.push_back(lowered.node(slot));
    if (lowered.streamed_sums.contains(lowered.node(slot)->id())) inside.streamed_sums.insert(lowered.node(slot)->id());
    local.emplace(slot, -1);
  }
  const auto operands_of = [&](int slot) -> const std::vector<int>& { return lowered.operands[slot - lowered.num_leaves()]; };
  for (const int slot : computed)
    for (const int operand : operands_of(slot))
      if (local.emplace(operand, static_cast<int>(part.externals.size())).second) part.externals.push_back(operand);
  for (const int slot : part.externals) {
    const NodePtr& node = lowered.node(slot);
    inside.leaves.push_back(node);
    const auto known = numbers.find(node->id());
    inside.numbers.push_back(known == numbers.end() ? std::nullopt : std::optional(known->second));
  }
  inside.num_constants = inside.leaves.size();
  for (size_t i = 0; i < computed.size(); ++i) local[computed[i]] = static_cast<int>(part.externals.size() + i);
  for (const int slot : computed) {
    auto& operands = inside.operands.emplace_back();
    for (const int operand : operands_of(slot)) operands.push_back(local.at(operand));
  }
  for (const int output : outputs) {
    inside.outputs.push_back(local.at(output));
    inside.circuits.push_back(lowered.node(output));
  }
  return part;
}

Hash structure_key(const Lowered& lowered) {
  Bytes bytes;
  bytes.number(static_cast<int64_t>(lowered.num_constants));
  for (size_t i = 0; i < lowered.leaves.size(); ++i) {
    const Node& leaf = *lowered.leaves[i];
    bytes.metadata(leaf);
    bytes.byte((lowered.numbers[i] ? 1 : 0) + (leaf.kind() == Kind::Scalar ? 2 : 0));
    if (lowered.numbers[i]) bytes.number(std::bit_cast<int64_t>(*lowered.numbers[i]));
  }
  bytes.number(static_cast<int64_t>(lowered.computed.size()));
  for (size_t i = 0; i < lowered.computed.size(); ++i) {
    const Node& node = *lowered.computed[i];
    bytes.byte(static_cast<int>(node.kind()));
    bytes.metadata(node);
    bytes.list(lowered.operands[i]);
    add_fields(bytes, node);
    bytes.byte(lowered.streamed_sums.contains(node.id()));
  }
  bytes.list(lowered.outputs);
  for (const auto& circuit : lowered.circuits) bytes.metadata(*circuit);
  return bytes.finish();
}

}  // namespace pycircuit
