// Fused attention on CPU (spec 12, section 12): the entry points, which divide the work into tasks. See attention_tile.h for a task.
#include <algorithm>
#include <atomic>

#include "kernels/attention.h"
#include "kernels/attention_plan.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Ranges of mask tiles are remembered where several batch entries share them.
void plan_mask_tiles(AttentionPlan& plan) {
  const AttentionProblem& p = plan.problem;
  int64_t entries = 1;
  for (int axis = kMaxBatchAxes - 1; axis >= 0; --axis) {
    const bool varies = (p.mask.data && p.mask.batch_strides[axis] != 0) || (p.bias.data && p.bias.batch_strides[axis] != 0);
    plan.mask_entry_axes[axis] = varies;
    plan.mask_entry_strides[axis] = varies ? plan.num_mask_entries : 0;
    if (varies) plan.num_mask_entries *= p.batch[axis];
    entries *= p.batch[axis];
  }
  if ((!p.mask.data && !p.bias.data) || entries <= plan.num_mask_entries) plan.num_mask_entries = 0;
}

AttentionPlan make_plan(const AttentionProblem& problem, const Target& target) {
  AttentionPlan plan;
  AttentionProblem& p = plan.problem;
  p = problem;
  for (int axis = p.num_batch_axes; axis < kMaxBatchAxes; ++axis) {
    p.batch[axis] = 1;
    p.reduced[axis] = false;
  }
  // Then every query sees every key, and the offset cannot overflow.
  if (p.causal_offset >= p.num_keys) p.causal = false;
  p.causal_offset = p.causal ? std::max(p.causal_offset, -p.num_queries) : 0;
  plan.query_tile = target.attention.query_tile;
  plan.num_query_tiles = (p.num_queries + plan.query_tile - 1) / plan.query_tile;
  plan.num_key_tiles = (p.num_keys + kKeyTile - 1) / kKeyTile;
  for (int axis = 0; axis < kMaxBatchAxes; ++axis) plan.num_entries *= p.reduced[axis] ? 1 : p.batch[axis];
  plan_mask_tiles(plan);
  return plan;
}

size_t mask_tiles_size(const AttentionPlan& plan) {
  return aligned(plan.num_mask_entries * plan.num_query_tiles * plan.num_key_tiles * sizeof(MaskTile));
}

// As many workers as there is workspace for take tasks in turn. No result depends on who does what.
struct Workers {
  const AttentionPlan& plan;
  void (*run)(const AttentionPlan& plan, int64_t task, void* workspace);
  int64_t tasks;
  char* workspace;
  size_t workspace_size;
  std::atomic<int64_t> next{0};
};

void work(void* context, int64_t worker) {
  Workers& workers = *static_cast<Workers*>(context);
  for (int64_t task = workers.next++; task < workers.tasks; task = workers.next++) {
    workers.run(workers.plan, task, workers.workspace + worker * workers.workspace_size);
  }
}

}  // namespace

bool attention_cpu_supports(const AttentionProblem& p) {
  if (p.num_batch_axes < 0 || p.num_batch_axes > kMaxBatchAxes) return false;
  if (p.key_size > kMaxHeadSize || p.value_size > kMaxHeadSize) return false;
  for (int axis = 0; axis < p.num_batch_axes; ++axis) {
    if (p.reduced[axis] && !p.weight.data) return false;
  }
  return true;
}

size_t attention_cpu_workspace(const AttentionProblem& problem, int threads) {
  const Target& target = best_target();
  const AttentionPlan plan = make_plan(problem, target);
  return kAlignment + mask_tiles_size(plan) + std::max(threads, 1) * aligned(target.attention.workspace(plan));
}

void attention_cpu(const AttentionProblem& problem, void* workspace, int threads, ParallelFor parallel_for) {
  const Target& target = best_target();
  AttentionPlan plan = make_plan(problem, target);
  const int64_t tasks = plan.num_entries * plan.num_query_tiles;
  if (tasks == 0) return;
  char* next = reinterpret_cast<char*>(aligned(reinterpret_cast<size_t>(workspace)));
  if (plan.num_mask_entries > 0) plan.mask_tiles = reinterpret_cast<MaskTile*>(next);
  next += mask_tiles_size(plan);
  const size_t size = aligned(target.attention.workspace(plan));
  const auto run = [&](auto function, int64_t count) {
    Workers workers{plan, function, count, next, size};
    parallel_for(std::min<int64_t>(std::max(threads, 1), count), work, &workers);
  };
  if (plan.num_mask_entries > 0) run(target.attention.classify, plan.num_mask_entries * plan.num_query_tiles);
  run(target.attention.run, tasks);
}

}  // namespace pycircuit::kernels
