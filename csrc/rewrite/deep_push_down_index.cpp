// Pushing all Index nodes of a circuit down (spec 10, section 12.3).
//
// Two passes over the original nodes. Parents first, every node learns what its users demand of it: its whole value, or the parts that
// Index nodes take. A node of which only parts are demanded is computed on the smallest set of positions that covers them, and demands
// parts of its children in turn; so an Index goes down all the way in one call. Children first, the demanded values are then built.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/interrupt.h"
#include "circuit/walk.h"
#include "rewrite/build.h"
#include "rewrite/push_down_index.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

// A part (or all) of a node that some user needs.
struct Demand {
  std::optional<IndexElements> elements;  // nothing: the whole value
  Naming naming;                          // of the Index
  NodePtr origin;                         // the Index of the circuit, if it is one
};
struct DemandRef {
  uint64_t node;
  size_t number;
};

enum class Role { kWhole, kPart, kAlias };

struct Plan {
  NodePtr node;
  std::vector<Demand> demands;
  Role role = Role::kWhole;
  std::vector<DemandRef> needs;            // of the children, in the order in which they are used
  IndexElements covered;                   // kPart: what is computed
  std::function<NodePtr(NodePtrs)> build;  // kPart
  NodePtrs results;                        // one per demand
};

bool is_push_down_error(ErrorId id) {
  return id >= ErrorId::PushDownIndexNoopOnConcat && id <= ErrorId::PushDownIndexZeroLengthIndexAmbiguous;
}

// Positions of an axis, ascending.
std::vector<int64_t> positions_of(const IndexElement& element) {
  if (const auto* position = std::get_if<int64_t>(&element)) return {*position};
  std::vector<int64_t> positions;
  if (const auto* slice = std::get_if<Slice>(&element)) {
    for (int64_t position = *slice->start; position < *slice->stop; ++position) positions.push_back(position);
  } else {
    positions = int_values(std::get<Tensor>(element));
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  }
  return positions;
}

