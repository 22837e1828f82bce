#include "rewrite/pull_concat.h"

#include <array>
#include <cstdint>
#include <numeric>

#include "circuit/walk.h"
#include "rewrite/build.h"
#include "rewrite/push_down_index.h"
#include "rewrite/rules.h"
#include "rewrite/simp.h"

namespace pycircuit {
namespace {

using MakeIndex = NodePtr (*)(const NodePtr& node, IndexElements elements);

NodePtr plain_index(const NodePtr& node, IndexElements elements) { return Index::make(node, std::move(elements)); }

// 13.2: what the Index does not reach is dropped at once.
NodePtr simplified(NodePtr node) {
  if (const NodePtr smaller = index_concat_drop_unreached(*node->as<Index>())) node = smaller;
  if (const NodePtr child = index_elim_identity(*node->as<Index>())) node = child;
  if (const Concat* concat = node->as<Concat>())
    if (const NodePtr only = concat_elim_identity(*concat)) node = only;
  return node;
}
NodePtr simplified_index(const NodePtr& node, IndexElements elements) { return simplified(plain_index(node, std::move(elements))); }

// An Index of a sum, pushed to its summands.
NodePtr index_of_summands(const NodePtr& add, IndexElements elements) {
  const NodePtr sum = push_down_index_once(*Index::make(add, std::move(elements)));
  NodePtrs summands;
  for (const auto& summand : sum->children()) summands.push_back(summand->kind() == Kind::Index ? simplified(summand) : summand);
  return sum->rebuild_if_changed(std::move(summands));
}

IndexElements slice_at(int64_t rank, int64_t axis, Size start, Size stop) {
  IndexElements elements = full_index(rank);
  elements[axis] = slice_of(start, stop);
  return elements;
}

NodePtr split(const NodePtr& node, int64_t axis, const std::vector<Size>& sections, MakeIndex index) {
  NodePtrs pieces;
  Size start = 0;
  for (const Size size : sections) {
    // Where the sum does not fit, the largest number is as far out of bounds.
    const Size end = size > INT64_MAX - start ? INT64_MAX : start + size;
    pieces.push_back(index(node, slice_at(node->rank(), axis, start, end)));
    start = end;
  }
  return Concat::make(std::move(pieces), axis);
}

NodePtr pull_from_add(const Add& add, bool simplify) {
  for (const auto& child : add.children()) {
    const Concat* concat = child->as<Concat>();
    if (!concat || concat->shape()[concat->axis()] == 1) continue;
    const NodePtr broadcast = add_make_broadcasts_explicit(add);
    const NodePtr sum = broadcast ? broadcast : NodePtr(&add);
    return split(sum, concat->axis() + add.rank() - concat->rank(), concat->sizes_at_axis(), simplify ? index_of_summands : plain_index);
  }
  return nullptr;
}

NodePtr pull_from_function(const GeneralFunction& function, MakeIndex index) {
  const int64_t batch_rank = function.rank() - function.num_non_batchable_output_dims();
  for (size_t i = 0; i < function.num_children(); ++i) {
    const Concat* concat = function.child(i)->as<Concat>();
    if (!concat || !function.input_batchable(i) || concat->axis() >= batch_rank) continue;
    NodePtrs pieces;
    Size start = 0;
    for (const auto& piece : concat->children()) {
      const Size stop = start + piece->shape()[concat->axis()];
      NodePtrs inputs = function.children();
      for (size_t j = 0; j < inputs.size(); ++j) {
        if (!function.input_batchable(j)) continue;
        inputs[j] = inputs[j]->id() == concat->id() ? piece : index(inputs[j], slice_at(inputs[j]->rank(), concat->axis(), start, stop));
      }
      pieces.push_back(function.remake(std::move(inputs), {}));
      start = stop;
    }
    return Concat::make(std::move(pieces), concat->axis());
  }
  return nullptr;
}

class EinsumPull {
 public:
  EinsumPull(const Einsum& einsum, MakeIndex index) : einsum_(einsum), index_(index) {}

  NodePtr run() {
    if (!find_sections()) return nullptr;
    const auto reduced = [&](Label label) { return !contains(einsum_.out_axes(), label); };
    std::stable_partition(labels_.begin(), labels_.end(), [&](Label label) { return !reduced(label); });
    concats_ = std::count_if(labels_.begin(), labels_.end(), [&](Label label) { return !reduced(label); });
    return build(0);
  }

 private:
  bool find_sections() {
    const Labels& out = einsum_.out_axes();
    for (size_t i = 0; i < einsum_.num_children(); ++i) {
      const Concat* concat = einsum_.child(i)->as<Concat>();
      if (!concat) continue;
      const Label label = einsum_.input_labels()[i][concat->axis()];
      if (std::count(out.begin(), out.end(), label) > 1) continue;
      const std::vector<Size> sizes = concat->sizes_at_axis();
      if (contains(labels_, label)) {
        if (sections_[label] != sizes) return false;
      } else {
        labels_.push_back(label);
        sections_[label] = sizes;
      }
    }
    return !labels_.empty();
  }

