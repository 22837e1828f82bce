#include "evaluate/unexpand.h"

#include <algorithm>
#include <unordered_map>

#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "evaluate/fusion.h"

namespace pycircuit {
namespace {

using Places = std::vector<int64_t>;  // of axes, ascending

bool has(const Places& places, int64_t place) { return std::binary_search(places.begin(), places.end(), place); }

// A node as the expansion of another: `core` is its value without `axes`.
struct Expansion {
  NodePtr full, core;
  Places axes;
};

// The value without the axes `dropped`, which are among those of the expansion.
NodePtr without(const Expansion& node, const Places& dropped) {
  if (const auto* scalar = node.full->as<Scalar>()) {
    Shape shape;
    for (int64_t axis = 0; axis < node.full->rank(); ++axis)
      if (!has(dropped, axis)) shape.push_back(scalar->shape()[axis]);
    return Scalar::make(scalar->value(), std::move(shape));
  }
  Places places;
  Shape counts;
  int64_t place = 0;
  for (int64_t axis = 0; axis < node.full->rank(); ++axis) {
    if (has(dropped, axis)) continue;
    if (has(node.axes, axis)) {
      places.push_back(place);
      counts.push_back(node.full->shape()[axis]);
    }
    ++place;
  }
  if (places.empty()) return node.core;
  return Rearrange::make(node.core, RearrangeSpec::expand_at_axes(node.core->rank(), places, counts));
}

class Unexpander {
 public:
  NodePtrs operator()(const NodePtrs& circuits) {
    for (const auto& node : post_order(circuits)) done_.emplace(node->id(), expansion_of(*node));
    NodePtrs out;
    for (const auto& circuit : circuits) out.push_back(done_.at(circuit->id()).full);
    return out;
  }

 private:
  const Expansion& below(const NodePtr& node) const { return done_.at(node->id()); }

  Expansion expansion_of(const Node& node) {
    NodePtrs children;
    for (const auto& child : node.children()) children.push_back(below(child).full);
    Expansion out{node.rebuild_if_changed(std::move(children)), {}, {}};
    switch (node.kind()) {
      case Kind::Scalar:
        for (int64_t axis = 0; axis < node.rank(); ++axis) out.axes.push_back(axis);
        break;
      case Kind::Tag:
        out.core = below(node.child()).core;
        out.axes = below(node.child()).axes;
        break;
      case Kind::Rearrange:
        of_rearrange(*node.as<Rearrange>(), out);
        break;
      case Kind::Index:
        of_index(*node.as<Index>(), out);
        break;
      case Kind::GeneralFunction:
        of_function(*node.as<GeneralFunction>(), out);
        break;
      case Kind::Add:
        of_add(*node.as<Add>(), out);
        break;
      case Kind::Einsum:
        of_einsum(*node.as<Einsum>(), out);
        break;
      default:
        break;
    }
    const bool anew = node.kind() != Kind::Scalar && node.kind() != Kind::Tag && node.kind() != Kind::Rearrange;
    if (anew && out.core) out.full = without(out, {});
    return out;
  }

  // New axes that are the whole of an axis of the result.
  void of_rearrange(const Rearrange& node, Expansion& out) const {
    const RearrangeSpec spec = node.conformed_spec();
    const Labels inside = spec.ints_in_inp();
    RearrangeSpec::IntGroups kept;
    for (size_t axis = 0; axis < spec.output_rank(); ++axis) {
      const Labels& group = spec.output_ints()[axis];
      const bool expanded = group.size() == 1 && !std::binary_search(inside.begin(), inside.end(), group[0]);
      if (expanded) {
        out.axes.push_back(static_cast<int64_t>(axis));
      } else {
        kept.push_back(group);
      }
    }
    if (out.axes.empty()) return;
    const RearrangeSpec rest(spec.input_ints(), std::move(kept), spec.int_sizes());
    out.core = rest.is_identity() ? out.full->child() : Rearrange::make(out.full->child(), rest);
  }

