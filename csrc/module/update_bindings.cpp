#include "module/update_bindings.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/interrupt.h"
#include "circuit/module_spec.h"
#include "circuit/substitute.h"
#include "match/context.h"
#include "module/replace.h"

namespace pycircuit {

NestedModuleNamer default_update_bindings_nested_namer(std::string bind_name, bool short_if_not_leaf, bool keep_name_if_not_leaf) {
  const NestedModuleNamer nested = default_nested_module_namer(bind_name);
  return [=](const NodePtr& base, const NodePtr& running, const ModulePtrs& modules, std::optional<int64_t> count) -> Name {
    if (count || (!keep_name_if_not_leaf && !short_if_not_leaf)) return nested(base, running, modules, count);
    if (keep_name_if_not_leaf || !base->name()) return base->name();
    return *base->name() + " " + bind_name;
  };
}

namespace {

class BindingUpdate {
 public:
  BindingUpdate(const Replacing& update, const UpdateBindingsOptions& options) : update_(update), options_(options) {
    stacks_.emplace_back();
  }

  NodePtr run(const NodePtr& root, const IterativeMatcher& matcher, const IterativeMatcher& skip) {
    std::vector<Frame> stack;
    if (NodePtr result = known(root, matcher, skip, 0, stack)) return result;
    for (size_t steps = 0;; ++steps) {
      if (steps % 4096 == 4095) poll_interrupt();
      const NodePtr result = step(stack);
      if (!result) continue;
      done_.emplace(key_of(stack.back()), result);
      stack.pop_back();
      if (stack.empty()) return result;
    }
  }

 private:
  using StackId = uint32_t;  // 0 is the empty stack
  struct Entry {
    StackId outer = 0;
    ModulePtr module = {};
    ModulePtrs modules = {};  // of the whole stack, inner to outer
  };
  struct Frame {
    NodePtr node;
    MaybeMatcher matcher, skip;
    StackId stack;
    MatchStep step, skip_step;
    NodePtrs children = {};
  };
  using Key = std::tuple<uint64_t, uint64_t, uint64_t, StackId>;

  static Key key_of(const Frame& frame) { return {frame.node->id(), frame.matcher->id(), frame.skip ? frame.skip->id() : 0, frame.stack}; }

  StackId push(StackId outer, const ModulePtr& module) {
    const auto [place, fresh] = stack_numbers_.emplace(std::make_pair(outer, module->id()), static_cast<StackId>(stacks_.size()));
    if (fresh) {
      Entry entry{outer, module, {module}};
      const ModulePtrs& around = stacks_[outer].modules;
      entry.modules.insert(entry.modules.end(), around.begin(), around.end());
      stacks_.push_back(std::move(entry));
    }
    return place->second;
  }

  NodePtr known(const NodePtr& node, const MaybeMatcher& matcher, const MaybeMatcher& skip, StackId place, std::vector<Frame>& stack) {
    if (!matcher) return node;
    Frame frame{node, matcher, skip, place, {}, {}};
    if (const auto found = done_.find(key_of(frame)); found != done_.end()) return found->second;
    frame.step = matcher->match_iterate(node, context_);
    if (frame.step.found) return done_.emplace(key_of(frame), rebound(node, place)).first->second;
    if (node->num_children() == 0) return node;
    frame.skip_step = skip ? skip->match_iterate(node, context_) : MatchStep::finish(false);
    stack.push_back(std::move(frame));
    return nullptr;
  }

  // The frame's result, or null after pushing what it waits for.
  NodePtr step(std::vector<Frame>& stack) {
    while (stack.back().children.size() < stack.back().node->num_children()) {
      const Frame& frame = stack.back();
      const size_t i = frame.children.size();
      const auto module = cast<Module>(frame.node);
      const StackId place = module && i == 0 && !frame.skip_step.found ? push(frame.stack, module) : frame.stack;
      const MaybeMatcher skip = frame.skip ? frame.skip_step.child(i, *frame.skip) : std::nullopt;
      NodePtr child = known(NodePtr(frame.node->child(i)), frame.step.child(i, *frame.matcher), skip, place, stack);
      if (!child) return nullptr;
      stack.back().children.push_back(std::move(child));
    }
    Frame& frame = stack.back();
    if (frame.children == frame.node->children()) return frame.node;
    return frame.node->rebuild(std::move(frame.children))
        ->rename(options_.namer(frame.node, frame.node, stacks_[frame.stack].modules, std::nullopt));
  }

