// Checks of a Module, its derived values by stand-ins, and substitution (spec 08, sections 1.1, 4.2 and 5).
#include "circuit/substitute.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/interrupt.h"
#include "base/lru.h"
#include "circuit/expand.h"
#include "circuit/names.h"
#include "circuit/nodes/all.h"
#include "circuit/walk.h"

namespace pycircuit {
namespace {

using Ids = std::vector<uint64_t>;

struct IdsHash {
  size_t operator()(const Ids& ids) const noexcept {
    uint64_t h = ids.size();
    for (const uint64_t id : ids) h = (h ^ id) * 0x9E3779B97F4A7C15ull, h ^= h >> 29;
    return h;
  }
};

// The index of each parameter by symbol id; of a symbol listed twice, the last (1.1).
std::unordered_map<uint64_t, size_t> parameters_of(const std::vector<ModuleArgSpec>& arg_specs) {
  std::unordered_map<uint64_t, size_t> parameters;
  for (size_t i = 0; i < arg_specs.size(); ++i) parameters[arg_specs[i].symbol->id()] = i;
  return parameters;
}

PayloadValue arg_spec_payload(const ModuleArgSpec& arg_spec) { return opaque(arg_spec, to_text(arg_spec)); }
PayloadValue shape_payload(const Shape& shape) { return PayloadValue(PayloadShape{shape}); }

// --- steps 1 and 2: scoping

// Calls visit(nested module, parameter symbol) for each nested Module whose spec circuit a parameter gets into; stops when it returns true.
template <class Visit>
void visit_entered_modules(const ModuleSpec& spec, Visit&& visit) {
  struct Place {
    NodePtr node;
    SymbolPtrs visible;
  };
  SymbolPtrs parameters;
  for (const auto& [id, i] : parameters_of(spec.arg_specs)) parameters.push_back(spec.arg_specs[i].symbol);
  std::vector<Place> stack = {{spec.circuit, std::move(parameters)}};
  std::unordered_map<Ids, bool, IdsHash> seen;
  const auto push = [&](const NodePtr& node, const SymbolPtrs& visible) {
    if (node->is_leaf()) return;
    SymbolPtrs free;
    for (const auto& symbol : visible)
      if (node->has_free_symbol(*symbol)) free.push_back(symbol);
    if (free.empty()) return;
    Ids key = {node->id()};
    for (const auto& symbol : free) key.push_back(symbol->id());
    std::sort(key.begin() + 1, key.end());
    if (seen.emplace(std::move(key), true).second) stack.push_back({node, std::move(free)});
  };
  while (!stack.empty()) {
    const Place place = std::move(stack.back());
    stack.pop_back();
    const auto* module = place.node->template as<Module>();
    if (module) {
      SymbolPtrs entering;
      for (const auto& symbol : place.visible) {
        const bool rebound = std::any_of(module->arg_specs().begin(), module->arg_specs().end(),
                                         [&](const ModuleArgSpec& inner) { return inner.symbol->id() == symbol->id(); });
        if (rebound || !module->spec_circuit()->has_free_symbol(*symbol)) continue;
        if (visit(cast<Module>(place.node), symbol)) return;
        entering.push_back(symbol);
      }
      push(module->spec_circuit(), entering);
    }
    for (size_t i = place.node->num_children(); i-- > (module ? 1 : 0);) push(place.node->child(i), place.visible);
  }
}

[[noreturn]] void fail_near_miss(const SymbolPtr& parameter, const SymbolPtr& symbol, const NodePtr& circuit) {
  fail(ErrorId::SubstitutionFoundNEQFreeSymbolWithSameIdentification,
       "the spec circuit " + describe(*circuit) + " has the free symbol " + describe(*symbol) +
           ", which has the uuid and name of the parameter " + describe(*parameter) +
           " but differs from it in shape or axis names; use one symbol, or another name",
       circuit_payload(parameter), circuit_payload(symbol));
}

void check_no_near_miss(const ModuleSpec& spec) {
  std::unordered_multimap<std::string, SymbolPtr> by_ident;
  const auto ident = [](const Symbol& symbol) {
    const auto bytes = symbol.uuid().as_bytes();
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) + (symbol.name() ? "1" + *symbol.name() : "0");
  };
  for (const auto& arg_spec : spec.arg_specs) by_ident.emplace(ident(*arg_spec.symbol), arg_spec.symbol);
  for (const auto& symbol : spec.circuit->free_symbols()) {
    const auto [begin, end] = by_ident.equal_range(ident(*symbol));
    for (auto each = begin; each != end; ++each)
      if (each->second->id() != symbol->id()) fail_near_miss(each->second, symbol, spec.circuit);
  }
}

// What the scoping rules need to know of a spec, by id, so that the table keeps no circuit alive.
struct SpecScoping {
  // Per symbol that is a parameter: the parameters of the nested Modules whose spec circuits it gets into.
  std::unordered_map<uint64_t, std::vector<uint64_t>> bound_around;
};

std::shared_ptr<const SpecScoping> scoping_of(const ModuleSpec& spec) {
  static auto& table = *new LruTable<Ids, std::shared_ptr<const SpecScoping>, IdsHash>(1 << 14);
  Ids key = {spec.circuit->id()};
  for (const auto& arg_spec : spec.arg_specs) key.push_back(arg_spec.symbol->id());
  if (auto found = table.find(key)) return *found;
  check_no_near_miss(spec);
  auto scoping = std::make_shared<SpecScoping>();
  visit_entered_modules(spec, [&](const Ref<const Module>& nested, const SymbolPtr& symbol) {
    auto& bound = scoping->bound_around[symbol->id()];
    for (const auto& inner : nested->arg_specs()) bound.push_back(inner.symbol->id());
    return false;
  });
  for (auto& [symbol, bound] : scoping->bound_around) {
    std::sort(bound.begin(), bound.end());
    bound.erase(std::unique(bound.begin(), bound.end()), bound.end());
  }
  table.insert(std::move(key), scoping);
  return scoping;
}

[[noreturn]] void fail_capture(const ModuleSpec& spec, const SymbolPtr& symbol, const NodePtr& argument) {
  visit_entered_modules(spec, [&](const Ref<const Module>& nested, const SymbolPtr& entering) {
    if (entering->id() != symbol->id()) return false;
    NodePtrs bound;
    for (const auto& inner : nested->arg_specs())
      if (argument->has_free_symbol(*inner.symbol)) bound.push_back(inner.symbol);
    if (bound.empty()) return false;
    fail(ErrorId::SubstitutionCircuitHasFreeSymsBoundByNestedModule,
         "the argument " + describe(*argument) + " for " + describe(*symbol) + " gets into the nested " + describe(*nested) +
             ", which binds its free symbols " + describe(bound) + "; rename the symbols of one of them",
         circuit_payload(argument), circuit_payload(symbol), circuit_payload(nested), circuit_payloads(bound));
  });
  fail(ErrorId::RuntimeError,
       "the argument " + describe(*argument) + " for " + describe(*symbol) + " has a free symbol that a nested Module binds");
}

void check_scoping(const ModuleSpec& spec, const NodePtrs& arguments) {
  const auto scoping = scoping_of(spec);
  if (scoping->bound_around.empty()) return;
  const auto parameters = parameters_of(spec.arg_specs);
  for (size_t i = 0; i < std::min(arguments.size(), spec.arg_specs.size()); ++i) {
    const SymbolPtr& symbol = spec.arg_specs[i].symbol;
    const auto bound = scoping->bound_around.find(symbol->id());
    if (bound == scoping->bound_around.end() || !arguments[i]->has_free_symbols() || parameters.at(symbol->id()) != i) continue;
    for (const auto& free : arguments[i]->free_symbols())
      if (std::binary_search(bound->second.begin(), bound->second.end(), free->id())) fail_capture(spec, symbol, arguments[i]);
  }
}

// --- steps 3 to 5: arguments

void check_argument(const ModuleSpec& spec, const ModuleArgSpec& arg_spec, const NodePtr& argument) {
  const Shape& node = argument->shape();
  const Shape& symbol = arg_spec.symbol->shape();
  const int64_t node_rank = argument->rank(), symbol_rank = arg_spec.symbol->rank();
  if (node == symbol) return;
  const auto what = [&] {
    return "the argument " + describe(*argument) + " for " + to_text(arg_spec) + " of a Module of " + describe(*spec.circuit);
  };
  if (node_rank < symbol_rank)
    fail(ErrorId::ExpandModuleRankReduced, what() + " has fewer axes than the symbol", node_rank, symbol_rank, arg_spec_payload(arg_spec),
         shape_payload(node), circuit_payload(spec.circuit));
  const int64_t batch = node_rank - symbol_rank;
  if (batch > 0 && !arg_spec.batchable)
    fail(ErrorId::ExpandModuleTriedToBatchUnbatchableInput, what() + " has batch axes, but the arg spec is not batchable", node_rank,
         symbol_rank, arg_spec_payload(arg_spec), circuit_payload(spec.circuit));
  for (int64_t dim = 0; dim < symbol_rank; ++dim) {
    if (node[batch + dim] == symbol[dim]) continue;
    if (!arg_spec.expandable)
      fail(ErrorId::ExpandModuleTriedToExpandUnexpandableInput,
           what() + " has other sizes than the symbol, but the arg spec is not expandable", shape_payload(node), shape_payload(symbol),
           arg_spec_payload(arg_spec), circuit_payload(spec.circuit));
    if (arg_spec.ban_non_symbolic_size_expand && !is_symbolic(symbol[dim]))
      fail(ErrorId::ExpandModuleTriedToExpandOnNonSymbolicSizeAndBanned,
           what() + " has another size than the symbol on its axis " + std::to_string(dim) +
               ", which is not symbolic; use a symbolic size there or ban_non_symbolic_size_expand=False",
           node[batch + dim], symbol[dim], dim, shape_payload(node), arg_spec_payload(arg_spec), circuit_payload(spec.circuit));
  }
}

// --- the body with its parameters replaced

// Replaces symbols; names as in 5.2. Nameless nodes are rebuilt everywhere.
class SymbolReplacement : public Expansion {
 public:
  SymbolReplacement() = default;
  explicit SymbolReplacement(const SubstituteOptions& options) : prefix_(options.name_prefix), suffix_(options.name_suffix) {}

