// Passes that move the bindings of Modules (spec 08, sections 10 to 12).
#include "module/extract_symbols.h"
#include "module/push.h"
#include "module/update_bindings.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/matcher_convert.h"
#include "rewrite/module_rules.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

// --- ModulePusher

ModuleConstructCallback noop_callback() {
  return [](const ModulePtr& module, const ModulePtrs&, int64_t) -> NodePtr { return module; };
}

ModuleConstructCallback elim_no_input_modules_callback() {
  return [](const ModulePtr& module, const ModulePtrs&, int64_t) -> NodePtr {
    const NodePtr eliminated = elim_no_input_module(*module);
    return eliminated ? eliminated : NodePtr(module);
  };
}

ModuleConstructCallback remove_unused_callback(bool add_suffix, bool elim_no_input) {
  return [=](const ModulePtr& module, const ModulePtrs&, int64_t) {
    return module_remove_unused_inputs(*module, {add_suffix, elim_no_input});
  };
}

ModuleConstructCallback remove_and_elim_callback(bool remove_unused, bool add_suffix, bool elim_no_input) {
  if (remove_unused) return remove_unused_callback(add_suffix, elim_no_input);
  return elim_no_input ? elim_no_input_modules_callback() : noop_callback();
}

ModuleConstructCallback construct_callback_from(const py::function& callback) {
  return [callback](const ModulePtr& module, const ModulePtrs& modules, int64_t count) {
    return circuit_from(callback(module, modules, count), "module_construct_callback");
  };
}

NestedModuleNamer namer_from(const py::function& namer) {
  return [namer](const NodePtr& base, const NodePtr& running, const ModulePtrs& modules, std::optional<int64_t> count) {
    return name_from(namer(base, running, modules, count), "namer");
  };
}

// The core's pusher with its Python callbacks, as attributes show them.
struct Pusher {
  py::object callback, namer;
  ModulePusher core;
};

std::unique_ptr<Pusher> make_pusher(bool flatten, const py::object& callback, bool bind_encountered, const py::object& namer) {
  const py::object used_callback = callback.is_none() ? py::cast(remove_unused_callback(false, true)) : callback;
  const py::object used_namer = namer.is_none() ? py::cast(default_nested_module_namer()) : namer;
  ModulePusher::Options options;
  options.flatten_modules = flatten;
  options.bind_encountered_symbols = bind_encountered;
  options.module_construct_callback =
      callback.is_none() ? remove_unused_callback(false, true) : construct_callback_from(py::cast<py::function>(callback));
  if (!namer.is_none()) options.namer = namer_from(py::cast<py::function>(namer));
  return std::unique_ptr<Pusher>(new Pusher{used_callback, used_namer, ModulePusher(std::move(options))});
}

NodePtr push_down(Pusher& self, const NodePtr& circuit, const py::object& traversal, const py::object& skip_module) {
  return self.core.push_down_modules(circuit, iterative_matcher_from(traversal, "traversal"),
                                     iterative_matcher_from(skip_module, "skip_module"));
}

NodePtrs get_push_down(Pusher& self, const NodePtr& circuit, const py::object& get, const py::object& skip_module) {
  return self.core.get_push_down_modules(circuit, iterative_matcher_from(get, "get"), iterative_matcher_from(skip_module, "skip_module"));
}

NodePtr get_unique_op_push_down(Pusher& self, const NodePtr& circuit, const py::object& get, const py::object& skip_module) {
  const NodePtrs found = get_push_down(self, circuit, get, skip_module);
  if (found.size() > 1)
    fail(ErrorId::RuntimeError, "found " + std::to_string(found.size()) + " matches which is > 1: pushing Modules down to what " +
                                    std::string(py::str(get)) + " finds in " + describe(*circuit) + " gives " + describe(found));
  return found.empty() ? nullptr : found[0];
}

NodePtr get_unique_push_down(Pusher& self, const NodePtr& circuit, const py::object& get, const py::object& skip_module) {
  NodePtr found = get_unique_op_push_down(self, circuit, get, skip_module);
  if (!found) fail(ErrorId::RuntimeError, "found no matches! " + std::string(py::str(get)) + " finds nothing in " + describe(*circuit));
  return found;
}

