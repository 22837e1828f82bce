#include "circuit/nodes/cumulant.h"

#include <algorithm>
#include <numeric>

#include "circuit/identity_bytes.h"
#include "circuit/names.h"
#include "circuit/nodes/rearrange.h"
#include "circuit/nodes/scalar.h"

namespace pycircuit {

Ref<const Cumulant> Cumulant::make(NodePtrs nodes, Naming naming) {
  return cast<Cumulant>(finish(new Cumulant(std::move(nodes)), std::move(naming)));
}

NodePtr Cumulant::new_canon_rearrange(const NodePtrs& nodes, Name name) {
  std::vector<size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return circuit_less(*nodes[a], *nodes[b]); });
  NodePtrs sorted;
  std::vector<int64_t> first_axis(nodes.size());
  int64_t next = 0;
  for (const size_t i : order) {
    sorted.push_back(nodes[i]);
    first_axis[i] = next;
    next += nodes[i]->rank();
  }
  std::vector<int64_t> permutation;
  for (size_t i = 0; i < nodes.size(); ++i)
    for (int64_t axis = 0; axis < nodes[i]->rank(); ++axis) permutation.push_back(first_axis[i] + axis);
  const NodePtr canonical = make(std::move(sorted), with_prefix("canon ", name));
  return Rearrange::make(canonical, RearrangeSpec::new_permute(permutation), std::move(name));
}

NodePtr Cumulant::equivalent_explicitly_computable() const {
  const bool computable = std::all_of(children().begin(), children().end(),
                                      [](const NodePtr& child) { return child->is_explicitly_computable() && child->is_constant(); });
  if (!computable)
    fail(ErrorId::ConstructNoEquivalentExplicitlyComputable,
         describe(*this) + " has arguments that are random or not computable: " + describe(children()));
  if (num_children() == 0) return Scalar::make(1.0);
  if (num_children() == 1) return child();
  return Scalar::make(0.0, shape());
}

Shape Cumulant::compute_shape() const {
  Shape shape;
  for (const auto& child : children()) shape.insert(shape.end(), child->shape().begin(), child->shape().end());
  RearrangeSpec::check_rank(static_cast<int64_t>(shape.size()));
  return shape;
}

AxisMap Cumulant::child_axis_map() const {
  AxisMap map;
  int next = 0;
  for (const auto& child : children()) {
    auto& axes = map.emplace_back();
    for (int64_t axis = 0; axis < child->rank(); ++axis) axes.push_back(next++);
  }
  return map;
}

Name Cumulant::autoname() const { return function_autoname(*this, "K" + std::to_string(num_children()), true); }

void Cumulant::write_fields(IdentityBytes& bytes) const { bytes.add_children(children()); }

}  // namespace pycircuit