 protected:
  bool may_change(const NodePtr& node, State) override { return node->num_children() > 0; }  // it may be nameless, or above one
  bool rebuilds_nameless() const override { return true; }
  Name kept_name(const Name& name, bool inside) const override { return inside ? wrapped(name) : name; }

 public:
  Name inserted_name(const Node& old_child, const NodePtr&, bool inside, std::string_view suffix) const override {
    if (!inside) return with_suffix(old_child.name(), suffix);
    // Above what replaces a symbol: the automatic name.
    return old_child.kind() == Kind::Symbol ? std::nullopt : wrapped(with_suffix(old_child.name(), suffix));
  }

 private:
  Name wrapped(const Name& name) const {
    if (!name || (!prefix_ && !suffix_)) return name;
    return prefix_.value_or("") + *name + suffix_.value_or("");
  }
  Name prefix_, suffix_;
};

// `result`, which stands for the spec circuit, repeated, under this name, along the leading axes of `batch` that it lacks.
NodePtr with_batch(const NodePtr& result, const NodePtr& spec_circuit, const Shape& batch, const Name& name) {
  const int64_t missing = static_cast<int64_t>(batch.size()) - (result->rank() - spec_circuit->rank());
  if (missing <= 0) return result;
  const Shape leading(batch.begin(), batch.begin() + missing);
  return Rearrange::make(result, RearrangeSpec::prepend_batch_shape(leading, result->rank()), name);
}

Shape aligned_batch(const std::vector<ModuleArgSpec>& arg_specs, const NodePtrs& arguments) {
  std::vector<Shape> shapes;
  bool any = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Shape& shape = arguments[i]->shape();
    shapes.emplace_back(shape.begin(), shape.end() - arg_specs[i].symbol->rank());
    any |= !shapes.back().empty();
  }
  return any ? right_align_shapes(shapes) : Shape{};
}

