#include "module/push.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/interrupt.h"
#include "circuit/expand.h"
#include "circuit/names.h"
#include "circuit/nodes/rearrange.h"
#include "circuit/substitute.h"
#include "match/context.h"

namespace pycircuit {
namespace {

Name nested_module_name(const NodePtr& base, const ModulePtrs& modules, std::string_view bind_name = "bind") {
  if (modules.empty() || !base->name()) return base->name();
  std::string out = *base->name() + " " + std::string(bind_name) + ":";
  for (size_t i = 0; i < modules.size(); ++i) {
    if (!modules[i]->name()) return std::nullopt;
    if (i > 0) out += ',';
    out += *modules[i]->name();
  }
  return out;
}

}  // namespace

NestedModuleNamer default_nested_module_namer(std::string bind_name) {
  return [bind_name = std::move(bind_name)](const NodePtr& base, const NodePtr&, const ModulePtrs& modules, std::optional<int64_t>) {
    return nested_module_name(base, modules, bind_name);
  };
}

namespace {

// Which binding each symbol has, for many stacks: search trees that share their branches. Keys are mixed, which keeps branches short.
class BindingTrees {
 public:
  using Tree = uint32_t;  // 0 is the empty one
  struct Place {
    uint32_t stack;
    uint32_t argument;
  };

  // The tree with this symbol bound there, whatever it was bound to.
  Tree with(Tree tree, const Symbol& symbol, Place place) {
    const uint64_t key = key_of(symbol);
    std::vector<std::pair<Tree, bool>> path;  // copied links, and whether the search goes right
    while (tree && links_[tree].key != key) {
      const bool right = links_[tree].key < key;
      path.emplace_back(copy(tree), right);
      tree = right ? links_[tree].right : links_[tree].left;
    }
    Tree below = tree ? copy(tree) : copy(0);
    links_[below].key = key;
    links_[below].place = place;
    for (auto each = path.rbegin(); each != path.rend(); ++each) {
      (each->second ? links_[each->first].right : links_[each->first].left) = below;
      below = each->first;
    }
    return below;
  }

  const Place* find(Tree tree, const Symbol& symbol) const {
    const uint64_t key = key_of(symbol);
    while (tree && links_[tree].key != key) tree = links_[tree].key < key ? links_[tree].right : links_[tree].left;
    return tree ? &links_[tree].place : nullptr;
  }

 private:
  struct Link {
    uint64_t key = 0;
    Place place = {};
    Tree left = 0, right = 0;
  };

  // One to one, so that different symbols have different keys.
  static uint64_t key_of(const Symbol& symbol) {
    uint64_t key = symbol.id() * 0x9E3779B97F4A7C15ull;
    key ^= key >> 32;
    return key * 0xD6E8FEB86659FD93ull;
  }
  Tree copy(Tree tree) {
    links_.push_back(Link(links_[tree]));
    return static_cast<Tree>(links_.size() - 1);
  }

  std::vector<Link> links_ = {Link{}};
};

}  // namespace

class ModulePusher::Run {
 public:
  explicit Run(const Options& options) : options_(options) { stacks_.emplace_back(); }

  NodePtr push_down(const NodePtr& circuit, const IterativeMatcher& traversal, const IterativeMatcher& skip) {
    return run({circuit, traversal, skip, 0}).node;
  }

  NodePtrs get(const NodePtr& circuit, const IterativeMatcher& matcher, const IterativeMatcher& skip) {
    NodePtrs leaves;
    std::unordered_set<uint64_t> listed;
    std::unordered_set<Key, KeyHash> seen;
    std::vector<Place> waiting = {{circuit, matcher, skip, 0}};
    while (!waiting.empty()) {
      const Place place = std::move(waiting.back());
      waiting.pop_back();
      if (!seen.insert(key_of(place)).second) continue;
      const MatchStep step = place.traversal->match_iterate(place.node, context_);
      if (step.found) {
        const NodePtr found = leaf(place.node, place.stack).node;
        if (listed.insert(found->id()).second) leaves.push_back(found);
      }
      if (step.finished() || place.node->num_children() == 0) continue;
      const MatchStep skip_step = step_of_skip(place);
      StackId inside = place.stack;
      const auto module = cast<Module>(place.node);
      if (module && !skip_step.found) {
        NodePtrs arguments;
        for (size_t i = 0; i < module->num_arguments(); ++i) arguments.push_back(substituted(module->argument(i), place.stack));
        inside = push(place.stack, module, std::move(arguments));
      }
      for (size_t i = place.node->num_children(); i-- > 0;)
        if (const MaybeMatcher below = step.child(i, *place.traversal))
          waiting.push_back({place.node->child(i), below, skip_of(skip_step, i, place), i == 0 ? inside : place.stack});
    }
    return leaves;
  }

