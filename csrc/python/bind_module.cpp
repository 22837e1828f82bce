// Module, ModuleSpec, ModuleArgSpec, and the passes over Modules that need no matcher (spec 08, sections 1 to 7, 13).
#include "circuit/conform.h"
#include "circuit/substitute.h"
#include "evaluate/compile.h"
#include "evaluate/optimize.h"
#include "module/expander.h"
#include "module/extract.h"
#include "module/spec.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

using NoLock = py::call_guard<py::gil_scoped_release>;

Ref<Module> unconst(const Ref<const Module>& node) { return Ref<Module>(const_cast<Module*>(node.get())); }

std::strong_ordering order(const ModuleArgSpec& a, const ModuleArgSpec& b) {
  if (circuit_less(*a.symbol, *b.symbol)) return std::strong_ordering::less;
  if (circuit_less(*b.symbol, *a.symbol)) return std::strong_ordering::greater;
  const auto flags = [](const ModuleArgSpec& spec) {
    return std::tuple(spec.batchable, spec.expandable, spec.ban_non_symbolic_size_expand);
  };
  return flags(a) <=> flags(b);
}

std::strong_ordering order(const ModuleSpec& a, const ModuleSpec& b) {
  if (circuit_less(*a.circuit, *b.circuit)) return std::strong_ordering::less;
  if (circuit_less(*b.circuit, *a.circuit)) return std::strong_ordering::greater;
  return std::lexicographical_compare_three_way(a.arg_specs.begin(), a.arg_specs.end(), b.arg_specs.begin(), b.arg_specs.end(),
                                                [](const auto& x, const auto& y) { return order(x, y); });
}

template <class T>
void def_order(py::class_<T>& cls) {
  cls.def(
         "__lt__", [](const T& a, const T& b) { return order(a, b) < 0; }, py::is_operator())
      .def(
          "__le__", [](const T& a, const T& b) { return order(a, b) <= 0; }, py::is_operator())
      .def(
          "__gt__", [](const T& a, const T& b) { return order(a, b) > 0; }, py::is_operator())
      .def(
          "__ge__", [](const T& a, const T& b) { return order(a, b) >= 0; }, py::is_operator())
      .def(
          "__eq__", [](const T& a, const T& b) { return a == b; }, py::is_operator())
      .def("__ne__", [](const T& a, const T& b) { return !(a == b); }, py::is_operator());
}

uint64_t hash_of(const ModuleArgSpec& spec) {
  return spec.symbol->hash().first_u64() * 8 + (spec.batchable | spec.expandable << 1 | spec.ban_non_symbolic_size_expand << 2);
}

py::ssize_t python_hash(uint64_t hash) { return static_cast<py::ssize_t>(hash >> 2); }

std::vector<ModuleArgSpec> arg_specs_from(py::handle value) {
  return objects_from<ModuleArgSpec>(value, "arg_specs", "a sequence of ModuleArgSpecs");
}

std::vector<CircuitArgSpec> input_specs_from(py::handle value, std::string_view what) {
  return objects_from<CircuitArgSpec>(value, what, "a sequence of pairs of a circuit and a ModuleArgSpec");
}

std::vector<std::pair<std::string, NodePtr>> named_arguments(const py::kwargs& kwargs) {
  std::vector<std::pair<std::string, NodePtr>> arguments;
  for (const auto& [name, circuit] : kwargs) arguments.emplace_back(*name_from(name), circuit_from(circuit, *name_from(name)));
  return arguments;
}

