// Add rules (spec 10, section 3).
#include <unordered_map>

#include "circuit/names.h"
#include "rewrite/removable_axes.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

NodePtr rebuilt(const Add& add, NodePtrs children) { return Add::make(std::move(children), add.name()); }

// The product of a child's scalar operands apart from the rest of it (3.9).
struct ScaledTerm {
  NodePtr base;
  double factor;
  Name factor_name;
};

ScaledTerm decompose(const NodePtr& child, size_t& scalars_removed) {
  if (const Scalar* scalar = child->as<Scalar>(); scalar && child->rank() == 0)
    return {Einsum::make(NodePtrs(), {}, Labels()), scalar->value(), scalar->name()};
  const Einsum* einsum = child->as<Einsum>();
  if (!einsum) return {Einsum::identity(child), 1.0, std::nullopt};
  NodePtrs operands;
  std::vector<Labels> labels;
  ScaledTerm term{nullptr, 1.0, std::nullopt};
  for (size_t i = 0; i < einsum->num_children(); ++i) {
    const Scalar* scalar = einsum->child(i)->as<Scalar>();
    if (scalar && scalar->rank() == 0) {
      ++scalars_removed;
      term.factor *= scalar->value();
      if (scalar->name()) term.factor_name = term.factor_name ? *term.factor_name + " + " + *scalar->name() : *scalar->name();
    } else {
      operands.push_back(einsum->child(i));
      labels.push_back(einsum->input_labels()[i]);
    }
  }
  term.base = Einsum::make(std::move(operands), std::move(labels), einsum->out_axes(), einsum->name());
  return term;
}

NodePtr scaled(const ScaledTerm& term) {
  if (term.factor == 1.0) return term.base;
  const Einsum& base = *term.base->as<Einsum>();
  NodePtrs operands = base.children();
  std::vector<Labels> labels = base.input_labels();
  operands.push_back(Scalar::make(term.factor, {}, term.factor_name));
  labels.emplace_back();
  return Einsum::make(std::move(operands), std::move(labels), base.out_axes(), base.name());
}

// Output axes that a child does not vary along (3.6), given as flags.
std::vector<bool> free_axes(const Node& child, const Shape& shape) {
  const size_t offset = shape.size() - child.rank();
  std::vector<bool> free(shape.size(), true);
  const Axes removable = removable_axes(child);
  for (size_t axis = offset; axis < shape.size(); ++axis) {
    const int64_t own = static_cast<int64_t>(axis - offset);
    free[axis] = child.shape()[own] != shape[axis] || contains(removable, own);
  }
  return free;
}

// The child without its free axes; an axis of size 1 stays where a kept output axis stands further left.
NodePtr stripped(const NodePtr& child, const std::vector<bool>& free, const std::vector<bool>& common, const std::vector<bool>& strip) {
  const size_t offset = free.size() - child->rank();
  Axes removed, put_back;
  for (size_t axis = offset; axis < free.size(); ++axis)
    if (strip[axis]) removed.push_back(axis - offset);
  NodePtr result = remove_axes(child, removed);
  int64_t position = 0;
  for (size_t axis = offset; axis < free.size(); ++axis) {
    if (!strip[axis]) {
      ++position;
    } else if (!common[axis] && position > 0) {
      put_back.push_back(position++);
    }
  }
  return insert_axes(result, put_back, Shape(put_back.size(), 1));
}

}  // namespace

NodePtr remove_add_few_input(const Add& add) {
  if (add.num_children() == 0) return Scalar::make(0.0, {}, add.name());
  return add.num_children() == 1 ? add.child() : nullptr;
}

NodePtr add_flatten_once(const Add& add) {
  return add_flatten_where(add, [](const Node&) { return true; });
}

