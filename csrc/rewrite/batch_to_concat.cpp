// batch_to_concat (spec 10, section 14.1).
#include <unordered_map>

#include "base/interrupt.h"
#include "circuit/substitute.h"
#include "rewrite/batch.h"
#include "rewrite/build.h"

namespace pycircuit {
namespace {

constexpr int kNoAxis = -1;

enum class Role { kAxisLeaf, kPlainLeaf, kKept, kInner };

// A node as reached from the root: with the batched axis at a position of its own, or without it.
struct State {
  NodePtr node;
  int axis;
  Role role;
  std::vector<size_t> children;  // states of an inner node's children
};

// Per child its position of the axis; nothing where the node is an axis leaf.
std::optional<std::vector<int>> child_axes(const Node& node, int axis) {
  switch (node.kind()) {
    case Kind::Conv:
    case Kind::DiscreteVar:
    case Kind::StoredCumulantVar:
    case Kind::Scatter:
      return std::nullopt;  // their sizes are fixed
    case Kind::SetSymbolicShape:
      if (node.child()->shape()[axis] != node.shape()[axis]) return std::nullopt;
      break;
    case Kind::Einsum:
      for (const auto& labels : node.as<Einsum>()->input_labels())
        if (!all_distinct(labels)) return std::nullopt;
      break;
    case Kind::Module: {
      const Module& module = *node.as<Module>();
      const int batch_rank = static_cast<int>(module.aligned_batch_shape().size());
      if (axis >= batch_rank)
        fail(ErrorId::RuntimeError, "batch_to_concat: axis " + std::to_string(axis) + " of " + describe(node) +
                                        " comes from inside the module; substitute modules first (substitute_all_modules)");
      std::vector<int> axes = {kNoAxis};
      for (size_t i = 0; i < module.num_arguments(); ++i) {
        const int own_batch_rank = static_cast<int>(module.argument(i)->rank() - module.arg_specs()[i].symbol->rank());
        axes.push_back(std::max(axis - (batch_rank - own_batch_rank), kNoAxis));
      }
      return axes;
    }
    default:
      break;
  }
  std::vector<int> axes;
  bool any = false;
  for (const auto& map : node.child_axis_map()) {
    const auto position = std::find(map.begin(), map.end(), std::optional<int>(axis));
    axes.push_back(position == map.end() ? kNoAxis : static_cast<int>(position - map.begin()));
    any |= position != map.end();
  }
  if (!any) return std::nullopt;
  return axes;
}

Uuid leaf_uuid(const State& state) {
  Blake3 hasher;
  hasher.update("batch_to_concat");
  hasher.update(state.node->hash());
  hasher.update_u64(static_cast<uint64_t>(state.axis + 1));
  const Hash hash = hasher.finish();
  Uuid uuid;
  std::copy_n(hash.bytes.begin(), uuid.bytes.size(), uuid.bytes.begin());
  return uuid;
}

// Slices to the edges do not fix the size of their axis (step 1).
NodePtr with_open_edges(const Index& index) {
  IndexElements elements = index.index();
  for (size_t axis = 0; axis < elements.size(); ++axis) {
    if (auto* slice = std::get_if<Slice>(&elements[axis])) {
      const Size size = index.child()->shape()[axis];
      const auto [start, stop] = slice_bounds(*slice, size);
      if (start == 0) slice->start.reset();
      if (stop == size) slice->stop.reset();
    }
  }
  return Index::make(index.child(), std::move(elements), index.name());
}

class Batching {
 public:
  Batching(const NodePtr& root, int axis, bool keep_non_axis_leaves) {
    walk(root, axis, keep_non_axis_leaves ? Role::kKept : Role::kPlainLeaf);
  }

  // The circuit over symbols, with `size` in place of the axis.
  ModuleSpec spec(Size size) const {
    std::vector<NodePtr> results(states_.size());
    ModuleSpec spec;
    for (const Role role : {Role::kAxisLeaf, Role::kPlainLeaf}) {
      for (size_t i = 0; i < states_.size(); ++i) {
        const State& state = states_[i];
        if (state.role != role) continue;
        Shape shape = state.node->shape();
        if (role == Role::kAxisLeaf) shape[state.axis] = size;
        SymbolPtr symbol = cast<Symbol>(Symbol::make(std::move(shape), leaf_uuid(state), state.node->name()));
        results[i] = symbol;
        spec.arg_specs.push_back({std::move(symbol), true, true, false});
      }
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      const State& state = states_[i];
      if (state.role == Role::kKept) results[i] = state.node;
      if (state.role != Role::kInner) continue;
      NodePtrs children;
      for (const size_t child : state.children) children.push_back(results[child]);
      results[i] = rebuilt(state.node, std::move(children));
      if (i % 1024 == 0) poll_interrupt();
    }
    spec.circuit = results.back();
    return spec;
  }

  // The leaves of positions start .. stop-1, in the order of the arg specs.
  NodePtrs arguments(Size start, Size stop) const {
    NodePtrs arguments;
    for (const State& state : states_) {
      if (state.role != Role::kAxisLeaf) continue;
      IndexElements elements = full_index(state.node->rank());
      elements[state.axis] = slice_of(start, stop);
      arguments.push_back(Index::make(state.node, std::move(elements)));
    }
    for (const State& state : states_)
      if (state.role == Role::kPlainLeaf) arguments.push_back(state.node);
    return arguments;
  }

