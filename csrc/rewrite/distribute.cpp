#include "rewrite/distribute.h"

#include "base/interrupt.h"
#include "circuit/names.h"
#include "rewrite/build.h"
#include "rewrite/pair_memo.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

std::string at(const Einsum& einsum, size_t operand_idx) {
  return "distribute: operand " + std::to_string(operand_idx) + " of " + describe(einsum);
}

PayloadValue payload(const Einsum& einsum) { return circuit_payload(NodePtr(&einsum)); }

[[noreturn]] void fail_index(const Einsum& einsum, size_t operand_idx) {
  fail(ErrorId::DistributeOperandIdxTooLarge,
       at(einsum, operand_idx) + " does not exist, it has " + std::to_string(einsum.num_children()) + " operands", payload(einsum),
       operand_idx);
}

bool is_distribute_error(const CircuitError& error) {
  switch (error.id()) {
    case ErrorId::DistributeCouldntBroadcast:
    case ErrorId::DistributeOperandIsNotAdd:
    case ErrorId::DistributeOperandIdxTooLarge:
    case ErrorId::DistributeEmptyAddUnsupported:
    case ErrorId::DistributeNoop:
      return true;
    default:
      return false;
  }
}

NodePtr with_operand(const Einsum& einsum, size_t operand_idx, const NodePtr& operand, Naming naming) {
  NodePtrs children = einsum.children();
  children[operand_idx] = operand;
  return einsum.remake(std::move(children), std::move(naming));
}

bool is_nonempty_add(const NodePtr& node) { return node->kind() == Kind::Add && node->num_children() > 0; }

std::vector<size_t> add_operands(const Node& einsum) {
  std::vector<size_t> operands;
  for (size_t i = 0; i < einsum.num_children(); ++i)
    if (is_nonempty_add(einsum.child(i))) operands.push_back(i);
  return operands;
}

// 11.3, without recursion: a frame is an einsum whose summands are being treated.
class Distributing {
 public:
  Distributing(size_t operand_idx, const DistributeOptions& options, bool allow_partial)
      : operand_idx_(operand_idx), options_(options), allow_partial_(allow_partial) {}

  NodePtr run(const Einsum& einsum, const IterativeMatcher& traversal) {
    NodePtr result = enter(NodePtr(&einsum), traversal);
    for (size_t steps = 0; !stack_.empty(); ++steps) {
      if (steps % 1024 == 0) poll_interrupt();
      Frame& frame = stack_.back();
      if (result) {
        frame.results.push_back(std::move(result));
        result = nullptr;
      }
      const size_t next = frame.results.size();
      if (next < frame.sum->num_children()) {
        const NodePtr summand = frame.sum->child(next);
        const MaybeMatcher state = frame.step.child(next, frame.traversal);
        result = state ? enter(summand, *state) : summand;
      } else {
        result = frame.sum->rebuild_if_changed(std::move(frame.results));
        memo_.insert(*frame.einsum, frame.traversal.id(), result);
        stack_.pop_back();
      }
    }
    return result;
  }

 private:
  struct Frame {
    NodePtr einsum;
    IterativeMatcher traversal;
    MatchStep step;
    Ref<const Add> sum;
    NodePtrs results;
  };

  // The result, or null after putting a frame on the stack.
  NodePtr enter(const NodePtr& node, const IterativeMatcher& traversal) {
    const Einsum& einsum = *node->as<Einsum>();
    if (operand_idx_ >= einsum.num_children()) {
      if (!allow_partial_) fail_index(einsum, operand_idx_);
      return node;
    }
    if (NodePtr known = memo_.find(*node, traversal.id())) return known;
    MatchStep step = traversal.match_iterate(einsum.child(operand_idx_));
    if (step.finished()) return node;
    try {
      Ref<const Add> sum = distribute_once(einsum, operand_idx_, options_);
      stack_.push_back({node, traversal, std::move(step), std::move(sum), {}});
      return nullptr;
    } catch (const CircuitError& error) {
      if (!allow_partial_ || !is_distribute_error(error)) throw;
      return node;
    }
  }

  const size_t operand_idx_;
  const DistributeOptions& options_;
  const bool allow_partial_;
  std::vector<Frame> stack_;
  PairMemo memo_;
};

}  // namespace

Ref<const Add> distribute_once(const Einsum& einsum, size_t operand_idx, const DistributeOptions& options) {
  if (operand_idx >= einsum.num_children()) fail_index(einsum, operand_idx);
  NodePtr operand = einsum.child(operand_idx);
  const Add* add = operand->as<Add>();
  if (!add)
    fail(ErrorId::DistributeOperandIsNotAdd, at(einsum, operand_idx) + " is " + describe(*operand) + ", not an Add", payload(einsum),
         operand_idx);
  if (add->has_broadcast()) {
    if (!options.do_broadcasts)
      fail(ErrorId::DistributeCouldntBroadcast,
           at(einsum, operand_idx) + ", " + describe(*add) + ", broadcasts its summands; pass do_broadcasts=True", circuit_payload(operand),
           options.do_broadcasts);
    operand = add_make_broadcasts_explicit(*add);
    add = operand->as<Add>();
  }
  if (add->num_children() == 0)
    fail(ErrorId::DistributeEmptyAddUnsupported, at(einsum, operand_idx) + " is an Add without children", payload(einsum), operand_idx);
  NodePtrs summands;
  for (const auto& child : add->children()) {
    if (!options.prefix && !options.suffix) {
      summands.push_back(with_operand(einsum, operand_idx, child, {}));
    } else if (child->name()) {
      summands.push_back(
          with_operand(einsum, operand_idx, child, options.prefix.value_or("") + *child->name() + options.suffix.value_or("")));
    } else {
      summands.push_back(with_operand(einsum, operand_idx, child, {})->rename(std::nullopt));
    }
  }
  return Add::make(std::move(summands), einsum.name());
}

NodePtr distribute_all(const Einsum& einsum) {
  if (add_operands(einsum).empty()) return nullptr;
  NodePtrs summands;
  NodePtrs waiting = {NodePtr(&einsum)};  // last first
  while (!waiting.empty()) {
    const NodePtr node = std::move(waiting.back());
    waiting.pop_back();
    const std::vector<size_t> operands = add_operands(*node);
    if (operands.empty()) {
      summands.push_back(node);
      continue;
    }
    const NodePtrs pieces = distribute_once(*node->as<Einsum>(), operands[0])->children();
    if (operands.size() == 1) {
      summands.insert(summands.end(), pieces.begin(), pieces.end());
    } else {
      waiting.insert(waiting.end(), pieces.rbegin(), pieces.rend());
    }
    if (summands.size() % 1024 == 0) poll_interrupt();
  }
  return Add::make(std::move(summands), einsum.name());
}

IterativeMatcher traverse_until_depth(std::optional<uint32_t> depth) {
  if (!depth || *depth == UINT32_MAX) return new_traversal();
  return new_traversal({std::nullopt, *depth + 1});
}

NodePtr distribute(const Einsum& einsum, size_t operand_idx, const IterativeMatcher& traversal, const DistributeOptions& options,
                   bool allow_partial_distribute) {
  NodePtr result = Distributing(operand_idx, options, allow_partial_distribute).run(einsum, traversal);
  if (result->id() == einsum.id())
    fail(ErrorId::DistributeNoop,
         at(einsum, operand_idx) + ": nothing was distributed; the traversal ended at the operand or the operand is no Add",
         payload(einsum), operand_idx);
  return result;
}

}  // namespace pycircuit
