#include "evaluate/batched.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <new>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/lru.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "evaluate/known_values.h"
#include "evaluate/memory_count.h"
#include "evaluate/optimize.h"
#include "evaluate/replays.h"
#include "evaluate/unexpand.h"
#include "rewrite/batch.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

constexpr size_t kRememberedSizes = 1024;

// Of a device, of the CPU, or raised by a user function: of torch's errors on the CPU only the text tells.
bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) || dynamic_cast<const std::bad_alloc*>(&error)) return true;
  const std::string_view text = error.what();
  return text.starts_with("OutOfMemoryError") || text.starts_with("MemoryError") ||
         text.find("DefaultCPUAllocator: can't allocate memory") != text.npos ||
         text.find("DefaultCPUAllocator: not enough memory") != text.npos;
}

int64_t common_axis(const NodePtrs& circuits, int64_t axis) {
  int64_t size = -1, normal = axis;
  for (const auto& circuit : circuits) {
    const int64_t rank = circuit->rank(), own = axis < 0 ? axis + rank : axis;
    if (own < 0 || own >= rank)
      fail(ErrorId::RuntimeError, "evaluate_batched: nonexistent axis " + std::to_string(axis) + " of " + describe(*circuit));
    if (size >= 0 && (circuit->shape()[own] != size || own != normal))
      fail(ErrorId::RuntimeError, "evaluate_batched: " + describe(*circuit) + " has size " + std::to_string(circuit->shape()[own]) +
                                      " at axis " + std::to_string(own) + ", the others size " + std::to_string(size) + " at axis " +
                                      std::to_string(normal) + "; they must agree");
    size = circuit->shape()[own];
    normal = own;
  }
  return normal;
}

// Runs one program for all pieces of one size: only the slices of the leaves that have the axis differ from piece to piece. What does not
// depend on them is computed once (section 15).
class PieceByPiece {
 public:
  PieceByPiece(const NodePtrs& circuits, int64_t axis, int64_t batch_size, const CompileOptions& options, RunStats* stats)
      : circuits_(circuits), axis_(axis), batch_size_(batch_size), size_(circuits[0]->shape()[axis]), options_(options), stats_(stats) {}

  // Nothing where the pieces do not fit the scheme, or autograd wants to see the computation.
  std::optional<std::vector<Tensor>> operator()() {
    if (size_ / batch_size_ >= kMaxPieces) return std::nullopt;  // batch_to_concat says why not
    std::optional<MemoryCount> count;
    if (stats_) count.emplace();
    const int64_t rest = size_ % batch_size_;
    if (!run_pieces(0, batch_size_, size_ / batch_size_) || (rest && !run_pieces(size_ - rest, rest, 1))) return std::nullopt;
    if (stats_) stats_->peak_bytes = count->peak_bytes();
    return std::move(results_);
  }

 private:
  // A slice of a leaf that has the axis.
  struct Varying {
    Ref<const Index> first;
    int axis;  // of the leaf
    NodePtr now = first;

    void move_to(Size start, Size stop) {
      IndexElements elements = first->index();
      elements[axis] = Slice{start, stop};
      now = Index::make(first->child(), std::move(elements));
    }
  };