NodePtr body(const ModuleSpec& spec, const NodePtrs& arguments, const SubstituteOptions& options) {
  SymbolReplacement replacement(options);
  const NodePtr result = replacement.run(spec.circuit, 0, bindings_of(spec, arguments));
  const bool inside = std::any_of(spec.arg_specs.begin(), spec.arg_specs.end(),
                                  [&](const ModuleArgSpec& arg_spec) { return spec.circuit->has_free_symbol(*arg_spec.symbol); });
  const Name name = replacement.inserted_name(*spec.circuit, result, inside, " rep_batch");
  return with_batch(result, spec.circuit, aligned_batch(spec.arg_specs, arguments), name);
}

// --- derived values (step 6)

// Evaluates calls with stand-ins for the arguments, down to nested Modules, whose results become stand-ins themselves. An explicit stack of
// calls, each with an explicit stack of nodes.
class Derivation {
 public:
  static Derived of(const ModuleSpec& spec, const NodePtrs& arguments) {
    Derivation derivation;
    if (auto known = derivation.begin(spec, arguments)) return *known;
    return derivation.run();
  }

 private:
  struct Place {
    NodePtr node;
    size_t next = 0;
    std::optional<ModuleExpansion> module = {};
  };
  struct Call {
    Hash key;
    NodePtr circuit;
    Shape batch;
    Expansion::SymbolMap symbols;
    std::unordered_map<uint64_t, NodePtr> values;  // by symbol id
    NodeMap done;
    std::vector<Place> places = {};
    SymbolReplacement replacement = {};
  };

