#include "evaluate/batched.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "base/lru.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "evaluate/optimize.h"
#include "rewrite/batch.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

constexpr size_t kRememberedSizes = 1024;

void check(const NodePtr& circuit) {
  if (const SymbolPtrs symbols = circuit->free_symbols(); !symbols.empty()) {
    const NodePtrs nodes(symbols.begin(), symbols.end());
    fail(ErrorId::SchedulingEvaluateCalledWithSyms, describe(*circuit) + " has free Symbols; bind them first: " + describe(nodes),
         circuit_payloads(nodes));
  }
  if (!circuit->is_explicitly_computable() || !circuit->is_constant())
    fail(ErrorId::SchedulingNotExplicitlyComputable, describe(*circuit) + " is random or not computable; sample it first",
         circuit_payload(circuit));
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

class Batched {
 public:
  Batched(NodePtrs circuits, int64_t axis, const OptimizationSettings& settings)
      : circuits_(std::move(circuits)), axis_(axis), size_(circuits_[0]->shape()[axis]), options_{settings, true, {}, 0} {
    options_.settings.stream_concat = true;
  }

  int64_t size() const { return size_; }

  std::vector<Tensor> run(int64_t batch_size, RunStats* stats) const { return compile_and_run(pieces(batch_size, false), options_, stats); }

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
      NodePtr cut = batch_to_concat(circuit, axis_, batch_size);
      if (two && cut->num_children() > 2) cut = Concat::make({cut->child(0), cut->child(1)}, axis_);
      out.push_back(substitute_all_modules(cut));
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
  for (const auto& circuit : circuits) check(circuit);
  axis = common_axis(circuits, axis);
  if (batch_size && *batch_size == 0) fail(ErrorId::BatchBatchSizeIsZero, "evaluate_batched: batch_size is 0; pieces need at least one");
  if (batch_size && *batch_size < 0) fail(ErrorId::OverflowError, "evaluate_batched: batch_size must not be negative");
  NodePtrs prepared;
  for (const auto& circuit : circuits) prepared.push_back(substitute_all_modules(circuit));
  if (optimize) prepared = optimize_for_plan(prepared, settings);
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
    } catch (const c10::OutOfMemoryError&) {
      if (size == 1) throw;
      size = (size + 1) / 2;
    }
  }
}

}  // namespace pycircuit
