#include "rewrite/canonical.h"

#include <array>
#include <numeric>
#include <unordered_map>

#include "base/uuid.h"
#include "circuit/walk.h"
#include "rewrite/build.h"

namespace pycircuit {
namespace {

// Elements descending, class name ascending, identity ascending.
bool key_less(const NodePtr& a, const NodePtr& b) {
  if (a->shape() != b->shape()) {
    const auto order = numel(a->shape()) <=> numel(b->shape());
    if (order != 0) return order > 0;
  }
  if (a->kind() != b->kind()) return kind_name(a->kind()) < kind_name(b->kind());
  return a->hash() < b->hash();
}

EinsumLabels normalized(const EinsumLabels& labels) {
  std::array<int, kLabelCount> renamed;
  renamed.fill(-1);
  int next = 0;
  EinsumLabels result = labels;
  for (Labels& operand : result.inputs)
    for (Label& label : operand) {
      if (renamed[label] < 0) renamed[label] = next++;
      label = static_cast<Label>(renamed[label]);
    }
  for (Label& label : result.output) label = static_cast<Label>(renamed[label]);
  return result;
}

EinsumLabels permuted(const Einsum& einsum, const std::vector<size_t>& order) {
  EinsumLabels labels{{}, einsum.out_axes()};
  for (const size_t i : order) labels.inputs.push_back(einsum.input_labels()[i]);
  return normalized(labels);
}

bool labels_less(const EinsumLabels& a, const EinsumLabels& b) { return std::tie(a.inputs, a.output) < std::tie(b.inputs, b.output); }

// Equal operands are told apart by the labels they lead to: of their orders the one with the smallest labels, where there are few.
void order_equal_operands(const Einsum& einsum, std::vector<size_t>& order) {
  constexpr size_t kMaxEqual = 4;
  for (size_t first = 0; first < order.size();) {
    size_t last = first + 1;
    while (last < order.size() && same(einsum.child(order[last]), einsum.child(order[first]))) ++last;
    if (last - first > 1 && last - first <= kMaxEqual) {
      std::sort(order.begin() + first, order.begin() + last);
      std::vector<size_t> best = order;
      EinsumLabels best_labels = permuted(einsum, best);
      while (std::next_permutation(order.begin() + first, order.begin() + last)) {
        EinsumLabels labels = permuted(einsum, order);
        if (labels_less(labels, best_labels)) {
          best = order;
          best_labels = std::move(labels);
        }
      }
      order = std::move(best);
    }
    first = last;
  }
}

NodePtr with_labels(const Einsum& einsum, NodePtrs children, EinsumLabels labels) {
  if (labels == einsum.labels() && children == einsum.children()) return NodePtr(&einsum);
  return Einsum::make(std::move(children), std::move(labels.inputs), std::move(labels.output), einsum.name());
}

NodePtr canonical_einsum(const Einsum& einsum) {
  std::vector<size_t> order(einsum.num_children());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key_less(einsum.child(a), einsum.child(b)); });
  order_equal_operands(einsum, order);
  NodePtrs children;
  for (const size_t i : order) children.push_back(einsum.child(i));
  return with_labels(einsum, std::move(children), permuted(einsum, order));
}

NodePtr canonical_add(const Add& add) {
  NodePtrs children = add.children();
  std::stable_sort(children.begin(), children.end(), key_less);
  if (children == add.children()) return NodePtr(&add);
  return Add::make(std::move(children), add.name());
}

NodePtr with_spec(const Rearrange& rearrange, RearrangeSpec spec) {
  if (spec == rearrange.spec()) return NodePtr(&rearrange);
  return Rearrange::make(rearrange.child(), std::move(spec), rearrange.name());
}

NodePtr canonical_index(const Index& index) {
  IndexElements elements = canonical(index.index(), index.child()->shape());
  if (same_elements(elements, index.index())) return NodePtr(&index);
  return Index::make(index.child(), std::move(elements), index.name());
}

template <class Rewrite>
NodePtr deep(const NodePtr& circuit, const Rewrite& rewrite) {
  return map_bottom_up(circuit,
                       [&](const NodePtr& node, NodePtrs children) { return rewrite(node->rebuild_if_changed(std::move(children))); });
}

NodePtr without_name(const NodePtr& node, NodePtrs children) {
  switch (node->kind()) {
    case Kind::Tag:
      return children.at(0);
    case Kind::Array:
    case Kind::Symbol:
      return node->name() ? NodePtr(Tag::make(node, Uuid{})->rename(std::nullopt)) : node;
    case Kind::DiscreteVar:
      children.at(1) = node->child(1);  // its Tags say which variables are drawn together
      break;
    default:
      break;
  }
  if (!node->name() && children == node->children()) return node;
  return node->rename(std::nullopt)->rebuild(std::move(children))->rename(std::nullopt);
}

}  // namespace

NodePtr canonicalize_node(const NodePtr& node) {
  if (const Rearrange* rearrange = node->as<Rearrange>()) return with_spec(*rearrange, rearrange->conformed_spec().canonicalize(true));
  if (const Index* index = node->as<Index>()) return canonical_index(*index);
  if (const Add* add = node->as<Add>()) return canonical_add(*add);
  if (const Einsum* einsum = node->as<Einsum>()) return canonical_einsum(*einsum);
  return node;
}

NodePtr deep_canonicalize(const NodePtr& circuit) { return deep(circuit, canonicalize_node); }

NodePtr normalize_node(const NodePtr& node) {
  if (const Rearrange* rearrange = node->as<Rearrange>()) return with_spec(*rearrange, rearrange->spec().canonicalize(false));
  if (const Einsum* einsum = node->as<Einsum>()) return with_labels(*einsum, einsum->children(), normalized(einsum->labels()));
  return node;
}

NodePtr deep_normalize(const NodePtr& circuit) { return deep(circuit, normalize_node); }

NodePtr strip_names_and_tags(const NodePtr& circuit) {
  return map_bottom_up(circuit, [](const NodePtr& node, NodePtrs children) { return without_name(node, std::move(children)); });
}

}  // namespace pycircuit
