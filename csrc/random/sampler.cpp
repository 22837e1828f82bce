#include "random/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "circuit/build.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "match/get.h"
#include "random/cumulants.h"

namespace pycircuit {
namespace {

// Whether the spec circuit has a Cumulant, found by this state, above one of the module's own symbols: then the symbol stands for something
// that may be random, which shows only after substitution.
bool needs_substitution(const Module& module, const MaybeMatcher& spec_state) {
  if (!spec_state) return false;
  for (const auto& found : get(module.spec_circuit(), *spec_state)) {
    if (found->kind() != Kind::Cumulant) continue;
    for (const auto& arg_spec : module.arg_specs())
      if (found->has_free_symbol(*arg_spec.symbol)) return true;
  }
  return false;
}

}  // namespace

std::shared_ptr<Expander> sample_expander(SampleSpecPtr spec, const IterativeMatcher& var_matcher, bool default_fancy_validate,
                                          bool default_assert_any_found, Name suffix) {
  std::vector<std::pair<IterativeMatcher, Transform>> pairs;
  pairs.emplace_back(var_matcher, sample_transform(std::move(spec)));
  Expander::Options options;
  options.ban_multiple_matches_on_node = true;
  options.default_fancy_validate = default_fancy_validate;
  options.default_assert_any_found = default_assert_any_found;
  return std::make_shared<Expander>(std::move(pairs), options, std::move(suffix));
}

Sampler::Sampler(const SampleSpec& sample_spec, const IterativeMatcher& var_matcher, IterativeMatcher cumulant_matcher, Name suffix,
                 Transform run_on_sampled)
    : sample_spec_(sample_spec.copy()),
      expander_(sample_expander(sample_spec_, var_matcher, false, false, suffix)),
      cumulant_matcher_(std::move(cumulant_matcher)),
      suffix_(std::move(suffix)),
      run_on_sampled_(std::move(run_on_sampled)) {}

NodePtr Sampler::sample(const NodePtr& circuit) const {
  NodePtr sampled;
  {
    const std::lock_guard lock(expanding_);
    sampled = (*expander_)(circuit);
  }
  const Shape sample_shape = sample_spec_->sample_shape();
  if (sampled->shape() == circuit->shape()) {
    std::vector<int64_t> axes(sample_shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    sampled = expand_at_axes(sampled, axes, sample_shape);
  }
  Shape expected = sample_shape;
  expected.insert(expected.end(), circuit->shape().begin(), circuit->shape().end());
  if (sampled->shape() != expected)
    fail(ErrorId::RuntimeError, "sampling " + describe(*circuit) + " gave shape " + to_text(sampled->shape()) +
                                    ", expected the sample shape in front: " + to_text(expected));
  return run_on_sampled_(sampled);
}

NodePtr Sampler::expectation(const NodePtr& argument) const {
  const NodePtr sampled = sample(argument);
  const Shape sample_shape = sample_spec_->sample_shape();
  Shape expected = sample_shape;
  expected.insert(expected.end(), argument->shape().begin(), argument->shape().end());
  if (sampled->shape() != expected)
    fail(ErrorId::RuntimeError, "estimate: run_on_sampled changed the shape of " + describe(*argument) + " to " +
                                    to_text(sampled->shape()) + "; under an expectation it must keep " + to_text(expected));
  if (const auto dtype = sampled->device_dtype().dtype; dtype && !is_floating(*dtype))
    fail(ErrorId::RuntimeError,
         "estimate: the expectation of " + describe(*argument) + " of dtype " + std::string(to_text(*dtype)) +
             " would truncate the weights to 0; cast it to a floating dtype first (cast_circuit, enforce_dtype_device)");
  const Labels labels = iota_labels(sampled->rank());
  const auto rank = static_cast<int64_t>(sample_shape.size());
  Name name;
  if (sampled->name() && suffix_) name = *sampled->name() + "_" + *suffix_ + "_expectation";
  return Einsum::make({sample_spec_->empirical_weights(), sampled}, {Labels(labels.begin(), labels.begin() + rank), labels},
                      Labels(labels.begin() + rank, labels.end()), std::move(name));
}

NodePtr Sampler::estimate(const NodePtr& circuit) const {
  using Key = std::pair<uint64_t, uint64_t>;  // node, state
  struct Frame {
    NodePtr node;
    IterativeMatcher state;
    MatchStep step;
    std::vector<Key> results_for;  // pairs whose result this is
    size_t next = 0;
    NodePtrs children;
  };
  std::map<Key, NodePtr> done;
  std::vector<Frame> stack;
  const auto push = [&](NodePtr node, const IterativeMatcher& state, std::vector<Key> results_for) {
    results_for.emplace_back(node->id(), state.id());
    MatchStep step = state.match_iterate(node);
    while (const auto* module = node->as<Module>()) {
      if (!needs_substitution(*module, step.child(0, state))) break;
      node = substitute(*module);
      results_for.emplace_back(node->id(), state.id());
      step = state.match_iterate(node);
    }
    stack.push_back({std::move(node), state, std::move(step), std::move(results_for), 0, {}});
  };
  const Key root{circuit->id(), cumulant_matcher_.id()};
  push(circuit, cumulant_matcher_, {});
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.next < frame.node->num_children()) {
      const NodePtr& child = frame.node->child(frame.next);
      const MaybeMatcher state = frame.step.child(frame.next, frame.state);
      if (!state) {
        frame.children.push_back(child);
        ++frame.next;
      } else if (const auto known = done.find({child->id(), state->id()}); known != done.end()) {
        frame.children.push_back(known->second);
        ++frame.next;
      } else {
        push(NodePtr(child), *state, {});
      }
      continue;
    }
    Frame finished = std::move(frame);
    stack.pop_back();
    NodePtr result = finished.node->rebuild_if_changed(std::move(finished.children));
    if (const auto cumulant = cast<Cumulant>(result); cumulant && finished.step.found) {
      if (cumulant->num_children() == 0) {
        result = Scalar::make(1.0);
      } else if (cumulant->num_children() == 1) {
        result = expectation(cumulant->child());
      } else {
        push(factored_cumulant_expectation(cumulant), finished.state, std::move(finished.results_for));
        continue;
      }
    }
    for (const auto& key : finished.results_for) done[key] = result;
  }
  return done.at(root);
}

}  // namespace pycircuit