  NodePtr updated(const NodePtr& circuit) {
    return replace_top_down(circuit, [&](const NodePtr& node) {
      const auto [place, fresh] = updates_.try_emplace(node->id());
      if (fresh) {
        NodePtr result = update_(node);
        updates_[node->id()] = result;
        return result;
      }
      return place->second;
    });
  }

  // One argument that has to be bound anew around a leaf.
  struct Rebinding {
    size_t level;  // of its Module: 0 is the innermost
    ModuleArgSpec arg_spec;
    NodePtr argument;
  };

  // Which arguments of the stack are used by `node`, directly or through arguments further in: per level the indices, last of a symbol
  // only.
  static std::vector<std::vector<size_t>> used_arguments(const NodePtr& node, const ModulePtrs& modules) {
    std::unordered_set<uint64_t> needed;
    for (const auto& symbol : node->free_symbols()) needed.insert(symbol->id());
    std::vector<std::vector<size_t>> used(modules.size());
    for (size_t level = 0; level < modules.size(); ++level) {
      std::vector<SymbolPtr> further;
      for (size_t i = modules[level]->num_arguments(); i-- > 0;) {
        if (needed.erase(modules[level]->arg_specs()[i].symbol->id()) == 0) continue;
        used[level].insert(used[level].begin(), i);
        for (const auto& symbol : modules[level]->argument(i)->free_symbols()) further.push_back(symbol);
      }
      for (const auto& symbol : further) needed.insert(symbol->id());
    }
    return used;
  }

  // From the outermost level inwards.
  std::vector<Rebinding> rebindings(const NodePtr& node, const ModulePtrs& modules) {
    const auto used = used_arguments(node, modules);
    std::vector<Rebinding> all;
    std::unordered_map<uint64_t, bool> anew;        // by symbol: whether its innermost binding so far is a new one
    std::unordered_set<uint64_t> anew_further_out;  // symbols that have a new binding at some level so far
    for (size_t level = modules.size(); level-- > 0;) {
      std::vector<Rebinding> here;
      for (const size_t i : used[level]) {
        const ModuleArgSpec& arg_spec = modules[level]->arg_specs()[i];
        const NodePtr& argument = modules[level]->argument(i);
        const NodePtr changed = updated(argument);
        const auto free = argument->free_symbols();
        const bool needed =
            !same(changed, argument) || anew_further_out.contains(arg_spec.symbol->id()) ||
            std::any_of(free.begin(), free.end(), [&](const auto& symbol) { return anew.contains(symbol->id()) && anew.at(symbol->id()); });
        if (needed) here.push_back({level, arg_spec, changed});
      }
      for (const auto& arg_spec : modules[level]->arg_specs()) anew[arg_spec.symbol->id()] = false;
      for (const auto& rebinding : here) check(rebinding, modules, anew_further_out);
      for (const auto& rebinding : here) {
        anew[rebinding.arg_spec.symbol->id()] = true;
        anew_further_out.insert(rebinding.arg_spec.symbol->id());
        all.push_back(rebinding);
      }
    }
    return all;
  }

  static void check(const Rebinding& rebinding, const ModulePtrs& modules, const std::unordered_set<uint64_t>& anew_further_out) {
    const std::string what = "rebinding " + describe(*rebinding.arg_spec.symbol) + " of " + describe(*modules[rebinding.level]) + " to " +
                             describe(*rebinding.argument) + ": ";
    if (rebinding.argument->rank() > rebinding.arg_spec.symbol->rank())
      fail(ErrorId::RuntimeError,
           what + "the argument has batch axes; conform the Module first (conform_all_modules, conform_to_input_batch_shape)");
    // The new binding stands inside these Modules, the old one outside; new bindings further out are around both.
    for (size_t level = 0; level <= rebinding.level; ++level)
      for (const auto& arg_spec : modules[level]->arg_specs())
        if (rebinding.argument->has_free_symbol(*arg_spec.symbol) && !anew_further_out.contains(arg_spec.symbol->id()))
          fail(ErrorId::RuntimeError, what + "inside, its free symbol " + describe(*arg_spec.symbol) + " is bound by " +
                                          describe(*modules[level]) + "; give one of the symbols another uuid or name");
  }

