// The running operation: an explicit stack of nodes waiting for their children, results by (node, state, replaced symbols).
#include <algorithm>

#include "base/interrupt.h"
#include "circuit/expand.h"
#include "circuit/names.h"

namespace pycircuit {

struct Expansion::Frame {
  NodePtr node;
  State state;
  Scope scope;
  std::vector<State> states;
  NodePtrs children = {};
  std::optional<ModuleExpansion> module = {};
};

class Expansion::FrameNames final : public ExpansionNames {
 public:
  FrameNames(Expansion& operation, const Frame& frame)
      : operation_(operation), frame_(frame), inside_(operation.is_inside(*frame.node, frame.scope)) {}
  Name of(const Name& name) const override { return operation_.kept_name(name, inside_); }
  Name above(size_t i, const NodePtr& new_child, std::string_view suffix) const override {
    const Node& old = *frame_.node->child(i);
    const bool inside = operation_.is_inside(old, operation_.child_scope(frame_, i));
    return operation_.inserted_name(old, new_child, inside, suffix);
  }

  bool rebuilds_nameless() const override { return operation_.rebuilds_nameless(); }

 private:
  Expansion& operation_;
  const Frame& frame_;
  bool inside_;
};

namespace {

uint64_t mix(uint64_t h, uint64_t value) {
  h = (h ^ value) * 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 29);
}

}  // namespace

size_t Expansion::KeyHash::operator()(const Key& key) const noexcept { return mix(mix(mix(1, key.node), key.state), key.scope); }

size_t Expansion::IdsHash::operator()(const std::vector<uint64_t>& ids) const noexcept {
  uint64_t h = ids.size();
  for (const uint64_t id : ids) h = mix(h, id);
  return h;
}

Name Expansion::inserted_name(const Node&, const NodePtr& new_child, bool, std::string_view suffix) const {
  return with_suffix(new_child->name(), suffix);
}

Expansion::Scope Expansion::number_of(Bindings bindings) {
  if (bindings.empty()) return 0;
  std::vector<std::pair<uint64_t, uint64_t>> pairs;
  for (const auto& [symbol, binding] : bindings) pairs.emplace_back(symbol, binding.second->id());
  std::sort(pairs.begin(), pairs.end());
  std::vector<uint64_t> ids;
  for (const auto& [symbol, value] : pairs) ids.insert(ids.end(), {symbol, value});
  const auto [place, fresh] = scope_numbers_.emplace(std::move(ids), static_cast<Scope>(scopes_.size()));
  if (fresh) scopes_.push_back(std::move(bindings));
  return place->second;
}

bool Expansion::is_inside(const Node& node, Scope scope) const {
  if (scope == 0) return false;
  const Bindings& bindings = scopes_[scope];
  if (node.kind() == Kind::Symbol) return bindings.contains(node.id());
  const auto& free = node.derived().free_symbols;
  return free && std::any_of(free->begin(), free->end(), [&](const SymbolPtr& symbol) { return bindings.contains(symbol->id()); });
}

Expansion::Bindings Expansion::inside(const Module& module, Scope scope) const {
  Bindings visible;
  if (scope == 0) return visible;
  for (const auto& symbol : module.spec_circuit()->free_symbols()) {
    const auto binding = scopes_[scope].find(symbol->id());
    if (binding == scopes_[scope].end()) continue;
    const auto& parameters = module.arg_specs();
    const bool hidden =
        std::any_of(parameters.begin(), parameters.end(), [&](const auto& arg_spec) { return arg_spec.symbol->id() == symbol->id(); });
    if (!hidden) visible.emplace(binding->first, binding->second);
  }
  return visible;
}

Expansion::Scope Expansion::child_scope(const Frame& frame, size_t child) {
  const auto* module = child == 0 ? frame.node->as<Module>() : nullptr;
  return module && frame.scope ? number_of(inside(*module, frame.scope)) : frame.scope;
}

// The result if it takes no look at the children. Narrows `scope` to 0 where nothing of it is used.
NodePtr Expansion::known(const NodePtr& node, State state, Scope& scope) {
  if (!is_inside(*node, scope)) scope = 0;
  const Key key{node->id(), state, scope};
  if (const auto found = results_.find(key); found != results_.end()) return found->second;
  NodePtr result = replacement(node, state);
  if (!result && scope && node->kind() == Kind::Symbol) result = scopes_[scope].at(node->id()).second;
  if (!result && (node->num_children() == 0 || (scope == 0 && !may_change(node, state)))) result = node;
  if (result) results_.emplace(key, result);
  return result;
}

void Expansion::push(std::vector<Frame>& stack, NodePtr node, State state, Scope scope) {
  Frame& frame = stack.emplace_back(Frame{std::move(node), state, scope, {}});
  frame.states.resize(frame.node->num_children());
  frame.children.reserve(frame.node->num_children());
  child_states(frame.node, state, frame.states);
}

NodePtr Expansion::step(std::vector<Frame>& stack) {
  Frame& frame = stack.back();
  while (frame.children.size() < frame.node->num_children()) {
    const size_t i = frame.children.size();
    Scope scope = child_scope(frame, i);
    NodePtr result = known(frame.node->child(i), frame.states[i], scope);
    if (!result) {
      push(stack, NodePtr(frame.node->child(i)), frame.states[i], scope);
      return nullptr;
    }
    frame.children.push_back(std::move(result));
  }
  const FrameNames names(*this, frame);
  const auto module = cast<Module>(frame.node);
  if (!module) return expand_over(frame.node, std::move(frame.children), names);
  if (!frame.module) frame.module.emplace(module, frame.children, names);
  if (frame.module->inner_axes() > 0) {
    Bindings bindings = inside(*module, frame.scope);
    for (const auto& binding : frame.module->symbols()) bindings[binding.first->id()] = binding;
    Scope scope = number_of(std::move(bindings));
    const NodePtr circuit = known(module->spec_circuit(), frame.states[0], scope);
    if (!circuit) {
      push(stack, module->spec_circuit(), frame.states[0], scope);
      return nullptr;
    }
    frame.module->set_spec_circuit(circuit, names);
  }
  return frame.module->build(names);
}

NodePtr Expansion::run(const NodePtr& root, State state, const SymbolMap& symbols) {
  Bindings bindings;
  for (const auto& binding : symbols) bindings[binding.first->id()] = binding;
  Scope scope = number_of(std::move(bindings));
  if (NodePtr result = known(root, state, scope)) return result;
  std::vector<Frame> stack;
  push(stack, root, state, scope);
  for (size_t steps = 0; !stack.empty(); ++steps) {
    if (steps % 4096 == 4095) poll_interrupt();
    NodePtr result = step(stack);
    if (!result) continue;
    const Frame& frame = stack.back();
    result = finished(frame.node, result, frame.state);
    const Key key{frame.node->id(), frame.state, frame.scope};
    results_.emplace(key, result);
    stack.pop_back();
    if (stack.empty()) return result;
  }
  return nullptr;
}

}  // namespace pycircuit