void bind_specs(py::module_& m) {
  py::class_<ModuleArgSpec> arg_spec(
      m, "ModuleArgSpec", "A parameter of a ModuleSpec: its Symbol, and how arguments may differ from it in shape (spec 08, section 2).");
  arg_spec
      .def(py::init([](const SymbolPtr& symbol, bool batchable, bool expandable, bool ban) {
             return ModuleArgSpec{symbol, batchable, expandable, ban};
           }),
           py::arg("symbol"), py::arg("batchable") = true, py::arg("expandable") = true, py::arg("ban_non_symbolic_size_expand") = true)
      .def_static("just_name_shape", &just_name_shape, py::arg("circuit"), py::arg("batchable") = true, py::arg("expandable") = true,
                  py::arg("ban_non_symbolic_size_expand") = false,
                  "With a Symbol of the circuit's name and shape and a random UUID (spec 08, section 2).")
      .def_property(
          "symbol", [](const ModuleArgSpec& self) { return self.symbol; },
          [](ModuleArgSpec& self, const SymbolPtr& symbol) { self.symbol = symbol; }, "The parameter.")
      .def_readwrite("batchable", &ModuleArgSpec::batchable, "If False, the argument must have the symbol's rank.")
      .def_readwrite("expandable", &ModuleArgSpec::expandable, "If False, the last sizes of the argument must equal the symbol's.")
      .def_readwrite("ban_non_symbolic_size_expand", &ModuleArgSpec::ban_non_symbolic_size_expand,
                     "If True, only symbolic sizes of the symbol may differ in the argument.")
      .def("__hash__", [](const ModuleArgSpec& self) { return python_hash(hash_of(self)); })
      .def("__repr__", [](const ModuleArgSpec& self) { return to_text(self); })
      .def("__reduce__", [](py::object self) {
        return py::make_tuple(py::type::of(self), py::make_tuple(self.attr("symbol"), self.attr("batchable"), self.attr("expandable"),
                                                                 self.attr("ban_non_symbolic_size_expand")));
      });
  def_order(arg_spec);

  py::class_<ModuleSpec> spec(m, "ModuleSpec", "A function: a spec circuit and its parameters (spec 08, section 3).");
  spec.def(py::init([](const NodePtr& circuit, const py::object& arg_specs, bool all_used, bool unique_names) {
             ModuleSpec spec{circuit, arg_specs_from(arg_specs)};
             check_spec(spec, all_used, unique_names);
             return spec;
           }),
           py::arg("circuit"), py::arg("arg_specs"), py::arg("check_all_inputs_used") = true, py::arg("check_unique_arg_names") = true)
      .def_property(
          "circuit", [](const ModuleSpec& self) { return self.circuit; },
          [](ModuleSpec& self, const NodePtr& circuit) { self.circuit = circuit; }, "The spec circuit.")
      .def_property(
          "arg_specs", [](const ModuleSpec& self) { return self.arg_specs; },
          [](ModuleSpec& self, const py::object& arg_specs) { self.arg_specs = arg_specs_from(arg_specs); },
          "The parameters, as a fresh list.")
      .def("check_all_inputs_used", &check_all_inputs_used,
           "Raises ConstructModuleSomeArgsNotPresentError if a parameter is unused (spec 08, section 3).")
      .def("check_unique_arg_names", &check_unique_arg_names,
           "Raises ConstructModuleSomeArgsNamedNoneError or ConstructModuleArgsDupNamesError (spec 08, section 3).")
      .def("are_args_used", &are_args_used, "Per arg spec: whether it is free in the spec circuit and not listed again later.")
      .def(
          "map_circuit",
          [](const ModuleSpec& self, const py::function& f) {
            return ModuleSpec{call_for_circuit(f, self.circuit, "map_circuit"), self.arg_specs};
          },
          py::arg("f"), "The spec with circuit f(circuit) and the same arg specs, unchecked (spec 08, section 3).")
      .def_static(
          "new_free_symbols",
          [](const NodePtr& circuit, bool check) {
            ModuleSpec spec = new_free_symbols(circuit);
            check_spec(spec, false, check);
            return spec;
          },
          py::arg("circuit"), py::arg("check_unique_arg_names") = true, "One default arg spec per free symbol (spec 08, section 3).")
      .def_static(
          "new_extract",
          [](const NodePtr& circuit, const py::object& arg_specs, bool all_used, bool unique_names) {
            return extract(circuit, input_specs_from(arg_specs, "arg_specs"), {all_used, unique_names}).spec;
          },
          py::arg("circuit"), py::arg("arg_specs"), py::arg("check_all_inputs_used") = true, py::arg("check_unique_arg_names") = true,
          "The circuit with given circuits replaced by Symbols (spec 08, 9.2).")
      .def(
          "resize", [](const ModuleSpec& self, const py::object& shapes) { return resize(self, shapes_from(shapes)); }, py::arg("shapes"),
          "The spec with symbols of these shapes (spec 08, section 6).")
      .def(
          "map_on_replaced_path",
          [](const ModuleSpec& self, const py::function& f) {
            return map_on_replaced_path(self, [&](const NodePtr& node) { return call_for_circuit(f, node, "map_on_replaced_path"); });
          },
          py::arg("f"), "f on every node above a parameter (spec 08, 5.5).")
      .def(
          "rename_on_replaced_path",
          [](const ModuleSpec& self, const py::object& prefix, const py::object& suffix) {
            return rename_on_replaced_path(self, name_from(prefix, "prefix"), name_from(suffix, "suffix"));
          },
          py::arg("prefix") = py::none(), py::arg("suffix") = py::none(), "Renames every node above a parameter (spec 08, 5.5).")
      .def("__hash__",
           [](const ModuleSpec& self) {
             uint64_t hash = self.circuit->hash().first_u64();
             for (const auto& arg_spec : self.arg_specs) hash = hash * 0x9E3779B97F4A7C15ull + hash_of(arg_spec);
             return python_hash(hash);
           })
      .def("__repr__",
           [](const ModuleSpec& self) {
             std::string out = "ModuleSpec(circuit=" + describe(*self.circuit) + ", arg_specs=[";
             for (size_t i = 0; i < self.arg_specs.size(); ++i) out += (i ? ", " : "") + to_text(self.arg_specs[i]);
             return out + "])";
           })
      .def("__reduce__", [](py::object self) {
        return py::make_tuple(py::type::of(self), py::make_tuple(self.attr("circuit"), self.attr("arg_specs"), false, false));
      });
  def_order(spec);
}

