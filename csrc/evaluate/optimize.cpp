// The steps of 12, 6.1 over all outputs at once: they become the children of one node, so that whatever a pass decides by the users of a
// node takes every output into account. Rules and canonical form remember their results from one step to the next.
#include "evaluate/optimize.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/lru.h"
#include "base/output.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "evaluate/report.h"
#include "rewrite/canonical.h"
#include "rewrite/contraction.h"
#include "rewrite/memo_map.h"
#include "rewrite/push_down_index.h"
#include "rewrite/sums.h"

namespace pycircuit {
namespace {

// The rules of a plan: a Schedule must not depend on the values of Arrays (8.3).
SimpFnSubset plan_rules(const OptimizationSettings& settings) {
  return settings.simp_fn_subset.set_all_to({"generalfunction_gen_index_const_to_index"}, false);
}

// Holds several outputs while they are optimized; never evaluated. No rule knows it, so its children stay whole and in order.
struct JoinSpec final : FunctionSpec {
  FunctionKind kind() const override { return FunctionKind::User; }
  std::string name() const override { return "outputs"; }
  std::string text() const override { return "outputs"; }
  Hash identity_hash() const override {
    Blake3 hasher;
    hasher.update(std::string_view("pycircuit: outputs of one optimization"));
    return hasher.finish();
  }
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override { return {{}, 0, std::vector<bool>(shapes.size(), false)}; }
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>&) const override { return {}; }
  Tensor apply(const std::vector<Tensor>&, const std::vector<DeviceDtypeOp>&) const override {
    fail(ErrorId::RuntimeError, "the outputs of an optimization have no common value");
  }
};

NodePtr join(NodePtrs outputs) {
  static const auto& spec = *new FunctionSpecPtr(std::make_shared<JoinSpec>());
  if (outputs.size() == 1) return outputs[0];
  return GeneralFunction::make(std::move(outputs), spec, {std::nullopt, true});
}

NodePtrs split(const NodePtr& joined, size_t count) { return count == 1 ? NodePtrs{joined} : joined->children(); }

class Optimizer {
 public:
  Optimizer(const OptimizationContext& context, const SimpFnSubset& rules)
      : context_(context), settings_(context.settings()), rules_(rules), simplify_(rules, observer(), true) {}

  // The circuit has no Modules.
  NodePtr operator()(NodePtr circuit) {
    Report report(settings_, "optimizing");
    if (!settings_.keep_all_names) circuit = strip_names_and_tags(circuit);
    circuit = canonical(circuit);
    report.step("canonical form");
    report.circuit("canonical input", circuit, 4);
    if (settings_.save_circ) save_circuit(circuit);
    circuit = simplified(circuit);
    report.step("simplification");
    report.circuit("simplified", circuit, 3);
    if (settings_.push_down_index) {
      circuit = until_stable(circuit, [&](const NodePtr& each) { return has_index(each) ? deep_push_down_index_raw(each) : each; });
      report.step("pushing down indices");
    }
    if (settings_.deep_maybe_distribute) {
      const MaybeDistributeOptions options{
          static_cast<uint64_t>(settings_.distribute_min_size.value_or(settings_.max_single_tensor_memory)), rules_, observer()};
      circuit = until_stable(circuit, [&](const NodePtr& each) { return deep_maybe_distribute(each, options).circuit; });
      report.step("distribution");
      report.circuit("distributed", circuit, 3);
    }
    circuit = deep_heuristic_nest_adds(circuit);
    report.step("sharing sums");
    circuit = canonical(deep_optimize_einsums(circuit, static_cast<uint64_t>(settings_.max_single_tensor_memory),
                                              [&](const Einsum& einsum, double seconds) { context_.path_found(einsum, seconds); }));
    report.step("contraction orders");
    report.circuit("optimized", circuit, 3);
    return circuit;
  }

 private:
  static constexpr int kMaxRounds = 30;

  RuleObserver observer() const {
    if (!settings_.log_simplifications) return {};
    return [&context = context_](std::string_view rule, const NodePtr&, const NodePtr&) { context.rule_fired(rule); };
  }

  static bool has_index(const NodePtr& circuit) {
    const NodePtrs nodes = post_order(circuit);
    return std::any_of(nodes.begin(), nodes.end(), [](const NodePtr& node) { return node->kind() == Kind::Index; });
  }

  NodePtr canonical(const NodePtr& circuit) {
    return canonical_(
        circuit, [](const NodePtr& node, NodePtrs children) { return canonicalize_node(node->rebuild_if_changed(std::move(children))); });
  }

