#include "evaluate/fuse/label_algebra.h"

#include <algorithm>
#include <map>

#include "circuit/nodes/einsum.h"
#include "circuit/nodes/rearrange.h"

namespace pycircuit {

Axis AtomTable::fresh(Size size) {
  if (size == 1) return {};
  sizes_.push_back(size);
  parts_.emplace_back();
  return {static_cast<Atom>(sizes_.size()) - 1};
}

Axis AtomTable::resolve(const Axis& axis) const {
  Axis out;
  Axis pending(axis.rbegin(), axis.rend());
  while (!pending.empty()) {
    const Atom atom = pending.back();
    pending.pop_back();
    if (parts_[atom].empty()) {
      out.push_back(atom);
    } else {
      pending.insert(pending.end(), parts_[atom].rbegin(), parts_[atom].rend());
    }
  }
  return out;
}

Axes AtomTable::resolve(const Axes& axes) const {
  Axes out;
  for (const auto& axis : axes) out.push_back(resolve(axis));
  return out;
}

Size AtomTable::size(const Axis& axis) const {
  Size out = 1;
  for (const Atom atom : axis) out *= sizes_[atom];
  return out;
}

bool AtomTable::unify(const Axis& a, const Axis& b) {
  Axis left = resolve(a), right = resolve(b);
  std::reverse(left.begin(), left.end());
  std::reverse(right.begin(), right.end());
  while (!left.empty() && !right.empty()) {
    Atom x = left.back(), y = right.back();
    if (x == y) {
      left.pop_back();
      right.pop_back();
      continue;
    }
    if (sizes_[x] == sizes_[y]) {
      parts_[y] = {x};
    } else {
      if (sizes_[x] < sizes_[y]) std::swap(x, y);
      if (sizes_[y] == 0 || sizes_[x] % sizes_[y] != 0) return false;
      Axis parts = {y};
      for (const Atom atom : fresh(sizes_[x] / sizes_[y])) parts.push_back(atom);
      parts_[x] = parts;
    }
    // What is left of both in the new atoms.
    for (Axis* side : {&left, &right}) {
      std::reverse(side->begin(), side->end());
      *side = resolve(*side);
      std::reverse(side->begin(), side->end());
    }
  }
  return left.empty() && right.empty();
}

std::optional<std::vector<Axes>> einsum_operand_axes(AtomTable& atoms, const Node& node, const Axes& axes, Axes* summed) {
  const auto& einsum = static_cast<const Einsum&>(node);
  std::map<Label, Axis> of_label;
  for (size_t i = 0; i < axes.size(); ++i)
    if (!of_label.emplace(einsum.out_axes()[i], axes[i]).second) return {};
  std::vector<Axes> out;
  for (size_t i = 0; i < node.num_children(); ++i) {
    Axes& operand = out.emplace_back();
    for (size_t axis = 0; axis < einsum.input_labels()[i].size(); ++axis) {
      const Label label = einsum.input_labels()[i][axis];
      auto found = of_label.find(label);
      if (found == of_label.end()) {
        found = of_label.emplace(label, atoms.fresh(node.child(i)->shape()[axis])).first;
        if (summed) summed->push_back(found->second);
      }
      operand.push_back(found->second);
    }
  }
  return out;
}

std::optional<Axes> rearrange_input_axes(AtomTable& atoms, const Node& node, const Axes& axes) {
  const RearrangeSpec spec = static_cast<const Rearrange&>(node).conformed_spec();
  std::vector<std::optional<Axis>> of_int(spec.int_sizes().size());
  const auto axis_of = [&](const Labels& ints) {
    Axis out;
    for (const Label each : ints) {
      if (!of_int[each]) of_int[each] = atoms.fresh(spec.int_sizes()[each].value_or(1));
      out.insert(out.end(), of_int[each]->begin(), of_int[each]->end());
    }
    return out;
  };
  for (size_t i = 0; i < axes.size(); ++i)
    if (!atoms.unify(axes[i], axis_of(spec.output_ints()[i]))) return {};
  Axes out;
  for (const auto& ints : spec.input_ints()) out.push_back(atoms.resolve(axis_of(ints)));
  return out;
}

Axes broadcast_operand_axes(const Node& operand, const Axes& axes, const Shape& shape) {
  Axes out;
  const size_t missing = shape.size() - operand.shape().size();
  for (size_t i = 0; i < operand.shape().size(); ++i) out.push_back(operand.shape()[i] == shape[missing + i] ? axes[missing + i] : Axis{});
  return out;
}

std::vector<Atom> distinct_atoms(const Axes& axes) {
  std::vector<Atom> out;
  for (const auto& axis : axes)
    for (const Atom atom : axis)
      if (!contains(out, atom)) out.push_back(atom);
  return out;
}

bool contains(const std::vector<Atom>& atoms, Atom atom) { return std::find(atoms.begin(), atoms.end(), atom) != atoms.end(); }

bool contains_any(const std::vector<Atom>& atoms, const std::vector<Atom>& others) {
  return std::any_of(others.begin(), others.end(), [&](Atom atom) { return contains(atoms, atom); });
}

bool contains_all(const std::vector<Atom>& atoms, const std::vector<Atom>& others) {
  return std::all_of(others.begin(), others.end(), [&](Atom atom) { return contains(atoms, atom); });
}

}  // namespace pycircuit
