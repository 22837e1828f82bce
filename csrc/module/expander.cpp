#include "module/expander.h"

#include <map>
#include <unordered_map>

#include "circuit/expand.h"
#include "match/context.h"
#include "match/get.h"

namespace pycircuit {
namespace {

class Replacer final : public Expansion {
 public:
  explicit Replacer(const Replacing& replacing) : replacing_(replacing) {}

 protected:
  NodePtr replacement(const NodePtr& node, State) override { return replacing_(node); }

 private:
  const Replacing& replacing_;
};

}  // namespace

NodePtr replace_expand_bottom_up(const NodePtr& circuit, const Replacing& replacing) { return Replacer(replacing).run(circuit); }

// A state is the list of the matchers' states.
class Expander::Run final : public Expansion {
 public:
  explicit Run(const Expander& expander) : expander_(expander) {
    number_of(States(expander.expanders_.size()));  // number 0: all finished
  }

  NodePtr operator()(const NodePtr& circuit) {
    States states;
    for (const auto& [matcher, transform] : expander_.expanders_) states.emplace_back(matcher);
    return run(circuit, number_of(states));
  }

 protected:
  NodePtr replacement(const NodePtr& node, State state) override {
    if (state == kFinished) return nullptr;
    std::vector<MatchStep> steps;
    std::vector<size_t> found;
    const States states = states_[state];
    for (size_t i = 0; i < states.size(); ++i) {
      steps.push_back(states[i] ? states[i]->match_iterate(node, context_) : MatchStep::finish(false));
      if (steps.back().found) found.push_back(i);
    }
    if (found.size() > 1 && expander_.options_.ban_multiple_matches_on_node)
      fail(ErrorId::RuntimeError, "multiple matches! got " + std::to_string(found.size()) + " != 1, on " + describe(*node));
    if (!found.empty()) return expander_.expanders_[found[0]].second(node);
    std::vector<State>& children = children_[{node->id(), state}];
    children.clear();
    for (size_t child = 0; child < node->num_children(); ++child) {
      States next;
      for (size_t i = 0; i < states.size(); ++i) next.push_back(states[i] ? steps[i].child(child, *states[i]) : std::nullopt);
      children.push_back(number_of(next));
    }
    return nullptr;
  }
  void child_states(const NodePtr& node, State state, std::vector<State>& states) override {
    if (state == kFinished) {
      states.assign(states.size(), kFinished);
    } else {
      states = children_.at({node->id(), state});
    }
  }
  bool may_change(const NodePtr&, State state) override { return state != kFinished; }
  NodePtr finished(const NodePtr& node, const NodePtr& expanded, State) override {
    return same(node, expanded) ? expanded : expanded->add_suffix(expander_.suffix_);
  }

 private:
  using States = std::vector<MaybeMatcher>;
  static constexpr State kFinished = 0;

  State number_of(const States& states) {
    std::vector<uint64_t> ids;
    for (const auto& state : states) ids.push_back(state ? state->id() : 0);
    const auto [place, fresh] = numbers_.emplace(std::move(ids), states_.size());
    if (fresh) states_.push_back(states);
    return place->second;
  }

  const Expander& expander_;
  MatchContext context_;
  std::vector<States> states_;
  std::map<std::vector<uint64_t>, State> numbers_;
  std::map<std::pair<uint64_t, State>, std::vector<State>> children_;
};

Expander::Expander(std::vector<std::pair<IterativeMatcher, Transform>> expanders, Options options, Name suffix)
    : expanders_(std::move(expanders)), options_(options), suffix_(std::move(suffix)), run_(std::make_unique<Run>(*this)) {}

Expander::~Expander() = default;

NodePtr Expander::operator()(const NodePtr& circuit, std::optional<bool> fancy_validate, std::optional<bool> assert_any_found) {
  if (fancy_validate.value_or(options_.default_fancy_validate))
    for (const auto& [matcher, transform] : expanders_) get(circuit, matcher, true);
  if (assert_any_found.value_or(options_.default_assert_any_found) && !are_any_found(circuit, IterativeMatcher::any(matchers())))
    fail(ErrorId::RuntimeError, "No matches found during expand of " + describe(*circuit));
  return (*run_)(circuit);
}

std::vector<Transform> Expander::replacements() const {
  std::vector<Transform> all;
  for (const auto& [matcher, transform] : expanders_) all.push_back(transform);
  return all;
}

std::vector<IterativeMatcher> Expander::matchers() const {
  std::vector<IterativeMatcher> all;
  for (const auto& [matcher, transform] : expanders_) all.push_back(matcher);
  return all;
}

}  // namespace pycircuit