  static LruTable<Hash, Derived>& table() {
    static auto& table = *new LruTable<Hash, Derived>(1 << 16);
    return table;
  }

  // The derived values if they are known; else a new call on the stack.
  std::optional<Derived> begin(const ModuleSpec& spec, const NodePtrs& arguments) {
    auto call = std::make_unique<Call>();
    call->circuit = spec.circuit;
    call->batch = aligned_batch(spec.arg_specs, arguments);
    Blake3 hasher;
    hasher.update(spec.circuit->hash());
    hasher.update_u64(call->batch.size());
    for (const Size size : call->batch) hasher.update_u64(static_cast<uint64_t>(size));
    for (const auto& [id, i] : ordered(spec.arg_specs)) {
      const SymbolPtr& symbol = spec.arg_specs[i].symbol;
      if (!spec.circuit->has_free_symbol(*symbol)) continue;
      const NodePtr value = Symbol::stand_in(arguments[i]->derived());
      hasher.update(symbol->hash());
      hasher.update(value->hash());
      call->values.emplace(id, value);
      call->symbols.emplace_back(symbol, value);
    }
    call->key = hasher.finish();
    if (auto found = table().find(call->key)) return found;
    if (!is_inside(*call, *call->circuit)) return remember(*call, call->circuit);
    call->places.push_back({call->circuit});
    calls_.push_back(std::move(call));
    return std::nullopt;
  }

  static std::vector<std::pair<uint64_t, size_t>> ordered(const std::vector<ModuleArgSpec>& arg_specs) {
    const auto parameters = parameters_of(arg_specs);
    std::vector<std::pair<uint64_t, size_t>> last;
    for (size_t i = 0; i < arg_specs.size(); ++i)
      if (parameters.at(arg_specs[i].symbol->id()) == i) last.emplace_back(arg_specs[i].symbol->id(), i);
    return last;
  }

  static bool is_inside(const Call& call, const Node& node) {
    if (node.kind() == Kind::Symbol) return call.values.contains(node.id());
    const auto& free = node.derived().free_symbols;
    return free && std::any_of(free->begin(), free->end(), [&](const SymbolPtr& symbol) { return call.values.contains(symbol->id()); });
  }

  static Derived remember(const Call& call, const NodePtr& result) {
    Derived derived = with_batch(result, call.circuit, call.batch, std::nullopt)->derived();
    derived.free_symbols = nullptr;
    table().insert(call.key, derived);
    return derived;
  }

  Derived run() {
    std::optional<Derived> returned;
    for (size_t steps = 0;; ++steps) {
      if (steps % 4096 == 4095) poll_interrupt();
      Call& call = *calls_.back();
      if (!step(call, returned)) continue;
      returned = remember(call, call.done.at(call.circuit->id()));
      calls_.pop_back();
      if (calls_.empty()) return *returned;
    }
  }

  // One step of the topmost call; `returned` is what the call above it gave, if it has just ended. Whether the call is done.
  bool step(Call& call, std::optional<Derived>& returned) {
    Place& place = call.places.back();
    const auto* module = place.node->as<Module>();
    while (place.next < place.node->num_children()) {
      const NodePtr& child = place.node->child(place.next++);
      if (call.done.contains(child->id()) || (module && place.next == 1)) continue;  // spec circuits are no part of this call
      if (is_inside(call, *child) && child->kind() != Kind::Symbol) {
        call.places.push_back({child});
        return false;
      }
    }
    NodePtr result;
    if (module) {
      if (!place.module) expand(call, place);
      if (!returned) returned = begin(place.module->spec(), place.module->arguments());
      if (!returned) return false;
      result = place.module->permuted(Symbol::stand_in(*returned), ExpansionNames{});
      returned.reset();
    } else {
      result = place.node->kind() == Kind::Symbol ? value(call, place.node) : expand_over(place.node, new_children(call, *place.node));
    }
    call.done.emplace(place.node->id(), std::move(result));
    call.places.pop_back();
    return call.places.empty();
  }

