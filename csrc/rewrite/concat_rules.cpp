// Concat rules (spec 10, section 6).
#include "rewrite/removable_axes.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

bool is_zero(const NodePtr& node) {
  const Scalar* scalar = node->as<Scalar>();
  return scalar && scalar->is_zero();
}

// The child's axis of an Index that is the result's axis `axis`.
size_t indexed_axis(const IndexElements& elements, int64_t axis) {
  size_t own = 0;
  for (int64_t seen = 0;; ++own)
    if (!std::holds_alternative<int64_t>(elements[own]) && seen++ == axis) return own;
}

std::vector<bool> identity_pattern(const Index& index) {
  std::vector<bool> pattern;
  for (size_t axis = 0; axis < index.index().size(); ++axis)
    pattern.push_back(is_identity(index.index()[axis], index.child()->shape()[axis]));
  return pattern;
}

}  // namespace

NodePtr concat_elim_identity(const Concat& concat) { return concat.num_children() == 1 ? concat.child() : nullptr; }

NodePtr concat_merge_uniform(const Concat& concat) {
  const Scalar* first = concat.child()->as<Scalar>();
  if (!first) return nullptr;
  for (const auto& child : concat.children()) {
    const Scalar* scalar = child->as<Scalar>();
    if (!scalar || !(scalar->value() == first->value())) return nullptr;
  }
  return Scalar::make(first->value(), concat.shape(), concat.name());
}

NodePtr concat_drop_size_zero(const Concat& concat) {
  NodePtrs kept;
  for (const auto& child : concat.children())
    if (child->shape()[concat.axis()] != 0) kept.push_back(child);
  if (kept.empty()) kept.push_back(concat.child());
  if (kept.size() == concat.num_children()) return nullptr;
  return Concat::make(std::move(kept), concat.axis(), concat.name());
}

NodePtr concat_elim_split(const Concat& concat) {
  const Index* first = concat.child()->as<Index>();
  if (!first) return nullptr;
  const size_t axis = indexed_axis(first->index(), concat.axis());
  const Size size = first->child()->shape()[axis];
  const std::vector<bool> pattern = identity_pattern(*first);
  const auto with_full_axis = [&](const Index& index) {
    IndexElements elements = index.index();
    elements[axis] = Slice{};
    return elements;
  };
  const IndexElements common = with_full_axis(*first);
  Size end = 0;
  for (const auto& child : concat.children()) {
    const Index* index = child->as<Index>();
    if (!index || !same(index->child(), first->child()) || indexed_axis(index->index(), concat.axis()) != axis) return nullptr;
    const auto* slice = std::get_if<Slice>(&index->index()[axis]);
    if (!slice || identity_pattern(*index) != pattern || !same_elements(with_full_axis(*index), common)) return nullptr;
    const auto [start, stop] = slice_bounds(*slice, size);
    if (start != end) return nullptr;
    end = stop;
  }
  IndexElements elements = common;
  elements[axis] = slice_of(0, end);
  return Index::make(first->child(), std::move(elements), concat.name());
}

NodePtr concat_pull_removable_axes(const Concat& concat) {
  Axes axes = removable_axes(*concat.child());
  for (const auto& child : concat.children()) {
    const Axes own = removable_axes(*child);
    std::erase_if(axes, [&](int64_t axis) { return axis == concat.axis() || !contains(own, axis); });
  }
  if (axes.empty()) return nullptr;
  NodePtrs children;
  for (const auto& child : concat.children()) children.push_back(remove_axes(child, axes));
  Shape sizes;
  for (const int64_t axis : axes) sizes.push_back(concat.shape()[axis]);
  const int64_t dropped_before = std::count_if(axes.begin(), axes.end(), [&](int64_t axis) { return axis < concat.axis(); });
  return insert_axes(Concat::make(std::move(children), concat.axis() - dropped_before, concat.name()), axes, sizes);
}

NodePtr concat_fuse(const Concat& concat) {
  NodePtrs children;
  bool any = false;
  for (const auto& child : concat.children()) {
    const Concat* inner = child->as<Concat>();
    if (inner && inner->axis() == concat.axis()) {
      any = true;
      children.insert(children.end(), inner->children().begin(), inner->children().end());
    } else {
      children.push_back(child);
    }
  }
  return any ? NodePtr(Concat::make(std::move(children), concat.axis(), concat.name())) : nullptr;
}

