#include "module/extract_symbols.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/interrupt.h"
#include "circuit/conform.h"
#include "circuit/names.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "match/context.h"
#include "match/get.h"

namespace pycircuit {
namespace {

class SymbolExtraction {
 public:
  SymbolExtraction(const SymbolPtrs& symbols, bool conform) : conform_(conform) {
    for (const auto& symbol : symbols) wanted_.insert(symbol->id());
  }

  NodePtr run(const NodePtr& root, const IterativeMatcher& traversal) {
    std::vector<Frame> stack;
    if (NodePtr result = known(root, traversal, {}, stack)) return result;
    for (size_t steps = 0;; ++steps) {
      if (steps % 4096 == 4095) poll_interrupt();
      const NodePtr result = step(stack);
      if (!result) continue;
      done_.emplace(key_of(stack.back()), result);
      stack.pop_back();
      if (stack.empty()) return result;
    }
  }

  struct Found {
    ModuleArgSpec arg_spec;
    NodePtr bound;
  };
  const std::map<uint64_t, Found>& found() const { return found_; }

 private:
  using Bound = std::set<uint64_t>;  // symbols bound by the Modules around
  struct Frame {
    NodePtr node;
    MaybeMatcher traversal;
    Bound around;
    MatchStep step;
    NodePtr walked = {};               // what stands for the node (conformed)
    std::vector<bool> extracted = {};  // per argument
    NodePtrs children = {};
  };
  using Key = std::tuple<uint64_t, uint64_t, Bound>;
  static Key key_of(const Frame& frame) { return {frame.node->id(), frame.traversal->id(), frame.around}; }

  NodePtr known(const NodePtr& node, const MaybeMatcher& traversal, const Bound& around, std::vector<Frame>& stack) {
    if (!traversal || node->num_children() == 0) return node;
    Frame frame{node, traversal, around, {}};
    if (const auto place = done_.find(key_of(frame)); place != done_.end()) return place->second;
    frame.step = traversal->match_iterate(node, context_);
    if (frame.step.finished()) return node;
    frame.walked = node;
    if (cast<Module>(node)) extract_arguments(frame);
    stack.push_back(std::move(frame));
    return nullptr;
  }

  void extract_arguments(Frame& frame) {
    auto module = cast<Module>(frame.node);
    frame.extracted.assign(module->num_arguments(), false);
    std::set<uint64_t> here;
    int64_t batch = 0;
    for (size_t i = 0; i < module->num_arguments(); ++i) {
      const uint64_t id = module->arg_specs()[i].symbol->id();
      if (!wanted_.contains(id) || frame.around.contains(id) || !here.insert(id).second) continue;
      frame.extracted[i] = true;
      batch = std::max(batch, module->argument(i)->rank() - module->arg_specs()[i].symbol->rank());
    }
    if (batch > 0 && conform_) {
      module = conform_to_input_batch_shape(*module, batch);
      frame.walked = module;
    }
    const Bound around = bound_below(frame);
    for (size_t i = 0; i < module->num_arguments(); ++i)
      if (frame.extracted[i])
        record(frame.node->as<Module>()->arg_specs()[i].symbol->id(), module->arg_specs()[i], module->argument(i), around);
  }

  // Symbols that are bound in the spec circuit of a frame's Module: as written, and with the sizes that conforming gave them.
  static Bound bound_below(const Frame& frame) {
    Bound around = frame.around;
    for (const NodePtr& module : {frame.node, frame.walked})
      for (const auto& arg_spec : module->as<Module>()->arg_specs()) around.insert(arg_spec.symbol->id());
    return around;
  }

  void record(uint64_t id, const ModuleArgSpec& arg_spec, const NodePtr& bound, const Bound& around) {
    const SymbolPtr& symbol = arg_spec.symbol;
    const std::string what = "extracting the binding of " + describe(*symbol) + " to " + describe(*bound) + ": ";
    if (bound->rank() > symbol->rank())
      fail(ErrorId::ExtractSymbolsBatchedInput, what + "the argument has batch axes; use conform_batch_if_needed=True", bound->rank(),
           symbol->rank(), circuit_payload(symbol), circuit_payload(bound));
    NodePtrs outer;
    for (const auto& free : bound->free_symbols())
      if (around.contains(free->id())) outer.push_back(free);
    if (!outer.empty())
      fail(ErrorId::ExtractSymbolsHasBindingsFromOuterModule,
           what + "the argument contains " + describe(outer) + ", which this Module or one around it binds", circuit_payload(bound),
           circuit_payload(symbol), PayloadSet{circuit_payloads(outer)});
    const auto [place, fresh] = found_.emplace(id, Found{arg_spec, bound});
    if (fresh) return;
    const Found& old = place->second;
    if (!same(old.bound, bound))
      fail(ErrorId::ExtractSymbolsBoundInputInconsistent, what + "elsewhere it is bound to " + describe(*old.bound),
           circuit_payload(symbol), circuit_payload(old.bound), circuit_payload(bound));
    if (!(old.arg_spec == arg_spec))
      fail(ErrorId::ExtractSymbolsArgSpecInconsistent, what + "elsewhere it has another arg spec, " + to_text(old.arg_spec),
           opaque(old.arg_spec, to_text(old.arg_spec)), opaque(arg_spec, to_text(arg_spec)));
  }

