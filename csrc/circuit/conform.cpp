// Resizing specs, conforming Modules, and the axis map of a Module, which is read off the conformed spec circuit.
#include "circuit/conform.h"

#include <algorithm>
#include <unordered_map>

#include "base/interrupt.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"

namespace pycircuit {
namespace {

SymbolPtr with_shape(const Symbol& symbol, Shape shape) { return Symbol::make(std::move(shape), symbol.uuid(), symbol.name()); }

// The symbols resized, and the circuit expanded to them, repeated along batch axes of symbols that it does not use.
ModuleSpec resized(const ModuleSpec& spec, const std::vector<Shape>& shapes) {
  NodePtrs symbols;
  ModuleSpec out{nullptr, spec.arg_specs};
  for (size_t i = 0; i < shapes.size(); ++i) {
    out.arg_specs[i].symbol = with_shape(*spec.arg_specs[i].symbol, shapes[i]);
    symbols.push_back(out.arg_specs[i].symbol);
  }
  check_module(spec, symbols);
  out.circuit = expand_spec_circuit(spec, symbols);
  return out;
}

Ref<const Module> conformed(const Module& module, const std::vector<Shape>& shapes) {
  return cast<Module>(Module::make(resized(module.spec(), shapes), module.arguments(), module.kept_naming()));
}

// Whether the node is a Module that binds every free symbol of its spec circuit: no path goes through that.
bool is_closed_spec(const Node& node) {
  const auto* module = node.as<Module>();
  if (!module) return false;
  for (const auto& symbol : module->spec_circuit()->free_symbols())
    if (std::none_of(module->arg_specs().begin(), module->arg_specs().end(),
                     [&](const ModuleArgSpec& arg_spec) { return arg_spec.symbol->id() == symbol->id(); }))
      return false;
  return true;
}

}  // namespace

ModuleSpec resize(const ModuleSpec& spec, const std::vector<Shape>& shapes) {
  if (shapes.size() != spec.arg_specs.size()) {
    PayloadList arg_specs;
    for (const auto& arg_spec : spec.arg_specs) arg_specs.push_back(opaque(arg_spec, to_text(arg_spec)));
    fail(ErrorId::ConstructModuleWrongNumberChildren,
         "resizing the spec of " + describe(*spec.circuit) + ": it has " + std::to_string(spec.arg_specs.size()) + " parameters, got " +
             std::to_string(shapes.size()) + " shapes",
         spec.arg_specs.size(), shapes.size(), std::move(arg_specs), PayloadList{});
  }
  return resized(spec, shapes);
}

Ref<const Module> conform_to_input_shapes(const Module& module) {
  std::vector<Shape> shapes;
  for (const auto& argument : module.arguments()) shapes.push_back(argument->shape());
  return conformed(module, shapes);
}

Ref<const Module> conform_to_input_batch_shape(const Module& module, std::optional<int64_t> dims_to_conform) {
  const int64_t batch_rank = static_cast<int64_t>(module.aligned_batch_shape().size());
  const int64_t dims = dims_to_conform.value_or(batch_rank);
  if (dims < 0 || dims > batch_rank)
    fail(ErrorId::RuntimeError, "cannot conform " + std::to_string(dims) + " batch axes of " + describe(module) + ": its arguments have " +
                                    std::to_string(batch_rank));
  std::vector<Shape> shapes;
  for (size_t i = 0; i < module.num_arguments(); ++i) {
    const Symbol& symbol = *module.arg_specs()[i].symbol;
    const Shape& argument = module.argument(i)->shape();
    const auto batch_end = argument.end() - symbol.rank();
    Shape& shape = shapes.emplace_back(batch_end - std::min<int64_t>(dims, module.argument(i)->rank() - symbol.rank()), batch_end);
    shape.insert(shape.end(), symbol.shape().begin(), symbol.shape().end());
  }
  return conformed(module, shapes);
}

NodePtr conform_all_modules(const NodePtr& circuit) {
  struct Place {
    NodePtr node;       // as met
    NodePtr conformed;  // what is walked instead
    size_t next = 0;
  };
  NodeMap done;
  std::vector<Place> stack;
  const auto push = [&](const NodePtr& node) {
    const auto* module = node->as<Module>();
    stack.push_back({node, module ? NodePtr(conform_to_input_shapes(*module)) : node});
  };
  push(circuit);
  for (size_t steps = 0; !stack.empty(); ++steps) {
    if (steps % 4096 == 4095) poll_interrupt();
    Place& place = stack.back();
    if (place.next < place.conformed->num_children()) {
      const NodePtr child = place.conformed->child(place.next++);
      if (!done.contains(child->id())) push(child);
      continue;
    }
    NodePtrs children;
    for (const auto& child : place.conformed->children()) children.push_back(done.at(child->id()));
    done.emplace(place.node->id(), place.conformed->rebuild(std::move(children)));
    stack.pop_back();
  }
  return done.at(circuit->id());
}

AxisMap module_axis_map(const Module& module) {
  std::vector<Shape> shapes;
  for (const auto& argument : module.arguments()) shapes.push_back(argument->shape());
  const ModuleSpec spec = resized(module.spec(), shapes);
  // From the root down: where an axis of a node ends up on every path seen so far; -1 where paths disagree or end.
  using Axes = std::vector<int>;
  std::unordered_map<uint64_t, Axes> places;
  NodePtrs order = post_order(spec.circuit);
  std::reverse(order.begin(), order.end());
  Axes root(spec.circuit->rank());
  for (size_t axis = 0; axis < root.size(); ++axis) root[axis] = static_cast<int>(axis);
  places.emplace(spec.circuit->id(), std::move(root));
  for (const auto& node : order) {
    const auto reached = places.find(node->id());
    if (reached == places.end() || node->num_children() == 0) continue;
    const Axes own = reached->second;
    const bool any = std::any_of(own.begin(), own.end(), [](int axis) { return axis >= 0; });
    const AxisMap map = any ? node->child_axis_map() : AxisMap(node->num_children());
    for (size_t i = 0; i < node->num_children(); ++i) {
      const NodePtr& child = node->child(i);
      if (!child->has_free_symbols() || (i == 0 && is_closed_spec(*node))) continue;
      const auto [place, fresh] = places.try_emplace(child->id(), Axes(child->rank(), -1));
      for (int64_t axis = 0; axis < child->rank(); ++axis) {
        const int carried = any && map[i][axis] ? own[*map[i][axis]] : -1;
        int& known = place->second[axis];
        if (fresh) {
          known = carried;
        } else if (known != carried) {
          known = -1;
        }
      }
    }
  }
  AxisMap result;
  const auto spec_symbols = spec.arg_specs;
  for (const auto& arg_spec : spec_symbols) {
    auto& axes = result.emplace_back(arg_spec.symbol->rank());
    const auto place = places.find(arg_spec.symbol->id());
    if (place == places.end()) continue;
    for (size_t axis = 0; axis < axes.size(); ++axis)
      if (place->second[axis] >= 0) axes[axis] = place->second[axis];
  }
  return result;
}

}  // namespace pycircuit