void bind_node(py::module_& m) {
  py::class_<Module, Node, Ref<Module>>(m, "Module", py::is_final(), "A call of a ModuleSpec with argument circuits (spec 08, section 4).")
      .def(py::init([](const ModuleSpec& spec, const py::object& name, const py::kwargs& kwargs) {
             return unconst(module_by_names(spec, named_arguments(kwargs), name_from(name)));
           }),
           py::arg("spec"), py::arg("name") = py::none())
      .def_static(
          "new_flat",
          [](const ModuleSpec& spec, const py::args& nodes, const py::object& name) {
            return Module::make(spec, circuits_from(nodes, "new_flat"), name_from(name));
          },
          py::arg("spec"), py::arg("name") = py::none(), "Arguments in the order of the arg specs (spec 08, section 4).")
      .def_property_readonly("spec", &Module::spec, "The ModuleSpec, as a copy.")
      .def_property_readonly("nodes", &Module::arguments, "The arguments.")
      .def(
          "arg_items",
          [](const Module& self) {
            std::vector<CircuitArgSpec> items;
            for (size_t i = 0; i < self.num_arguments(); ++i) items.emplace_back(self.argument(i), self.arg_specs()[i]);
            return items;
          },
          "Pairs of argument and arg spec, in order.")
      .def(
          "aligned_batch_shape", [](const Module& self) { return to_tuple(self.aligned_batch_shape()); },
          "Batch shape of all arguments together (spec 08, 4.1).")
      .def("child_axis_map_inputs", &Module::child_axis_map_inputs, "Per argument, per axis: the output axis that it is (spec 08, 4.1).")
      .def(
          "substitute",
          [](const Module& self, const py::object& prefix, const py::object& suffix, bool use_self_name) {
            return substitute(self, {name_from(prefix, "name_prefix"), name_from(suffix, "name_suffix"), use_self_name});
          },
          py::arg("name_prefix") = py::none(), py::arg("name_suffix") = py::none(), py::arg("use_self_name_as_prefix") = false,
          "The spec circuit with every parameter replaced by its argument, one level (spec 08, 5.1).")
      .def(
          "map_on_replaced_path",
          [](const Module& self, const py::function& f) {
            const auto spec =
                map_on_replaced_path(self.spec(), [&](const NodePtr& node) { return call_for_circuit(f, node, "map_on_replaced_path"); });
            return Module::make(spec, self.arguments(), self.kept_naming());
          },
          py::arg("f"), "f on every node of the spec circuit above a parameter (spec 08, 5.5).")
      .def(
          "rename_on_replaced_path",
          [](const Module& self, const py::object& prefix, const py::object& suffix, bool use_self_name) {
            const Name used = prefix_for(self, name_from(prefix, "prefix"), use_self_name);
            return Module::make(rename_on_replaced_path(self.spec(), used, name_from(suffix, "suffix")), self.arguments(),
                                self.kept_naming());
          },
          py::arg("prefix") = py::none(), py::arg("suffix") = py::none(), py::arg("use_self_name_as_prefix") = false,
          "Renames every node of the spec circuit above a parameter (spec 08, 5.5).")
      .def("conform_to_input_shapes", &conform_to_input_shapes, "The spec resized to the argument shapes (spec 08, section 6).")
      .def(
          "conform_to_input_batch_shape",
          [](const Module& self, const py::object& dims) {
            return conform_to_input_batch_shape(self, dims.is_none() ? std::nullopt : std::optional(int_from(dims, "dims_to_conform")));
          },
          py::arg("dims_to_conform") = py::none(), "The last batch axes of each argument moved into the symbols (spec 08, section 6).");
}