  NodePtr simplified(NodePtr circuit) {
    for (int round = 0; round < kMaxRounds; ++round) {
      NodePtr next = canonical(simplify_(circuit));
      if (same(next, circuit)) break;
      circuit = std::move(next);
    }
    return circuit;
  }

  template <class Step>
  NodePtr until_stable(NodePtr circuit, Step&& step) {
    for (int round = 0; round < kMaxRounds; ++round) {
      NodePtr next = step(circuit);
      if (!same(next, circuit)) next = simplified(next);
      if (same(next, circuit)) break;
      circuit = std::move(next);
    }
    return circuit;
  }

  const OptimizationContext& context_;
  const OptimizationSettings& settings_;
  const SimpFnSubset rules_;
  Simplifier simplify_;  // sums and products with several users stay nodes of their own
  MemoMap canonical_;
};

// The dtype and device that a rule lost with what it dropped (`x * 0`).
NodePtr with_device_dtype(const NodePtr& optimized, const DeviceDtypeOp& wanted) {
  const DeviceDtypeOp& have = optimized->device_dtype();
  const bool same_device = !wanted.device || have.device == wanted.device, same_dtype = !wanted.dtype || have.dtype == wanted.dtype;
  return same_device && same_dtype ? optimized : GeneralFunction::cast_to(optimized, {}, wanted);
}

NodePtrs optimize(const NodePtrs& circuits, const OptimizationContext& context, const SimpFnSubset& rules) {
  // Every Module is substituted, not only those called from one place: rules then see what each body is applied to. What a circuit's
  // substitution is, is remembered; so it comes before names are dropped.
  NodePtrs outputs;
  for (const auto& circuit : circuits) outputs.push_back(substitute_all_modules(circuit));
  outputs = split(Optimizer(context, rules)(join(std::move(outputs))), circuits.size());
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = with_device_dtype(outputs[i], circuits[i]->device_dtype());
  return outputs;
}

// --- pieces of one structure are optimized once

// Circuits in which every Index of an Array, or of such an Index (samples, and a batch of them), is a stand-in of its shape, dtype and
// device: equal for all batches.
struct Template {
  NodePtrs circuits;
  NodePtrs stand_ins;
  NodePtrs originals;  // what they stand for
};

Template abstract(const NodePtrs& circuits) {
  Template out;
  NodeMap done;
  std::unordered_set<uint64_t> picked;  // ids of what stand-ins stand for
  for (const auto& node : post_order(circuits)) {
    NodePtrs children;
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    NodePtr result = node->rebuild_if_changed(std::move(children));
    if (node->kind() == Kind::Index && (node->child()->kind() == Kind::Array || picked.contains(node->child()->id()))) {
      const auto number = static_cast<uint8_t>(out.stand_ins.size()), more = static_cast<uint8_t>(out.stand_ins.size() >> 8);
      Uuid uuid{};
      uuid.bytes = {'b', 'a', 't', 'c', 'h', number, more, static_cast<uint8_t>(out.stand_ins.size() >> 16)};
      result = GeneralFunction::cast_to(Symbol::make(node->shape(), uuid), {}, node->device_dtype());
      out.stand_ins.push_back(result);
      out.originals.push_back(node);
      picked.insert(node->id());
    }
    done.emplace(node->id(), std::move(result));
  }
  for (const auto& circuit : circuits) out.circuits.push_back(done.at(circuit->id()));
  return out;
}

NodePtrs filled_in(const NodePtrs& circuits, const Template& from) {
  NodeMap done;
  for (size_t i = 0; i < from.stand_ins.size(); ++i) {
    done[from.stand_ins[i]->id()] = from.originals[i];
    done[from.stand_ins[i]->child()->id()] = from.originals[i];
  }
  for (const auto& node : post_order(circuits)) {
    if (done.contains(node->id())) continue;
    NodePtrs children;
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    done.emplace(node->id(), node->rebuild_if_changed(std::move(children)));
  }
  NodePtrs out;
  for (const auto& circuit : circuits) out.push_back(done.at(circuit->id()));
  return out;
}

struct Optimized {
  OptimizationSettings settings;
  NodePtrs from, to;  // `from` keeps the ids of the key alive
};

LruTable<Hash, std::shared_ptr<const Optimized>>& templates() {
  static auto& table = *new LruTable<Hash, std::shared_ptr<const Optimized>>(64);
  return table;
}

NodePtrs optimize_by_template(const NodePtrs& circuits, const OptimizationContext& context) {
  const OptimizationSettings& settings = context.settings();
  if (context.is_watched()) return optimize(circuits, context, plan_rules(settings));
  const Template abstracted = abstract(circuits);
  if (abstracted.stand_ins.empty()) return optimize(circuits, context, plan_rules(settings));
  Blake3 hasher;
  for (const auto& circuit : abstracted.circuits) hasher.update_u64(circuit->id());
  const Hash key = hasher.finish();
  auto known = templates().find(key);
  if (!known || (*known)->settings != settings) {
    templates().erase(key);
    known = std::make_shared<const Optimized>(
        Optimized{settings, abstracted.circuits, optimize(abstracted.circuits, context, plan_rules(settings))});
    templates().insert(key, *known);
  }
  return filled_in((*known)->to, abstracted);
}

// Classes and connections of the nodes, without sizes and values.
std::vector<int> form_of(const NodePtrs& circuits) {
  std::vector<int> form;
  std::unordered_map<uint64_t, int> numbers;
  for (const auto& node : post_order(circuits)) {
    form.push_back(static_cast<int>(node->kind()));
    for (const auto& child : node->children()) form.push_back(numbers.at(child->id()));
    form.push_back(-1);
    numbers.emplace(node->id(), static_cast<int>(numbers.size()));
  }
  return form;
}

// By piece, the pieces of all circuits; nothing where they are not Concats of equally many, all of one form. (What pieces of unlike forms
// share would be optimized differently in each, and computed for each.)
std::vector<NodePtrs> common_pieces(const NodePtrs& circuits) {
  for (const auto& circuit : circuits)
    if (circuit->kind() != Kind::Concat || circuit->num_children() != circuits[0]->num_children()) return {};
  std::vector<NodePtrs> pieces(circuits[0]->num_children());
  for (size_t k = 0; k < pieces.size(); ++k) {
    for (const auto& circuit : circuits) pieces[k].push_back(circuit->child(k));
    if (k > 0 && form_of(pieces[k]) != form_of(pieces[0])) return {};
  }
  return pieces;
}

}  // namespace

