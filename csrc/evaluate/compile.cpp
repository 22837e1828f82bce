// Attention disappears into single computations before the order is chosen, since what it hides takes no memory (12.2, 4); streams are cut
// out piece by piece and compiled by themselves; all other fusions replace runs of the chosen order, where that holds no more memory.
#include "evaluate/compile.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/lru.h"
#include "circuit/measure.h"
#include "circuit/nodes/all.h"
#include "evaluate/groups.h"
#include "evaluate/known_values.h"
#include "evaluate/order.h"
#include "evaluate/streams.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

constexpr int kMaxStreamDepth = 8;
constexpr int kSingleDrops = 8;  // rounds that only look at the worst place; then a large circuit would take too many
constexpr size_t kRememberedPrograms = 256;

// What is computed at once: a node, a region that hides nodes, or a stream.
struct Unit {
  std::vector<int> results;   // slots
  std::vector<int> operands;  // distinct slots to be there before
  const Region* region = nullptr;
  const StreamGroup* group = nullptr;
};

std::vector<int> distinct(std::vector<int> slots) {
  std::vector<int> out;
  std::set<int> seen;
  for (const int slot : slots)
    if (seen.insert(slot).second) out.push_back(slot);
  return out;
}

class Compiler {
 public:
  Compiler(const Lowered& lowered, const CompileOptions& options)
      : lowered_(lowered), options_(options), slots_(lowered.slots()), program_(std::make_shared<Program>()) {}

  ProgramPtr operator()() {
    program_->num_leaves = lowered_.num_leaves();
    program_->num_slots = lowered_.num_slots();
    program_->outputs = lowered_.outputs;
    for (const auto& node : lowered_.computed) bytes_.push_back(bytes_of(*node));
    is_output_.assign(lowered_.computed.size(), false);
    for (const int output : lowered_.outputs)
      if (!lowered_.is_leaf(output)) is_output_[number(output)] = true;
    KnownValues known = known_values(lowered_);
    program_->known = std::move(known.tensors);
    numbers_ = std::move(known.numbers);
    elements_ = std::move(known.elements);
    plan(options_.settings.stream_concat && options_.depth < kMaxStreamDepth);
    make_steps();
    return program_;
  }

 private:
  int number(int slot) const { return slot - lowered_.num_leaves(); }
  int slot_of(const NodePtr& node) const { return slots_.at(below_tags(node)->id()); }
  std::vector<int> slots_of(const NodePtrs& nodes) const {
    std::vector<int> out;
    for (const auto& node : nodes) out.push_back(slot_of(node));
    return out;
  }
  const std::vector<int>& operands_of(int slot) const { return lowered_.operands[number(slot)]; }

  // --- the plan

  void plan(bool stream) {
    make_units(stream);
    find_order();
    spell_out();
    if (!stream || streams_.groups.empty()) return;
    // What pieces share is computed ahead; in rare cases that holds more than computing it where it is first needed.
    const uint64_t with_streams = program_->accounted_peak;
    if (with_streams <= plain_peak()) return;
    make_units(false);
    find_order();
    spell_out();
    if (program_->accounted_peak < with_streams) return;
    make_units(true);
    find_order();
    spell_out();
  }

  // The peak of plain evaluation: every node in its order.
  uint64_t plain_peak() const {
    std::vector<PlannedNode> plan;
    for (int slot = lowered_.num_leaves(); slot < lowered_.num_slots(); ++slot) plan.push_back({slot, operands_of(slot), {}});
    return peak_of_plan(plan);
  }

