#include "rewrite/sums.h"

#include <unordered_map>

#include "base/interrupt.h"
#include "circuit/walk.h"
#include "rewrite/build.h"
#include "rewrite/canonical.h"

namespace pycircuit {
namespace {

// The children left after taking those of `sub` away; nothing where some are missing.
std::optional<NodePtrs> without_children(const Node& add, const Node& sub) {
  std::unordered_map<uint64_t, size_t> taken;
  for (const auto& child : sub.children()) ++taken[child->id()];
  NodePtrs rest;
  size_t found = 0;
  for (const auto& child : add.children()) {
    const auto count = taken.find(child->id());
    if (count == taken.end() || count->second == 0) {
      rest.push_back(child);
    } else {
      --count->second;
      ++found;
    }
  }
  if (found != sub.num_children()) return std::nullopt;
  return rest;
}

// Per larger Add the smaller one to be shared: of those whose summands are some of its own, the first in visiting order. A bound on the
// work keeps the search to about a second.
class NestPlan {
 public:
  explicit NestPlan(const NodePtr& root) {
    for (const auto& node : pre_order(root))
      if (node->kind() == Kind::Add) adds_.push_back(node);
    for (size_t i = 0; i < adds_.size(); ++i)
      if (adds_[i]->num_children() >= 2)
        for (const auto& child : distinct_children(*adds_[i])) users_[child].push_back(i);
    for (size_t i = 0; i < adds_.size() && work_ < kMaxWork; ++i)
      if (adds_[i]->num_children() >= 3) find_sub(i);
  }
  // The smaller Add chosen for this one, or null.
  const Node* sub_of(const Node& add) const {
    const auto found = subs_.find(add.id());
    return found == subs_.end() ? nullptr : found->second.get();
  }
  bool empty() const { return subs_.empty(); }

 private:
  static constexpr size_t kMaxWork = 30'000'000;

  static std::vector<uint64_t> distinct_children(const Node& node) {
    std::vector<uint64_t> ids;
    for (const auto& child : node.children()) ids.push_back(child->id());
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  }

  void find_sub(size_t larger) {
    std::vector<size_t> candidates;
    for (const uint64_t child : distinct_children(*adds_[larger])) {
      const auto& users = users_.at(child);
      work_ += users.size();
      for (const size_t user : users)
        if (adds_[user]->num_children() < adds_[larger]->num_children()) candidates.push_back(user);
    }
    std::sort(candidates.begin(), candidates.end());
    for (size_t first = 0; first < candidates.size();) {
      const size_t last = std::upper_bound(candidates.begin() + first, candidates.end(), candidates[first]) - candidates.begin();
      const NodePtr& sub = adds_[candidates[first]];
      // Every distinct child of a fitting Add is one of the larger one's.
      if (last - first == distinct_children(*sub).size()) {
        work_ += adds_[larger]->num_children();
        if (without_children(*adds_[larger], *sub)) {
          subs_.emplace(adds_[larger]->id(), sub);
          return;
        }
      }
      first = last;
    }
  }

  NodePtrs adds_;
  std::unordered_map<uint64_t, std::vector<size_t>> users_;
  std::unordered_map<uint64_t, NodePtr> subs_;
  size_t work_ = 0;
};

// What a node is built from: its children, or what remains of them and the shared sum.
NodePtrs parts(const Node& node, const NestPlan& plan) {
  const Node* sub = plan.sub_of(node);
  if (!sub) return node.children();
  NodePtrs rest = *without_children(node, *sub);
  rest.push_back(NodePtr(sub));
  return rest;
}

NodePtr nested(const NodePtr& root, const NestPlan& plan) {
  NodeMap done;
  struct Frame {
    NodePtr node;
    NodePtrs parts;
    size_t next;
  };
  std::vector<Frame> stack;
  stack.push_back({root, parts(*root, plan), 0});
  for (size_t steps = 1; !stack.empty(); ++steps) {
    if (steps % 4096 == 0) poll_interrupt();
    Frame& frame = stack.back();
    if (frame.next < frame.parts.size()) {
      const NodePtr part = frame.parts[frame.next++];
      if (!done.contains(part->id())) stack.push_back({part, parts(*part, plan), 0});
      continue;
    }
    for (auto& part : frame.parts) part = done.at(part->id());
    done.emplace(frame.node->id(), frame.node->rebuild_if_changed(std::move(frame.parts)));
    stack.pop_back();
  }
  return done.at(root->id());
}

// Sums too large for several operands at a time as chains of two.
NodePtr with_large_sums_as_chains(const NodePtr& circuit) {
  constexpr uint64_t kLarge = 100'000'000;
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    if (rebuilt->kind() != Kind::Add || rebuilt->num_children() <= 2 || numel_saturating(rebuilt->shape()) <= kLarge) return rebuilt;
    NodePtr sum = rebuilt->child();
    for (size_t i = 1; i < rebuilt->num_children(); ++i) sum = Add::make({sum, rebuilt->child(i)});
    return sum;
  });
}

}  // namespace

NodePtr extract_add(const Add& add, const NodePtr& sub) {
  auto rest = without_children(add, *sub);
  if (!rest) return nullptr;
  rest->push_back(sub);
  return Add::make(std::move(*rest), add.name());
}

NodePtr add_outer_product_broadcasts_on_top(const Add& add) {
  struct Group {
    std::vector<bool> axes;
    NodePtrs summands;
  };
  const auto is_subset = [](const std::vector<bool>& a, const std::vector<bool>& b) {
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i] && !b[i]) return false;
    return true;
  };
  std::vector<Group> groups;
  for (const auto& child : add.children()) {
    std::vector<bool> axes(add.rank(), false);
    for (int64_t axis = 0; axis < child->rank(); ++axis) axes[axis + add.rank() - child->rank()] = child->shape()[axis] != 1;
    const auto group = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& known) { return is_subset(axes, known.axes) || is_subset(known.axes, axes); });
    if (group == groups.end()) {
      groups.push_back({axes, {child}});
      continue;
    }
    for (size_t axis = 0; axis < axes.size(); ++axis) group->axes[axis] = group->axes[axis] || axes[axis];
    group->summands.push_back(child);
  }
  if (groups.size() <= 1) return nullptr;
  NodePtrs sums;
  for (auto& group : groups) sums.push_back(Add::make(std::move(group.summands)));
  return Add::make(std::move(sums));
}

NodePtr deep_heuristic_nest_adds(const NodePtr& circuit) {
  NodePtr result = deep_canonicalize(circuit);
  for (int round = 0; round < 2; ++round) {
    const NestPlan plan(result);
    if (plan.empty()) break;
    result = nested(result, plan);
  }
  return with_large_sums_as_chains(result);
}

}  // namespace pycircuit
