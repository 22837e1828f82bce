// Sampler: circuits with variables replaced by samples, cumulants by estimates (spec 09, sections 7 to 9).
#pragma once

#include <memory>
#include <mutex>

#include "match/matcher.h"
#include "random/sample_spec.h"

namespace pycircuit {

class Sampler {
 public:
  Sampler(const SampleSpec& sample_spec, const IterativeMatcher& var_matcher, IterativeMatcher cumulant_matcher, Name suffix,
          Transform run_on_sampled);

  const std::shared_ptr<SampleSpec>& sample_spec() const { return sample_spec_; }
  const std::shared_ptr<Expander>& expander() const { return expander_; }
  const IterativeMatcher& cumulant_matcher() const { return cumulant_matcher_; }
  const Transform& run_on_sampled() const { return run_on_sampled_; }

  // Shape: sample shape + the circuit's, unless run_on_sampled changes it.
  NodePtr sample(const NodePtr& circuit) const;
  // Cumulants replaced by expectations over samples; same shape.
  NodePtr estimate(const NodePtr& circuit) const;

 private:
  NodePtr expectation(const NodePtr& argument) const;

  std::shared_ptr<SampleSpec> sample_spec_;
  std::shared_ptr<Expander> expander_;
  mutable std::recursive_mutex expanding_;  // the Expander remembers its results; a user's transform may sample again
  IterativeMatcher cumulant_matcher_;
  Name suffix_;
  Transform run_on_sampled_;
};

// The Expander that replaces what the matcher finds by samples (section 3).
std::shared_ptr<Expander> sample_expander(SampleSpecPtr spec, const IterativeMatcher& var_matcher, bool default_fancy_validate,
                                          bool default_assert_any_found, Name suffix);

}  // namespace pycircuit