  // `count` pieces of `rows` from `start` on.
  bool run_pieces(int64_t start, int64_t rows, int64_t count) {
    NodePtrs circuits;
    std::vector<Varying> varying;
    for (const auto& circuit : circuits_) {
      const BatchPiece piece = batch_piece(circuit, axis_, start, start + rows);
      for (size_t i = 0; i < piece.sliced_axes.size(); ++i) varying.push_back({cast<Index>(piece.call->argument(i)), piece.sliced_axes[i]});
      circuits.push_back(substitute_all_modules(piece.call));
    }
    const Lowered lowered = lower(circuits, options_.settings);
    if (needs_gradient(leaf_values(lowered))) return false;
    const auto slots = lowered.slots();
    std::vector<int> varying_slots;
    std::vector<bool> depends(static_cast<size_t>(lowered.num_slots()), false);
    for (const Varying& argument : varying) {
      const auto slot = slots.find(argument.first->id());
      if (slot == slots.end()) return false;
      varying_slots.push_back(slot->second);
      depends[slot->second] = true;
    }
    std::vector<int> computed;
    for (int slot = lowered.num_leaves(); slot < lowered.num_slots(); ++slot) {
      for (const int operand : lowered.operands[slot - lowered.num_leaves()])
        if (depends[operand]) depends[slot] = true;
      if (depends[slot]) computed.push_back(slot);
    }
    for (const int output : lowered.outputs)
      if (!depends[output]) return false;

    const LoweredPart part = part_of(lowered, computed, lowered.outputs, known_values(lowered).numbers);
    const ProgramPtr program = program_for(part.lowered, options_);
    std::vector<Tensor> leaves = external_values(lowered, part.externals);
    std::vector<const Node*> nodes = node_pointers(part.lowered);
    std::vector<size_t> places;
    for (const int slot : varying_slots)
      places.push_back(part.externals.size() +
                       static_cast<size_t>(std::lower_bound(computed.begin(), computed.end(), slot) - computed.begin()));
    const std::vector<Tensor> packed = prepare(*program, leaves);
    Replays replays(program, options_.settings, kept_bytes());
    for (int64_t k = 0; k < count; ++k, start += rows) {
      for (size_t i = 0; k > 0 && i < places.size(); ++i) {
        varying[i].move_to(start, start + rows);
        nodes[places[i]] = varying[i].now.get();
      }
      write(start, replays.run(leaves, nodes, stats_, &packed));
    }
    return true;
  }

  // Values of what the pieces take from outside; nodes among them are computed once for all pieces.
  std::vector<Tensor> external_values(const Lowered& lowered, const std::vector<int>& externals) {
    NodePtrs missing;
    for (const int slot : externals)
      if (!lowered.is_leaf(slot) && !shared_.contains(lowered.node(slot)->id())) missing.push_back(lowered.node(slot));
    if (!missing.empty()) {
      const Lowered lowered_shared = lower(missing, options_.settings);
      std::vector<Tensor> computed =
          pycircuit::run(*program_for(lowered_shared, options_), leaf_values(lowered_shared), node_pointers(lowered_shared), stats_);
      for (size_t i = 0; i < missing.size(); ++i) shared_[missing[i]->id()] = std::move(computed[i]);
    }
    const std::vector<Tensor> leaves = leaf_values(lowered);
    std::vector<Tensor> values;
    for (const int slot : externals) values.push_back(lowered.is_leaf(slot) ? leaves[slot] : shared_.at(lowered.node(slot)->id()));
    return values;
  }

  // What is there beside a piece: the results, and what the pieces share.
  uint64_t kept_bytes() const {
    uint64_t bytes = 0;
    for (const auto& circuit : circuits_) bytes = saturating_add(bytes, bytes_of(*circuit));
    for (const auto& [id, value] : shared_)
      bytes = saturating_add(bytes, static_cast<uint64_t>(value.numel() * element_size(value.dtype())));
    return bytes;
  }

  void write(int64_t start, std::vector<Tensor> parts) {
    const bool is_first = results_.empty();
    for (size_t i = 0; i < parts.size(); ++i) {
      const Tensor part = to_device_dtype(parts[i], circuits_[i]->device_dtype());
      if (is_first) results_.push_back(empty_like(part, circuits_[i]->shape()));
      copy_into(results_[i], axis_, start, part);
    }
  }

  const NodePtrs& circuits_;
  int64_t axis_, batch_size_, size_;
  const CompileOptions& options_;
  RunStats* stats_;
  std::unordered_map<uint64_t, Tensor> shared_;  // by node id
  std::vector<Tensor> results_;
};

class Batched {
 public:
  Batched(NodePtrs circuits, int64_t axis, const OptimizationSettings& settings)
      : circuits_(std::move(circuits)), axis_(axis), size_(circuits_[0]->shape()[axis]), options_{settings, true, {}, 0, true} {
    options_.settings.stream_concat = true;
  }

  int64_t size() const { return size_; }

  std::vector<Tensor> run(int64_t batch_size, RunStats* stats) const {
    if (batch_size < size_)
      if (auto results = PieceByPiece(circuits_, axis_, batch_size, options_, stats)()) return std::move(*results);
    return compile_and_run(pieces(batch_size, false), options_, stats);
  }