NodePtr replace_expand(const NodePtr& circuit, const std::function<py::object(const NodePtr&)>& replacing) {
  return replace_expand_bottom_up(circuit, [&](const NodePtr& node) -> NodePtr {
    const py::object result = replacing(node);
    return result.is_none() ? nullptr : circuit_from(result, "replace_expand_bottom_up");
  });
}

}  // namespace

void bind_matched_modules(py::module_& m);  // bind_module_match.cpp

void bind_module(py::module_& m) {
  bind_specs(m);
  bind_node(m);
  register_payload<ModuleArgSpec>([](const ModuleArgSpec& arg_spec) { return py::cast(arg_spec); });
  m.def(
      "get_free_symbols", [](const NodePtr& circuit) { return circuit->free_symbols(); }, py::arg("circuit"),
      "Distinct Symbols not bound by a Module, in order of first visit (spec 08, 1.1).");
  m.def(
      "expand_node",
      [](const NodePtr& circuit, const py::iterable& inputs) { return expand_node(circuit, circuits_from(inputs, "inputs")); },
      py::arg("circuit"), py::arg("inputs"), "The node over new children of possibly more axes and other sizes (spec 08, section 7).");
  m.def("substitute_all_modules", &substitute_all_modules, py::arg("circuit"), NoLock(),
        "Every Module substituted, bottom-up (spec 08, 5.4).");
  m.def("conform_all_modules", &conform_all_modules, py::arg("circuit"), NoLock(),
        "Every Module conformed to its argument shapes (spec 08, section 6).");
  m.def("inline_single_callsite_modules", &inline_single_callsite_modules, py::arg("circuit"), NoLock(),
        "Substitutes every Module whose spec no other Module of the circuit has (spec 08, section 13).");
  m.def(
      "clear_module_circuit_caches",
      [] {
        clear_module_circuit_caches();
        clear_optimized();
        clear_programs();
      },
      "Empties the process-wide caches that hold circuits (spec 02, section 10).");
  m.def(
      "replace_expand_bottom_up",
      [](const NodePtr& circuit, const py::function& f) {
        return replace_expand(circuit, [&](const NodePtr& node) { return py::object(f(node)); });
      },
      py::arg("circuit"), py::arg("f"), "Nodes for which f gives a circuit replaced, those above expanded (spec 08, 8.1).");
  m.def(
      "replace_expand_bottom_up_dict",
      [](const NodePtr& circuit, const py::dict& dict) {
        return replace_expand(circuit, [&](const NodePtr& node) { return py::object(dict.attr("get")(node)); });
      },
      py::arg("circuit"), py::arg("dict"), "The keys of a dict replaced by their values, nodes above expanded (spec 08, 8.1).");
  m.def(
      "extract_rewrite_raw",
      [](const NodePtr& circuit, const py::object& input_specs, const py::object& prefix, const py::object& name, bool all_used,
         bool unique_names, const std::optional<bool>& require_all_args) {
        return extract_rewrite_raw(circuit, input_specs_from(input_specs, "input_specs"), name_from(prefix, "prefix_to_strip"),
                                   name_from(name, "module_name"), {require_all_args.value_or(all_used), unique_names});
      },
      py::arg("circuit"), py::arg("input_specs"), py::arg("prefix_to_strip") = py::none(), py::arg("module_name") = py::none(),
      py::arg("check_all_inputs_used") = true, py::arg("check_unique_arg_names") = true, py::arg("require_all_args") = py::none(),
      "The Module that binds new symbols to the circuits they replace (spec 08, 9.3).");
  bind_matched_modules(m);
}

}  // namespace pycircuit