  void make_units(bool stream) {
    units_.clear();
    regions_.clear();
    hidden_.clear();
    refusals_.clear();
    pieces_.clear();
    streams_ = stream ? find_streams(lowered_) : StreamGroups{{}, std::vector<int>(lowered_.computed.size(), -1), 0};
    outer_.clear();
    NodePtrs kept = lowered_.circuits;
    for (size_t i = 0; i < lowered_.computed.size(); ++i)
      if (streams_.owner[i] < 0 && !numbers_.contains(lowered_.computed[i]->id())) outer_.push_back(lowered_.computed[i]);
    for (const auto& group : streams_.groups) pieces_.push_back(compile_pieces(group));
    for (const auto& stream_pieces : pieces_)
      for (const auto& piece : stream_pieces->pieces)
        for (const int external : externals_of(piece)) kept.push_back(lowered_.node(external));
    graph_.emplace(outer_, kept, numbers_);
    regions_ = find_regions(*graph_, options_.settings, true, {}, &refusals_);

    std::vector<const Region*> region_of(lowered_.computed.size(), nullptr);
    for (const auto& region : regions_) {
      region_of[number(slot_of(region.root))] = &region;
      for (const auto& inner : region.inner) hidden_.insert(slot_of(inner));
    }
    for (size_t i = 0; i < lowered_.computed.size(); ++i) {
      const int slot = lowered_.num_leaves() + static_cast<int>(i);
      if (streams_.owner[i] >= 0 || hidden_.contains(slot)) continue;
      const Region* region = region_of[i];
      units_.push_back({{slot}, distinct(region ? slots_of(region->operands) : operands_of(slot)), region, nullptr});
    }
    for (size_t g = 0; g < streams_.groups.size(); ++g) {
      std::vector<int> operands;
      for (const auto& piece : pieces_[g]->pieces)
        for (const int external : externals_of(piece)) operands.push_back(external);
      units_.push_back({streams_.groups[g].results, distinct(std::move(operands)), nullptr, &streams_.groups[g]});
    }
    sort_units();
  }

  static std::vector<int> externals_of(const Stream::Piece& piece) {
    std::vector<int> out = piece.externals;
    for (size_t i = 0; i < piece.part_of.size(); ++i)
      if (piece.part_of[i] < 0) out.push_back(piece.part_slots[i]);
    return out;
  }

  // Depth-first from the outputs, operands left to right: the order of plain evaluation.
  void sort_units() {
    std::vector<int> unit_of(lowered_.num_slots(), -1);
    for (size_t u = 0; u < units_.size(); ++u)
      for (const int result : units_[u].results) unit_of[result] = static_cast<int>(u);
    std::vector<Unit> sorted;
    std::vector<bool> seen(units_.size(), false);
    std::vector<std::pair<int, size_t>> stack;
    const auto push = [&](int slot) {
      const int unit = unit_of[slot];
      if (unit < 0 || seen[unit]) return;
      seen[unit] = true;
      stack.emplace_back(unit, 0);
    };
    for (const int output : lowered_.outputs) {
      push(output);
      while (!stack.empty()) {
        auto& [unit, next] = stack.back();
        if (next < units_[unit].operands.size()) {
          push(units_[unit].operands[next++]);
        } else {
          sorted.push_back(units_[unit]);
          stack.pop_back();
        }
      }
    }
    units_ = std::move(sorted);
  }

  std::shared_ptr<const Stream> compile_pieces(const StreamGroup& group) {
    auto stream = std::make_shared<Stream>();
    for (const int result : group.results) {
      const Node& node = *lowered_.node(result);
      const auto* concat = node.as<Concat>();
      Stream::Result out{result, concat ? concat->axis() : -1, {0}, node.shape()};
      for (const auto& child : node.children()) out.offsets.push_back(out.offsets.back() + (concat ? child->shape()[concat->axis()] : 0));
      stream->results.push_back(std::move(out));
    }
    for (size_t k = 0; k < group.pieces.size(); ++k) stream->pieces.push_back(compile_piece(group, k));
    return stream;
  }

  Stream::Piece compile_piece(const StreamGroup& group, size_t k) {
    Stream::Piece piece;
    piece.computed = group.pieces[k];
    std::vector<int> outputs;
    for (const int result : group.results) {
      const int part = operands_of(result)[k];
      const bool own = std::binary_search(piece.computed.begin(), piece.computed.end(), part);
      piece.part_of.push_back(own ? static_cast<int>(outputs.size()) : -1);
      piece.part_slots.push_back(part);
      if (own) outputs.push_back(part);
    }
    LoweredPart inside = part_of(lowered_, piece.computed, outputs, numbers_);
    piece.externals = std::move(inside.externals);
    if (!piece.computed.empty()) piece.program = compile_inside(inside.lowered, piece);
    return piece;
  }

