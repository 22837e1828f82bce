#include "circuit/nodes/discrete_var.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"
#include "circuit/nodes/scalar.h"
#include "circuit/nodes/tag.h"

namespace pycircuit {
namespace {

void check_has_samples(const Node& values) {
  if (values.rank() == 0)
    fail(ErrorId::ConstructDiscreteVarNoSamplesDim,
         "DiscreteVar needs values with a first axis to choose rows from, got " + describe(values));
}

}  // namespace

Ref<const DiscreteVar> DiscreteVar::make(const NodePtr& values, const NodePtr& probs_and_group, Naming naming) {
  return cast<DiscreteVar>(finish(new DiscreteVar({values, probs_and_group}), std::move(naming)));
}

NodePtr DiscreteVar::uniform_probs_and_group(int64_t size, Name name) {
  if (size < 0) fail(ErrorId::OverflowError, "a group needs a non-negative size, got " + std::to_string(size));
  return Tag::make(Scalar::make(1.0 / static_cast<double>(size), {size}), Uuid::random(), std::move(name));
}

Ref<const DiscreteVar> DiscreteVar::new_uniform(const NodePtr& values, Name name) {
  check_has_samples(*values);
  return make(values, uniform_probs_and_group(values->shape()[0]), std::move(name));
}

Shape DiscreteVar::compute_shape() const {
  check_has_samples(*values());
  if (probs_and_group()->rank() != 1)
    fail(ErrorId::ConstructDiscreteVarProbsMustBe1d, "DiscreteVar needs probabilities of rank 1, got " + describe(*probs_and_group()),
         probs_and_group()->shape());
  if (values()->shape()[0] != probs_and_group()->shape()[0])
    fail(ErrorId::ConstructDiscreteVarWrongSamplesDim,
         "DiscreteVar needs one probability per row, got " + describe(*values()) + " and " + describe(*probs_and_group()),
         circuit_payload(values()), circuit_payload(probs_and_group()));
  return Shape(values()->shape().begin() + 1, values()->shape().end());
}

void DiscreteVar::adjust_flags(Flags& flags) const {
  flags.constant = false;
  flags.computable = false;
  flags.sampleable = true;
}

AxisMap DiscreteVar::child_axis_map() const {
  AxisMap map(2);
  for (int axis = 0; axis < values()->rank(); ++axis) map[0].push_back(axis == 0 ? std::nullopt : std::optional<int>(axis - 1));
  map[1].emplace_back();
  return map;
}

Name DiscreteVar::autoname() const { return postfix_autoname(*this, " var"); }

void DiscreteVar::write_fields(IdentityBytes& bytes) const { bytes.add_children(children()); }

}  // namespace pycircuit