NodePtr add_flatten_where(const Add& add, const MayMerge& may_merge) {
  NodePtrs children;
  bool any = false;
  for (const auto& child : add.children()) {
    if (child->kind() == Kind::Add && !is_rounded_within(*child, add) && may_merge(*child)) {
      any = true;
      children.insert(children.end(), child->children().begin(), child->children().end());
    } else {
      children.push_back(child);
    }
  }
  return any ? rebuilt(add, std::move(children)) : nullptr;
}

NodePtr add_elim_zeros(const Add& add) {
  NodePtrs children;
  for (const auto& child : add.children())
    if (const Scalar* scalar = child->as<Scalar>(); !scalar || !scalar->is_zero()) children.push_back(child);
  if (children.size() == add.num_children()) return nullptr;
  NodePtr result = rebuilt(add, std::move(children));
  return result->shape() == add.shape() ? result : nullptr;
}

NodePtr add_collapse_scalar_inputs(const Add& add) {
  if (is_integral(add)) return nullptr;  // each scalar is rounded by itself
  NodePtrs children;
  double sum = 0.0;
  for (const auto& child : add.children()) {
    if (const Scalar* scalar = child->as<Scalar>()) {
      sum += scalar->value();
    } else {
      children.push_back(child);
    }
  }
  if (add.num_children() - children.size() < 2) return nullptr;
  children.push_back(Scalar::make(sum, add.shape()));
  return rebuilt(add, std::move(children));
}

NodePtr add_deduplicate(const Add& add) {
  std::unordered_map<uint64_t, size_t> counts;
  for (const auto& child : add.children()) ++counts[child->id()];
  if (counts.size() == add.num_children()) return nullptr;
  NodePtrs children;
  for (const auto& child : add.children()) {
    const size_t count = std::exchange(counts[child->id()], 0);
    if (count == 0) continue;
    if (count == 1) {
      children.push_back(child);
      continue;
    }
    if (is_rounded_within(*child, add)) return nullptr;
    const Name scalar_name = child->name() ? Name("count_from_dedup") : std::nullopt;
    children.push_back(Einsum::scalar_mul(child, static_cast<double>(count), with_suffix(child->name(), "_mul_count"), scalar_name));
  }
  return rebuilt(add, std::move(children));
}

NodePtr add_pull_removable_axes(const Add& add, bool remove_non_common_axes) {
  if (add.num_children() == 0) return nullptr;
  const Shape& shape = add.shape();
  std::vector<std::vector<bool>> free;
  std::vector<bool> common(shape.size(), true);
  bool any_own = false;
  for (const auto& child : add.children()) {
    free.push_back(free_axes(*child, shape));
    const size_t offset = shape.size() - child->rank();
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      common[axis] = common[axis] && free.back()[axis];
      any_own |= axis >= offset && free.back()[axis] && child->shape()[axis - offset] != 1;
    }
  }
  if (remove_non_common_axes ? !any_own : !contains(common, true)) return nullptr;
  NodePtrs children;
  for (size_t i = 0; i < add.num_children(); ++i)
    children.push_back(stripped(add.child(i), free[i], common, remove_non_common_axes ? free[i] : common));
  Axes axes;
  Shape sizes;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!common[axis]) continue;
    axes.push_back(axis);
    sizes.push_back(shape[axis]);
  }
  NodePtr result = insert_axes(rebuilt(add, std::move(children)), axes, sizes);
  return result->id() == add.id() ? nullptr : result;
}