  ProgramPtr compile_inside(const Lowered& inside, const Stream::Piece& piece) {
    CompileOptions options = options_;
    ++options.depth;
    options.reused = true;
    if (!options_.ranks) return program_for(inside, options);
    options.ranks->clear();
    for (const int slot : piece.computed) options.ranks->push_back((*options_.ranks)[number(slot)]);
    return compile(inside, options);
  }

  void find_order() {
    if (options_.ranks) {
      const auto rank = [&](const Unit& unit) { return (*options_.ranks)[number(unit.results.back())]; };
      std::stable_sort(units_.begin(), units_.end(), [&](const Unit& a, const Unit& b) { return rank(a) < rank(b); });
      return;
    }
    if (options_.naive) return;
    check_single_tensors();
    std::vector<int> unit_of(lowered_.num_slots(), -1);
    for (size_t u = 0; u < units_.size(); ++u)
      for (const int result : units_[u].results) unit_of[result] = static_cast<int>(u);
    std::vector<std::vector<int>> operands;
    std::vector<uint64_t> bytes;
    std::vector<bool> is_output;
    for (const auto& unit : units_) {
      auto& own = operands.emplace_back();
      for (const int slot : unit.operands)
        if (unit_of[slot] >= 0) own.push_back(unit_of[slot]);
      own = distinct(std::move(own));
      uint64_t total = 0;
      bool out = false;
      for (const int result : unit.results) {
        total = saturating_add(total, bytes_[number(result)]);
        out |= is_output_[number(result)];
      }
      bytes.push_back(total);
      is_output.push_back(out);
    }
    const OrderProblem problem = make_order_problem(std::move(operands), std::move(bytes), std::move(is_output));
    const Order order =
        pycircuit::find_order(problem, {options_.settings.scheduling_timeout, static_cast<uint64_t>(options_.settings.max_memory)});
    std::vector<Unit> sorted;
    for (const int unit : order.nodes) sorted.push_back(units_[unit]);
    units_ = std::move(sorted);
  }

  void check_single_tensors() const {
    const auto limit = static_cast<uint64_t>(options_.settings.max_single_tensor_memory);
    for (const auto& unit : units_)
      for (const int result : unit.results) {
        const uint64_t bytes = bytes_[number(result)];
        if (bytes > limit)
          fail(ErrorId::SchedulingOOMSingle,
               describe(*lowered_.node(result)) + " needs " + std::to_string(bytes) + " bytes, more than max_single_tensor_memory",
               static_cast<int64_t>(std::min<uint64_t>(bytes, INT64_MAX)), oom_fmt(BigUint(bytes)));
      }
  }

  // The units as single computations, streams piece by piece; and their peak.
  void spell_out() {
    auto& plan = program_->plan;
    plan.clear();
    for (const auto& unit : units_) {
      if (!unit.group) {
        PlannedNode planned{unit.results[0], unit.region ? slots_of(unit.region->operands) : operands_of(unit.results[0]), {}};
        if (unit.region) planned.inner = slots_of(unit.region->inner);
        plan.push_back(std::move(planned));
        continue;
      }
      for (const auto& piece : stream_of(*unit.group)->pieces) spell_out_piece(piece);
      for (const int result : unit.results) plan.push_back({result, operands_of(result), {}});
    }
    program_->accounted_peak = peak_of_plan(plan);
  }

  void spell_out_piece(const Stream::Piece& piece) {
    if (!piece.program) return;
    const auto outside = [&](const std::vector<int>& slots) {
      std::vector<int> out;
      const auto externals = static_cast<int>(piece.externals.size());
      for (const int slot : slots) out.push_back(slot < externals ? piece.externals[slot] : piece.computed[slot - externals]);
      return out;
    };
    for (const auto& planned : piece.program->plan)
      program_->plan.push_back({outside({planned.slot})[0], outside(planned.operands), outside(planned.inner)});
  }

  const std::shared_ptr<const Stream>& stream_of(const StreamGroup& group) const { return pieces_[&group - streams_.groups.data()]; }

