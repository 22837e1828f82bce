#include "evaluate/schedule.h"

#include <algorithm>
#include <set>

#include "circuit/measure.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "evaluate/order.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

BigUint bytes_of(const Node& node) { return numel(node.shape()) * static_cast<uint64_t>(element_size(node.device_dtype().filled().dtype)); }

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

[[noreturn]] void fail_memory(const OptimizationSettings& settings, uint64_t best, const OrderProblem& problem) {
  const int64_t chunks = std::max<int64_t>(settings.scheduling_num_mem_chunks, 1);
  const double unit = static_cast<double>(settings.max_memory) / static_cast<double>(chunks);
  std::vector<int64_t> memories;
  for (const uint64_t bytes : problem.bytes)
    if (const auto units = static_cast<int64_t>(unit > 0 ? static_cast<double>(bytes) / unit : 0); units > 0) memories.push_back(units);
  std::sort(memories.rbegin(), memories.rend());
  const std::string summary = memory_summary(static_cast<uint64_t>(settings.max_memory), best);
  fail(ErrorId::SchedulingOOMMany, summary, settings.max_memory, settings.scheduling_num_mem_chunks, int_list(memories), summary);
}

uint64_t memory_limit(const OptimizationSettings& settings, uint64_t peak) {
  auto limit = static_cast<uint64_t>(settings.max_memory);
  while (peak > limit && settings.max_memory_fallback && limit > 0 && limit * 2 <= static_cast<uint64_t>(*settings.max_memory_fallback))
    limit *= 2;
  return limit;
}