void bind_pusher(py::module_& m) {
  m.def("default_nested_module_namer", &default_nested_module_namer, py::arg("bind_name") = "bind",
        "The namer that calls a circuit `<base> bind:<m1>,<m2>` after the Modules around it (spec 08, 11.3).");
  py::class_<Pusher> cls(m, "ModulePusher",
                         "Moves calls inward: Modules around smaller bodies stand at chosen places below (spec 08, section 11).");
  cls.def_static("noop_callback", &noop_callback, "Leaves each Module as it is (spec 08, 11.2).")
      .def_static("elim_no_input_modules_callback", &elim_no_input_modules_callback,
                  "Gives the spec circuit of a Module without arguments (spec 08, 11.2).")
      .def_static("remove_unused_callback", &remove_unused_callback, py::arg("add_suffix_on_remove_unused") = false,
                  py::arg("elim_no_input_modules") = true, "Drops arguments that the leaf does not use (spec 08, 11.2).")
      .def_static("remove_and_elim_callback", &remove_and_elim_callback, py::arg("remove_unused_inputs") = true,
                  py::arg("add_suffix_on_remove_unused") = false, py::arg("elim_no_input_modules") = true,
                  "The one of the others that fits (spec 08, 11.2).")
      .def(py::init(&make_pusher), py::arg("flatten_modules") = true, py::arg("module_construct_callback") = py::none(),
           py::arg("bind_encountered_symbols") = true, py::arg("namer") = py::none(),
           "By default unused arguments are removed and names are those of default_nested_module_namer().")
      .def_property_readonly(
          "flatten_modules", [](const Pusher& self) { return self.core.options().flatten_modules; }, "One Module around a leaf.")
      .def_property_readonly(
          "bind_encountered_symbols", [](const Pusher& self) { return self.core.options().bind_encountered_symbols; },
          "Whether bound Symbols are replaced by their arguments.")
      .def_property_readonly(
          "module_construct_callback", [](const Pusher& self) { return self.callback; }, "What each Module made goes through.")
      .def_property_readonly("namer", [](const Pusher& self) { return self.namer; }, "Names what changes.");
  for (const char* name : {"__call__", "push_down_modules"})
    cls.def(name, &push_down, py::arg("circuit"), py::arg("traversal"), py::arg("skip_module") = false,
            "The circuit with Modules pushed down to the edges of the traversal (spec 08, 11.1).");
  cls.def(
         "get_push_down_modules",
         [](Pusher& self, const NodePtr& circuit, const py::object& get, const py::object& skip) {
           return to_set(get_push_down(self, circuit, get, skip));
         },
         py::arg("circuit"), py::arg("get"), py::arg("skip_module") = false,
         "The leaves for all nodes that a matcher finds (spec 08, 11.4).")
      .def("get_unique_op_push_down_modules", &get_unique_op_push_down, py::arg("circuit"), py::arg("get"), py::arg("skip_module") = false,
           "The one leaf, or None; RuntimeError if there are more (spec 08, 11.4).")
      .def("get_unique_push_down_modules", &get_unique_push_down, py::arg("circuit"), py::arg("get"), py::arg("skip_module") = false,
           "The one leaf; RuntimeError if there is none or more (spec 08, 11.4).");
}

// --- moving bindings outward

IterativeMatcher traversal_or_all(const py::object& traversal) {
  return traversal.is_none() ? new_traversal() : iterative_matcher_from(traversal, "traversal");
}

void bind_extract_symbols(py::module_& m) {
  m.def(
      "extract_symbols",
      [](const NodePtr& circuit, const py::iterable& symbols, bool elim, bool conform, const py::object& traversal) {
        SymbolPtrs all;
        for (const auto& node : circuits_from(symbols, "symbols")) {
          const auto symbol = cast<Symbol>(node);
          if (!symbol) fail(ErrorId::TypeError, "symbols: expected Symbol, got " + describe(*node));
          all.push_back(symbol);
        }
        return extract_symbols(circuit, all, {elim, conform}, traversal_or_all(traversal));
      },
      py::arg("circuit"), py::arg("symbols"), py::arg("use_elim_no_input_modules") = true, py::arg("conform_batch_if_needed") = false,
      py::arg("traversal") = py::none(), "Moves the bindings of some symbols to one new outermost Module (spec 08, section 10).");
  m.def(
      "extract_symbols_get",
      [](const NodePtr& circuit, const py::object& get, bool elim, bool conform, const py::object& traversal) {
        return extract_symbols_get(circuit, iterative_matcher_from(get, "get"), {elim, conform}, traversal_or_all(traversal));
      },
      py::arg("circuit"), py::arg("get"), py::arg("use_elim_no_input_modules") = true, py::arg("conform_batch_if_needed") = false,
      py::arg("traversal") = py::none(), "The same for the symbols that a matcher finds (spec 08, section 10).");
}

