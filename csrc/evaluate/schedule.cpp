#include "evaluate/schedule.h"

#include <algorithm>
#include <set>

#include "base/output.h"
#include "circuit/measure.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "evaluate/report.h"
#include "evaluate/scaled_run.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

BigUint big_bytes_of(const Node& node) {
  return numel(node.shape()) * static_cast<uint64_t>(element_size(node.device_dtype().filled().dtype));
}

void check_schedulable(const NodePtrs& circuits) {
  for (const auto& circuit : circuits)
    for (const auto& node : post_order(circuit))
      if (node->kind() != Kind::Symbol && !node->is_leaf()) {
        const bool blocks = node->kind() == Kind::SetSymbolicShape || node->is_var() ||
                            (node->kind() == Kind::Cumulant && !std::all_of(node->children().begin(), node->children().end(),
                                                                            [](const NodePtr& child) { return child->is_constant(); }));
        if (blocks)
          fail(ErrorId::SchedulingNotExplicitlyComputable,
               describe(*circuit) + " cannot be scheduled because of " + describe(*node) + "; sample or bind it first",
               circuit_payload(circuit));
      }
}

std::string memory_summary(uint64_t limit, uint64_t best) {
  return "no order of computation stays within " + std::to_string(limit) + " bytes; the best order found needs " + std::to_string(best) +
         " bytes. Raise max_memory, or evaluate in batches (evaluate_batched, batch_to_concat)";
}

uint64_t memory_limit(const OptimizationSettings& settings, uint64_t peak) {
  auto limit = static_cast<uint64_t>(settings.max_memory);
  while (peak > limit && settings.max_memory_fallback && limit > 0 && limit * 2 <= static_cast<uint64_t>(*settings.max_memory_fallback))
    limit *= 2;
  return limit;
}

void check_memory(const Lowered& lowered, const Program& program, const CompileOptions& options) {
  if (options.naive || options.ranks) return;
  if (program.accounted_peak > memory_limit(options.settings, program.accounted_peak))
    fail_memory(options.settings, program.accounted_peak, lowered.computed);
}

// Arrays of the circuits, of Module specs too, and their free Symbols, in order of first visit.
NodePtrs replaceable_leaves(const NodePtrs& circuits) {
  std::unordered_set<uint64_t> free;
  for (const auto& circuit : circuits)
    for (const auto& symbol : circuit->free_symbols()) free.insert(symbol->id());
  NodePtrs leaves;
  for (const auto& node : post_order(circuits))
    if (node->kind() == Kind::Array || (node->kind() == Kind::Symbol && free.contains(node->id()))) leaves.push_back(node);
  return leaves;
}

// What takes the leaf's place: of its shape, converted to its dtype and device. RuntimeError where that is not possible.
Tensor fitting_tensor(const Node& leaf, const Tensor& tensor) {
  const std::string what = "replacing " + describe(leaf) + " (hash " + to_hex(leaf.hash()) + ", shape " + to_text(leaf.shape()) + ")";
  if (tensor.shape() != leaf.shape())
    fail(ErrorId::RuntimeError, what + " by a tensor of shape " + to_text(tensor.shape()) + ": the shapes must be equal");
  const DeviceDtypeOp& wanted = leaf.device_dtype();
  if (wanted.dtype && *wanted.dtype != tensor.dtype() && !(is_floating(*wanted.dtype) && is_floating(tensor.dtype())))
    fail(ErrorId::RuntimeError, what + " of dtype " + std::string(to_text(*wanted.dtype)) + " by a tensor of dtype " +
                                    std::string(to_text(tensor.dtype())) + ": only floating dtypes are converted");
  return to_device_dtype(tensor, wanted);
}

}  // namespace

void fail_memory(const OptimizationSettings& settings, uint64_t best, const NodePtrs& computed) {
  const int64_t chunks = std::max<int64_t>(settings.scheduling_num_mem_chunks, 1);
  const double unit = static_cast<double>(settings.max_memory) / static_cast<double>(chunks);
  std::vector<int64_t> memories;
  for (const auto& node : computed)
    if (const auto units = static_cast<int64_t>(unit > 0 ? static_cast<double>(bytes_of(*node)) / unit : 0); units > 0)
      memories.push_back(units);
  std::sort(memories.rbegin(), memories.rend());
  const std::string summary = memory_summary(static_cast<uint64_t>(settings.max_memory), best);
  fail(ErrorId::SchedulingOOMMany, summary, settings.max_memory, settings.scheduling_num_mem_chunks, int_list(memories), summary);
}

