// Iterative matchers that find children of found nodes, and those about Modules (spec 07, 4.3 and 4.4).
#include "base/error.h"
#include "base/text.h"
#include "circuit/nodes/module.h"
#include "match/context.h"
#include "match/describe.h"
#include "match/rule_table.h"

namespace pycircuit {
namespace {

// Finds some children of the nodes that `base` finds, and goes on as `base` does.
class ChildFindingState : public StateRule {
 public:
  ChildFindingState(uint64_t hash, const IterativeMatcher& base, bool calls_users, uint32_t nesting)
      : StateRule(hash, base.calls_users() || calls_users, std::max(nesting, nesting_above(*base.rule()))), base_(base) {}

  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    const MatchStep step = base_.match_iterate(node, context);
    const std::vector<bool> finds = step.found ? found_children(node, context) : std::vector<bool>{};
    const bool finds_some = std::find(finds.begin(), finds.end(), true) != finds.end();
    if (!finds_some && step.next != MatchStep::Next::per_child) {
      if (step.next == MatchStep::Next::same) return MatchStep::same(false);
      if (step.next == MatchStep::Next::finished) return MatchStep::finish(false);
      return MatchStep::to_all(false, with_base(*step.for_all));
    }
    std::vector<MaybeMatcher> states;
    for (size_t i = 0; i < node->num_children(); ++i) {
      MaybeMatcher state = step.child(i, base_);
      if (state) state = with_base(*state);
      if (finds_some && finds[i])
        state = state ? IterativeMatcher::any({*state, IterativeMatcher::term(true)}) : IterativeMatcher::term(true);
      states.push_back(std::move(state));
    }
    return MatchStep::to_each(false, std::move(states));
  }

 protected:
  // One entry per child.
  virtual std::vector<bool> found_children(const NodePtr& node, MatchContext& context) const = 0;
  virtual IterativeMatcher with_base(const IterativeMatcher& base) const = 0;
  const IterativeMatcher& base() const { return base_; }

 private:
  IterativeMatcher base_;
};

const Module& expect_module(const NodePtr& node) {
  if (const auto* module = node->as<Module>()) return *module;
  fail(ErrorId::IterativeMatcherExpectedModule,
       "matched circuit is not a Module: " + describe(*node) + "; the matcher before this one must find Modules only",
       opaque<Kind>(node->kind(), std::string(kind_name(node->kind()))));
}

class ChildrenState final : public ChildFindingState {
 public:
  ChildrenState(const IterativeMatcher& base, std::set<uint64_t> numbers)
      : ChildFindingState(hash(base, numbers), base, false, 1), numbers_(std::move(numbers)) {}
  std::string text() const override { return list_text("Children(", {base().to_string(), "[" + join(numbers_, ",") + "]"}, ", ", ")"); }
  RuleDescription description() const override { return {"children", {base(), numbers_}}; }

 protected:
  std::vector<bool> found_children(const NodePtr& node, MatchContext&) const override {
    std::vector<bool> finds(node->num_children());
    for (const uint64_t number : numbers_) {
      if (number >= finds.size()) fail_out_of_bounds(node);
      finds[number] = true;
    }
    return finds;
  }
  IterativeMatcher with_base(const IterativeMatcher& base) const override { return base.children_matcher(numbers_); }
  bool same_fields(const StateRule& other) const override {
    const auto& children = static_cast<const ChildrenState&>(other);
    return children.base() == base() && children.numbers_ == numbers_;
  }

 private:
  static uint64_t hash(const IterativeMatcher& base, const std::set<uint64_t>& numbers) {
    uint64_t hash = field_hash("children", base.hash());
    for (const uint64_t number : numbers) hash = mix(hash, number);
    return hash;
  }
  [[noreturn]] void fail_out_of_bounds(const NodePtr& node) const {
    PayloadSet numbers;
    for (const uint64_t number : numbers_) numbers.items.emplace_back(static_cast<int64_t>(number));
    fail(ErrorId::IterativeMatcherChildNumbersOutOfBounds,
         "some child_numbers={" + join(numbers_, ", ") + "} >= num_children=" + std::to_string(node->num_children()) + " of " +
             describe(*node),
         std::move(numbers), node->num_children());
  }