  // Largest sum of bytes of live nodes, right after one is computed and before its operands are dropped (section 4).
  uint64_t peak_of_plan(const std::vector<PlannedNode>& plan) const {
    std::vector<size_t> last(lowered_.computed.size(), 0);
    for (size_t i = 0; i < plan.size(); ++i)
      for (const int operand : plan[i].operands)
        if (!lowered_.is_leaf(operand)) last[number(operand)] = i;
    uint64_t live = 0, peak = 0;
    for (size_t i = 0; i < plan.size(); ++i) {
      live = saturating_add(live, bytes_[number(plan[i].slot)]);
      peak = std::max(peak, live);
      for (const int operand : distinct(plan[i].operands))
        if (!lowered_.is_leaf(operand) && last[number(operand)] == i && !is_output_[number(operand)]) live -= bytes_[number(operand)];
    }
    return peak;
  }

  // --- steps

  void make_steps() {
    std::unordered_set<uint64_t> hidden;
    for (const int slot : hidden_) hidden.insert(lowered_.node(slot)->id());
    for (const auto& region : regions_) hidden.insert(region.root->id());
    std::vector<Region> fused = find_regions(*graph_, options_.settings, false, std::move(hidden), &refusals_);
    grouping_ = false;
    for (int round = 0;; ++round) {
      assemble(fused);
      if (program_->step_peak <= program_->accounted_peak || fused.empty()) break;
      drop_regions_at(round < kSingleDrops ? std::vector<size_t>{peak_position_} : over_peak_, fused);
    }
    group_products(fused);
    for (auto& region : fused) regions_.push_back(std::move(region));
    record_stats();
  }

  // A region computes at its root, so what it reads lives longer: where that needs more than the plan does, its nodes are computed singly.
  // `places`: of units, ascending.
  void drop_regions_at(const std::vector<size_t>& places, std::vector<Region>& fused) {
    const size_t before = fused.size();
    std::erase_if(fused, [&](const Region& region) {
      const size_t root = position_[number(slot_of(region.root))];
      size_t first = root;
      for (const auto& inner : region.inner) first = std::min(first, position_[number(slot_of(inner))]);
      const auto place = std::lower_bound(places.begin(), places.end(), first);
      return place != places.end() && *place <= root;
    });
    if (fused.size() == before) fused.clear();
  }

  // Products that share an operand run as one, unless that takes the memory over the limit.
  void group_products(const std::vector<Region>& fused) {
    if (!options_.settings.group_matmuls) return;
    const uint64_t limit = std::max(program_->step_peak, static_cast<uint64_t>(options_.settings.max_memory));
    grouping_ = true;
    assemble(fused);
    if (program_->step_peak <= limit) return;
    grouping_ = false;
    assemble(fused);
  }

  void assemble(const std::vector<Region>& fused) {
    auto& steps = program_->steps;
    steps.clear();
    program_->prologue.clear();
    groups_.clear();
    group_of_.clear();
    std::vector<const Region*> region_of(lowered_.computed.size(), nullptr);
    std::vector<bool> skipped(lowered_.computed.size(), false);
    for (const auto& region : fused) {
      region_of[number(slot_of(region.root))] = &region;
      for (const auto& inner : region.inner) skipped[number(slot_of(inner))] = true;
    }
    for (const auto& [slot, value] : program_->known)
      if (!lowered_.is_leaf(slot) && slot < lowered_.num_slots()) skipped[number(slot)] = true;
    position_.assign(lowered_.computed.size(), 0);
    for (size_t u = 0; u < units_.size(); ++u)
      for (const int result : units_[u].results) position_[number(result)] = u;
    if (grouping_) find_groups(region_of, skipped);
    std::vector<size_t> unit_of_step;
    for (size_t u = 0; u < units_.size(); ++u) {
      const Unit& unit = units_[u];
      if (unit.group) {
        Step step;
        step.stream = stream_of(*unit.group);
        step.results = unit.results;
        step.operands = unit.operands;
        step.node = unit.results.back();
        steps.push_back(std::move(step));
      } else if (skipped[number(unit.results[0])]) {
        continue;
      } else {
        const auto group = group_of_.find(unit.results[0]);
        const Region* region = unit.region ? unit.region : region_of[number(unit.results[0])];
        if (group == group_of_.end()) {
          steps.push_back(region ? step_of(*region) : step_of(unit.results[0]));
        } else if (groups_[group->second]->results[0] == unit.results[0]) {
          steps.push_back(step_of(*groups_[group->second]));
        } else {
          continue;
        }
      }
      unit_of_step.push_back(u);
    }
    drop_unused_and_release(unit_of_step);
  }

