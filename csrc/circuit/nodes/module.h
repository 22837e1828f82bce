// Module: a call of a ModuleSpec with argument circuits (spec 08, sections 1 to 4).
#pragma once

#include "circuit/node.h"
#include "circuit/nodes/symbol.h"

namespace pycircuit {

struct ModuleArgSpec {
  SymbolPtr symbol;
  bool batchable = true;
  bool expandable = true;
  bool ban_non_symbolic_size_expand = true;
  bool operator==(const ModuleArgSpec& other) const {
    return symbol->id() == other.symbol->id() && batchable == other.batchable && expandable == other.expandable &&
           ban_non_symbolic_size_expand == other.ban_non_symbolic_size_expand;
  }
};

struct ModuleSpec {
  NodePtr circuit;
  std::vector<ModuleArgSpec> arg_specs;
  bool operator==(const ModuleSpec& other) const { return same(circuit, other.circuit) && arg_specs == other.arg_specs; }
};

class Module final : public Node {
 public:
  static constexpr Kind kKind = Kind::Module;
  // Arguments in the order of the arg specs. All checks of 4.2.
  static Ref<const Module> make(const ModuleSpec& spec, NodePtrs arguments, Naming naming = {});
  ModuleSpec spec() const { return {spec_circuit(), arg_specs_}; }
  const NodePtr& spec_circuit() const { return child(0); }
  const std::vector<ModuleArgSpec>& arg_specs() const { return arg_specs_; }
  size_t num_arguments() const { return arg_specs_.size(); }
  const NodePtr& argument(size_t i) const { return child(i + 1); }
  NodePtrs arguments() const { return NodePtrs(children().begin() + 1, children().end()); }
  Shape aligned_batch_shape() const;
  // Axis maps of the arguments (4.1), without the spec circuit.
  AxisMap child_axis_map_inputs() const;

  ~Module() override;

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override;

 protected:
  Shape compute_shape() const override;  // derived as a whole instead
  void derive(Derived& derived) const override;
  bool derives_from_derived() const override { return false; }  // but from all of the spec circuit
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new Module(std::move(children), arg_specs_); }

 private:
  Module(NodePtrs children, std::vector<ModuleArgSpec> arg_specs) : Node(kKind, std::move(children)), arg_specs_(std::move(arg_specs)) {}
  std::vector<ModuleArgSpec> arg_specs_;
};

}  // namespace pycircuit
