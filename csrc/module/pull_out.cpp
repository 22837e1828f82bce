// Pulling nodes out of spec circuits into arguments (spec 08, 10.1).
#include <cstring>
#include <map>
#include <unordered_map>

#include "base/interrupt.h"
#include "circuit/substitute.h"
#include "match/context.h"
#include "module/extract_symbols.h"
#include "module/spec.h"

namespace pycircuit {
namespace {

Uuid reproducible_uuid(const Node& node) {
  Blake3 hasher;
  hasher.update("pulled out");
  hasher.update(node.hash());
  const Hash hash = hasher.finish();
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), hash.bytes.data(), uuid.bytes.size());
  return uuid;
}

class PullingOut {
 public:
  PullingOut(const IterativeMatcher& matcher, const PullOutOptions& options)
      : options_(options), new_binds_(options.matcher_new_binds.value_or(matcher)) {}

  // What a circuit has become, and the circuits found in it, whose symbols are free there.
  struct Result {
    NodePtr node;
    std::vector<CircuitArgSpec> pulled;
  };

  Result run(const NodePtr& root, const IterativeMatcher& matcher) {
    std::vector<Frame> stack;
    if (const Result* result = known(root, matcher, stack)) return *result;
    for (size_t steps = 0;; ++steps) {
      if (steps % 4096 == 4095) poll_interrupt();
      auto result = step(stack);
      if (!result) continue;
      const auto place = done_.emplace(Key{stack.back().node->id(), stack.back().state->id()}, std::move(*result)).first;
      stack.pop_back();
      if (stack.empty()) return place->second;
    }
  }

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  struct Frame {
    NodePtr node;
    MaybeMatcher state;
    MatchStep step;
    std::vector<Result> children = {};
    NodePtrs new_arguments = {};  // of a Module: bound here, with parameters replaced and updated
    std::vector<ModuleArgSpec> new_arg_specs = {};
    std::vector<Result> new_results = {};  // what the arguments become
    std::vector<CircuitArgSpec> passed = {};
    bool bound = false;
  };

  const Result* known(const NodePtr& node, const MaybeMatcher& state, std::vector<Frame>& stack) {
    const Key key{node->id(), state ? state->id() : 0};
    if (const auto place = done_.find(key); place != done_.end()) return &place->second;
    if (!state) return &done_.emplace(key, Result{node, {}}).first->second;
    MatchStep step = state->match_iterate(node, context_);
    if (step.found) {
      const ModuleArgSpec arg_spec = arg_spec_of(node);
      return &done_.emplace(key, Result{arg_spec.symbol, {{node, arg_spec}}}).first->second;
    }
    if (node->num_children() == 0) return &done_.emplace(key, Result{node, {}}).first->second;
    stack.push_back(Frame{node, state, std::move(step)});
    return nullptr;
  }

  ModuleArgSpec arg_spec_of(const NodePtr& node) {
    const auto place = arg_specs_.find(node->id());
    if (place != arg_specs_.end()) return place->second;
    const ModuleArgSpec arg_spec =
        options_.circuit_to_arg_spec
            ? options_.circuit_to_arg_spec(node)
            : ModuleArgSpec{Symbol::make(node->shape(), reproducible_uuid(*node), node->name()), true, true, false};
    arg_specs_.emplace(node->id(), arg_spec);
    return arg_spec;
  }

  static void add(std::vector<CircuitArgSpec>& all, const CircuitArgSpec& item) {
    for (const auto& known : all)
      if (same(known.first, item.first)) return;
    all.push_back(item);
  }

  std::optional<Result> step(std::vector<Frame>& stack) {
    while (stack.back().children.size() < stack.back().node->num_children()) {
      Frame& frame = stack.back();
      const size_t i = frame.children.size();
      const Result* child = known(frame.node->child(i), frame.step.child(i, *frame.state), stack);
      if (!child) return std::nullopt;
      stack.back().children.push_back(*child);
    }
    Frame& frame = stack.back();
    const auto module = cast<Module>(frame.node);
    if (!module) return plain(frame, 0);
    if (!frame.bound) bind(frame, *module);
    while (stack.back().new_results.size() < stack.back().new_arguments.size()) {
      const NodePtr argument = stack.back().new_arguments[stack.back().new_results.size()];
      const Result* result = known(argument, new_binds_, stack);
      if (!result) return std::nullopt;
      stack.back().new_results.push_back(*result);
    }
    return finish_module(stack.back(), module);
  }

  static Result plain(Frame& frame, size_t first_pulled) {
    Result result;
    NodePtrs children;
    for (size_t i = 0; i < frame.children.size(); ++i) {
      children.push_back(frame.children[i].node);
      if (i >= first_pulled)
        for (const auto& item : frame.children[i].pulled) add(result.pulled, item);
    }
    result.node = frame.node->rebuild_if_changed(std::move(children));
    return result;
  }

  // Which of what was found in the spec circuit is bound here.
  void bind(Frame& frame, const Module& module) {
    frame.bound = true;
    NodePtrs arguments;
    for (size_t i = 1; i < frame.children.size(); ++i) arguments.push_back(frame.children[i].node);
    const auto symbols = bindings_of(module.spec(), arguments);
    for (const auto& item : frame.children[0].pulled) {
      const auto binds = [&](const auto& binding) { return item.first->has_free_symbol(*binding.first); };
      if (std::none_of(symbols.begin(), symbols.end(), binds)) {
        frame.passed.push_back(item);
        continue;
      }
      NodePtr argument = replace_symbols(item.first, symbols);
      if (NodePtr updated = options_.update_new_binds ? options_.update_new_binds(argument) : nullptr) argument = std::move(updated);
      frame.new_arguments.push_back(std::move(argument));
      frame.new_arg_specs.push_back(item.second);
    }
  }

  Result finish_module(Frame& frame, const Ref<const Module>& module) {
    Result result;
    for (const auto& item : frame.passed) add(result.pulled, item);
    NodePtrs children;
    for (size_t i = 0; i < frame.children.size(); ++i) {
      children.push_back(frame.children[i].node);
      if (i > 0)
        for (const auto& item : frame.children[i].pulled) add(result.pulled, item);
    }
    if (frame.new_arguments.empty()) {
      result.node = module->rebuild_if_changed(std::move(children));
      return result;
    }
    ModuleSpec spec{children[0], module->arg_specs()};
    NodePtrs arguments(children.begin() + 1, children.end());
    for (size_t i = 0; i < frame.new_arguments.size(); ++i) {
      spec.arg_specs.push_back(frame.new_arg_specs[i]);
      arguments.push_back(frame.new_results[i].node);
      for (const auto& item : frame.new_results[i].pulled) add(result.pulled, item);
    }
    const auto made = Module::make(spec, std::move(arguments), module->kept_naming());
    result.node = options_.module_construct_callback ? options_.module_construct_callback(made, module) : NodePtr(made);
    return result;
  }

  const PullOutOptions& options_;
  IterativeMatcher new_binds_;
  MatchContext context_;
  std::map<Key, Result> done_;
  std::unordered_map<uint64_t, ModuleArgSpec> arg_specs_;
};

}  // namespace

PulledOut pull_out_of_modules(const NodePtr& circuit, const IterativeMatcher& matcher, const PullOutOptions& options) {
  PullingOut pulling(matcher, options);
  auto result = pulling.run(circuit, matcher);
  return {result.node, std::move(result.pulled)};
}

}  // namespace pycircuit