 private:
  using StackId = uint32_t;  // 0 is the empty stack

  // What is asked of whole stacks, so that few questions walk them: they may be thousands deep.
  struct Summary {
    uint32_t depth = 0;
    int64_t modules = 0;                       // the pushed ones
    bool named = true;                         // each of them
    bool batched = false;                      // some argument has batch axes
    StackId innermost_batch = 0;               // the binding that is furthest in of those with a batch shape
    BindingTrees::Tree bound = 0, pushed = 0;  // by all bindings, by those of pushed Modules
  };

  // One binding on the way down: a pushed Module with its arguments pushed, or (no Module) the symbols that a skipped Module had to widen.
  struct Entry {
    StackId outer = 0;
    ModulePtr module = {};
    SymbolPtrs symbols = {};
    std::vector<int64_t> symbol_ranks = {};  // before widening
    NodePtrs arguments = {};
    std::vector<int64_t> gained = {};  // new batch axes of each argument
    Shape batch = {};                  // aligned batch shape of the Module as it stands in the circuit
    Summary stack = {};                // of the whole stack, this binding included
  };

  // Where a result comes from, which decides whether a Module's name goes to it.
  enum class Origin { unchanged, argument, leaf, built };
  struct Result {
    NodePtr node;
    Origin origin;
  };

  struct Place {
    NodePtr node;
    MaybeMatcher traversal, skip;
    StackId stack;
  };
  struct Key {
    uint64_t node, traversal, skip;
    StackId stack;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      uint64_t h = key.stack;
      for (const uint64_t part : {key.node, key.traversal, key.skip}) h = (h ^ part) * 0x9E3779B97F4A7C15ull, h ^= h >> 29;
      return h;
    }
  };
  struct Frame {
    Place place;
    MatchStep step, skip_step;
    NodePtrs children = {};  // results; of a pushed Module: of its arguments
    std::optional<ModuleExpansion> expansion = {};
  };

  static Key key_of(const Place& place) {
    return {place.node->id(), place.traversal ? place.traversal->id() : 0, place.skip ? place.skip->id() : 0, place.stack};
  }

  MatchStep step_of_skip(const Place& place) {
    return place.skip ? place.skip->match_iterate(place.node, context_) : MatchStep::finish(false);
  }
  static MaybeMatcher skip_of(const MatchStep& step, size_t child, const Place& place) {
    return place.skip ? step.child(child, *place.skip) : std::nullopt;
  }

  // --- stacks

  StackId enter(Entry entry, std::vector<uint64_t> key) {
    const auto [place, fresh] = stack_numbers_.emplace(std::move(key), static_cast<StackId>(stacks_.size()));
    if (fresh) {
      Summary& stack = entry.stack = stacks_[entry.outer].stack;
      ++stack.depth;
      if (!entry.batch.empty()) stack.innermost_batch = place->second;
      for (size_t i = 0; i < entry.symbols.size(); ++i) {
        const BindingTrees::Place binding = {place->second, static_cast<uint32_t>(i)};
        stack.bound = trees_.with(stack.bound, *entry.symbols[i], binding);
        if (entry.module) stack.pushed = trees_.with(stack.pushed, *entry.symbols[i], binding);
        stack.batched |= entry.arguments[i]->rank() != entry.symbol_ranks[i];
      }
      if (entry.module) {
        ++stack.modules;
        stack.named &= entry.module->name().has_value();
      }
      stacks_.push_back(std::move(entry));
    }
    return place->second;
  }

  // The pushed Modules of a stack, inner to outer.
  ModulePtrs modules_of(StackId place) const {
    ModulePtrs modules;
    for (StackId at = place; at != 0; at = stacks_[at].outer)
      if (stacks_[at].module) modules.push_back(stacks_[at].module);
    return modules;
  }

  // The name of `base` inside a stack (11.3).
  Name name_of(const NodePtr& base, StackId place, std::optional<int64_t> count) const {
    const Summary& stack = stacks_[place].stack;
    if (!options_.namer && (stack.modules == 0 || !base->name() || !stack.named))
      return stack.modules == 0 ? base->name() : std::nullopt;  // what the default would give, without a list of the Modules
    return named(base, base, modules_of(place), count);
  }
  Name named(const NodePtr& base, const NodePtr& running, const ModulePtrs& modules, std::optional<int64_t> count) const {
    return options_.namer ? options_.namer(base, running, modules, count) : nested_module_name(base, modules);
  }

