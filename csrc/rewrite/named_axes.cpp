#include "rewrite/named_axes.h"

#include <map>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "rewrite/build.h"

namespace pycircuit {
namespace {

// A node together with the names pushed to it.
struct Frame {
  NodePtr node;
  NamedAxes names;
  std::vector<NamedAxes> for_children;
  NodePtrs children;
};

bool branches(const Node& node) {
  const Einsum* einsum = node.as<Einsum>();
  return einsum && !std::all_of(einsum->input_labels().begin(), einsum->input_labels().end(),
                                [](const Labels& labels) { return all_distinct(labels); });
}

std::vector<NamedAxes> names_for_children(const Node& node, const NamedAxes& names, bool abort_on_branch) {
  std::vector<NamedAxes> result(node.num_children());
  if (abort_on_branch && branches(node)) return result;
  const AxisMap map = node.child_axis_map();
  for (size_t i = 0; i < map.size(); ++i)
    for (size_t axis = 0; axis < map[i].size(); ++axis) {
      if (!map[i][axis]) continue;
      const auto name = names.find(*map[i][axis]);
      if (name != names.end()) result[i][axis] = name->second;
    }
  return result;
}

NodePtr named(const Frame& frame) {
  NamedAxes names = frame.node->named_axes();
  for (const auto& [axis, name] : frame.names) names[axis] = name;
  return frame.node->rebuild_if_changed(frame.children)->with_named_axes(std::move(names));
}

}  // namespace

NodePtr propagate_named_axes(const NodePtr& circuit, const NamedAxes& names, bool abort_on_branch) {
  using Key = std::pair<uint64_t, NamedAxes>;
  std::map<Key, NodePtr> done;
  std::vector<Frame> stack;
  // What the node becomes, or null after putting it on the stack.
  const auto enter = [&](const NodePtr& node, const NamedAxes& pushed) -> NodePtr {
    if (pushed.empty()) return node;
    if (const auto found = done.find({node->id(), pushed}); found != done.end()) return found->second;
    stack.push_back({node, pushed, names_for_children(*node, pushed, abort_on_branch), {}});
    return nullptr;
  };
  NodePtr result = enter(circuit, names);
  for (size_t steps = 1; !stack.empty(); ++steps) {
    if (steps % 1024 == 0) poll_interrupt();
    Frame& frame = stack.back();
    if (result) {
      frame.children.push_back(std::move(result));
      result = nullptr;
    }
    const size_t next = frame.children.size();
    if (next < frame.node->num_children()) {
      const NamedAxes pushed = frame.for_children[next];
      result = enter(frame.node->child(next), pushed);
    } else {
      result = named(frame);
      done.emplace(Key{frame.node->id(), frame.names}, result);
      stack.pop_back();
    }
  }
  return result;
}

}  // namespace pycircuit