std::string to_text(const ScheduleStats& stats) {
  std::vector<std::pair<BigUint, std::string>> shapes;
  for (const auto& node : stats.max_circuit_set) shapes.emplace_back(numel(node->shape()), to_text(PayloadValue(node->shape())));
  std::stable_sort(shapes.begin(), shapes.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = "ScheduleStats: max: " + oom_fmt(stats.max_mem) + " const: " + oom_fmt(stats.constant_mem) + " shapes: ";
  const double total = stats.max_mem.is_zero() ? 1.0 : stats.max_mem.to_double();
  for (size_t i = 0; i < shapes.size(); ++i)
    text +=
        (i ? ", " : "") + shapes[i].second + " " + std::to_string(static_cast<int64_t>(shapes[i].first.to_double() / total * 100.0)) + "%";
  return text;
}

Schedule::Schedule(const NodePtrs& circuits, const CompileOptions& options, NodePtrs leaves)
    : circuits_(circuits),
      options_(options),
      lowered_(std::make_shared<Lowered>(lower(circuits, options.settings))),
      program_(options.ranks ? compile(*lowered_, options) : program_for(*lowered_, options)),
      plan_(std::make_shared<Plan>(*lowered_, *program_)),
      leaves_(std::move(leaves)) {
  check_memory(*lowered_, *program_, options);
  replays_ = std::make_shared<Replays>(program_, options.settings);
}

std::vector<int> Schedule::ranks() const {
  std::vector<int> ranks(lowered_->computed.size(), 0);
  for (size_t place = 0; place < program_->plan.size(); ++place) {
    const PlannedNode& planned = program_->plan[place];
    ranks[planned.slot - lowered_->num_leaves()] = static_cast<int>(place);
    for (const int inner : planned.inner) ranks[inner - lowered_->num_leaves()] = static_cast<int>(place);
  }
  return ranks;
}

Schedule Schedule::restored(const NodePtrs& circuits, CompileOptions options, std::vector<int> ranks, NodePtrs leaves,
                            const Replacements& replacements) {
  const auto wrong = [](const std::string& what) { fail(ErrorId::RuntimeError, "Schedule: " + what); };
  if (lower(circuits, options.settings).computed.size() != ranks.size()) wrong("the order of computation does not fit the circuits");
  options.ranks = std::move(ranks);
  Schedule schedule(circuits, options, std::move(leaves));
  try {
    schedule.validate(true);
  } catch (const CircuitError&) {
    wrong("the order of computation does not fit the circuits");
  }
  for (const auto& [key, tensor] : replacements) {
    if (key < 0 || key >= static_cast<int>(schedule.plan_->constants.size())) wrong("no constant has this key");
    schedule.replacements_[key] = tensor;
  }
  return schedule;
}

std::vector<Tensor> Schedule::run_scaled(const OptimizationSettings& settings, RunStats* stats) const {
  const CompileOptions plain{unfused(options_.settings), options_.naive, {}, 0, false};
  const Lowered as_written = lower(circuits_, plain.settings);
  return scaled_run(*program_for(as_written, plain), as_written, values_of(as_written.leaves), settings, stats);
}

std::vector<Tensor> Schedule::evaluate_many(const OptimizationSettings& settings, RunStats* stats) const {
  check_no_syms();
  const Report report(settings, "evaluating");
  if (settings.adjust_numerical_scale) return run_scaled(settings, stats);
  std::vector<Tensor> leaves = values_of(lowered_->leaves);
  if (!needs_gradient(leaves)) {
    // Packed constants are kept from run to run, for the constants that are not replaced.
    if (program_->prologue.empty() || !replacements_.empty())
      return run(*program_, *lowered_, std::move(leaves), stats, nullptr, replays_.get());
    std::call_once(prepared_->once, [&] { prepared_->values = prepare(*program_, leaves); });
    return run(*program_, *lowered_, std::move(leaves), stats, &prepared_->values, replays_.get());
  }
  CompileOptions plain = options_;
  plain.settings = unfused(plain.settings);
  plain.naive = true;
  plain.ranks.reset();
  const Lowered as_written = lower(circuits_, plain.settings);
  return run(*program_for(as_written, plain), as_written, values_of(as_written.leaves), stats);
}

std::vector<Tensor> Schedule::values_of(const NodePtrs& leaves) const {
  std::unordered_map<uint64_t, const Tensor*> replaced;
  for (const auto& [key, tensor] : replacements_) replaced[plan_->node_of(key)->id()] = &tensor;
  std::vector<Tensor> values;
  for (const auto& leaf : leaves) {
    const auto found = replaced.find(leaf->id());
    const auto* array = leaf->as<Array>();
    values.push_back(found != replaced.end() ? *found->second : array ? array->value() : Tensor());
  }
  return values;
}

Tensor Schedule::evaluate(const OptimizationSettings& settings) const {
  std::vector<Tensor> outputs = evaluate_many(settings);
  if (outputs.size() == 1) return outputs.front();
  std::vector<Tensor> flat;
  for (const auto& output : outputs) {
    if (output.dtype() != outputs[0].dtype() || output.device() != outputs[0].device())
      fail(ErrorId::RuntimeError,
           "Schedule.evaluate joins all outputs into one tensor, but they differ in dtype or device; use evaluate_many");
    flat.push_back(apply_rearrange(output, RearrangeSpec::flatten(static_cast<int64_t>(output.shape().size())).plan(output.shape())));
  }
  return concat_values(flat, 0);
}

std::vector<Tensor> Schedule::split(const Tensor& tensor) const {
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const auto& circuit : plan_->circuits) {
    const auto size = static_cast<int64_t>(numel_saturating(circuit->shape()));
    if (tensor.shape().size() != 1 || start + size > tensor.numel())
      fail(ErrorId::RuntimeError,
           "Schedule.split: a tensor of shape " + to_text(tensor.shape()) + " does not hold the outputs one after the other");
    const Tensor part = apply_index(tensor, {Slice{start, start + size}});
    parts.push_back(apply_rearrange(part, RearrangeSpec::unflatten(circuit->shape()).plan({size})));
    start += size;
  }
  if (start != tensor.numel())
    fail(ErrorId::RuntimeError,
         "Schedule.split: the outputs have " + std::to_string(start) + " elements, the tensor has " + std::to_string(tensor.numel()));
  return parts;
}