  StackId push(StackId outer, const ModulePtr& module, NodePtrs arguments) {
    std::vector<uint64_t> key = {outer, module->id()};
    Entry entry{outer, module};
    for (size_t i = 0; i < arguments.size(); ++i) {
      key.push_back(arguments[i]->id());
      entry.symbols.push_back(module->arg_specs()[i].symbol);
      entry.symbol_ranks.push_back(entry.symbols.back()->rank());
      entry.gained.push_back(arguments[i]->rank() - module->argument(i)->rank());
    }
    entry.arguments = std::move(arguments);
    entry.batch = module->aligned_batch_shape();
    return enter(std::move(entry), std::move(key));
  }

  StackId widen(StackId outer, const std::vector<std::pair<SymbolPtr, NodePtr>>& symbols) {
    std::vector<uint64_t> key = {outer, 0};
    Entry entry{outer};
    for (const auto& [symbol, wider] : symbols) {
      key.push_back(wider->id());
      entry.symbols.push_back(symbol);
      entry.symbol_ranks.push_back(symbol->rank());
      entry.arguments.push_back(wider);
      entry.gained.push_back(wider->rank() - symbol->rank());
    }
    return enter(std::move(entry), std::move(key));
  }

  // Argument i of an entry as it is seen below `place`: where it has batch axes, it is repeated along those of the Modules further in, and
  // where it gained some, along those of its own Module that it lacks.
  NodePtr seen_argument(StackId place, StackId at, size_t i) const {
    const Entry& entry = stacks_[at];
    const NodePtr& argument = entry.arguments[i];
    const int64_t batch_rank = argument->rank() - entry.symbol_ranks[i], gained = entry.gained[i];
    if (batch_rank == 0) return argument;
    RearrangeSpec::IntGroups input, output;  // numbered by output axis
    std::vector<OptionalSize> sizes;
    const auto keep = [&](int64_t end) {
      while (static_cast<int64_t>(input.size()) < end) {
        input.push_back({static_cast<Label>(output.size())});
        output.push_back(input.back());
        sizes.emplace_back();
      }
    };
    const auto insert = [&](int64_t position, Shape::const_iterator begin, Shape::const_iterator end) {
      keep(position);
      for (; begin != end; ++begin) {
        output.push_back({static_cast<Label>(output.size())});
        sizes.emplace_back(*begin);
      }
    };
    if (gained > 0) insert(gained, entry.batch.begin(), entry.batch.end() - std::min<int64_t>(entry.batch.size(), batch_rank - gained));
    std::vector<StackId> inner;
    for (StackId each = stacks_[place].stack.innermost_batch; stacks_[each].stack.depth > entry.stack.depth;
         each = stacks_[stacks_[each].outer].stack.innermost_batch)
      inner.push_back(each);
    for (auto each = inner.rbegin(); each != inner.rend(); ++each)
      insert(batch_rank, stacks_[*each].batch.begin(), stacks_[*each].batch.end());
    keep(argument->rank());
    if (input == output) return argument;
    RearrangeSpec::check_rank(static_cast<int64_t>(output.size()));
    return Rearrange::make(argument, RearrangeSpec(std::move(input), std::move(output), std::move(sizes)),
                           with_suffix(argument->name(), " rep_fuse"));
  }

  // What the stack binds the symbol to, or null.
  NodePtr bound(const Symbol& symbol, StackId place) const {
    const auto* found = trees_.find(stacks_[place].stack.bound, symbol);
    return found ? seen_argument(place, found->stack, found->argument) : nullptr;
  }
  bool binds(const Symbol& symbol, StackId place) const { return trees_.find(stacks_[place].stack.pushed, symbol); }

  // --- leaves (11.2)

  NodePtr called(const ModulePtr& module, const ModulePtrs& modules, int64_t count) const {
    return options_.module_construct_callback ? options_.module_construct_callback(module, modules, count) : NodePtr(module);
  }

  // The call that binds the arguments of all stacked Modules around a node, outermost first.
  std::pair<ModuleSpec, NodePtrs> flat_call(const NodePtr& node, StackId place) const {
    std::vector<StackId> entries;
    for (StackId at = place; at != 0; at = stacks_[at].outer)
      if (stacks_[at].module) entries.push_back(at);
    ModuleSpec spec{node, {}};
    NodePtrs arguments;
    for (auto at = entries.rbegin(); at != entries.rend(); ++at)
      for (size_t i = 0; i < stacks_[*at].arguments.size(); ++i) {
        spec.arg_specs.push_back(stacks_[*at].module->arg_specs()[i]);
        arguments.push_back(seen_argument(place, *at, i));
      }
    return {std::move(spec), std::move(arguments)};
  }