  std::set<uint64_t> numbers_;
};

class ModuleArgState final : public ChildFindingState {
 public:
  ModuleArgState(const IterativeMatcher& base, Matcher symbol)
      : ChildFindingState(field_hash("module arg", base.hash(), symbol.hash()), base, symbol.calls_users(), nesting_above(*symbol.rule())),
        symbol_(std::move(symbol)) {}
  std::string text() const override { return list_text("ModuleArg(", {base().to_string(), symbol_.to_string()}, ", ", ")"); }
  RuleDescription description() const override { return {"module_arg", {base(), std::vector<Matcher>{symbol_}}}; }

 protected:
  std::vector<bool> found_children(const NodePtr& node, MatchContext& context) const override {
    const Module& module = expect_module(node);
    std::vector<bool> finds = {false};
    for (const auto& arg : module.arg_specs()) finds.push_back(symbol_.accepts(arg.symbol, context));
    return finds;
  }
  IterativeMatcher with_base(const IterativeMatcher& base) const override { return base.module_arg_matcher(symbol_); }
  bool same_fields(const StateRule& other) const override {
    const auto& module_arg = static_cast<const ModuleArgState&>(other);
    return module_arg.base() == base() && module_arg.symbol_ == symbol_;
  }

 private:
  Matcher symbol_;
};

class SpecCircuitState final : public ChildFindingState {
 public:
  explicit SpecCircuitState(const IterativeMatcher& base) : ChildFindingState(field_hash("spec circuit", base.hash()), base, false, 1) {}
  std::string text() const override { return list_text("SpecCircuit(", {base().to_string()}, ", ", ")"); }
  RuleDescription description() const override { return {"spec_circuit", {base()}}; }

 protected:
  std::vector<bool> found_children(const NodePtr& node, MatchContext&) const override {
    std::vector<bool> finds(expect_module(node).num_children());
    finds[0] = true;
    return finds;
  }
  IterativeMatcher with_base(const IterativeMatcher& base) const override { return base.spec_circuit_matcher(); }
  bool same_fields(const StateRule& other) const override { return static_cast<const SpecCircuitState&>(other).base() == base(); }
};

// The inner matcher, but spec circuits are not visited.
class NoModuleSpecState final : public StateRule {
 public:
  explicit NoModuleSpecState(IterativeMatcher inner)
      : StateRule(field_hash("no module spec", inner.hash()), inner.calls_users(), nesting_above(*inner.rule())),
        inner_(std::move(inner)) {}
  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    const MatchStep step = inner_.match_iterate(node, context);
    if (step.next == MatchStep::Next::finished) return step;
    const bool is_module = node->kind() == Kind::Module;
    if (!is_module && step.next == MatchStep::Next::same) return step;
    if (!is_module && step.next == MatchStep::Next::all) return MatchStep::to_all(step.found, step.for_all->filter_module_spec());
    std::vector<MaybeMatcher> states;
    for (size_t i = 0; i < node->num_children(); ++i) {
      MaybeMatcher state = step.child(i, inner_);
      if (is_module && i == 0) state.reset();
      if (state) state = state->filter_module_spec();
      states.push_back(std::move(state));
    }
    return MatchStep::to_each(step.found, std::move(states));
  }
  void validate_matched(const NodePtrs& matched) const override { inner_.validate_matched(matched); }
  std::string text() const override { return list_text("NoModuleSpec(", {inner_.to_string()}, ", ", ")"); }
  RuleDescription description() const override { return {"no_module_spec", {inner_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const NoModuleSpecState&>(other).inner_ == inner_; }

 private:
  IterativeMatcher inner_;
};

}  // namespace

IterativeMatcher IterativeMatcher::children_matcher(const std::set<uint64_t>& child_numbers) const {
  return IterativeMatcher(make_rule<ChildrenState>(*this, child_numbers));
}
IterativeMatcher IterativeMatcher::module_arg_matcher(const Matcher& arg_symbol) const {
  return IterativeMatcher(make_rule<ModuleArgState>(*this, arg_symbol));
}
IterativeMatcher IterativeMatcher::spec_circuit_matcher() const { return IterativeMatcher(make_rule<SpecCircuitState>(*this)); }
IterativeMatcher IterativeMatcher::filter_module_spec(bool enable) const {
  return enable ? IterativeMatcher(make_rule<NoModuleSpecState>(*this)) : *this;
}

}  // namespace pycircuit
