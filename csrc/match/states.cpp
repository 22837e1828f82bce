// Iterative matchers that are not predicates: term, any, all, users' functions, restrict and chains (spec 07, sections 3 to 5).
#include <algorithm>

#include "base/error.h"
#include "match/context.h"
#include "match/describe.h"
#include "match/rule_table.h"

namespace pycircuit {
namespace {

std::vector<std::string> texts_of(const std::vector<IterativeMatcher>& matchers) {
  std::vector<std::string> texts;
  for (const auto& matcher : matchers) texts.push_back(matcher.to_string());
  return texts;
}

class TermState final : public StateRule {
 public:
  explicit TermState(bool match_next) : StateRule(field_hash("term", match_next), false, 1), match_next_(match_next) {}
  MatchStep advance(const NodePtr&, MatchContext&) const override { return MatchStep::finish(match_next_); }
  std::string text() const override { return match_next_ ? "Term" : "term next"; }
  RuleDescription description() const override { return {"term", {match_next_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const TermState&>(other).match_next_ == match_next_; }

 private:
  bool match_next_;
};

// The step of several matchers together: `combine(states of child i)` gives the child's state. `states` come from `steps` asked at `node`.
template <class Combine>
MatchStep combine_steps(bool found, const std::vector<MatchStep>& steps, const std::vector<IterativeMatcher>& from, const NodePtr& node,
                        Combine&& combine) {
  const auto next_of = [&](size_t child) {
    std::vector<MaybeMatcher> next;
    next.reserve(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) next.push_back(steps[i].child(child, from[i]));
    return combine(std::move(next));
  };
  const bool per_child =
      std::any_of(steps.begin(), steps.end(), [](const MatchStep& step) { return step.next == MatchStep::Next::per_child; });
  if (!per_child) {
    MaybeMatcher next = next_of(0);
    return next ? MatchStep::to_all(found, *std::move(next)) : MatchStep::finish(found);
  }
  std::vector<MaybeMatcher> states;
  for (size_t child = 0; child < node->num_children(); ++child) states.push_back(next_of(child));
  return MatchStep::to_each(found, std::move(states));
}

bool all_same(const std::vector<MatchStep>& steps) {
  return std::all_of(steps.begin(), steps.end(), [](const MatchStep& step) { return step.next == MatchStep::Next::same; });
}

std::vector<MatchStep> ask_all(const std::vector<IterativeMatcher>& members, const NodePtr& node, MatchContext& context) {
  std::vector<MatchStep> steps;
  steps.reserve(members.size());
  for (const auto& member : members) steps.push_back(member.match_iterate(node, context));
  return steps;
}

MaybeMatcher any_of_running(std::vector<MaybeMatcher> states) {
  std::vector<IterativeMatcher> running;
  for (auto& state : states)
    if (state) running.push_back(*std::move(state));
  return running.empty() ? MaybeMatcher() : IterativeMatcher::any(running);
}

}  // namespace

// Found where some member finds. Equality depends neither on order nor on repetition: members in another order than that of their numbers
// are an object of their own with the number of the ordered one, so that each prints and asks in its own order.
class AnyStates final : public StateRule {
 public:
  // Never one member, which needs no rule around it; none finds nothing, visits everything and, unlike false, validates (07, 6.4).
  explicit AnyStates(std::vector<IterativeMatcher> members)
      : StateRule(field_hash("any", hash_of(members)), calls_users_of(members), nesting_of(members)), members_(std::move(members)) {}

