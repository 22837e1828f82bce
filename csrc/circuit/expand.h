// Expansion of one node over new children, and the running operation that replaces nodes of a circuit and expands those above (spec 08, 7
// and 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/flat_map.h"
#include "circuit/node.h"
#include "circuit/nodes/module.h"

namespace pycircuit {

// How an expansion names what it builds; this one keeps names.
class ExpansionNames {
 public:
  virtual ~ExpansionNames() = default;
  // Of what stands for the old node, or a part of it, that would have this name.
  virtual Name of(const Name& name) const { return name; }
  // Of a Rearrange that has to be put above new child i.
  virtual Name above(size_t i, const NodePtr& new_child, std::string_view suffix) const;
  // Whether a nameless node is rebuilt, and so may get an automatic name, even if its children stay.
  virtual bool rebuilds_nameless() const { return false; }
};

// The node, not a Module, over new children of possibly more axes and other sizes (section 7).
NodePtr expand_over(const NodePtr& node, NodePtrs inputs, const ExpansionNames& names = {});

// A Module over a new spec circuit and new arguments (7.3).
class ModuleExpansion {
 public:
  ModuleExpansion(Ref<const Module> module, NodePtrs new_children, const ExpansionNames& names);
  // How many new batch axes must be handled inside the spec. If there are any, the original spec circuit has to be expanded again, with
  // `symbols()` replaced.
  int64_t inner_axes() const { return inner_axes_; }
  const std::vector<std::pair<SymbolPtr, NodePtr>>& symbols() const { return symbols_; }
  // Hands over the result of that.
  void set_spec_circuit(const NodePtr& circuit, const ExpansionNames& names);
  // The call that stands for the Module, and its result in the order new batch axes, old batch axes, body axes.
  ModuleSpec spec() const { return {children_[0], arg_specs_}; }
  NodePtrs arguments() const { return NodePtrs(children_.begin() + 1, children_.end()); }
  NodePtr permuted(const NodePtr& call, const ExpansionNames& names) const;
  NodePtr build(const ExpansionNames& names) const;

 private:
  bool is_shifted() const { return inner_axes_ > 0 && old_batch_rank_ > 0; }
  void shift(const ExpansionNames& names);

  Ref<const Module> module_;
  NodePtrs children_;
  std::vector<ModuleArgSpec> arg_specs_;
  std::vector<std::pair<SymbolPtr, NodePtr>> symbols_;
  Shape new_batch_;
  int64_t old_batch_rank_ = 0;
  int64_t inner_axes_ = 0;
};

// A running operation: a walk from the root down that replaces some nodes and expands the nodes above them. What it carries down a path is
// its own state and the symbols that are replaced there (scoped: a Module hides its parameters inside its spec circuit). Results are kept
// in the object. No recursion.
class Expansion {
 public:
  using State = uint64_t;
  using SymbolMap = std::vector<std::pair<SymbolPtr, NodePtr>>;  // later entries win

  Expansion() = default;
  Expansion(const Expansion&) = delete;
  Expansion& operator=(const Expansion&) = delete;
  virtual ~Expansion() = default;

  NodePtr run(const NodePtr& root, State state = 0, const SymbolMap& symbols = {});

 protected:
  // What takes the node's place, without a look at its children; null for "expand it over its children". Asked once per node and state.
  virtual NodePtr replacement(const NodePtr&, State) { return nullptr; }
  // The states of the children; `states` has their number.
  virtual void child_states(const NodePtr&, State state, std::vector<State>& states) { states.assign(states.size(), state); }
  // Whether the operation may change anything in this circuit, replaced symbols apart.
  virtual bool may_change(const NodePtr&, State) { return true; }
  // Last change to a node that was expanded over its children.
  virtual NodePtr finished(const NodePtr&, const NodePtr& expanded, State) { return expanded; }
  // Names: of what stands for an old node, and of Rearranges above new children. `inside`: a replaced symbol is free in the old node
  // (child).
  virtual Name kept_name(const Name& name, bool) const { return name; }
  // Whether nameless nodes are rebuilt even where nothing changes.
  virtual bool rebuilds_nameless() const { return false; }
  virtual Name inserted_name(const Node& old_child, const NodePtr& new_child, bool inside, std::string_view suffix) const;

 private:
  using Scope = uint32_t;                                             // number of a set of replaced symbols; 0 is the empty one
  using Bindings = FlatMap<uint64_t, std::pair<SymbolPtr, NodePtr>>;  // by symbol id
  struct Key {
    uint64_t node = 0;
    State state = 0;
    Scope scope = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept;
  };
  struct IdsHash {
    size_t operator()(const std::vector<uint64_t>& ids) const noexcept;
  };
  struct Frame;
  class FrameNames;

  Scope number_of(Bindings bindings);
  Bindings inside(const Module& module, Scope scope) const;
  Scope child_scope(const Frame& frame, size_t child);
  bool is_inside(const Node& node, Scope scope) const;
  NodePtr known(const NodePtr& node, State state, Scope& scope);
  void push(std::vector<Frame>& stack, NodePtr node, State state, Scope scope);
  // The frame's result, or null after pushing what it waits for.
  NodePtr step(std::vector<Frame>& stack);

  std::vector<Bindings> scopes_ = std::vector<Bindings>(1);
  std::unordered_map<std::vector<uint64_t>, Scope, IdsHash> scope_numbers_;
  FlatMap<Key, NodePtr, KeyHash> results_;
};

}  // namespace pycircuit