  void find_groups(const std::vector<const Region*>& region_of, const std::vector<bool>& skipped) {
    std::vector<int> products;
    for (const auto& unit : units_) {
      const int slot = unit.results[0];
      const bool plain = !unit.group && !unit.region && !region_of[number(slot)] && !skipped[number(slot)];
      if (plain && lowered_.node(slot)->kind() == Kind::Einsum) products.push_back(slot);
    }
    const auto ready = [&](int slot, size_t at) {
      return lowered_.is_leaf(slot) || position_[number(slot)] < position_[number(products[at])];
    };
    for (auto& group : find_product_groups(lowered_, products, options_.reused, ready))
      groups_.push_back(std::make_shared<const ProductGroup>(std::move(group)));
    for (size_t i = 0; i < groups_.size(); ++i)
      for (const int result : groups_[i]->results) group_of_[result] = i;
  }

  // Constants are joined once, ahead of all runs; computed values when they are there.
  Step step_of(const ProductGroup& shape) {
    const std::shared_ptr<const ProductGroup>& group = groups_[group_of_.at(shape.results[0])];
    Step step;
    step.results = group->results;
    step.node = group->results[0];
    step.operands = {group->shared};
    for (const int result : group->results)
      step.workspace_bytes = saturating_add(step.workspace_bytes, workspace_of(*lowered_.node(result)));
    const auto join = [axis = group->joined_axis](KernelArgs args) { return concat_values(args.operands, axis); };
    const bool constant = std::all_of(group->others.begin(), group->others.end(), [&](int slot) { return lowered_.is_leaf(slot); });
    if (constant) {
      Step pack;
      pack.kernel = join;
      pack.operands = group->others;
      pack.results = {program_->num_slots++};
      pack.node = step.node;
      for (const int other : group->others) pack.workspace_bytes = saturating_add(pack.workspace_bytes, bytes_of(*lowered_.node(other)));
      step.operands.push_back(pack.results[0]);
      program_->prologue.push_back(std::move(pack));
      step.group = [group](KernelArgs args) { return run_group(*group, args.operands[0], args.operands[1]); };
    } else {
      step.operands.insert(step.operands.end(), group->others.begin(), group->others.end());
      step.group = [group](KernelArgs args) {
        const std::vector<Tensor> others(args.operands.begin() + 1, args.operands.end());
        return run_group(*group, args.operands[0], concat_values(others, group->joined_axis));
      };
    }
    return step;
  }

  Step step_of(const Region& region) const {
    Step step;
    step.kernel = region.kernel;
    step.results = {slot_of(region.root)};
    step.operands = slots_of(region.operands);
    step.indices = slots_of(region.indices);
    step.node = step.results[0];
    step.workspace_bytes = region.workspace_bytes;
    return step;
  }

  Step step_of(int slot) {
    Step step;
    step.kernel = make_kernel(lowered_.node(slot));
    step.results = {slot};
    step.operands = operands_of(slot);
    convert_known_operands(step);
    if (lowered_.node(slot)->kind() == Kind::Index) step.indices = {slot};
    step.node = slot;
    step.workspace_bytes = workspace_of(*lowered_.node(slot));
    const auto* function = lowered_.node(slot)->as<GeneralFunction>();
    step.calls_user_function = function && function->spec()->kind() == FunctionKind::User;
    return step;
  }

  // Known values that a node unifies with others are converted now, not at every run: they get slots of their own.
  void convert_known_operands(Step& step) {
    const Node& node = *lowered_.node(step.results[0]);
    const DeviceDtypeOp& target = node.device_dtype();
    const bool unifies = node.kind() == Kind::Add || node.kind() == Kind::Einsum;
    if (!unifies || !target.dtype || !target.device || !is_floating(*target.dtype)) return;
    for (int& operand : step.operands) {
      if (!elements_[operand].defined()) continue;
      const auto [place, is_new] = converted_.try_emplace({operand, *target.dtype, *target.device}, program_->num_slots);
      if (is_new) {
        const Tensor element = to_device_dtype(elements_[operand], target);
        program_->known.emplace_back(program_->num_slots++, expand_element(element, lowered_.node(operand)->shape()));
      }
      operand = place->second;
    }
  }