  // Whatever is chosen along a repeated axis is the same.
  void of_index(const Index& node, Expansion& out) const {
    const Expansion& child = below(node.child());
    if (!child.core) return;
    IndexElements kept;
    int64_t place = 0;
    for (int64_t axis = 0; axis < child.full->rank(); ++axis) {
      const IndexElement& element = node.index()[axis];
      if (!has(child.axes, axis)) kept.push_back(element);
      if (std::holds_alternative<int64_t>(element)) continue;
      if (has(child.axes, axis)) out.axes.push_back(place);
      ++place;
    }
    out.core = is_identity(kept, child.core->shape()) ? child.core : NodePtr(Index::make(child.core, std::move(kept), node.kept_naming()));
  }

  void of_function(const GeneralFunction& node, Expansion& out) const {
    const FunctionKind kind = node.spec()->kind();
    if (node.num_children() != 1 || (kind != FunctionKind::Simple && kind != FunctionKind::User) || !node.input_batchable(0)) return;
    const Expansion& child = below(node.child());
    if (!child.core || node.rank() != child.full->rank()) return;
    const int64_t batch_rank = node.rank() - node.num_non_batchable_output_dims();
    for (const int64_t axis : child.axes)
      if (axis < batch_rank) out.axes.push_back(axis);
    if (!out.axes.empty()) out.core = GeneralFunction::make({without(child, out.axes)}, node.spec(), node.kept_naming());
  }

  void of_add(const Add& node, Expansion& out) const {
    bool any = false;
    for (int64_t axis = 0; axis < node.rank(); ++axis) {
      const bool expanded = std::all_of(node.children().begin(), node.children().end(), [&](const NodePtr& child) {
        const int64_t own = axis - (node.rank() - child->rank());
        return own < 0 || has(below(child).axes, own);
      });
      if (expanded) out.axes.push_back(axis);
    }
    if (out.axes.empty()) return;
    NodePtrs terms;
    for (const auto& child : node.children()) {
      Places dropped;
      for (const int64_t axis : out.axes)
        if (const int64_t own = axis - (node.rank() - child->rank()); own >= 0) dropped.push_back(own);
      any |= !dropped.empty() && child->kind() != Kind::Scalar;
      terms.push_back(dropped.empty() ? below(child).full : without(below(child), dropped));
    }
    if (any) {
      out.core = Add::make(std::move(terms), node.kept_naming());
    } else {
      out.axes.clear();
    }
  }

  // Labels of the result that operands have by expansion only.
  void of_einsum(const Einsum& node, Expansion& out) const {
    Labels repeated;
    bool any = false;
    for (size_t place = 0; place < node.out_axes().size(); ++place) {
      const Label label = node.out_axes()[place];
      if (std::count(node.out_axes().begin(), node.out_axes().end(), label) != 1) continue;
      bool expanded = true, beside_scalars = false;
      for (size_t i = 0; i < node.num_children(); ++i)
        for (size_t axis = 0; axis < node.input_labels()[i].size(); ++axis) {
          if (node.input_labels()[i][axis] != label) continue;
          expanded &= has(below(node.child(i)).axes, static_cast<int64_t>(axis));
          beside_scalars |= node.child(i)->kind() != Kind::Scalar;
        }
      if (!expanded || !beside_scalars) continue;
      any = true;
      repeated.push_back(label);
      out.axes.push_back(static_cast<int64_t>(place));
    }
    if (!any) return;
    const auto kept = [&](const Labels& labels) {
      Labels rest;
      for (const Label label : labels)
        if (std::find(repeated.begin(), repeated.end(), label) == repeated.end()) rest.push_back(label);
      return rest;
    };
    NodePtrs operands;
    std::vector<Labels> labels;
    for (size_t i = 0; i < node.num_children(); ++i) {
      const Labels& own = node.input_labels()[i];
      Places dropped;
      for (size_t axis = 0; axis < own.size(); ++axis)
        if (std::find(repeated.begin(), repeated.end(), own[axis]) != repeated.end()) dropped.push_back(static_cast<int64_t>(axis));
      operands.push_back(dropped.empty() ? below(node.child(i)).full : without(below(node.child(i)), dropped));
      labels.push_back(kept(own));
    }
    out.core = Einsum::make(std::move(operands), std::move(labels), kept(node.out_axes()), node.kept_naming());
  }

  std::unordered_map<uint64_t, Expansion> done_;
};

}  // namespace

NodePtrs unexpanded(const NodePtrs& circuits) { return Unexpander()(circuits); }

}  // namespace pycircuit
