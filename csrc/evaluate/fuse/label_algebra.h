// Axes as products of atoms, for recognisers that look through Einsums, Adds and Rearranges (spec 12, 12.1).
//
// An atom is an index that no Rearrange in sight takes apart. An axis is the row-major product of atoms. Two axes that must be the same
// index are unified: atoms are then identified, or split where the other axis is finer. Indices of size 1 have no atoms.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "circuit/node.h"

namespace pycircuit {

using Atom = int;
using Axis = std::vector<Atom>;  // row-major; empty: size 1
using Axes = std::vector<Axis>;

class AtomTable {
 public:
  // An axis of its own.
  Axis fresh(Size size);
  // False where the two cannot be the same index (6 as 2*3 and as 3*2): the table is then of no use any more.
  bool unify(const Axis& a, const Axis& b);
  // The axis in the atoms of now.
  Axis resolve(const Axis& axis) const;
  Axes resolve(const Axes& axes) const;
  Size size(Atom atom) const { return sizes_[atom]; }
  Size size(const Axis& axis) const;

 private:
  std::vector<Size> sizes_;
  std::vector<std::vector<Atom>> parts_;  // what the atom was split into or identified with; empty: it is an atom
};

// Axes of the operands of an Einsum whose result has these axes; labels that are summed get new axes. Nothing for repeated output labels
// or where axes do not fit. `summed`, if not null, gets the new axes.
std::optional<std::vector<Axes>> einsum_operand_axes(AtomTable& atoms, const Node& einsum, const Axes& axes, Axes* summed = nullptr);
// Axes of the input of a Rearrange. Nothing where axes do not fit.
std::optional<Axes> rearrange_input_axes(AtomTable& atoms, const Node& rearrange, const Axes& axes);
// Axes of an operand of a broadcasting node whose result has these axes.
Axes broadcast_operand_axes(const Node& operand, const Axes& axes, const Shape& shape);

// Atoms in order of first appearance, each once.
std::vector<Atom> distinct_atoms(const Axes& axes);
bool contains(const std::vector<Atom>& atoms, Atom atom);
bool contains_any(const std::vector<Atom>& atoms, const std::vector<Atom>& others);
bool contains_all(const std::vector<Atom>& atoms, const std::vector<Atom>& others);

}  // namespace pycircuit