void clear_optimized() { templates().clear(); }

NodePtr optimize_circuit(const NodePtr& circuit, const OptimizationContext& context) {
  return optimize({circuit}, context, context.settings().simp_fn_subset).front();
}

NodePtrs optimize_for_plan(const NodePtrs& circuits, const OptimizationContext& context) {
  if (circuits.empty()) return {};
  NodePtrs substituted;
  for (const auto& circuit : circuits) substituted.push_back(substitute_all_modules(circuit));
  const std::vector<NodePtrs> pieces = common_pieces(substituted);
  if (pieces.empty()) return optimize_by_template(substituted, context);
  // What the circuits share in one piece stays shared; pieces stay apart (10, 14.1).
  std::vector<NodePtrs> parts(circuits.size());
  for (const auto& piece : pieces) {
    NodePtrs optimized = optimize_by_template(piece, context);
    for (size_t i = 0; i < optimized.size(); ++i) parts[i].push_back(std::move(optimized[i]));
  }
  NodePtrs out;
  for (size_t i = 0; i < parts.size(); ++i)
    out.push_back(Concat::make(std::move(parts[i]), substituted[i]->as<Concat>()->axis(),
                               context.settings().keep_all_names ? substituted[i]->kept_naming() : Naming{std::nullopt, true}));
  return out;
}

Schedule optimize_to_schedule(const NodePtrs& circuits, const OptimizationContext& context) {
  const OptimizationSettings& settings = context.settings();
  if (settings.capture_and_print) print_line(compiler_text(circuits));
  const NodePtrs optimized = optimize_for_plan(circuits, context);
  return circuit_to_schedule(optimized, circuits, settings, settings.scheduling_naive);
}

std::vector<Tensor> optimize_and_evaluate_many(const NodePtrs& circuits, const OptimizationContext& context) {
  const OptimizationSettings& settings = context.settings();
  for (const auto& circuit : circuits)
    if (!circuit->is_explicitly_computable() || !circuit->is_constant())
      fail(ErrorId::SchedulingNotExplicitlyComputable,
           describe(*circuit) + " is random or not computable; sample it or bind its symbols first", circuit_payload(circuit));
  if (circuits.empty()) return {};
  return compile_and_run(optimize_for_plan(circuits, context), {settings, settings.scheduling_naive, {}, 0, false});
}

}  // namespace pycircuit