  // The call that binds only what the node contains; where arguments have batch axes, all count for the shape.
  std::pair<ModuleSpec, NodePtrs> used_call(const NodePtr& node, StackId place) const {
    const Summary& stack = stacks_[place].stack;
    if (stack.batched) return flat_call(node, place);
    ModuleSpec spec{node, {}};
    NodePtrs arguments;
    for (const auto& symbol : node->free_symbols())
      if (const auto* found = trees_.find(stack.pushed, *symbol)) {
        spec.arg_specs.push_back(stacks_[found->stack].module->arg_specs()[found->argument]);
        arguments.push_back(stacks_[found->stack].arguments[found->argument]);
      }
    return {std::move(spec), std::move(arguments)};
  }

  // The node with what the stack binds put in.
  NodePtr substituted(const NodePtr& node, StackId place) const {
    const int64_t count = stacks_[place].stack.modules;
    if (count == 0) return node;
    const auto [spec, arguments] = used_call(node, place);
    return substitute_call(spec, arguments, name_of(node, place, count));
  }

  NodePtr flat_leaf(const NodePtr& node, StackId place, const ModulePtrs& modules) const {
    auto [spec, arguments] = flat_call(node, place);
    const auto count = static_cast<int64_t>(modules.size());
    return called(Module::make(spec, std::move(arguments), Naming(named(node, node, modules, count))), modules, count);
  }

  NodePtr nested_leaf(const NodePtr& node, const ModulePtrs& modules) const {
    const auto count = static_cast<int64_t>(modules.size());
    NodePtr running = node;
    ModulePtrs so_far;
    for (const auto& module : modules) {
      so_far.push_back(module);
      const ModuleSpec spec{running, module->arg_specs()};
      running = called(Module::make(spec, module->arguments(), Naming(named(node, running, so_far, count))), so_far, count);
    }
    return running;
  }

  Result leaf(const NodePtr& node, StackId place) const {
    const ModulePtrs modules = modules_of(place);
    NodePtr result = node;
    if (!modules.empty()) result = options_.flatten_modules ? flat_leaf(node, place, modules) : nested_leaf(node, modules);
    Expansion::SymbolMap widened;
    for (StackId at = place; at != 0; at = stacks_[at].outer)
      if (!stacks_[at].module)
        for (size_t i = 0; i < stacks_[at].symbols.size(); ++i)
          widened.insert(widened.begin(), {stacks_[at].symbols[i], stacks_[at].arguments[i]});
    if (!widened.empty()) result = replace_symbols(result, widened);
    return {result, same(result, node) ? Origin::unchanged : Origin::leaf};
  }

  // --- the walk

  // The result if no look at the children is needed; else the matchers' steps are left in `frame`.
  std::optional<Result> known(const Place& place, Frame& frame) {
    const Key key = key_of(place);
    if (const auto found = results_.find(key); found != results_.end()) return found->second;
    std::optional<Result> result;
    if (place.traversal) frame.step = place.traversal->match_iterate(place.node, context_);
    if (!place.traversal || frame.step.finished()) {
      result = leaf(place.node, place.stack);
    } else if (const auto* symbol = place.node->as<Symbol>()) {
      const NodePtr argument = bound(*symbol, place.stack);
      if (argument && !options_.bind_encountered_symbols && binds(*symbol, place.stack))
        fail(ErrorId::PushDownModulePushPastPreviouslyBoundSymbol,
             "pushing Modules past the symbol " + describe(*symbol) +
                 ", which they bind; end the traversal above it, or use bind_encountered_symbols=True",
             circuit_payload(place.node));
      result = argument ? Result{argument, Origin::argument} : Result{place.node, Origin::unchanged};
    } else if (place.node->num_children() == 0) {
      result = Result{place.node, Origin::unchanged};
    }
    if (result) {
      results_.emplace(key, *result);
      return result;
    }
    frame.skip_step = step_of_skip(place);
    frame.place = place;
    return std::nullopt;
  }