NodePtr add_elim_removable_axes_weak(const Add& add) {
  const size_t count = add.num_children();
  std::vector<std::vector<bool>> selected(count);
  std::vector<Axes> removable_of(count);
  for (size_t i = 0; i < count; ++i) {
    removable_of[i] = removable_axes(*add.child(i));
    selected[i].assign(add.child(i)->rank(), false);
  }
  bool any = false;
  for (int64_t axis = 0; axis < add.rank(); ++axis) {
    std::vector<size_t> users, removable;
    for (size_t i = 0; i < count; ++i) {
      const int64_t own = axis - (add.rank() - add.child(i)->rank());
      if (own < 0 || add.child(i)->shape()[own] != add.shape()[axis]) continue;
      users.push_back(i);
      if (contains(removable_of[i], own)) removable.push_back(i);
    }
    for (const size_t i : choose_removals(users, removable, add.children())) {
      selected[i][axis - (add.rank() - add.child(i)->rank())] = true;
      any = true;
    }
  }
  if (!any) return nullptr;
  NodePtrs children;
  for (size_t i = 0; i < count; ++i) {
    Axes run;
    for (size_t own = 0; own < selected[i].size() && selected[i][own]; ++own) run.push_back(own);
    children.push_back(remove_axes_weakly(add.child(i), run));
  }
  if (children == add.children()) return nullptr;
  return rebuilt(add, std::move(children));
}

NodePtr add_pull_diags(const Add& add) {
  if (add.num_children() == 0) return nullptr;
  for (const auto& child : add.children())
    if (child->kind() != Kind::Einsum) return nullptr;
  // The label of an output axis in a child; nothing where the child does not have it at a size above 1.
  const auto label_at = [&](const NodePtr& child, int64_t axis) -> std::optional<Label> {
    const int64_t own = axis - (add.rank() - child->rank());
    if (own < 0 || child->shape()[own] <= 1) return std::nullopt;
    return child->as<Einsum>()->out_axes()[own];
  };
  const auto tied = [&](int64_t a, int64_t b) {
    return std::all_of(add.children().begin(), add.children().end(), [&](const NodePtr& child) {
      const auto label = label_at(child, a);
      return label && label == label_at(child, b);
    });
  };
  Labels pattern;
  Axes dropped;
  std::vector<int64_t> first_axes;  // of each class
  for (int64_t axis = 0; axis < add.rank(); ++axis) {
    const auto known = std::find_if(first_axes.begin(), first_axes.end(), [&](int64_t first) { return tied(first, axis); });
    pattern.push_back(static_cast<Label>(known - first_axes.begin()));
    if (known == first_axes.end()) {
      first_axes.push_back(axis);
    } else {
      dropped.push_back(axis);
    }
  }
  if (dropped.empty()) return nullptr;
  NodePtrs children;
  for (const auto& child : add.children()) {
    Axes own;
    for (const int64_t axis : dropped) own.push_back(axis - (add.rank() - child->rank()));
    const Einsum& einsum = *child->as<Einsum>();
    children.push_back(Einsum::make(einsum.children(), einsum.input_labels(), without_axes(einsum.out_axes(), own)));
  }
  return new_diag(rebuilt(add, std::move(children)), pattern);
}

NodePtr add_fuse_scalar_multiples(const Add& add) {
  const auto is_einsum = [](const NodePtr& child) { return child->kind() == Kind::Einsum; };
  if (is_integral(add) || std::none_of(add.children().begin(), add.children().end(), is_einsum)) return nullptr;
  size_t scalars_removed = 0;
  std::vector<ScaledTerm> groups;
  std::unordered_map<uint64_t, size_t> group_of;
  for (const auto& child : add.children()) {
    ScaledTerm term = decompose(child, scalars_removed);
    const auto [known, fresh] = group_of.emplace(term.base->id(), groups.size());
    if (fresh) {
      groups.push_back(std::move(term));
    } else {
      ScaledTerm& group = groups[known->second];
      group.factor += term.factor;
      if (!group.factor_name) group.factor_name = term.factor_name;
    }
  }
  if (scalars_removed <= 1 || groups.size() == add.num_children()) return nullptr;
  NodePtrs children;
  for (const auto& group : groups) children.push_back(scaled(group));
  return rebuilt(add, std::move(children));
}

NodePtr add_make_broadcasts_explicit(const Add& add) {
  if (!add.has_broadcast()) return nullptr;
  NodePtrs children;
  for (const auto& child : add.children()) children.push_back(make_broadcast(child, add.shape()));
  return rebuilt(add, std::move(children));
}

}  // namespace pycircuit