ScheduleStats Schedule::stats() const {
  ScheduleStats stats;
  stats.num_computes = static_cast<int64_t>(plan_->instructions.size());
  for (const auto& constant : plan_->constants) {
    stats.constant_mem += numel(constant->shape());
    stats.constant_mem_bytes += big_bytes_of(*constant);
  }
  std::set<int> live, at_maximum;
  BigUint elements, bytes;
  for (const auto& instruction : plan_->instructions) {
    live.insert(instruction.key);
    elements += numel(instruction.node->shape());
    bytes += big_bytes_of(*instruction.node);
    stats.max_mem_bytes = std::max(stats.max_mem_bytes, bytes);
    if (elements > stats.max_mem) {
      stats.max_mem = elements;
      at_maximum = live;
    }
    for (const int dropped : instruction.drops) {
      live.erase(dropped);
      elements = saturating_sub(elements, numel(plan_->node_of(dropped)->shape()));
      bytes = saturating_sub(bytes, big_bytes_of(*plan_->node_of(dropped)));
    }
  }
  for (const int key : at_maximum) stats.max_circuit_set.push_back(plan_->shown_node(plan_->instructions[key - plan_->first_computed()]));
  stats.program = program_->stats;
  for (const auto& each : program_->stats.not_fused) stats.not_fused.push_back({lowered_->node(each.slot), each.fusion, each.reason});
  return stats;
}

void Schedule::validate(bool validate_output) const {
  const auto wrong = [](const std::string& what) { fail(ErrorId::RuntimeError, "Schedule.validate: " + what); };
  std::set<int> live;
  for (int key = 0; key < plan_->first_computed(); ++key) live.insert(key);
  std::set<int> computed, dropped_keys;
  for (const auto& instruction : plan_->instructions) {
    if (instruction.node->is_leaf()) wrong("key " + std::to_string(instruction.key) + " computes a leaf");
    for (const int operand : instruction.operands)
      if (!live.contains(operand))
        wrong("operand " + std::to_string(operand) + " of key " + std::to_string(instruction.key) + " is not live");
    if (!computed.insert(instruction.key).second) wrong("key " + std::to_string(instruction.key) + " is computed twice");
    live.insert(instruction.key);
    for (const int dropped : instruction.drops) {
      if (!computed.contains(dropped)) wrong("key " + std::to_string(dropped) + " is dropped but not computed");
      if (!dropped_keys.insert(dropped).second) wrong("key " + std::to_string(dropped) + " is dropped twice");
      live.erase(dropped);
    }
  }
  if (!validate_output) return;
  const std::set<int> outputs(plan_->outputs.begin(), plan_->outputs.end());
  for (const int key : computed)
    if (!dropped_keys.contains(key) && !outputs.contains(key)) wrong("key " + std::to_string(key) + " is neither dropped nor an output");
}