  int64_t largest_batch() const {
    const auto limit = static_cast<uint64_t>(options_.settings.max_memory);
    const Hash key = size_key();
    if (const auto known = sizes().find(key)) return *known;
    int64_t fits = 0, too_large = size_ + 1;
    // Most circuits fit as they are; else halve, then close in.
    for (int64_t next = size_; too_large - fits > 1; next = fits + (too_large - fits) / 2) {
      if (estimate(next) <= limit) {
        fits = next;
      } else {
        too_large = next;
      }
    }
    if (fits == 0) fail_memory(options_.settings, estimate(1), lower(pieces(1, true), options_.settings).computed);
    sizes().insert(key, fits);
    return fits;
  }

 private:
  static LruTable<Hash, int64_t>& sizes() {
    static auto& table = *new LruTable<Hash, int64_t>(kRememberedSizes);
    return table;
  }

  Hash size_key() const {
    Blake3 hasher;
    hasher.update(structure_key(lower(circuits_, options_.settings)));
    hasher.update_u64(static_cast<uint64_t>(axis_));
    hasher.update_u64(static_cast<uint64_t>(options_.settings.max_memory));
    const OptimizationSettings& settings = options_.settings;
    for (const bool flag : {settings.fuse_attention, settings.fuse, settings.group_matmuls}) hasher.update_byte(flag);
    return hasher.finish();
  }

  // The circuits cut into pieces, modules substituted; only the first two if that is enough to look at.
  NodePtrs pieces(int64_t batch_size, bool two) const {
    NodePtrs out;
    for (const auto& circuit : circuits_) {
      out.push_back(substitute_all_modules(batch_to_concat(circuit, axis_, batch_size, false, true, two ? 2 : SIZE_MAX)));
    }
    return out;
  }

  // Bytes of the results, of what the pieces share, and of one piece with its workspace.
  uint64_t estimate(int64_t batch_size) const {
    const Lowered lowered = lower(pieces(batch_size, true), options_.settings);
    uint64_t bytes = program_for(lowered, options_)->memory_peak;
    for (size_t i = 0; i < circuits_.size(); ++i) bytes = saturating_add(bytes, bytes_of(*circuits_[i]) - bytes_of(*lowered.circuits[i]));
    return bytes;
  }

  NodePtrs circuits_;
  int64_t axis_, size_;
  CompileOptions options_;
};

}  // namespace

std::vector<Tensor> evaluate_batched(const NodePtrs& circuits, int64_t axis, std::optional<int64_t> batch_size,
                                     const OptimizationSettings& settings, bool optimize, RunStats* stats) {
  if (circuits.empty()) return {};
  for (const auto& circuit : circuits) check_computable(*circuit);
  axis = common_axis(circuits, axis);
  if (batch_size && *batch_size == 0) fail(ErrorId::BatchBatchSizeIsZero, "evaluate_batched: batch_size is 0; pieces need at least one");
  if (batch_size && *batch_size < 0) fail(ErrorId::OverflowError, "evaluate_batched: batch_size must not be negative");
  NodePtrs prepared;
  for (const auto& circuit : circuits) prepared.push_back(substitute_all_modules(circuit));
  if (optimize) prepared = optimize_for_plan(prepared, settings);
  prepared = unexpanded(prepared);
  if (circuits[0]->shape()[axis] == 0) {
    std::vector<Tensor> empty;
    for (const auto& circuit : circuits) empty.push_back(zeros(circuit->shape(), circuit->device_dtype().filled()));
    return empty;
  }
  const Batched batched(std::move(prepared), axis, settings);
  int64_t size = std::min(batch_size ? *batch_size : batched.largest_batch(), batched.size());
  while (true) {
    try {
      return batched.run(size, stats);
    } catch (std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      if (size == 1) {
        if (auto* torch_error = dynamic_cast<c10::Error*>(&error))
          torch_error->add_context("evaluate_batched: not even one place along axis " + std::to_string(axis) + " fits, of " +
                                   describe(circuits));
        throw;
      }
      size = (size + 1) / 2;
    }
  }
}

}  // namespace pycircuit