  // Concats of the labels from `level` on, the sum inside.
  NodePtr build(size_t level) {
    if (level == concats_) {
      NodePtrs summands;
      add_summands(level, summands);
      return summands.size() == 1 ? summands[0] : NodePtr(Add::make(std::move(summands)));
    }
    const Label label = labels_[level];
    NodePtrs pieces;
    for_sections(label, [&] { pieces.push_back(build(level + 1)); });
    const Labels& out = einsum_.out_axes();
    return Concat::make(std::move(pieces), std::find(out.begin(), out.end(), label) - out.begin());
  }

  void add_summands(size_t level, NodePtrs& summands) {
    if (level == labels_.size()) {
      summands.push_back(piece());
    } else {
      for_sections(labels_[level], [&] { add_summands(level + 1, summands); });
    }
  }

  template <class Body>
  void for_sections(Label label, const Body& body) {
    Size start = 0;
    for (const Size size : sections_[label]) {
      ranges_[label] = slice_of(start, start + size);
      start += size;
      body();
    }
  }

  NodePtr piece() const {
    NodePtrs operands;
    for (size_t i = 0; i < einsum_.num_children(); ++i) {
      IndexElements elements;
      for (const Label label : einsum_.input_labels()[i]) elements.push_back(ranges_[label]);
      operands.push_back(index_(einsum_.child(i), std::move(elements)));
    }
    return einsum_.remake(std::move(operands), einsum_.name());
  }

  const Einsum& einsum_;
  const MakeIndex index_;
  Labels labels_;  // those of Concats first
  size_t concats_ = 0;
  std::array<std::vector<Size>, kLabelCount> sections_;
  std::array<Slice, kLabelCount> ranges_;
};

NodePtr pull(const NodePtr& node, bool simplify) {
  const MakeIndex index = simplify ? simplified_index : plain_index;
  NodePtr result;
  if (const Add* add = node->as<Add>()) result = pull_from_add(*add, simplify);
  if (const GeneralFunction* function = node->as<GeneralFunction>()) result = pull_from_function(*function, index);
  if (const Einsum* einsum = node->as<Einsum>()) result = EinsumPull(*einsum, index).run();
  if (!result) return nullptr;
  const Node* first = nullptr;
  for (const auto& child : node->children()) {
    if (child->kind() != Kind::Concat) continue;
    if (!first) first = child.get();
    if (child->name() != first->name()) return result;
  }
  return result->rename(first->name());
}

NodePtr deep_pull(const NodePtr& circuit, const std::optional<uint64_t>& min_size, bool simplify) {
  const auto large_enough = [&](const Node& node) {
    if (!min_size || numel_saturating(node.shape()) >= *min_size) return true;
    return std::any_of(node.children().begin(), node.children().end(),
                       [&](const NodePtr& child) { return numel_saturating(child->shape()) >= *min_size; });
  };
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    const NodePtr rebuilt = node->rebuild_if_changed(std::move(children));
    if (!large_enough(*rebuilt)) return rebuilt;
    const Concat* concat = rebuilt->as<Concat>();
    const NodePtr pulled = concat ? concat_fuse(*concat) : pull(rebuilt, simplify);
    return pulled ? pulled : rebuilt;
  });
}

}  // namespace

NodePtr split_to_concat(const NodePtr& circuit, int64_t axis, const std::vector<Size>& sections) {
  if (axis < 0 || axis >= circuit->rank())
    fail(ErrorId::MiscInputItemOutOfBounds,
         "split_to_concat: axis " + std::to_string(axis) + " of " + describe(*circuit) + " does not exist", axis, circuit->rank());
  for (const Size size : sections)
    if (size < 0) fail(ErrorId::OverflowError, "split_to_concat: negative section " + std::to_string(size));
  const NodePtr result = split(circuit, axis, sections, plain_index);
  const Size total = std::accumulate(sections.begin(), sections.end(), Size{0});  // not past the end: each section is within the axis
  if (total < circuit->shape()[axis])
    fail(ErrorId::ValueError, "split_to_concat: the sections cover " + std::to_string(total) + " of " + size_text(circuit->shape()[axis]) +
                                  " positions of axis " + std::to_string(axis) + " of " + describe(*circuit));
  return result;
}

NodePtr pull_concat_once_raw(const NodePtr& circuit) { return pull(circuit, false); }
NodePtr pull_concat_once(const NodePtr& circuit) { return pull(circuit, true); }

NodePtr deep_pull_concat_messy(const NodePtr& circuit, const std::optional<uint64_t>& min_size) {
  return deep_pull(circuit, min_size, false);
}
NodePtr deep_pull_concat_new(const NodePtr& circuit, const std::optional<uint64_t>& min_size) { return deep_pull(circuit, min_size, true); }

NodePtr deep_pull_concat(const NodePtr& circuit, const std::optional<uint64_t>& min_size) {
  constexpr int kMaxRounds = 1000;
  Simplifier simplify(SimpFnSubset::compiler_default());
  NodePtr current = deep_pull_concat_messy(circuit, min_size);
  for (int round = 0; round < kMaxRounds; ++round) {
    NodePtr next = deep_push_down_index_raw(simplify(current), min_size);
    if (same(next, current)) return current;
    current = std::move(next);
  }
  fail(ErrorId::RuntimeError, "deep_pull_concat: " + describe(*circuit) + " still changes after 1000 rounds");
}

}  // namespace pycircuit