PulledOut pull_out(const NodePtr& circuit, const py::object& matcher, const py::function& update_new_binds,
                   const py::object& matcher_new_binds, const py::object& callback, const py::object& circuit_to_arg_spec) {
  PullOutOptions options;
  options.update_new_binds = [&](const NodePtr& argument) -> NodePtr {
    const py::object updated = update_new_binds(argument);
    return updated.is_none() ? nullptr : circuit_from(updated, "update_new_binds");
  };
  if (!matcher_new_binds.is_none()) options.matcher_new_binds = iterative_matcher_from(matcher_new_binds, "matcher_new_binds");
  check_callable(callback, "module_construct_callback");
  check_callable(circuit_to_arg_spec, "circuit_to_arg_spec");
  if (!callback.is_none())
    options.module_construct_callback = [&](const ModulePtr& made, const ModulePtr& old) {
      return circuit_from(callback(made, old), "module_construct_callback");
    };
  if (!circuit_to_arg_spec.is_none())
    options.circuit_to_arg_spec = [&](const NodePtr& node) {
      return object_from<ModuleArgSpec>(circuit_to_arg_spec(node), "result of circuit_to_arg_spec", "a ModuleArgSpec");
    };
  return pull_out_of_modules(circuit, iterative_matcher_from(matcher), options);
}

void bind_pull_out(py::module_& m) {
  m.def(
      "pull_out_of_modules_get",
      [](const NodePtr& circuit, const py::object& matcher, const py::function& update, const py::object& new_binds,
         const py::object& callback, const py::object& arg_spec) {
        PulledOut result = pull_out(circuit, matcher, update, new_binds, callback, arg_spec);
        return py::make_tuple(result.circuit, result.at_top);
      },
      py::arg("circuit"), py::arg("matcher"), py::arg("update_new_binds"), py::arg("matcher_new_binds") = py::none(),
      py::arg("module_construct_callback") = py::none(), py::arg("circuit_to_arg_spec") = py::none(),
      "Moves found nodes from spec circuits into arguments; gives the circuit and what no Module bound (spec 08, 10.1).");
  m.def(
      "pull_out_of_modules",
      [](const NodePtr& circuit, const py::object& matcher, const py::function& update, const py::object& new_binds,
         const py::object& callback, const py::object& arg_spec) {
        const PulledOut result = pull_out(circuit, matcher, update, new_binds, callback, arg_spec);
        NodePtrs at_top;
        for (const auto& [node, spec] : result.at_top) at_top.push_back(node);
        if (!at_top.empty())
          fail(ErrorId::RuntimeError, "pull_out_of_modules of " + describe(*circuit) + ": no Module binds a symbol of " + describe(at_top) +
                                          ", so that they reach the top; use pull_out_of_modules_get, or another matcher_new_binds");
        return result.circuit;
      },
      py::arg("circuit"), py::arg("matcher"), py::arg("update_new_binds"), py::arg("matcher_new_binds") = py::none(),
      py::arg("module_construct_callback") = py::none(), py::arg("circuit_to_arg_spec") = py::none(),
      "Moves found nodes from spec circuits into arguments; RuntimeError if one reaches the top (spec 08, 10.1).");
}

void bind_update_bindings(py::module_& m) {
  m.def("default_update_bindings_nested_namer", &default_update_bindings_nested_namer, py::arg("bind_name") = "upd_bind",
        py::arg("short_if_not_leaf") = true, py::arg("keep_name_if_not_leaf") = false,
        "The namer of update_bindings_nested (spec 08, section 12).");
  m.def(
      "update_bindings_nested",
      [](const NodePtr& circuit, const py::function& update, const py::object& matcher, const py::object& namer,
         const py::object& skip_module, bool run_update_on_new_spec_circuits, bool flatten_modules) {
        UpdateBindingsOptions options;
        if (!namer.is_none()) options.namer = namer_from(py::cast<py::function>(namer));
        options.run_update_on_new_spec_circuits = run_update_on_new_spec_circuits;
        options.flatten_modules = flatten_modules;
        const Replacing replacing = [&](const NodePtr& node) -> NodePtr {
          const py::object updated = update(node);
          return updated.is_none() ? nullptr : circuit_from(updated, "update");
        };
        return update_bindings_nested(circuit, replacing, iterative_matcher_from(matcher), options,
                                      iterative_matcher_from(skip_module, "skip_module"));
      },
      py::arg("circuit"), py::arg("update"), py::arg("matcher"), py::arg("namer") = py::none(), py::arg("skip_module") = false,
      py::arg("run_update_on_new_spec_circuits") = false, py::arg("flatten_modules") = false,
      "Rebinds parameters for their uses at the found nodes only (spec 08, section 12).");
}

}  // namespace

void bind_module_passes(py::module_& m) {
  bind_pusher(m);
  bind_extract_symbols(m);
  bind_pull_out(m);
  bind_update_bindings(m);
}

}  // namespace pycircuit