  static Ref<const StateRule> make(const std::vector<IterativeMatcher>& given) {
    std::vector<IterativeMatcher> members;
    const auto add = [&](const IterativeMatcher& member) {
      if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
    };
    for (const auto& member : given) {
      if (const auto* any = dynamic_cast<const AnyStates*>(member.rule().get())) {
        for (const auto& inner : any->members_) add(inner);
      } else {
        add(member);
      }
    }
    if (members.size() == 1) return members.front().rule();
    const auto by_number = [](const IterativeMatcher& a, const IterativeMatcher& b) { return a.id() < b.id(); };
    if (std::is_sorted(members.begin(), members.end(), by_number)) return make_rule<AnyStates>(std::move(members));
    std::vector<IterativeMatcher> ordered = members;
    std::sort(ordered.begin(), ordered.end(), by_number);
    Ref<const StateRule> interned = make_rule<AnyStates>(std::move(ordered));
    auto* own = new AnyStates(std::move(members));
    own->id_ = interned->id();
    own->hash_ = interned->hash();
    own->ordered_ = std::move(interned);
    return Ref<const StateRule>(own);
  }

  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    const std::vector<MatchStep> steps = ask_all(members_, node, context);
    const bool found = std::any_of(steps.begin(), steps.end(), [](const MatchStep& step) { return step.found; });
    if (all_same(steps)) return MatchStep::same(found);
    return combine_steps(found, steps, members_, node, any_of_running);
  }
  void validate_matched(const NodePtrs& matched) const override {
    for (const auto& member : members_) member.validate_matched(matched);
  }
  std::string text() const override { return list_text("Any(", texts_of(members_), ", ", ")"); }
  RuleDescription description() const override { return {"any_states", {members_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const AnyStates&>(other).members_ == members_; }

 private:
  std::vector<IterativeMatcher> members_;
  Ref<const StateRule> ordered_;  // kept alive as the owner of the number
};

namespace {

// Found where every member finds; goes on while every member does.
class AllStates final : public StateRule {
 public:
  explicit AllStates(std::vector<IterativeMatcher> members)
      : StateRule(field_hash("all", hash_of(members)), calls_users_of(members), nesting_of(members)), members_(std::move(members)) {}
  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    const std::vector<MatchStep> steps = ask_all(members_, node, context);
    const bool found = std::all_of(steps.begin(), steps.end(), [](const MatchStep& step) { return step.found; });
    if (all_same(steps)) return MatchStep::same(found);
    return combine_steps(found, steps, members_, node, [](std::vector<MaybeMatcher> states) -> MaybeMatcher {
      std::vector<IterativeMatcher> running;
      for (auto& state : states) {
        if (!state) return std::nullopt;
        running.push_back(*std::move(state));
      }
      return IterativeMatcher::all(running);
    });
  }
  std::string text() const override { return list_text("All(", texts_of(members_), ", ", ")"); }
  RuleDescription description() const override { return {"all_states", {members_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const AllStates&>(other).members_ == members_; }

 private:
  std::vector<IterativeMatcher> members_;
};

// A user's match_iterate.
class FunctionState final : public StateRule {
 public:
  explicit FunctionState(std::shared_ptr<const NodeIteration> function)
      : StateRule(field_hash("function", reinterpret_cast<uintptr_t>(function->identity())), true, 1), function_(std::move(function)) {}
  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    return context.step(*this, node, [&] { return checked(function_->match_iterate(node), node); });
  }
  std::string text() const override { return "PyIterativeMatcher(" + function_->text() + ")"; }
  RuleDescription description() const override { return {"function", {std::shared_ptr<const ForeignFunction>(function_)}}; }

 protected:
  bool same_fields(const StateRule& other) const override {
    return static_cast<const FunctionState&>(other).function_->identity() == function_->identity();
  }

 private:
  MatchStep checked(MatchStep step, const NodePtr& node) const {
    if (step.next != MatchStep::Next::per_child || step.per_child.size() == node->num_children()) return step;
    PayloadList updated;
    for (const auto& state : step.per_child) updated.push_back(opaque<MaybeMatcher>(state, state ? state->to_string() : "FINISHED"));
    const IterativeMatcher self{Ref<const StateRule>(this)};
    const size_t given = step.per_child.size();
    fail(ErrorId::IterativeMatcherNumUpdatedMatchersNEQToNumChildren,
         text() + " returned " + std::to_string(given) + " states for the " + std::to_string(node->num_children()) + " children of " +
             describe(*node) + "; return one per child",
         given, node->num_children(), std::move(updated), opaque<IterativeMatcher>(self, text()));
  }

  std::shared_ptr<const NodeIteration> function_;
};

// Section 5.
class RestrictState final : public StateRule {
 public:
  RestrictState(IterativeMatcher inner, bool term_if_matches, DepthRange depths, Matcher term_early_at, uint32_t depth)
      : StateRule(field_hash("restrict", inner.hash(), term_if_matches, depths.start.has_value(), depths.start.value_or(0),
                             depths.end.has_value(), depths.end.value_or(0), term_early_at.hash(), depth),
                  inner.calls_users() || term_early_at.calls_users(),
                  std::max(nesting_above(*inner.rule()), nesting_above(*term_early_at.rule()))),
        inner_(std::move(inner)),
        term_early_at_(std::move(term_early_at)),
        depths_(depths),
        depth_(depth),
        term_if_matches_(term_if_matches) {}

  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    if (depths_.end && depth_ >= *depths_.end) return MatchStep::finish(false);
    const MatchStep inner = inner_.match_iterate(node, context);
    const bool found = inner.found && (!depths_.start || depth_ >= *depths_.start);
    const bool ends = inner.next == MatchStep::Next::finished || (found && term_if_matches_) || (depths_.end && depth_ + 1 >= *depths_.end);
    if (ends || term_early_at_.accepts(node, context)) return MatchStep::finish(found);
    const uint32_t depth = next_depth();
    if (inner.next == MatchStep::Next::same && depth == depth_) return MatchStep::same(found);
    const auto restricted = [&](const MaybeMatcher& state) -> MaybeMatcher {
      if (!state) return std::nullopt;
      return IterativeMatcher(make_rule<RestrictState>(*state, term_if_matches_, depths_, term_early_at_, depth));
    };
    if (inner.next != MatchStep::Next::per_child) return MatchStep::to_all(found, *restricted(inner.child(0, inner_)));
    std::vector<MaybeMatcher> states;
    for (const auto& state : inner.per_child) states.push_back(restricted(state));
    return MatchStep::to_each(found, std::move(states));
  }
  void validate_matched(const NodePtrs& matched) const override { inner_.validate_matched(matched); }

  std::string text() const override {
    std::vector<std::string> parts;
    const auto bound = [](const std::optional<uint32_t>& depth) { return depth ? std::to_string(*depth) : ""; };
    if (depths_.start || depths_.end) parts.push_back("depth_range: " + bound(depths_.start) + ":" + bound(depths_.end));
    if (!(inner_ == IterativeMatcher(true))) parts.push_back("matcher: " + inner_.to_string());
    if (!(term_early_at_ == Matcher(false))) parts.push_back("term_at: " + term_early_at_.to_string());
    if (term_if_matches_) parts.push_back("term_if_matches: true");
    if (depth_ > 0) parts.push_back("cur_depth:" + std::to_string(depth_));
    return list_text("Restrict{", parts, ", ", "}");
  }
  RuleDescription description() const override {
    return {"restrict",
            {inner_, term_if_matches_, depths_.start, depths_.end, std::vector<Matcher>{term_early_at_}, std::optional<uint32_t>(depth_)}};
  }

 protected:
  bool same_fields(const StateRule& other) const override {
    const auto& restrict = static_cast<const RestrictState&>(other);
    return restrict.inner_ == inner_&& restrict.term_early_at_ == term_early_at_&& restrict.depths_ == depths_&& restrict.depth_ ==
           depth_&& restrict.term_if_matches_ == term_if_matches_;
  }

 private:
  // Depths that no rule can tell apart are one: states stop differing once `start` is reached and there is no `end`.
  uint32_t next_depth() const {
    if (depths_.end) return depth_ + 1;
    return depths_.start && depth_ < *depths_.start ? depth_ + 1 : depth_;
  }

  IterativeMatcher inner_;
  Matcher term_early_at_;
  DepthRange depths_;
  uint32_t depth_;
  bool term_if_matches_;
};

// Section 4.2. At least two members; where the first finds a node, the rest starts at that node.
class ChainState final : public StateRule {
 public:
  explicit ChainState(std::vector<IterativeMatcher> members)
      : StateRule(field_hash("chain", hash_of(members)), calls_users_of(members), nesting_of(members)), members_(std::move(members)) {}

  static IterativeMatcher make(std::vector<IterativeMatcher> members) {
    if (members.size() == 1) return members.front();
    return IterativeMatcher(make_rule<ChainState>(std::move(members)));
  }

  MatchStep advance(const NodePtr& node, MatchContext& context) const override {
    std::vector<MatchStep> steps;  // of the members that are asked at this node
    for (const auto& member : members_) {
      steps.push_back(member.match_iterate(node, context));
      if (!steps.back().found) break;
    }
    const bool found = steps.size() == members_.size() && steps.back().found;
    if (steps.size() == 1 && steps.front().next == MatchStep::Next::same) return MatchStep::same(found);
    return combine_steps(found, steps, members_, node, [&](std::vector<MaybeMatcher> states) {
      for (size_t i = 0; i < states.size(); ++i) {
        if (!states[i] || i + 1 == members_.size()) continue;
        std::vector<IterativeMatcher> chain = {*std::move(states[i])};
        chain.insert(chain.end(), members_.begin() + i + 1, members_.end());
        states[i] = make(std::move(chain));
      }
      return any_of_running(std::move(states));
    });
  }
  void validate_matched(const NodePtrs& matched) const override { members_.back().validate_matched(matched); }
  std::string text() const override { return list_text("[", texts_of(members_), " -> ", "]"); }
  RuleDescription description() const override { return {"chain", {members_}}; }

 protected:
  bool same_fields(const StateRule& other) const override { return static_cast<const ChainState&>(other).members_ == members_; }

 private:
  std::vector<IterativeMatcher> members_;
};

}  // namespace

IterativeMatcher::IterativeMatcher(const Matcher& matcher) : rule_(matcher.rule()) {}

IterativeMatcher IterativeMatcher::term(bool match_next) { return IterativeMatcher(make_rule<TermState>(match_next)); }

IterativeMatcher IterativeMatcher::any(const std::vector<IterativeMatcher>& matchers) {
  return matchers.size() == 1 ? matchers.front() : IterativeMatcher(AnyStates::make(matchers));
}

IterativeMatcher IterativeMatcher::all(const std::vector<IterativeMatcher>& matchers) {
  return IterativeMatcher(make_rule<AllStates>(matchers));  // of one matcher too: validating asks nothing of it (07, 6.4)
}

IterativeMatcher IterativeMatcher::function(std::shared_ptr<const NodeIteration> function) {
  return IterativeMatcher(make_rule<FunctionState>(std::move(function)));
}

IterativeMatcher IterativeMatcher::chain(const std::vector<IterativeMatcher>& members, bool must_be_sub) {
  if (members.empty()) fail(ErrorId::RuntimeError, "a chain of matchers needs at least one matcher");
  if (!must_be_sub) return ChainState::make(members);
  std::vector<IterativeMatcher> below = {members.front()};
  for (size_t i = 1; i < members.size(); ++i) below.push_back(restrict(members[i], false, {1, {}}));
  return ChainState::make(std::move(below));
}

IterativeMatcher IterativeMatcher::chain_many(const std::vector<std::vector<IterativeMatcher>>& chains, bool must_be_sub) {
  std::vector<IterativeMatcher> members;
  for (const auto& chain : chains) members.push_back(IterativeMatcher::chain(chain, must_be_sub));
  return any(members);
}

IterativeMatcher restrict(const IterativeMatcher& matcher, bool term_if_matches, DepthRange depths, const Matcher& term_early_at) {
  return restrict_at(matcher, term_if_matches, depths, term_early_at, 0);
}

IterativeMatcher restrict_at(const IterativeMatcher& matcher, bool term_if_matches, DepthRange depths, const Matcher& term_early_at,
                             uint32_t depth) {
  return IterativeMatcher(make_rule<RestrictState>(matcher, term_if_matches, depths, term_early_at, depth));
}

IterativeMatcher new_traversal(DepthRange depths, const Matcher& term_early_at) { return restrict(true, false, depths, term_early_at); }

const IterativeMatcher& default_var_matcher() {
  static const auto& matcher = *new IterativeMatcher(restrict(Matcher::kind(Kind::DiscreteVar), true, {}, Matcher::kind(Kind::Cumulant)));
  return matcher;
}

}  // namespace pycircuit