  Result run(const Place& root) {
    Frame first;
    if (auto result = known(root, first)) return *result;
    std::vector<Frame> stack;
    stack.push_back(std::move(first));
    for (size_t steps = 0;; ++steps) {
      if (steps % 4096 == 4095) poll_interrupt();
      Frame waiting;
      const std::optional<Result> result = step(stack.back(), waiting);
      if (!result) {
        stack.push_back(std::move(waiting));
        continue;
      }
      results_.emplace(key_of(stack.back().place), *result);
      stack.pop_back();
      if (stack.empty()) return *result;
    }
  }

  Place child_place(const Frame& frame, size_t i, StackId stack) const {
    const Place& place = frame.place;
    return {place.node->child(i), frame.step.child(i, *place.traversal), skip_of(frame.skip_step, i, place), stack};
  }

  // The frame's result; else `waiting` is what has to be done first.
  std::optional<Result> step(Frame& frame, Frame& waiting) {
    const auto module = cast<Module>(frame.place.node);
    if (module && !frame.skip_step.found) return step_pushed(frame, module, waiting);
    const Place& place = frame.place;
    if (module && frame.children.empty()) check_skipped(module, place.stack);
    while (frame.children.size() < place.node->num_children()) {
      const auto child = known(child_place(frame, frame.children.size(), place.stack), waiting);
      if (!child) return std::nullopt;
      frame.children.push_back(child->node);
    }
    NodePtr result;
    if (module) {
      if (!frame.expansion) frame.expansion.emplace(module, frame.children, ExpansionNames{});
      if (frame.expansion->inner_axes() > 0) {
        const auto circuit = known(child_place(frame, 0, widen(place.stack, frame.expansion->symbols())), waiting);
        if (!circuit) return std::nullopt;
        frame.expansion->set_spec_circuit(circuit->node, ExpansionNames{});
      }
      result = frame.expansion->build(ExpansionNames{});
    } else {
      result = expand_over(place.node, frame.children);
    }
    if (same(result, place.node)) return Result{place.node, Origin::unchanged};
    return Result{result->rename(name_of(place.node, place.stack, std::nullopt)), Origin::built};
  }

  std::optional<Result> step_pushed(Frame& frame, const ModulePtr& module, Frame& waiting) {
    const StackId outside = frame.place.stack;
    while (frame.children.size() < module->num_arguments()) {
      const auto argument = known(child_place(frame, frame.children.size() + 1, outside), waiting);
      if (!argument) return std::nullopt;
      frame.children.push_back(argument->node);
    }
    const auto body = known(child_place(frame, 0, push(outside, module, frame.children)), waiting);
    if (!body) return std::nullopt;
    Result result = *body;
    const Shape batch = module->aligned_batch_shape();
    const int64_t missing = static_cast<int64_t>(batch.size()) - (result.node->rank() - module->spec_circuit()->rank());
    if (missing > 0)
      result.node = Rearrange::make(result.node,
                                    RearrangeSpec::prepend_batch_shape(Shape(batch.begin(), batch.begin() + missing), result.node->rank()),
                                    with_suffix(result.node->name(), " rep_batch"));
    const bool named = result.origin == Origin::built || (result.origin == Origin::leaf && outside == 0);
    if (named) result = {result.node->rename(name_of(module, outside, std::nullopt)), Origin::built};
    return result;
  }

  void check_skipped(const ModulePtr& module, StackId place) const {
    for (const auto& arg_spec : module->arg_specs())
      if (binds(*arg_spec.symbol, place))
        fail(ErrorId::PushDownModulePushingPastModuleWhichOverridesSym,
             "pushing Modules past " + describe(*module) + ", which is skipped and binds the symbol " + describe(*arg_spec.symbol) +
                 " that they bind too",
             circuit_payload(arg_spec.symbol), circuit_payload(module));
  }

  const Options& options_;
  MatchContext context_;
  std::vector<Entry> stacks_;
  BindingTrees trees_;
  std::map<std::vector<uint64_t>, StackId> stack_numbers_;
  std::unordered_map<Key, Result, KeyHash> results_;
};

ModulePusher::ModulePusher(Options options) : options_(std::move(options)), run_(std::make_unique<Run>(options_)) {}

ModulePusher::~ModulePusher() = default;

NodePtr ModulePusher::push_down_modules(const NodePtr& circuit, const IterativeMatcher& traversal, const IterativeMatcher& skip_module) {
  return run_->push_down(circuit, traversal, skip_module);
}

NodePtrs ModulePusher::get_push_down_modules(const NodePtr& circuit, const IterativeMatcher& get, const IterativeMatcher& skip_module) {
  return run_->get(circuit, get, skip_module);
}

}  // namespace pycircuit
