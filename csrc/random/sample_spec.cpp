#include "random/sample_spec.h"

#include "circuit/build.h"
#include "circuit/names.h"
#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

[[noreturn]] void fail_unhandled(const NodePtr& node, const std::string& why) {
  fail(ErrorId::SampleUnhandledVarError, describe(*node) + " cannot be sampled: " + why, circuit_payload(node));
}

// Rows `element` of axis 0.
NodePtr take_rows(const NodePtr& values, IndexElement element, Naming naming = {}) {
  return Index::make(values, {std::move(element)}, std::move(naming));
}

}  // namespace

Transform sample_transform(SampleSpecPtr spec) {
  return Transform::function([spec = std::move(spec)](const NodePtr& node) -> NodePtr {
    const auto variable = cast<DiscreteVar>(node);
    if (!variable) fail_unhandled(node, "only DiscreteVars are; change the matcher of variables");
    return spec->sample_var(variable);
  });
}

RandomSampleSpec::RandomSampleSpec(Shape shape, bool replace, bool simplify, Seeder seeder)
    : shape_(std::move(shape)), replace_(replace), simplify_(simplify), seeder_(std::move(seeder)) {}

std::shared_ptr<SampleSpec> RandomSampleSpec::copy() const {
  return std::make_shared<RandomSampleSpec>(shape_, replace_, simplify_, seeder_);
}

void RandomSampleSpec::set_seeder(Seeder seeder) {
  seeder_ = std::move(seeder);
  const std::lock_guard lock(mutex_);
  seeds_.clear();
}

int64_t RandomSampleSpec::seed_of(const NodePtr& group) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = seeds_.find(group->hash()); known != seeds_.end()) return known->second;
  }
  const int64_t seed = seeder_(group);  // without the lock: it may be a user's function
  const std::lock_guard lock(mutex_);
  return seeds_.emplace(group->hash(), seed).first->second;
}

std::optional<Tensor> RandomSampleSpec::drawn_rows(const NodePtr& group, int64_t seed) const {
  if (!simplify_ || shape_.size() != 1 || group->kind() != Kind::Tag) return std::nullopt;
  const NodePtr& weights = group->child();
  try {
    if (const auto* array = weights->as<Array>()) return draw_multinomial(array->value(), seed, shape_, replace_);
    if (const auto* scalar = weights->as<Scalar>())
      return draw_multinomial(scalar_value(scalar->value(), scalar->shape()), seed, shape_, replace_);
  } catch (const std::exception&) {
    // The lazy form shows what is wrong when it is evaluated.
  }
  return std::nullopt;
}

NodePtr RandomSampleSpec::sample_var(const Ref<const DiscreteVar>& variable) const {
  const NodePtr& group = variable->probs_and_group();
  const NodePtr& values = variable->values();
  const int64_t seed = seed_of(group);
  Name name = with_suffix(variable->name(), " sampled");
  if (const auto rows = drawn_rows(group, seed)) {
    const DeviceDtypeOp target{values->device_dtype().device.value_or(Device{}), std::nullopt};
    return take_rows(values, to_device_dtype(*rows, target), std::move(name));
  }
  auto spec = std::make_shared<MultinomialSpec>();
  spec->replacement = replace_;
  spec->shape = shape_;
  const NodePtr seed_node = Array::make(int_scalar_tensor(seed), "seed_" + std::to_string(seed));
  const NodePtr rows = GeneralFunction::make({group, seed_node}, std::move(spec), with_suffix(group->name(), " sampled_idxs"));
  return GeneralFunction::gen_index(values, rows, -values->rank(), true, false, true, std::move(name));
}

NodePtr RandomSampleSpec::empirical_weights() const {
  return Scalar::make(1.0 / numel(shape_).to_double(), shape_, "empirical_weights_for_sampled");
}

NodePtr RandomSampleSpec::overall_weight() const { return Scalar::make(numel(shape_).to_double()); }

RunDiscreteVarAllSpec::RunDiscreteVarAllSpec(NodePtrs groups, std::optional<std::vector<Slice>> subsets) : groups_(std::move(groups)) {
  for (const auto& group : groups_)
    if (group->rank() != 1)
      fail(ErrorId::SampleGroupWithIncorrectNdim, "RunDiscreteVarAllSpec: groups have rank 1, got " + describe(groups_),
           circuit_payloads(groups_));
  subsets_ = subsets ? std::move(*subsets) : std::vector<Slice>(groups_.size());
  if (subsets_.size() != groups_.size())
    fail(ErrorId::SampleDifferentNumSubsetsThanGroups,
         "RunDiscreteVarAllSpec: give one subset per group, got " + std::to_string(subsets_.size()) + " for " +
             std::to_string(groups_.size()) + " groups",
         subsets_.size(), groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    shape_.push_back(indexed_shape(checked_index({subsets_[i]}, groups_[i]->shape(), "RunDiscreteVarAllSpec"), groups_[i]->shape())[0]);
    for (size_t j = 0; j < i; ++j)
      if (same(groups_[i], groups_[j]))
        fail(ErrorId::ValueError, "RunDiscreteVarAllSpec: the group " + describe(*groups_[i]) + " is given twice");
  }
}

std::shared_ptr<RunDiscreteVarAllSpec> RunDiscreteVarAllSpec::create_full_from_circuits(const NodePtrs& circuits) {
  NodePtrs groups;
  NumberSet seen;
  for (const auto& circuit : circuits)
    for (const auto& node : pre_order(circuit)) {
      if (node->kind() == Kind::StoredCumulantVar) fail_unhandled(node, "it has no rows, only cumulants");
      if (const auto* variable = node->as<DiscreteVar>(); variable && seen.insert(variable->probs_and_group()->id()))
        groups.push_back(variable->probs_and_group());
    }
  return std::make_shared<RunDiscreteVarAllSpec>(std::move(groups), std::nullopt);
}

NodePtr RunDiscreteVarAllSpec::sample_var(const Ref<const DiscreteVar>& variable) const {
  std::optional<size_t> number;
  for (size_t i = 0; i < groups_.size(); ++i)
    if (same(groups_[i], variable->probs_and_group())) number = i;
  if (!number)
    fail_unhandled(variable,
                   "its group " + describe(*variable->probs_and_group()) + " is not among the groups of this spec: " + describe(groups_));
  const NodePtr rows = take_rows(variable->values(), subsets_[*number]);
  if (groups_.size() == 1) return rows;
  std::vector<int64_t> axes;
  Shape counts;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (i == *number) continue;
    axes.push_back(static_cast<int64_t>(i));
    counts.push_back(shape_[i]);
  }
  return expand_at_axes(rows, axes, counts);
}

NodePtr RunDiscreteVarAllSpec::outer_weights() const {
  NodePtrs weights;
  for (size_t i = 0; i < groups_.size(); ++i) weights.push_back(take_rows(groups_[i], subsets_[i]));
  return Einsum::outer_product(std::move(weights));
}

NodePtr RunDiscreteVarAllSpec::overall_weight() const { return sum(outer_weights()); }

NodePtr RunDiscreteVarAllSpec::empirical_weights() const {
  return multiply(outer_weights(), GeneralFunction::by_name({overall_weight()}, "reciprocal"), "empirical_weights_for_run_all");
}

}  // namespace pycircuit
