#include "rewrite/simp.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/text.h"

namespace pycircuit {
namespace {

constexpr int kMaxApplications = 50;  // at one node

std::optional<size_t> find_rule(std::string_view name) {
  const auto& table = rule_table();
  const auto row = std::find_if(table.begin(), table.end(), [&](const RuleRow& row) { return row.name == name; });
  if (row == table.end()) return std::nullopt;
  return row - table.begin();
}

// The first enabled rule that changes the node; its position goes to `applied`.
template <class Apply>
NodePtr first_change(const SimpFnSubset& rules, const NodePtr& node, size_t& applied, const Apply& apply) {
  const RuleRange range = rules_of(node->kind());
  for (size_t i = range.first; i < range.last; ++i) {
    if (!rules.has(i)) continue;
    NodePtr result = apply(i);
    if (!result || same(result, node)) continue;
    applied = i;
    return result;
  }
  return nullptr;
}

// Lines of the flags that `shown` accepts, by class; classes without rules are mentioned if `all_classes`.
template <class Shown>
std::string flag_lines(const SimpFnSubset& set, bool all_classes, const Shown& shown) {
  std::string out;
  for (int k = 0; k < kNumKinds; ++k) {
    const Kind kind = static_cast<Kind>(k);
    const RuleRange range = rules_of(kind);
    std::string lines;
    for (size_t i = range.first; i < range.last; ++i)
      if (shown(i)) lines += "    " + std::string(rule_table()[i].name) + " = " + (set.has(i) ? "True" : "False") + ",\n";
    if (range.first == range.last && all_classes) {
      out += "    # " + std::string(kind_name(kind)) + " (none)\n";
    } else if (!lines.empty()) {
      out += "    # " + std::string(kind_name(kind)) + "\n" + lines;
    }
  }
  return out;
}

}  // namespace

SimpFnSubset SimpFnSubset::init_all_with(bool include) {
  SimpFnSubset set;
  if (include) set.flags_.set();
  return set;
}

SimpFnSubset SimpFnSubset::default_set() {
  SimpFnSubset set;
  for (size_t i = 0; i < kNumRules; ++i) set.flags_[i] = rule_table()[i].in_default;
  return set;
}

SimpFnSubset SimpFnSubset::compiler_default() {
  SimpFnSubset set;
  for (size_t i = 0; i < kNumRules; ++i) set.flags_[i] = rule_table()[i].in_compiler_default;
  return set;
}

std::vector<std::string_view> SimpFnSubset::all_names() {
  std::vector<std::string_view> names;
  for (const auto& row : rule_table()) names.push_back(row.name);
  return names;
}

void SimpFnSubset::check_names(const std::vector<std::string>& names) {
  std::vector<std::string> unknown;
  for (const auto& name : names)
    if (!find_rule(name)) unknown.push_back(name);
  if (unknown.empty()) return;
  const std::string text = join(unknown, ", ", [](const std::string& name) { return "\"" + name + "\""; });
  fail(ErrorId::SimpConfigFnNamesNotValid, "unknown rule names, SimpFnSubset.all_names() lists the known ones: names=[" + text + "]",
       PayloadList(unknown.begin(), unknown.end()));
}

SimpFnSubset SimpFnSubset::set_all_to(const std::vector<std::string>& names, bool include) const {
  check_names(names);
  SimpFnSubset set = *this;
  for (const auto& name : names) set.flags_[*find_rule(name)] = include;
  return set;
}

NodePtr SimpFnSubset::simp_step(const NodePtr& circuit) const {
  size_t applied;
  return first_change(*this, circuit, applied, [&](size_t rule) { return rule_table()[rule].apply(*circuit); });
}

NodePtr SimpFnSubset::simp(const NodePtr& circuit) const { return Simplifier(*this)(circuit); }

std::string SimpFnSubset::to_string() const {
  const SimpFnSubset base = default_set();
  const std::string lines = flag_lines(*this, false, [&](size_t i) { return has(i) != base.has(i); });
  return lines.empty() ? "SimpFnSubset.default()" : "SimpFnSubset.default().set(\n" + lines + ")";
}

std::string SimpFnSubset::none_repr() const {
  return "SimpFnSubset.none().set(\n" + flag_lines(*this, true, [](size_t) { return true; }) + ")";
}

// A node being simplified: `current` starts as the node itself and becomes the result of one rule after the other. Its children are treated
// before the next rule is tried.
struct Simplifier::Frame {
  NodePtr original;
  NodePtr current;
  NodePtrs children;  // results for the first children of `current`
  int applications = 0;
  size_t last_rule = 0;
};

void Simplifier::find_shared(const NodePtr& circuit) {
  std::unordered_map<uint64_t, uint64_t> user_of;  // the first user met
  for (const auto& node : post_order(circuit))
    for (const auto& child : node->children()) {
      if (child->kind() != Kind::Add && child->kind() != Kind::Einsum) continue;
      const auto [user, first] = user_of.emplace(child->id(), node->id());
      if (!first && user->second != node->id()) shared_.insert(child->id());
    }
}

NodePtr Simplifier::apply_first(const NodePtr& node, size_t& applied) const {
  static const size_t add_flatten = *find_rule("add_flatten"), einsum_flatten = *find_rule("einsum_flatten");
  const auto may_merge = [&](const Node& child) { return !shared_.contains(child.id()); };
  return first_change(rules_, node, applied, [&](size_t rule) {
    if (keep_shared_ && rule == add_flatten) return add_flatten_where(*node->as<Add>(), may_merge);
    if (keep_shared_ && rule == einsum_flatten) return einsum_flatten_where(*node->as<Einsum>(), may_merge);
    return rule_table()[rule].apply(*node);
  });
}

NodePtr Simplifier::operator()(const NodePtr& circuit) {
  std::vector<Frame> stack;
  if (keep_shared_) find_shared(circuit);
  const auto known = [&](const NodePtr& node) {
    const auto found = memo_.find(node->id());
    return found == memo_.end() ? nullptr : found->second;
  };
  if (NodePtr result = known(circuit)) return result;
  stack.push_back({circuit, circuit, {}});
  for (size_t steps = 1; !stack.empty(); ++steps) {
    if (steps % 1024 == 0) poll_interrupt();
    Frame& frame = stack.back();
    if (frame.children.size() < frame.current->num_children()) {
      const NodePtr child = frame.current->child(frame.children.size());
      if (NodePtr result = known(child)) {
        frame.children.push_back(std::move(result));
      } else {
        stack.push_back({child, child, {}});
      }
      continue;
    }
    const NodePtr rebuilt = frame.applications == 0 ? frame.current->rebuild(std::move(frame.children))
                                                    : frame.current->rebuild_if_changed(std::move(frame.children));
    const NodePtr next = apply_first(rebuilt, frame.last_rule);
    if (!next) {
      memo_.emplace(frame.original->id(), rebuilt);
      memo_.emplace(rebuilt->id(), rebuilt);
      if (shared_.contains(frame.original->id())) shared_.insert(rebuilt->id());
      stack.pop_back();
      continue;
    }
    const std::string_view rule = rule_table()[frame.last_rule].name;
    if (observer_) observer_(rule, rebuilt, next);
    if (++frame.applications > kMaxApplications)
      fail(ErrorId::RuntimeError, "simp: more than " + std::to_string(kMaxApplications) + " rule applications at " +
                                      describe(*frame.original) + ", the last one " + std::string(rule));
    frame.current = next;
    frame.children.clear();
  }
  return memo_.at(circuit->id());
}

}  // namespace pycircuit