  // Of the leaves of the arguments that are slices, which come first.
  std::vector<int> sliced_axes() const {
    std::vector<int> axes;
    for (const State& state : states_)
      if (state.role == Role::kAxisLeaf) axes.push_back(state.axis);
    return axes;
  }

 private:
  static NodePtr rebuilt(const NodePtr& node, NodePtrs children) {
    if (node->kind() == Kind::Module) return node->rebuild(std::move(children));
    if (const Index* index = node->as<Index>()) return expand_node(with_open_edges(*index), children);
    return expand_node(node, children);
  }

  // States in post-order, so leaves are in depth-first order; a Module's spec circuit is a state that stays as it is.
  void walk(const NodePtr& root, int root_axis, Role without_axis) {
    struct Frame {
      NodePtr node;
      int axis;
      std::vector<int> child_axes;
      std::vector<size_t> children;
      bool spec_circuit_first;
    };
    std::vector<Frame> stack;
    std::unordered_map<uint64_t, size_t> known;
    const auto key = [](const Node& node, int axis) { return node.id() << 9 | static_cast<uint64_t>(axis + 1); };
    const auto finish = [&](const NodePtr& node, int axis, Role role, std::vector<size_t> children) {
      known.emplace(key(*node, axis), states_.size());
      states_.push_back({node, axis, role, std::move(children)});
    };
    const auto enter = [&](const NodePtr& node, int axis) {
      if (axis != kNoAxis) {
        if (auto axes = child_axes(*node, axis)) {
          stack.push_back({node, axis, std::move(*axes), {}, node->kind() == Kind::Module});
          return;
        }
      }
      finish(node, axis, axis == kNoAxis ? without_axis : Role::kAxisLeaf, {});
    };
    enter(root, root_axis);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const size_t next = frame.children.size();
      if (next == frame.child_axes.size()) {
        Frame done = std::move(frame);
        stack.pop_back();
        finish(done.node, done.axis, Role::kInner, std::move(done.children));
      } else if (frame.spec_circuit_first && next == 0) {
        frame.children.push_back(states_.size());
        states_.push_back({frame.node->child(), kNoAxis, Role::kKept, {}});
      } else {
        const NodePtr& child = frame.node->child(next);
        const int axis = frame.child_axes[next];
        if (const auto found = known.find(key(*child, axis)); found != known.end()) {
          frame.children.push_back(found->second);
        } else {
          enter(child, axis);
        }
      }
    }
  }

  std::vector<State> states_;
};

}  // namespace

NodePtr batch_to_concat(const NodePtr& circuit, int64_t axis, int64_t batch_size, bool keep_non_axis_leaves, bool allow_partial_batch,
                        size_t max_pieces) {
  if (axis < 0 || axis >= circuit->rank())
    fail(ErrorId::RuntimeError, "batch_to_concat: nonexistent axis " + std::to_string(axis) + " of " + describe(*circuit));
  if (batch_size == 0)
    fail(ErrorId::BatchBatchSizeIsZero, "batch_to_concat: the batch size must be positive, got 0 for " + describe(*circuit));
  if (batch_size < 0) fail(ErrorId::OverflowError, "batch_to_concat: negative batch size " + std::to_string(batch_size));
  const Size total = circuit->shape()[axis];
  if (!allow_partial_batch && total % batch_size != 0)
    fail(ErrorId::BatchPartialBatchNotAllowed, "batch_to_concat: batch size " + std::to_string(batch_size) + " does not divide axis " +
                                                   std::to_string(axis) + " of " + describe(*circuit) +
                                                   "; allow_partial_batch accepts a shorter last batch");
  if (total == 0) return circuit;
  const Size count = total / batch_size + (total % batch_size != 0);
  if (count > kMaxPieces && max_pieces > static_cast<size_t>(kMaxPieces))
    fail(ErrorId::BatchError, "batch_to_concat: batch size " + std::to_string(batch_size) + " cuts axis " + std::to_string(axis) +
                                  " of size " + std::to_string(total) + " into " + std::to_string(count) + " pieces, more than " +
                                  std::to_string(kMaxPieces) + ", in " + describe(*circuit) + "; use a batch size of at least " +
                                  std::to_string(total / kMaxPieces + (total % kMaxPieces != 0)));
  const Batching batching(circuit, static_cast<int>(axis), keep_non_axis_leaves);
  NodePtrs pieces;
  std::optional<ModuleSpec> full;
  for (Size start = 0; start < total && pieces.size() < max_pieces; start += std::min(batch_size, total - start)) {
    if (pieces.size() % 1024 == 1023) poll_interrupt();
    const Size stop = start + std::min(batch_size, total - start);
    NodePtrs arguments = batching.arguments(start, stop);
    if (stop - start == batch_size) {
      if (!full) full = batching.spec(batch_size);
      pieces.push_back(Module::make(*full, std::move(arguments)));
    } else {
      pieces.push_back(Module::make(batching.spec(stop - start), std::move(arguments)));
    }
  }
  return Concat::make(std::move(pieces), axis);
}

BatchPiece batch_piece(const NodePtr& circuit, int64_t axis, Size start, Size stop) {
  const Batching batching(circuit, static_cast<int>(axis), false);
  return {Module::make(batching.spec(stop - start), batching.arguments(start, stop)), batching.sliced_axes()};
}

}  // namespace pycircuit
