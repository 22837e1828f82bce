// Einsum rules (spec 10, section 2).
#include <array>

#include "circuit/names.h"
#include "rewrite/removable_axes.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

const Scalar* rank_zero_scalar(const NodePtr& node) { return node->rank() == 0 ? node->as<Scalar>() : nullptr; }

Labels labels_at_axes(const Labels& labels, const Axes& axes) {
  Labels chosen;
  for (const int64_t axis : axes) chosen.push_back(labels[axis]);
  return chosen;
}

// einsum_merge_scalars for the scalars that `counts` accepts.
template <class Counts>
NodePtr merge_scalars(const Einsum& einsum, const Counts& counts) {
  NodePtrs children;
  std::vector<Labels> labels;
  double product = 1.0;
  size_t merged = 0;
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const Scalar* scalar = rank_zero_scalar(einsum.child(i));
    if (scalar && counts(*scalar)) {
      product *= scalar->value();
      ++merged;
    } else {
      children.push_back(einsum.child(i));
      labels.push_back(einsum.input_labels()[i]);
    }
  }
  if (merged == 0 || (merged == 1 && product != 1.0)) return nullptr;
  if (product != 1.0) {
    children.push_back(Scalar::make(product));
    labels.emplace_back();
  }
  return Einsum::make(std::move(children), std::move(labels), einsum.out_axes());
}

// Renaming of labels while einsums are merged: a union-find over numbers of any size, turned into labels by first appearance.
class LabelUnion {
 public:
  size_t fresh() {
    parent_.push_back(parent_.size());
    return parent_.size() - 1;
  }
  size_t find(size_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }
  void join(size_t a, size_t b) { parent_[find(b)] = find(a); }

 private:
  std::vector<size_t> parent_;
};

}  // namespace

NodePtr einsum_elim_zero(const Einsum& einsum) {
  for (const auto& child : einsum.children())
    if (const Scalar* scalar = child->as<Scalar>(); scalar && scalar->is_zero()) return Scalar::make(0.0, einsum.shape(), einsum.name());
  return nullptr;
}

NodePtr einsum_elim_identity(const Einsum& einsum) {
  if (einsum.num_children() == 0) return Scalar::make(1.0, {}, einsum.name());
  const bool identity = einsum.num_children() == 1 && einsum.input_labels()[0] == einsum.out_axes() && all_distinct(einsum.out_axes());
  return identity ? einsum.child() : nullptr;
}

NodePtr einsum_flatten_once(const Einsum& einsum) {
  return einsum_flatten_where(einsum, [](const Node&) { return true; });
}

NodePtr einsum_flatten_where(const Einsum& einsum, const MayMerge& may_merge) {
  std::vector<bool> merged;
  for (const auto& child : einsum.children())
    merged.push_back(child->kind() == Kind::Einsum && !is_rounded_within(*child, einsum) && may_merge(*child));
  if (!contains(merged, true)) return nullptr;
  LabelUnion names;
  for (int label = 0; label < kLabelCount; ++label) names.fresh();  // the outer labels
  NodePtrs children;
  std::vector<std::vector<size_t>> operands;
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const Labels& outer = einsum.input_labels()[i];
    const Einsum* inner = merged[i] ? einsum.child(i)->as<Einsum>() : nullptr;
    if (!inner) {
      children.push_back(einsum.child(i));
      operands.emplace_back(outer.begin(), outer.end());
      continue;
    }
    std::array<std::optional<size_t>, kLabelCount> by_inner;
    for (size_t axis = 0; axis < outer.size(); ++axis) {
      auto& name = by_inner[inner->out_axes()[axis]];
      if (name) {
        names.join(*name, outer[axis]);
      } else {
        name = outer[axis];
      }
    }
    for (size_t j = 0; j < inner->num_children(); ++j) {
      children.push_back(inner->child(j));
      auto& operand = operands.emplace_back();
      for (const Label label : inner->input_labels()[j]) {
        if (!by_inner[label]) by_inner[label] = names.fresh();
        operand.push_back(*by_inner[label]);
      }
    }
  }
  std::vector<std::pair<size_t, Label>> numbered;  // root of a class, its new label
  const auto label_of = [&](size_t name) -> std::optional<Label> {
    const size_t root = names.find(name);
    for (const auto& [known, label] : numbered)
      if (known == root) return label;
    if (numbered.size() == kLabelCount) return std::nullopt;
    numbered.emplace_back(root, static_cast<Label>(numbered.size()));
    return numbered.back().second;
  };
  std::vector<Labels> labels;
  for (const auto& operand : operands) {
    Labels& renamed = labels.emplace_back();
    for (const size_t name : operand) {
      const auto label = label_of(name);
      if (!label) return nullptr;  // more labels than there are
      renamed.push_back(*label);
    }
  }
  Labels out;
  for (const Label label : einsum.out_axes()) out.push_back(*label_of(label));
  return Einsum::make(std::move(children), std::move(labels), std::move(out));
}