  // The frame's result, or null after pushing what it waits for.
  NodePtr step(std::vector<Frame>& stack) {
    const auto module = cast<Module>(stack.back().walked);
    while (stack.back().children.size() < stack.back().walked->num_children()) {
      Frame& frame = stack.back();
      const size_t i = frame.children.size();
      const NodePtr child = frame.walked->child(i);
      if (module && i > 0 && frame.extracted[i - 1]) {
        frame.children.push_back(child);  // it moves to the top as it is
        continue;
      }
      const Bound around = module && i == 0 ? bound_below(frame) : frame.around;
      NodePtr result = known(child, frame.step.child(i, *frame.traversal), around, stack);
      if (!result) return nullptr;
      stack.back().children.push_back(std::move(result));
    }
    Frame& frame = stack.back();
    if (!module || std::find(frame.extracted.begin(), frame.extracted.end(), true) == frame.extracted.end())
      return frame.walked->rebuild_if_changed(std::move(frame.children));
    ModuleSpec spec{frame.children[0], {}};
    NodePtrs arguments;
    for (size_t i = 0; i < frame.extracted.size(); ++i) {
      if (frame.extracted[i]) continue;
      spec.arg_specs.push_back(module->arg_specs()[i]);
      arguments.push_back(frame.children[i + 1]);
    }
    return Module::make(spec, std::move(arguments), with_suffix(module->name(), " extracted"));
  }

  bool conform_;
  std::set<uint64_t> wanted_;
  MatchContext context_;
  std::map<uint64_t, Found> found_;
  std::map<Key, NodePtr> done_;
};

NodePtr without_empty_modules(const NodePtr& circuit) {
  return map_bottom_up(circuit, [](const NodePtr& node, NodePtrs children) {
    const auto* module = node->as<Module>();
    return module && module->num_arguments() == 0 ? children[0] : node->rebuild(std::move(children));
  });
}

}  // namespace

Ref<const Module> extract_symbols(const NodePtr& circuit, const SymbolPtrs& symbols, ExtractSymbolsOptions options,
                                  const IterativeMatcher& traversal) {
  SymbolExtraction extraction(symbols, options.conform_batch_if_needed);
  ModuleSpec spec{extraction.run(circuit, traversal), {}};
  std::vector<SymbolExtraction::Found> found;
  for (const auto& [id, entry] : extraction.found()) found.push_back(entry);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return circuit_less(*a.arg_spec.symbol, *b.arg_spec.symbol); });
  NodePtrs arguments;
  for (const auto& [arg_spec, bound] : found) {
    if (circuit->has_free_symbol(*arg_spec.symbol))
      fail(ErrorId::ExtractSymbolsBoundInputInconsistent,
           "extracting the binding of " + describe(*arg_spec.symbol) + " to " + describe(*bound) + ": the symbol is also free in " +
               describe(*circuit),
           circuit_payload(arg_spec.symbol), circuit_payload(arg_spec.symbol), circuit_payload(bound));
    spec.arg_specs.push_back(arg_spec);
    arguments.push_back(bound);
  }
  if (options.use_elim_no_input_modules) spec.circuit = without_empty_modules(spec.circuit);
  return Module::make(spec, std::move(arguments), circuit->name());
}

Ref<const Module> extract_symbols_get(const NodePtr& circuit, const IterativeMatcher& matcher, ExtractSymbolsOptions options,
                                      const IterativeMatcher& traversal) {
  SymbolPtrs symbols;
  for (const auto& node : get(circuit, matcher)) {
    const auto symbol = cast<Symbol>(node);
    if (!symbol)
      fail(ErrorId::ExtractSymbolsGetFoundNonSymbol,
           "extracting symbols from " + describe(*circuit) + ": " + matcher.to_string() + " finds " + describe(*node) +
               ", which is not a Symbol",
           circuit_payload(node), opaque(matcher, matcher.to_string()));
    symbols.push_back(symbol);
  }
  return extract_symbols(circuit, symbols, options, traversal);
}

}  // namespace pycircuit