  // Twice the bytes of operands and result (section 4), and what a contraction of three or more operands keeps in between; views need none.
  static uint64_t workspace_of(const Node& node) {
    if (node.kind() == Kind::Rearrange || node.kind() == Kind::Index || node.kind() == Kind::Add) return bytes_of(node);
    uint64_t bytes = bytes_of(node);
    for (const auto& child : node.children()) bytes = saturating_add(bytes, bytes_of(*child));
    bytes = saturating_mul(bytes, 2);
    const auto* einsum = node.as<Einsum>();
    if (!einsum || einsum->num_children() < 3) return bytes;
    const auto element = static_cast<uint64_t>(element_size(node.device_dtype().filled().dtype));
    return saturating_add(bytes, saturating_mul(Contraction(einsum->spec()).intermediate_elements(), element));
  }

  // Steps whose results nobody reads any more go (what a known value was made from); then each value is dropped by its last reader.
  void drop_unused_and_release(const std::vector<size_t>& unit_of_step) {
    auto& steps = program_->steps;
    std::vector<bool> read(program_->num_slots, false);
    for (const int output : lowered_.outputs) read[output] = true;
    std::vector<bool> needed(steps.size(), false);
    for (size_t i = steps.size(); i-- > 0;) {
      needed[i] = std::any_of(steps[i].results.begin(), steps[i].results.end(), [&](int result) { return read[result]; });
      if (!needed[i]) continue;
      for (const int operand : steps[i].operands)
        if (!read[operand]) {
          read[operand] = true;
          if (!lowered_.is_leaf(operand)) steps[i].drops.push_back(operand);
        }
    }
    std::unordered_set<int> lasting(lowered_.outputs.begin(), lowered_.outputs.end());
    for (const auto& [slot, value] : program_->known) lasting.insert(slot);
    uint64_t packed = 0;
    for (const auto& pack : program_->prologue) {
      lasting.insert(pack.results[0]);
      packed = saturating_add(packed, pack.workspace_bytes);
    }
    uint64_t live = packed;
    program_->step_peak = program_->memory_peak = 0;
    over_peak_.clear();
    std::vector<Step> kept;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (!needed[i]) continue;
      std::erase_if(steps[i].drops, [&](int slot) { return lasting.contains(slot); });
      for (const int result : steps[i].results) live = saturating_add(live, bytes_[number(result)]);
      uint64_t inside = 0;
      if (steps[i].stream)
        for (const auto& piece : steps[i].stream->pieces)
          if (piece.program) inside = std::max(inside, piece.program->step_peak);
      if (saturating_add(live, inside) > program_->accounted_peak) over_peak_.push_back(unit_of_step[i]);
      if (saturating_add(live, inside) > program_->step_peak) {
        program_->step_peak = saturating_add(live, inside);
        peak_position_ = unit_of_step[i];
      }
      if (steps[i].stream) {
        inside = 0;
        for (const auto& piece : steps[i].stream->pieces)
          if (piece.program) inside = std::max(inside, piece.program->memory_peak);
      }
      program_->memory_peak = std::max(program_->memory_peak, saturating_add(live, saturating_add(inside, steps[i].workspace_bytes)));
      for (const int dropped : steps[i].drops) live -= bytes_[number(dropped)];
      kept.push_back(std::move(steps[i]));
    }
    steps = std::move(kept);
  }

  void record_stats() {
    ProgramStats& stats = program_->stats;
    for (const auto& region : regions_) {
      ++stats.fusions[std::string(region.fusion)];
      stats.fused_nodes += static_cast<int64_t>(region.inner.size());
      stats.fused_attention += region.softmax_nodes;
      if (region.softmax_nodes) stats.attention_backends[region.backend] += region.softmax_nodes;
    }
    stats.grouped_matmuls = static_cast<int64_t>(groups_.size());
    for (const auto& group : groups_) stats.grouped_matmul_nodes += static_cast<int64_t>(group->results.size());
    stats.shared_by_chunks = streams_.shared;
    for (const auto& stream : pieces_) {
      stats.num_chunks += static_cast<int64_t>(stream->pieces.size() * stream->results.size());
      for (const auto& piece : stream->pieces)
        if (piece.program) add(stats, piece.program->stats, piece);
    }
    for (const auto& refusal : refusals_) stats.not_fused.push_back({slot_of(refusal.node), refusal.fusion, refusal.reason});
  }

  static void add(ProgramStats& stats, const ProgramStats& inside, const Stream::Piece& piece) {
    stats.fused_attention += inside.fused_attention;
    stats.fused_nodes += inside.fused_nodes;
    for (const auto& [backend, count] : inside.attention_backends) stats.attention_backends[backend] += count;
    for (const auto& [fusion, count] : inside.fusions) stats.fusions[fusion] += count;
    stats.grouped_matmuls += inside.grouped_matmuls;
    stats.grouped_matmul_nodes += inside.grouped_matmul_nodes;
    stats.num_chunks += inside.num_chunks;
    stats.shared_by_chunks += inside.shared_by_chunks;
    const auto externals = static_cast<int>(piece.externals.size());
    for (const auto& each : inside.not_fused) stats.not_fused.push_back({piece.computed[each.slot - externals], each.fusion, each.reason});
  }

  const Lowered& lowered_;
  const CompileOptions& options_;
  const FlatMap<uint64_t, int> slots_;
  std::shared_ptr<Program> program_;
  std::vector<uint64_t> bytes_;  // by computed node
  std::vector<bool> is_output_;
  std::unordered_map<uint64_t, double> numbers_;
  StreamGroups streams_;
  std::vector<std::shared_ptr<const Stream>> pieces_;  // by group
  NodePtrs outer_;
  std::optional<FusionGraph> graph_;
  std::vector<Region> regions_;
  Refusals refusals_;
  std::unordered_set<int> hidden_;
  std::vector<Unit> units_;
  std::vector<Tensor> elements_;  // by slot: the one element of a known value
  bool grouping_ = false;
  std::vector<std::shared_ptr<const ProductGroup>> groups_;
  std::unordered_map<int, size_t> group_of_;                 // by slot of a product
  std::map<std::tuple<int, DType, Device>, int> converted_;  // slots of converted known values
  std::vector<size_t> position_;                             // by computed node: its unit
  size_t peak_position_ = 0;
  std::vector<size_t> over_peak_;  // units at which the steps hold more than the plan's peak, ascending
};