NodePtrs ordered(const NodePtrs& circuits, const NodePtrs& computed, const OptimizationSettings& settings) {
  for (const auto& node : computed)
    if (const BigUint bytes = bytes_of(*node); bytes > BigUint(static_cast<uint64_t>(settings.max_single_tensor_memory)))
      fail(ErrorId::SchedulingOOMSingle, describe(*node) + " needs " + bytes.to_string() + " bytes, more than max_single_tensor_memory",
           static_cast<int64_t>(std::min<uint64_t>(bytes.saturated(), INT64_MAX)), oom_fmt(bytes));
  const OrderProblem problem = make_order_problem(circuits, computed);
  const auto limit = static_cast<uint64_t>(settings.max_memory_fallback ? std::max(settings.max_memory, *settings.max_memory_fallback)
                                                                        : settings.max_memory);
  const Order order = find_order(problem, {settings.scheduling_timeout, std::min(limit, static_cast<uint64_t>(settings.max_memory))});
  if (order.peak > memory_limit(settings, order.peak)) fail_memory(settings, order.peak, problem);
  NodePtrs nodes;
  for (const int number : order.nodes) nodes.push_back(computed[number]);
  return nodes;
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

Schedule::Schedule(ProgramPtr program, NodePtrs leaves) : program_(std::move(program)), leaves_(std::move(leaves)) {}

std::vector<int64_t> Schedule::order_positions() const {
  std::unordered_map<uint64_t, int64_t> numbers;
  for (const auto& node : computed_nodes(program_->circuits)) numbers.emplace(node->id(), static_cast<int64_t>(numbers.size()));
  std::vector<int64_t> positions;
  for (const auto& instruction : program_->instructions) positions.push_back(numbers.at(instruction.node->id()));
  return positions;
}

Schedule Schedule::restored(const NodePtrs& circuits, const std::vector<int64_t>& positions, NodePtrs leaves,
                            const Replacements& replacements) {
  const NodePtrs computed = computed_nodes(circuits);
  std::unordered_set<uint64_t> ready;
  NodePtrs order;
  for (const int64_t position : positions) {
    const bool known = position >= 0 && position < static_cast<int64_t>(computed.size());
    if (known) order.push_back(computed[position]);
    const bool fits = known && ready.insert(order.back()->id()).second &&
                      std::all_of(order.back()->children().begin(), order.back()->children().end(), [&](const NodePtr& child) {
                        return below_tags(child)->is_leaf() || ready.contains(below_tags(child)->id());
                      });
    if (!fits) fail(ErrorId::RuntimeError, "Schedule: the order of computation does not fit the circuits");
  }
  if (order.size() != computed.size()) fail(ErrorId::RuntimeError, "Schedule: the order of computation does not fit the circuits");
  Schedule schedule(make_program(circuits, order), std::move(leaves));
  for (const auto& [key, tensor] : replacements) {
    if (key < 0 || key >= static_cast<int>(schedule.program_->constants.size()))
      fail(ErrorId::RuntimeError, "Schedule: no constant has this key");
    schedule.replacements_[key] = tensor;
  }
  return schedule;
}

NodePtr Schedule::shown_node(const Instruction& instruction) const {
  NodePtrs symbols;
  for (size_t i = 0; i < instruction.operands.size(); ++i)
    symbols.push_back(Symbol::make(instruction.node->child(i)->shape(), Uuid{}, std::to_string(instruction.operands[i])));
  return instruction.node->rebuild(std::move(symbols));
}

std::vector<Tensor> Schedule::evaluate_many(RunStats* stats) const {
  check_no_syms();
  return run(*program_, replacements_, stats);
}

Tensor Schedule::evaluate() const {
  std::vector<Tensor> outputs = evaluate_many();
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
  for (const auto& circuit : program_->circuits) {
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
  stats.num_computes = static_cast<int64_t>(program_->instructions.size());
  for (const auto& constant : program_->constants) {
    stats.constant_mem += numel(constant->shape());
    stats.constant_mem_bytes += bytes_of(*constant);
  }
  std::set<int> live, at_maximum;
  BigUint elements, bytes;
  for (const auto& instruction : program_->instructions) {
    live.insert(instruction.key);
    elements += numel(instruction.node->shape());
    bytes += bytes_of(*instruction.node);
    stats.max_mem_bytes = std::max(stats.max_mem_bytes, bytes);
    if (elements > stats.max_mem) {
      stats.max_mem = elements;
      at_maximum = live;
    }
    for (const int dropped : instruction.drops) {
      live.erase(dropped);
      elements = saturating_sub(elements, numel(program_->node_of(dropped)->shape()));
      bytes = saturating_sub(bytes, bytes_of(*program_->node_of(dropped)));
    }
  }
  for (const int key : at_maximum) stats.max_circuit_set.push_back(shown_node(program_->instructions[key - program_->first_computed()]));
  return stats;
}

void Schedule::validate(bool validate_output) const {
  const auto wrong = [](const std::string& what) { fail(ErrorId::RuntimeError, "Schedule.validate: " + what); };
  std::set<int> live;
  for (int key = 0; key < program_->first_computed(); ++key) live.insert(key);
  std::set<int> computed, dropped_keys;
  for (const auto& instruction : program_->instructions) {
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
  const std::set<int> outputs(program_->outputs.begin(), program_->outputs.end());
  for (const int key : computed)
    if (!dropped_keys.contains(key) && !outputs.contains(key)) wrong("key " + std::to_string(key) + " is neither dropped nor an output");
}

void Schedule::check_no_syms() const {
  NodePtrs symbols;
  for (size_t i = 0; i < program_->constants.size(); ++i)
    if (program_->constants[i]->kind() == Kind::Symbol && !replacements_.contains(static_cast<int>(i)))
      symbols.push_back(program_->constants[i]);
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
  for (size_t i = 0; i < program_->constants.size(); ++i) keys[program_->constants[i]->id()] = static_cast<int>(i);
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
  for (const auto& circuit : circuits) substituted.push_back(substitute_all_modules(circuit));
  check_schedulable(substituted);
  const NodePtrs computed = computed_nodes(substituted);
  return Schedule(make_program(substituted, naive ? computed : ordered(substituted, computed, settings)), replaceable_leaves(originals));
}

Tensor scheduled_evaluate(const NodePtr& circuit, const OptimizationSettings& settings) {
  if (const SymbolPtrs symbols = circuit->free_symbols(); !symbols.empty()) {
    const NodePtrs nodes(symbols.begin(), symbols.end());
    fail(ErrorId::SchedulingEvaluateCalledWithSyms, describe(*circuit) + " has free Symbols; bind them first: " + describe(nodes),
         circuit_payloads(nodes));
  }
  if (!circuit->is_explicitly_computable() || !circuit->is_constant())
    fail(ErrorId::SchedulingNotExplicitlyComputable, describe(*circuit) + " is random or not computable; sample it first",
         circuit_payload(circuit));
  return circuit_to_schedule({circuit}, settings, settings.scheduling_naive).evaluate();
}

}  // namespace pycircuit