NodePtr einsum_of_permute_merge(const Einsum& einsum) {
  NodePtrs children = einsum.children();
  std::vector<Labels> labels = einsum.input_labels();
  bool any = false;
  for (size_t i = 0; i < children.size(); ++i) {
    const Rearrange* rearrange = einsum.child(i)->as<Rearrange>();
    if (!rearrange) continue;
    const auto permutation = rearrange->spec().get_fwd_permutation();
    if (!permutation) continue;
    any = true;
    children[i] = rearrange->child();
    labels[i] = labels_at_axes(einsum.input_labels()[i], *permutation);
  }
  return any ? NodePtr(Einsum::make(std::move(children), std::move(labels), einsum.out_axes(), einsum.name())) : nullptr;
}

NodePtr einsum_merge_scalars(const Einsum& einsum) {
  if (is_integral(einsum)) return nullptr;  // each scalar is rounded by itself
  return merge_scalars(einsum, [](const Scalar&) { return true; });
}

NodePtr einsum_remove_one(const Einsum& einsum) {
  return merge_scalars(einsum, [](const Scalar& scalar) { return scalar.is_one(); });
}

NodePtr einsum_pull_removable_axes(const Einsum& einsum) {
  if (einsum_elim_identity(einsum)) return nullptr;  // nothing to gain, and that rule is at hand
  NodePtrs children;
  std::vector<Labels> labels;
  Labels remaining;
  std::array<Size, kLabelCount> sizes{};
  bool any = false;
  for (size_t i = 0; i < einsum.num_children(); ++i) {
    const NodePtr& child = einsum.child(i);
    const Axes axes = removable_axes(*child);
    any |= !axes.empty();
    for (int64_t axis = 0; axis < child->rank(); ++axis) sizes[einsum.input_labels()[i][axis]] = child->shape()[axis];
    labels.push_back(without_axes(einsum.input_labels()[i], axes));
    for (const Label label : labels.back()) add_distinct(remaining, label);
    children.push_back(remove_axes(child, axes));
  }
  if (!any) return nullptr;
  double factor = 1.0;
  for (const Label label : einsum.reduced_axes()) {
    if (contains(remaining, label)) continue;
    if (is_symbolic(sizes[label])) return nullptr;
    factor *= static_cast<double>(sizes[label]);
  }
  if (factor > 127.0 && is_integral(einsum)) return nullptr;  // might not fit the dtype
  if (factor != 1.0) {
    children.push_back(Scalar::make(factor));
    labels.emplace_back();
  }
  const Labels& out = einsum.out_axes();
  Labels kept;
  Axes lost;
  Shape lost_sizes;
  for (size_t axis = 0; axis < out.size(); ++axis) {
    if (contains(remaining, out[axis])) {
      kept.push_back(out[axis]);
    } else {
      lost.push_back(axis);
      lost_sizes.push_back(einsum.shape()[axis]);
    }
  }
  if (!lost.empty() && !all_distinct(out)) return nullptr;
  return insert_axes(Einsum::make(std::move(children), std::move(labels), std::move(kept), einsum.name()), lost, lost_sizes);
}

NodePtr einsum_elim_removable_axes_weak(const Einsum& einsum) {
  const size_t count = einsum.num_children();
  std::array<std::vector<size_t>, kLabelCount> users, removable;  // operands per label
  std::vector<Axes> removable_of(count);
  Labels all;
  for (size_t i = 0; i < count; ++i) {
    removable_of[i] = removable_axes(*einsum.child(i));
    const Labels& labels = einsum.input_labels()[i];
    for (const Label label : labels) {
      add_distinct(all, label);
      if (users[label].empty() || users[label].back() != i) users[label].push_back(i);
    }
    for (const int64_t axis : removable_of[i]) {
      auto& operands = removable[labels[axis]];
      if (operands.empty() || operands.back() != i) operands.push_back(i);
    }
  }
  std::vector<Axes> dropped(count);
  bool any = false;
  for (const Label label : all) {
    for (const size_t i : choose_removals(users[label], removable[label], einsum.children())) {
      for (const int64_t axis : removable_of[i])
        if (einsum.input_labels()[i][axis] == label) dropped[i].push_back(axis);
      any = true;
    }
  }
  if (!any) return nullptr;
  NodePtrs children;
  std::vector<Labels> labels;
  for (size_t i = 0; i < count; ++i) {
    std::sort(dropped[i].begin(), dropped[i].end());
    children.push_back(remove_axes_weakly(einsum.child(i), dropped[i]));
    labels.push_back(without_axes(einsum.input_labels()[i], dropped[i]));
  }
  return Einsum::make(std::move(children), std::move(labels), einsum.out_axes(), einsum.name());
}

NodePtr einsum_permute_to_rearrange(const Einsum& einsum) {
  if (einsum.num_children() != 1 || einsum.rank() == 0) return nullptr;
  const Labels& labels = einsum.input_labels()[0];
  const Labels& out = einsum.out_axes();
  if (labels.size() != out.size() || !all_distinct(labels) || !all_distinct(out)) return nullptr;
  std::vector<int64_t> permutation;
  for (const Label label : out) permutation.push_back(std::find(labels.begin(), labels.end(), label) - labels.begin());
  return Rearrange::make(einsum.child(), RearrangeSpec::new_permute(permutation).canonicalize(false), einsum.name());
}

}  // namespace pycircuit
