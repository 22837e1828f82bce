// What a DiscreteVar becomes when it is sampled (spec 09, sections 3 to 6).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "circuit/nodes/discrete_var.h"
#include "match/transform.h"
#include "module/expander.h"
#include "tensor/index.h"

namespace pycircuit {

class SampleSpec {
 public:
  virtual ~SampleSpec() = default;
  // The axes put in front of everything that is sampled.
  virtual Shape sample_shape() const = 0;
  // Shape: sample shape + the variable's.
  virtual NodePtr sample_var(const Ref<const DiscreteVar>& variable) const = 0;
  // Of the sample shape, sums to 1.
  virtual NodePtr empirical_weights() const = 0;
  // Rank 0: the total before normalisation.
  virtual NodePtr overall_weight() const = 0;
  // A spec of the same kind that later assignments to this one do not touch.
  virtual std::shared_ptr<SampleSpec> copy() const = 0;
};
using SampleSpecPtr = std::shared_ptr<const SampleSpec>;

// `sample_var` as a Transform; SampleUnhandledVarError for nodes that are no DiscreteVar.
Transform sample_transform(SampleSpecPtr spec);

// A group's seed.
using Seeder = std::function<int64_t(const NodePtr& group)>;
// The first 8 bytes of the group's hash, little-endian, XOR the base seed (section 5).
struct HashSeeder {
  int64_t base_seed = 0;
  int64_t operator()(const NodePtr& group) const { return static_cast<int64_t>(group->hash().first_u64()) ^ base_seed; }
};

// Random rows (section 4).
class RandomSampleSpec final : public SampleSpec {
 public:
  RandomSampleSpec(Shape shape, bool replace, bool simplify, Seeder seeder);
  Shape sample_shape() const override { return shape_; }
  NodePtr sample_var(const Ref<const DiscreteVar>& variable) const override;
  NodePtr empirical_weights() const override;
  NodePtr overall_weight() const override;
  std::shared_ptr<SampleSpec> copy() const override;

  bool replace() const { return replace_; }
  bool simplify() const { return simplify_; }
  void set_simplify(bool simplify) { simplify_ = simplify; }
  const Seeder& seeder() const { return seeder_; }
  void set_seeder(Seeder seeder);

 private:
  int64_t seed_of(const NodePtr& group) const;
  // Row numbers drawn at once, where section 4 allows it.
  std::optional<Tensor> drawn_rows(const NodePtr& group, int64_t seed) const;

  Shape shape_;
  bool replace_;
  bool simplify_;
  Seeder seeder_;
  // One seed per group, so that a seeder with a state cannot tear a group apart.
  mutable std::mutex mutex_;
  mutable std::unordered_map<Hash, int64_t> seeds_;
};

// Every row of the groups, in order (section 6).
class RunDiscreteVarAllSpec final : public SampleSpec {
 public:
  // The checks of section 6. Missing subsets are full slices.
  RunDiscreteVarAllSpec(NodePtrs groups, std::optional<std::vector<Slice>> subsets);
  // All groups of all DiscreteVars below the circuits, by first occurrence.
  static std::shared_ptr<RunDiscreteVarAllSpec> create_full_from_circuits(const NodePtrs& circuits);

  Shape sample_shape() const override { return shape_; }
  NodePtr sample_var(const Ref<const DiscreteVar>& variable) const override;
  NodePtr empirical_weights() const override;
  NodePtr overall_weight() const override;
  std::shared_ptr<SampleSpec> copy() const override { return std::make_shared<RunDiscreteVarAllSpec>(*this); }

  const NodePtrs& groups() const { return groups_; }
  const std::vector<Slice>& subsets() const { return subsets_; }

 private:
  NodePtr outer_weights() const;

  NodePtrs groups_;
  std::vector<Slice> subsets_;
  Shape shape_;
};

}  // namespace pycircuit