  static NodePtr value(const Call& call, const NodePtr& node) {
    if (node->kind() == Kind::Symbol) {
      const auto found = call.values.find(node->id());
      return found == call.values.end() ? node : found->second;
    }
    const auto found = call.done.find(node->id());
    return found == call.done.end() ? node : found->second;
  }

  static NodePtrs new_children(const Call& call, const Node& node) {
    NodePtrs children;
    for (const auto& child : node.children()) children.push_back(value(call, child));
    return children;
  }

  // A nested Module over its new arguments. Its spec circuit is another one only where outer parameters or new batch axes get into it.
  static void expand(Call& call, Place& place) {
    const auto module = cast<Module>(place.node);
    NodePtrs children = new_children(call, *module);
    Expansion::SymbolMap visible;
    for (const auto& binding : call.symbols) {
      const bool rebound = std::any_of(module->arg_specs().begin(), module->arg_specs().end(),
                                       [&](const ModuleArgSpec& inner) { return inner.symbol->id() == binding.first->id(); });
      if (!rebound && module->spec_circuit()->has_free_symbol(*binding.first)) visible.push_back(binding);
    }
    if (!visible.empty()) children[0] = call.replacement.run(module->spec_circuit(), 0, visible);
    place.module.emplace(module, std::move(children), ExpansionNames{});
    if (place.module->inner_axes() > 0) {
      for (const auto& binding : place.module->symbols()) visible.push_back(binding);
      place.module->set_spec_circuit(call.replacement.run(module->spec_circuit(), 0, visible), ExpansionNames{});
    }
    check_module(place.module->spec(), place.module->arguments());
  }

  std::vector<std::unique_ptr<Call>> calls_;
};

// Raises the error that the real arguments give, so that messages show them.
void raise_with_arguments(const ModuleSpec& spec, const NodePtrs& arguments) {
  constexpr int kMaxNesting = 16;
  thread_local int nesting = 0;
  if (nesting >= kMaxNesting) return;
  struct Guard {
    Guard() { ++nesting; }
    ~Guard() { --nesting; }
  } guard;
  substitute_call(spec, arguments, std::nullopt);
}

SymbolPtrs free_symbols_of_call(const ModuleSpec& spec, const NodePtrs& arguments) {
  SymbolPtrs free;
  std::unordered_map<uint64_t, bool> seen;
  const auto parameters = parameters_of(spec.arg_specs);
  for (const auto& symbol : spec.circuit->free_symbols())
    if (!parameters.contains(symbol->id()) && seen.emplace(symbol->id(), true).second) free.push_back(symbol);
  for (const auto& argument : arguments)
    if (argument->has_free_symbols())
      for (const auto& symbol : argument->free_symbols())
        if (seen.emplace(symbol->id(), true).second) free.push_back(symbol);
  return free;
}

// Full substitutions of Modules by id; an entry goes when its Module dies.
LruTable<uint64_t, NodePtr>& substitutions() {
  static auto& table = *new LruTable<uint64_t, NodePtr>(1 << 15);
  return table;
}

}  // namespace

std::string to_text(const ModuleArgSpec& arg_spec) {
  const auto flag = [](bool value) { return value ? "True" : "False"; };
  return "ModuleArgSpec(symbol=" + describe(*arg_spec.symbol) + ", batchable=" + flag(arg_spec.batchable) +
         ", expandable=" + flag(arg_spec.expandable) + ", ban_non_symbolic_size_expand=" + flag(arg_spec.ban_non_symbolic_size_expand) +
         ")";
}

Expansion::SymbolMap bindings_of(const ModuleSpec& spec, const NodePtrs& arguments) {
  Expansion::SymbolMap symbols;
  for (size_t i = 0; i < arguments.size(); ++i) symbols.emplace_back(spec.arg_specs[i].symbol, arguments[i]);
  return symbols;
}

