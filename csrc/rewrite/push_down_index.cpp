// Recursive index push-down (spec 10, section 12.2).
#include "rewrite/push_down_index.h"

#include "base/interrupt.h"
#include "rewrite/build.h"
#include "rewrite/pair_memo.h"

namespace pycircuit {
namespace {

struct Frame {
  NodePtr index;
  IterativeMatcher traversal;
  MatchStep step;
  IndexPush push;
  NodePtrs results;
};

class Pushing {
 public:
  explicit Pushing(const PushDownOptions& options)
      : options_(options), push_options_{options.allow_partial_pushdown, options.suffix, options.into_module_spec} {}

  NodePtr run(const NodePtr& index, const IterativeMatcher& traversal) {
    NodePtr result = enter(index, traversal);
    for (size_t steps = 0; !stack_.empty(); ++steps) {
      if (steps % 1024 == 0) poll_interrupt();
      Frame& frame = stack_.back();
      if (result) {
        frame.results.push_back(std::move(result));
        result = nullptr;
      }
      const size_t next = frame.results.size();
      if (next < frame.push.requests.size()) {
        result = start(frame, frame.push.requests[next]);
      } else {
        result = frame.push.build(std::move(frame.results));
        memo_.insert(*frame.index, frame.traversal.id(), result);
        stack_.pop_back();
      }
    }
    return result;
  }

 private:
  bool eliminated(const Index& index) const { return options_.elim_identity && is_identity(index.index(), index.child()->shape()); }

  NodePtr start(const Frame& frame, const IndexPush::Request& request) {
    const NodePtr index = Index::make(request.child, request.elements, request.naming);
    const MaybeMatcher state = frame.step.child(request.child_number, frame.traversal);
    if (!state) return eliminated(*index->as<Index>()) ? request.child : index;
    return enter(index, *state);
  }

  // The result, or null after putting a frame on the stack.
  NodePtr enter(const NodePtr& node, const IterativeMatcher& traversal) {
    const Index& index = *node->as<Index>();
    if (eliminated(index)) return index.child();
    if (NodePtr known = memo_.find(*node, traversal.id())) return known;
    MatchStep step = traversal.match_iterate(index.child());
    if (step.finished()) return node;
    stack_.push_back({node, traversal, std::move(step), plan_index_push(index, push_options_), {}});
    return nullptr;
  }

  const PushDownOptions& options_;
  const PushOptions push_options_;
  std::vector<Frame> stack_;
  PairMemo memo_;
};

}  // namespace

const IterativeMatcher& default_index_traversal() {
  static const IterativeMatcher* traversal = new IterativeMatcher(new_traversal({}, Matcher::kinds({Kind::Index, Kind::Array})));
  return *traversal;
}

NodePtr push_down_index(const Index& index, const IterativeMatcher& traversal, const PushDownOptions& options) {
  return Pushing(options).run(NodePtr(&index), traversal);
}

}  // namespace pycircuit
