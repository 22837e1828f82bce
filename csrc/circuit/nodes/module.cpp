#include "circuit/nodes/module.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"
#include "circuit/substitute.h"

namespace pycircuit {

Ref<const Module> Module::make(const ModuleSpec& spec, NodePtrs arguments, Naming naming) {
  check_module(spec, arguments);
  NodePtrs children;
  children.reserve(arguments.size() + 1);
  children.push_back(spec.circuit);
  for (auto& argument : arguments) children.push_back(std::move(argument));
  return cast<Module>(finish(new Module(std::move(children), spec.arg_specs), std::move(naming)));
}

Module::~Module() {
  if (id()) forget_substitution(id());
}

NodePtr Module::remake(NodePtrs children, Naming naming) const {
  const ModuleSpec spec{children.at(0), arg_specs_};
  children.erase(children.begin());
  return make(spec, std::move(children), std::move(naming));
}

void Module::derive(Derived& derived) const { derive_module(spec(), arguments(), derived); }

Shape Module::compute_shape() const { return shape(); }

Shape Module::aligned_batch_shape() const {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < num_arguments(); ++i)
    shapes.emplace_back(argument(i)->shape().begin(), argument(i)->shape().end() - arg_specs_[i].symbol->rank());
  return right_align_shapes(shapes);
}

AxisMap Module::child_axis_map_inputs() const { return module_axis_map(*this); }

AxisMap Module::child_axis_map() const {
  AxisMap map = {std::vector<std::optional<int>>(spec_circuit()->rank())};
  for (auto& axes : child_axis_map_inputs()) map.push_back(std::move(axes));
  return map;
}

Name Module::autoname() const {
  if (!spec_circuit()->name()) return std::nullopt;
  return function_autoname(*this, *spec_circuit()->name(), false, 1);
}

void Module::write_fields(IdentityBytes& bytes) const {
  for (const auto& arg_spec : arg_specs_) {
    bytes.add_byte(arg_spec.batchable);
    bytes.add_byte(arg_spec.expandable);
    bytes.add_byte(arg_spec.ban_non_symbolic_size_expand);
    bytes.add_node(*arg_spec.symbol);
  }
  bytes.add_children(children());
}

}  // namespace pycircuit