void check_module(const ModuleSpec& spec, const NodePtrs& arguments) {
  check_scoping(spec, arguments);
  if (arguments.size() != spec.arg_specs.size()) {
    PayloadList arg_specs;
    for (const auto& arg_spec : spec.arg_specs) arg_specs.push_back(arg_spec_payload(arg_spec));
    fail(ErrorId::ConstructModuleWrongNumberChildren,
         "a Module of " + describe(*spec.circuit) + " needs " + std::to_string(spec.arg_specs.size()) + " arguments, got " +
             std::to_string(arguments.size()) + ": " + describe(arguments),
         spec.arg_specs.size(), arguments.size(), std::move(arg_specs), circuit_payloads(arguments));
  }
  for (size_t i = 0; i < arguments.size(); ++i) check_argument(spec, spec.arg_specs[i], arguments[i]);
  with_context([&] { return aligned_batch(spec.arg_specs, arguments); },
               [&] {
                 return "while aligning the batch axes of the arguments of a Module of " + describe(*spec.circuit) + ": " +
                        describe(arguments);
               });
}

void derive_module(const ModuleSpec& spec, const NodePtrs& arguments, Derived& derived) {
  try {
    derived = Derivation::of(spec, arguments);
  } catch (CircuitError& error) {
    const auto context = [&] {
      return "while constructing a Module of " + describe(*spec.circuit) + " with arguments " + describe(arguments);
    };
    with_context([&] { raise_with_arguments(spec, arguments); }, context);
    error.add_context(context());
    throw;
  }
  SymbolPtrs free = free_symbols_of_call(spec, arguments);
  if (!free.empty()) derived.free_symbols = std::make_shared<const SymbolPtrs>(std::move(free));
}

NodePtr substitute(const Module& module, const SubstituteOptions& options) {
  SubstituteOptions used = options;
  if (options.use_self_name_as_prefix) {
    if (options.name_prefix)
      fail(ErrorId::ConstructModulePassedNamePrefixAndUseSelfNameAsPrefix,
           "substitute of " + describe(module) + ": give name_prefix or use_self_name_as_prefix, not both", *options.name_prefix,
           circuit_payload(NodePtr(&module)));
    used.name_prefix = with_suffix(module.name(), ".");
  }
  return substitute_call(module.spec(), module.arguments(), module.name(), used);
}

NodePtr substitute_call(const ModuleSpec& spec, const NodePtrs& arguments, const Name& name, const SubstituteOptions& options) {
  const NodePtr result = body(spec, arguments, options);
  return result.get() == spec.circuit.get() || spec.circuit->num_children() == 0 ? result : result->rename(name);
}

NodePtr expand_spec_circuit(const ModuleSpec& spec, const NodePtrs& arguments) { return body(spec, arguments, {}); }

NodePtr replace_symbols(const NodePtr& circuit, const Expansion::SymbolMap& symbols) {
  return SymbolReplacement().run(circuit, 0, symbols);
}

NodePtr substitute_all_modules(const NodePtr& circuit) {
  NodeMap done;
  std::vector<std::pair<NodePtr, size_t>> stack = {{circuit, 0}};  // node and its next child
  for (size_t steps = 0; !stack.empty(); ++steps) {
    if (steps % 4096 == 4095) poll_interrupt();
    auto& [node, next] = stack.back();
    const auto* module = node->as<Module>();
    if (module && next == 0) {
      if (auto found = substitutions().find(node->id())) {
        done.emplace(node->id(), std::move(*found));
        stack.pop_back();
        continue;
      }
    }
    if (next < node->num_children()) {
      const NodePtr& child = node->child(next++);
      if (!done.contains(child->id())) stack.emplace_back(child, 0);
      continue;
    }
    NodePtrs children;
    children.reserve(node->num_children());
    for (const auto& child : node->children()) children.push_back(done.at(child->id()));
    NodePtr result;
    if (module) {
      const NodePtrs arguments(children.begin() + 1, children.end());
      result = with_context([&] { return substitute_call({children[0], module->arg_specs()}, arguments, module->name()); },
                            [&] { return "while substituting " + describe(*module); });
      substitutions().insert(node->id(), result);
    } else {
      result = node->rebuild(std::move(children));
    }
    done.emplace(node->id(), std::move(result));
    stack.pop_back();
  }
  return done.at(circuit->id());
}

void forget_substitution(uint64_t id) { substitutions().erase(id); }

void clear_module_circuit_caches() { substitutions().clear(); }

}  // namespace pycircuit