// The smallest set that covers canonical elements: the int that all are, a slice where the set has no gap, else a tensor.
IndexElement cover(const std::vector<IndexElement>& elements, Size size, const std::optional<Device>& device) {
  const auto* only = std::get_if<int64_t>(&elements.front());
  const bool same_int = only && std::all_of(elements.begin(), elements.end(), [&](const IndexElement& element) {
                          const auto* position = std::get_if<int64_t>(&element);
                          return position && *position == *only;
                        });
  if (same_int) return *only;
  std::vector<std::pair<int64_t, int64_t>> intervals;
  bool tensors = false;
  for (const auto& element : elements) {
    if (const auto* position = std::get_if<int64_t>(&element)) {
      intervals.emplace_back(*position, *position + 1);
    } else if (const auto* slice = std::get_if<Slice>(&element)) {
      if (*slice->start == 0 && *slice->stop == size) return Slice{};
      if (*slice->start < *slice->stop) intervals.emplace_back(*slice->start, *slice->stop);
    } else {
      tensors = true;
    }
  }
  std::sort(intervals.begin(), intervals.end());
  bool gap = tensors;
  for (size_t i = 1; i < intervals.size(); ++i) {
    gap |= intervals[i].first > intervals[i - 1].second;
    intervals[i].second = std::max(intervals[i].second, intervals[i - 1].second);
  }
  if (!gap) {
    if (intervals.empty()) return size == 0 ? Slice{} : slice_of(0, 0);
    const Slice hull = slice_of(intervals.front().first, intervals.back().second);
    return is_identity(hull, size) ? Slice{} : hull;
  }
  std::vector<int64_t> used;
  for (const auto& element : elements) {
    const std::vector<int64_t> positions = positions_of(element);
    used.insert(used.end(), positions.begin(), positions.end());
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  const IndexElement simplest = canonical(IndexElement(to_device_dtype(int_tensor(used), {device, std::nullopt})), size);
  return is_identity(simplest, size) ? Slice{} : simplest;
}

// A canonical element, seen from what `covered` takes of the axis.
IndexElement relative_to(const IndexElement& covered, const IndexElement& element) {
  std::vector<int64_t> used;
  int64_t start = 0;
  if (const auto* slice = std::get_if<Slice>(&covered)) {
    if (slice->is_full()) return element;
    start = *slice->start;
  } else {
    used = positions_of(covered);
  }
  const auto moved = [&](int64_t position) {
    return used.empty() ? position - start : std::lower_bound(used.begin(), used.end(), position) - used.begin();
  };
  if (const auto* position = std::get_if<int64_t>(&element)) return int64_t{moved(*position)};
  if (const auto* slice = std::get_if<Slice>(&element)) {
    if (*slice->start == *slice->stop) return slice_of(0, 0);
    const int64_t first = moved(*slice->start);
    return slice_of(first, first + *slice->stop - *slice->start);
  }
  const Tensor& tensor = std::get<Tensor>(element);
  std::vector<int64_t> values = int_values(tensor);
  for (int64_t& value : values) value = moved(value);
  return to_device_dtype(int_tensor(values), {tensor.device(), std::nullopt});
}

class DeepPush {
 public:
  DeepPush(const NodePtr& root, const std::optional<uint64_t>& min_size) : order_(post_order(root)), root_(root), min_size_(min_size) {
    for (const auto& node : order_) plans_[node->id()].node = node;
  }

  NodePtr run() {
    const DemandRef all = demand(root_, {});
    for (size_t i = order_.size(); i-- > 0;) {
      plan(plans_.at(order_[i]->id()));
      if (i % 1024 == 0) poll_interrupt();
    }
    for (const auto& node : order_) realise(plans_.at(node->id()));
    return result(all);
  }

 private:
  DemandRef demand(const NodePtr& node, Demand demand) {
    auto& demands = plans_.at(node->id()).demands;
    demands.push_back(std::move(demand));
    return {node->id(), demands.size() - 1};
  }

  NodePtr result(const DemandRef& ref) const { return plans_.at(ref.node).results.at(ref.number); }

  bool large_enough(const Node& node) const { return !min_size_ || numel_saturating(node.shape()) >= *min_size_; }

  void plan(Plan& plan) {
    if (plan.demands.empty()) return;
    const Index* index = plan.node->as<Index>();
    if (index && plan.node != root_ && is_identity(index->index(), index->child()->shape())) {
      plan.role = Role::kAlias;
      for (const Demand& each : plan.demands) plan.needs.push_back(demand(index->child(), each));
      return;
    }
    if (plan_part(plan)) return;
    if (index) {
      plan.needs.push_back(demand(index->child(), {index->index(), index->name(), plan.node}));
    } else {
      for (const auto& child : plan.node->children()) plan.needs.push_back(demand(child, {}));
    }
  }

  // Whether the node can be computed in part only.
  bool plan_part(Plan& plan) {
    const Node& node = *plan.node;
    if (node.is_irreducible() || !large_enough(node)) return false;
    for (const Demand& each : plan.demands)
      if (!each.elements) return false;
    std::vector<IndexElements> demanded;
    for (const Demand& each : plan.demands) demanded.push_back(canonical(*each.elements, node.shape()));
    IndexElements covered;
    for (int64_t axis = 0; axis < node.rank(); ++axis) {
      std::vector<IndexElement> here;
      for (const auto& elements : demanded) here.push_back(elements[axis]);
      covered.push_back(cover(here, node.shape()[axis], node.device_dtype().device));
    }
    if (is_identity(covered, node.shape())) return false;
    const Ref<const Index> part = Index::make(plan.node, covered);
    if (const Index* inner = node.as<Index>()) {
      const NodePtr fused = index_fuse(*part);
      plan.needs.push_back(demand(inner->child(), {fused->as<Index>()->index(), inner->name(), nullptr}));
      plan.build = [](NodePtrs results) { return results.at(0); };
    } else {
      try {
        IndexPush push = plan_index_push(*part, {true, std::nullopt, false});
        for (auto& request : push.requests)
          plan.needs.push_back(demand(request.child, {std::move(request.elements), std::move(request.naming), nullptr}));
        add_untouched_children(plan, push);
      } catch (const CircuitError& error) {
        if (!is_push_down_error(error.id())) throw;
        return false;
      }
    }
    plan.role = Role::kPart;
    plan.covered = std::move(covered);
    return true;
  }

  // Children that the push leaves as they are still have to be rewritten themselves.
  void add_untouched_children(Plan& plan, IndexPush& push) {
    std::vector<bool> touched(plan.node->num_children(), false);
    for (const auto& request : push.requests) touched[request.child_number] = true;
    const bool keeps_others =
        plan.node->kind() == Kind::GeneralFunction || plan.node->kind() == Kind::Module || plan.node->kind() == Kind::DiscreteVar;
    std::vector<size_t> others;
    for (size_t i = 0; i < touched.size(); ++i) {
      if (touched[i] || !keeps_others) continue;
      others.push_back(i);
      plan.needs.push_back(demand(plan.node->child(i), {}));
    }
    const size_t requests = push.requests.size();
    plan.build = [build = std::move(push.build), requests, others, node = plan.node](NodePtrs results) {
      const NodePtrs rest(results.begin() + requests, results.end());
      results.resize(requests);
      const NodePtr made = build(std::move(results));
      return others.empty() ? made : with_replaced(made, *node, others, rest);
    };
  }

  // `made` (of the node's class, or an Index on top of that) with these children put in.
  static NodePtr with_replaced(const NodePtr& made, const Node& node, const std::vector<size_t>& numbers, const NodePtrs& replacements) {
    if (made->kind() != node.kind()) return made->rebuild_if_changed({with_replaced(made->child(), node, numbers, replacements)});
    NodePtrs children = made->children();
    for (size_t i = 0; i < numbers.size(); ++i) children[numbers[i]] = replacements[i];
    return made->rebuild_if_changed(std::move(children));
  }

  void realise(Plan& plan) {
    if (plan.demands.empty()) return;
    NodePtrs needed;
    for (const DemandRef& need : plan.needs) needed.push_back(result(need));
    if (plan.role == Role::kAlias) {
      plan.results = std::move(needed);
      return;
    }
    NodePtr value;
    if (plan.role == Role::kPart) {
      value = plan.build(std::move(needed));
    } else if (plan.node->kind() == Kind::Index) {
      value = needed.at(0);
    } else {
      value = plan.node->rebuild_if_changed(std::move(needed));
    }
    for (const Demand& each : plan.demands) plan.results.push_back(each.elements ? part_of(plan, value, each) : value);
  }

  static NodePtr part_of(const Plan& plan, const NodePtr& value, const Demand& demand) {
    if (plan.role == Role::kWhole) {
      if (demand.origin && demand.origin->child() == value) return demand.origin;
      return Index::make(value, *demand.elements, demand.naming);
    }
    const IndexElements own = canonical(*demand.elements, plan.node->shape());
    IndexElements elements;
    for (size_t axis = 0; axis < own.size(); ++axis)
      if (!std::holds_alternative<int64_t>(plan.covered[axis])) elements.push_back(relative_to(plan.covered[axis], own[axis]));
    // What only the pass itself has asked for needs no Index that takes everything.
    if (!demand.origin && is_identity(elements, value->shape())) return value;
    return Index::make(value, std::move(elements), demand.naming);
  }

  const NodePtrs order_;
  const NodePtr root_;
  const std::optional<uint64_t> min_size_;
  std::unordered_map<uint64_t, Plan> plans_;
};

}  // namespace

NodePtr deep_push_down_index_raw(const NodePtr& circuit, const std::optional<uint64_t>& min_size) {
  return DeepPush(circuit, min_size).run();
}

}  // namespace pycircuit