void Schedule::check_no_syms() const {
  NodePtrs symbols;
  for (size_t i = 0; i < plan_->constants.size(); ++i)
    if (plan_->constants[i]->kind() == Kind::Symbol && !replacements_.contains(static_cast<int>(i))) symbols.push_back(plan_->constants[i]);
  if (!symbols.empty())
    fail(ErrorId::SchedulingEvaluateCalledWithSyms, "the schedule has Symbols; replace them first (replace_tensors): " + describe(symbols),
         circuit_payloads(symbols));
}

void Schedule::check_no_raw_tensor_constants() const {
  if (!replacements_.empty())
    fail(ErrorId::RuntimeError, "the schedule has " + std::to_string(replacements_.size()) + " constants replaced by plain tensors");
}

Schedule Schedule::map_tensors(const std::function<std::optional<Tensor>(const Hash&)>& replacement) const {
  Schedule changed = *this;
  std::unordered_map<uint64_t, int> keys;
  for (size_t i = 0; i < plan_->constants.size(); ++i) keys[plan_->constants[i]->id()] = static_cast<int>(i);
  for (const auto& leaf : leaves_) {
    const auto tensor = replacement(leaf->hash());
    if (!tensor) continue;
    Tensor fitting = fitting_tensor(*leaf, *tensor);
    if (const auto key = keys.find(leaf->id()); key != keys.end()) changed.replacements_[key->second] = std::move(fitting);
  }
  return changed;
}

Schedule Schedule::replace_tensors(const std::vector<std::pair<Hash, Tensor>>& map, bool allow_missing) const {
  std::unordered_map<Hash, const Tensor*> by_hash;
  for (const auto& [hash, tensor] : map) by_hash[hash] = &tensor;
  std::unordered_set<Hash> known;
  for (const auto& leaf : leaves_) known.insert(leaf->hash());
  for (const auto& [hash, tensor] : map)
    if (!allow_missing && !known.contains(hash)) fail(ErrorId::KeyError, to_hex(hash));
  return map_tensors([&](const Hash& hash) -> std::optional<Tensor> {
    const auto found = by_hash.find(hash);
    if (found == by_hash.end()) return std::nullopt;
    return *found->second;
  });
}

Schedule circuit_to_schedule(const NodePtrs& circuits, const NodePtrs& originals, const OptimizationSettings& settings, bool naive) {
  NodePtrs substituted;
  const Report report(settings, "scheduling");
  for (const auto& circuit : circuits) substituted.push_back(substitute_all_modules(circuit));
  check_schedulable(substituted);
  Schedule schedule(substituted, {settings, naive, {}, 0, true}, replaceable_leaves(originals));
  if (settings.verbose >= 2) print_line(to_text(schedule.stats()));
  return schedule;
}

std::vector<Tensor> compile_and_run(const NodePtrs& substituted, const CompileOptions& options, RunStats* stats) {
  const Report report(options.settings, "evaluating");
  if (options.settings.adjust_numerical_scale) {
    CompileOptions plain = options;
    plain.settings = unfused(options.settings);
    const Lowered as_written = lower(substituted, plain.settings);
    const ProgramPtr program = program_for(as_written, plain);
    check_memory(as_written, *program, plain);
    return scaled_run(*program, as_written, leaf_values(as_written), options.settings, stats);
  }
  const Lowered lowered = lower(substituted, options.settings);
  std::vector<Tensor> leaves = leaf_values(lowered);
  if (needs_gradient(leaves)) {
    const CompileOptions plain{unfused(options.settings), true, {}, 0, false};
    const Lowered as_written = lower(substituted, plain.settings);
    return run(*program_for(as_written, plain), as_written, std::move(leaves), stats);
  }
  const ProgramPtr program = program_for(lowered, options);
  check_memory(lowered, *program, options);
  return run(*program, lowered, std::move(leaves), stats);
}

void check_computable(const Node& circuit) {
  if (const SymbolPtrs symbols = circuit.free_symbols(); !symbols.empty()) {
    const NodePtrs nodes(symbols.begin(), symbols.end());
    fail(ErrorId::SchedulingEvaluateCalledWithSyms, describe(circuit) + " has free Symbols; bind them first: " + describe(nodes),
         circuit_payloads(nodes));
  }
  if (!circuit.is_explicitly_computable() || !circuit.is_constant())
    fail(ErrorId::SchedulingNotExplicitlyComputable, describe(circuit) + " is random or not computable; sample it first",
         circuit_payload(NodePtr(&circuit)));
}

Tensor scheduled_evaluate(const NodePtr& circuit, const OptimizationSettings& settings) {
  check_computable(*circuit);
  return circuit_to_schedule({circuit}, settings, settings.scheduling_naive).evaluate(settings);
}

}  // namespace pycircuit