LruTable<Hash, ProgramPtr>& programs() {
  static auto& table = *new LruTable<Hash, ProgramPtr>(kRememberedPrograms);
  return table;
}

// Structure and whatever of the options decides the program.
Hash program_key(const Lowered& lowered, const CompileOptions& options) {
  const OptimizationSettings& settings = options.settings;
  Blake3 hasher;
  hasher.update(structure_key(lowered));
  const bool flags[] = {settings.fuse_attention, settings.fuse, settings.stream_concat,
                        settings.group_matmuls,  options.naive, options.reused};
  for (const bool flag : flags) hasher.update_byte(flag);
  hasher.update_u64(static_cast<uint64_t>(options.depth));
  hasher.update_u64(static_cast<uint64_t>(settings.max_memory));  // groups keep to it in any order
  if (!options.naive) {
    hasher.update_u64(static_cast<uint64_t>(settings.max_single_tensor_memory));
    hasher.update_u64(static_cast<uint64_t>(settings.scheduling_timeout));
  }
  return hasher.finish();
}

}  // namespace

uint64_t bytes_of(const Node& node) {
  return saturating_mul(numel_saturating(node.shape()), static_cast<uint64_t>(element_size(node.device_dtype().filled().dtype)));
}

OptimizationSettings unfused(OptimizationSettings settings) {
  settings.fuse_attention = settings.fuse = settings.stream_concat = settings.group_matmuls = false;
  return settings;
}

ProgramPtr compile(const Lowered& lowered, const CompileOptions& options) { return Compiler(lowered, options)(); }

ProgramPtr program_for(const Lowered& lowered, const CompileOptions& options) {
  const Hash key = program_key(lowered, options);
  if (auto known = programs().find(key)) return *known;
  ProgramPtr program = compile(lowered, options);
  programs().insert(key, program);
  return program;
}

void clear_programs() { programs().clear(); }

}  // namespace pycircuit