  // What takes the place of a found node.
  NodePtr rebound(const NodePtr& node, StackId place) {
    const ModulePtrs& modules = stacks_[place].modules;
    const NodePtr body = options_.run_update_on_new_spec_circuits ? updated(node) : node;
    const std::vector<Rebinding> all = rebindings(body, modules);
    if (all.empty()) return body;
    return options_.flatten_modules ? flat(node, body, all, modules) : nested(node, body, all, modules);
  }

  NodePtr nested(const NodePtr& base, const NodePtr& body, const std::vector<Rebinding>& all, const ModulePtrs& modules) const {
    NodePtr running = body;
    ModulePtrs so_far;
    for (size_t level = 0; level < modules.size(); ++level) {
      ModuleSpec spec{running, {}};
      NodePtrs arguments;
      for (const auto& rebinding : all) {
        if (rebinding.level != level) continue;
        spec.arg_specs.push_back(rebinding.arg_spec);
        arguments.push_back(rebinding.argument);
      }
      if (arguments.empty()) continue;
      so_far.push_back(modules[level]);
      running = Module::make(spec, std::move(arguments), Naming(options_.namer(base, running, so_far, count(modules))));
    }
    return running;
  }

  NodePtr flat(const NodePtr& base, const NodePtr& body, const std::vector<Rebinding>& all, const ModulePtrs& modules) const {
    ModuleSpec spec{body, {}};
    NodePtrs arguments;
    size_t further_out = 0;  // how many of `all` belong to Modules further out
    for (size_t i = 0; i < all.size(); ++i) {
      const auto& [level, arg_spec, argument] = all[i];
      if (i > 0 && level != all[i - 1].level) further_out = i;
      NodePtr bound = argument;
      if (further_out > 0) {
        const ModulePtrs around(modules.begin() + static_cast<int64_t>(level) + 1, modules.end());
        const ModuleSpec outer{argument, {spec.arg_specs.begin(), spec.arg_specs.begin() + static_cast<int64_t>(further_out)}};
        const NodePtrs outer_arguments(arguments.begin(), arguments.begin() + static_cast<int64_t>(further_out));
        bound = substitute_call(outer, outer_arguments, options_.namer(argument, argument, around, count(around)));
      }
      spec.arg_specs.push_back(arg_spec);
      arguments.push_back(std::move(bound));
    }
    // What only arguments further in used is in them now.
    const auto used = are_args_used(spec);
    ModuleSpec used_spec{body, {}};
    NodePtrs used_arguments;
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) continue;
      used_spec.arg_specs.push_back(spec.arg_specs[i]);
      used_arguments.push_back(arguments[i]);
    }
    return Module::make(used_spec, std::move(used_arguments), Naming(options_.namer(base, body, modules, count(modules))));
  }

  static int64_t count(const ModulePtrs& modules) { return static_cast<int64_t>(modules.size()); }

  const Replacing& update_;
  const UpdateBindingsOptions& options_;
  MatchContext context_;
  std::vector<Entry> stacks_;
  std::map<std::pair<StackId, uint64_t>, StackId> stack_numbers_;
  std::map<Key, NodePtr> done_;
  std::unordered_map<uint64_t, NodePtr> updates_;
};

}  // namespace

NodePtr update_bindings_nested(const NodePtr& circuit, const Replacing& update, const IterativeMatcher& matcher,
                               const UpdateBindingsOptions& options, const IterativeMatcher& skip_module) {
  return BindingUpdate(update, options).run(circuit, matcher, skip_module);
}

}  // namespace pycircuit