NodePtr concat_repeat_to_rearrange(const Concat& concat) {
  NodePtrs children;
  const auto& old = concat.children();
  for (size_t i = 0; i < old.size();) {
    size_t end = i + 1;
    while (end < old.size() && same(old[end], old[i])) ++end;
    if (end - i == 1) {
      children.push_back(old[i]);
    } else {
      RearrangeSpec::IntGroups groups;
      for (const Label label : iota_labels(concat.rank())) groups.push_back({label});
      std::vector<OptionalSize> sizes(old[i]->shape().begin(), old[i]->shape().end());
      RearrangeSpec::IntGroups repeated = groups;
      repeated[concat.axis()].insert(repeated[concat.axis()].begin(), static_cast<Label>(concat.rank()));
      sizes.push_back(static_cast<Size>(end - i));
      children.push_back(canonical_rearrange(old[i], RearrangeSpec(std::move(groups), std::move(repeated), std::move(sizes))));
    }
    i = end;
  }
  if (children.size() == old.size()) return nullptr;
  return Concat::make(std::move(children), concat.axis(), concat.name());
}

NodePtr concat_to_scatter(const Concat& concat) {
  const auto& children = concat.children();
  const auto first = std::find_if_not(children.begin(), children.end(), is_zero);
  if (first == children.end()) return nullptr;
  const auto last = std::find_if_not(children.rbegin(), children.rend(), is_zero).base();
  Size before = 0, after = 0;
  bool elements = false;
  for (auto child = children.begin(); child != children.end(); ++child) {
    if (child >= first && child < last) continue;
    (child < first ? before : after) += (*child)->shape()[concat.axis()];
    elements |= numel_saturating((*child)->shape()) > 0;
  }
  if (!elements) return nullptr;
  IndexElements index;
  for (const Size size : concat.shape()) index.push_back(slice_of(0, size));
  index[concat.axis()] = slice_of(before, concat.shape()[concat.axis()] - after);
  return Scatter::make(Concat::make(NodePtrs(first, last), concat.axis(), concat.name()), std::move(index), concat.shape());
}

NodePtr index_concat_drop_unreached(const Index& index) {
  const Concat* concat = index.child()->as<Concat>();
  if (!concat) return nullptr;
  const IndexElement here = canonical(index.index()[concat->axis()], concat->shape()[concat->axis()]);
  Size start, stop;  // what is reached
  if (const auto* position = std::get_if<int64_t>(&here)) {
    start = *position;
    stop = start + 1;
  } else if (const auto* slice = std::get_if<Slice>(&here)) {
    start = *slice->start;
    stop = *slice->stop;
  } else {
    return nullptr;
  }
  NodePtrs kept;
  Size position = 0, kept_from = 0;
  for (const auto& child : concat->children()) {
    if (numel_saturating(child->shape()) == 0) return nullptr;
    const Size end = position + child->shape()[concat->axis()];
    if (position < stop && end > start) {
      if (kept.empty()) kept_from = position;
      kept.push_back(child);
    }
    position = end;
  }
  if (kept.empty() || kept.size() == concat->num_children()) return nullptr;
  IndexElements elements = index.index();
  if (std::holds_alternative<int64_t>(here)) {
    elements[concat->axis()] = start - kept_from;
  } else {
    elements[concat->axis()] = slice_of(start - kept_from, stop - kept_from);
  }
  return Index::make(Concat::make(std::move(kept), concat->axis(), concat->name()), std::move(elements), index.name());
}

NodePtr einsum_concat_to_add(const Einsum& einsum) {
  const auto& labels = einsum.input_labels();
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const Concat* concat = einsum.child(i)->as<Concat>();
    if (!concat) continue;
    const Label label = labels[i][concat->axis()];
    int64_t uses = 0;
    for (const Labels& operand : labels) uses += std::count(operand.begin(), operand.end(), label);
    if (uses != 1 || contains(einsum.out_axes(), label)) continue;
    NodePtrs summands;
    for (const auto& piece : concat->children()) {
      NodePtrs operands = einsum.children();
      operands[i] = piece;
      summands.push_back(Einsum::make(std::move(operands), labels, einsum.out_axes()));
    }
    return Add::make(std::move(summands));
  }
  return nullptr;
}

}  // namespace pycircuit
