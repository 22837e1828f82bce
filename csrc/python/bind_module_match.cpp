// Expander, binding and extraction by matchers (spec 08, sections 8 and 9).
#include "module/expander.h"
#include "module/extract.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/matcher_convert.h"

namespace pycircuit {
namespace {

py::type_error wrong_type(std::string_view what, std::string_view expected, py::handle got) {
  return py::type_error(std::string(what) + ": expected " + std::string(expected) + ", got " +
                        std::string(py::str(py::type::of(got).attr("__name__"))));
}

std::pair<py::object, py::object> pair_from(py::handle value, std::string_view what, std::string_view expected) {
  if (!py::isinstance<py::sequence>(value) || py::isinstance<py::str>(value) || py::len(value) != 2)
    throw wrong_type(what, expected, value);
  const auto pair = py::reinterpret_borrow<py::sequence>(value);
  return {pair[0], pair[1]};
}

BindItem binder_from(py::handle value) {
  if (py::isinstance<BindItem>(value)) return py::cast<BindItem>(value);
  const auto [matcher, circuit] = pair_from(value, "binder", "a BindItem or a pair of matcher and circuit");
  return {iterative_matcher_from(matcher, "binder"), circuit_from(circuit, "binder")};
}

std::optional<bool> optional_bool(py::handle value, std::string_view what) {
  return value.is_none() ? std::nullopt : std::optional(bool_from(value, what));
}

void bind_expander(py::module_& m) {
  py::class_<Expander, std::shared_ptr<Expander>>(m, "Expander", "Several updates at once, the nodes above expanded (spec 08, 8.2).")
      .def(py::init([](const py::args& expanders, bool ban, bool fancy_validate, bool assert_any_found, const py::object& suffix) {
             std::vector<std::pair<IterativeMatcher, Transform>> pairs;
             for (const py::handle expander : expanders) {
               const auto [matcher, transform] = pair_from(expander, "expander", "a pair of matcher and transform");
               pairs.emplace_back(iterative_matcher_from(matcher), transform_from(transform));
             }
             return std::make_shared<Expander>(std::move(pairs), Expander::Options{ban, fancy_validate, assert_any_found},
                                               name_from(suffix, "suffix"));
           }),
           py::arg("ban_multiple_matches_on_node") = false, py::arg("default_fancy_validate") = false,
           py::arg("default_assert_any_found") = false, py::arg("suffix") = py::none())
      .def(
          "__call__",
          [](Expander& self, const NodePtr& circuit, const py::object& fancy_validate, const py::object& assert_any_found) {
            return self(circuit, optional_bool(fancy_validate, "fancy_validate"), optional_bool(assert_any_found, "assert_any_found"));
          },
          py::arg("circuit"), py::arg("fancy_validate") = py::none(), py::arg("assert_any_found") = py::none(),
          "The circuit with found nodes replaced; None means the default of the object (spec 08, 8.2).")
      .def(
          "batch",
          [](Expander& self, const NodePtr& circuit, const py::object& fancy_validate, const py::object& assert_any_found) {
            return self(circuit, optional_bool(fancy_validate, "fancy_validate"), optional_bool(assert_any_found, "assert_any_found"));
          },
          py::arg("circuit"), py::arg("fancy_validate") = py::none(), py::arg("assert_any_found") = py::none(),
          "The same as calling the object.")
      .def_property_readonly("replacements", &Expander::replacements, "The Transforms.")
      .def_property_readonly("matchers", &Expander::matchers, "The IterativeMatchers.")
      .def_property_readonly("suffix", &Expander::suffix, "Added to the names of expanded nodes.")
      .def_property(
          "ban_multiple_matches_on_node", [](Expander& self) { return self.options().ban_multiple_matches_on_node; },
          [](Expander& self, bool value) { self.options().ban_multiple_matches_on_node = value; },
          "Whether two matchers may find one node.")
      .def_property(
          "default_fancy_validate", [](Expander& self) { return self.options().default_fancy_validate; },
          [](Expander& self, bool value) { self.options().default_fancy_validate = value; }, "Whether each matcher is validated first.")
      .def_property(
          "default_assert_any_found", [](Expander& self) { return self.options().default_assert_any_found; },
          [](Expander& self, bool value) { self.options().default_assert_any_found = value; }, "Whether finding nothing is an error.");
}

}  // namespace

void bind_module_passes(py::module_& m);  // bind_module_passes.cpp

void bind_matched_modules(py::module_& m) {
  bind_expander(m);
  py::class_<BindItem>(m, "BindItem", "A matcher for a Symbol, the circuit to bind to it, and the flags of its arg spec (spec 08, 9.1).")
      .def(py::init([](const py::object& matcher, const NodePtr& circuit, bool batchable, bool expandable, bool ban) {
             return BindItem{iterative_matcher_from(matcher), circuit, batchable, expandable, ban};
           }),
           py::arg("matcher"), py::arg("input_circuit"), py::arg("batchable") = true, py::arg("expandable") = true,
           py::arg("ban_non_symbolic_size_expand") = true)
      .def_property(
          "matcher", [](const BindItem& self) { return self.matcher; },
          [](BindItem& self, const py::object& matcher) { self.matcher = iterative_matcher_from(matcher); }, "Finds the Symbol.")
      .def_property(
          "input_circuit", [](const BindItem& self) { return self.input_circuit; },
          [](BindItem& self, const NodePtr& circuit) { self.input_circuit = circuit; }, "The argument.")
      .def_readwrite("batchable", &BindItem::batchable, "See ModuleArgSpec.")
      .def_readwrite("expandable", &BindItem::expandable, "See ModuleArgSpec.")
      .def_readwrite("ban_non_symbolic_size_expand", &BindItem::ban_non_symbolic_size_expand, "See ModuleArgSpec.");
  m.def(
      "module_new_bind",
      [](const NodePtr& spec_circuit, const py::args& binders, bool check_unique_arg_names, const py::object& name) {
        std::vector<BindItem> items;
        for (const py::handle binder : binders) items.push_back(binder_from(binder));
        return module_new_bind(spec_circuit, items, check_unique_arg_names, name_from(name));
      },
      py::arg("spec_circuit"), py::arg("check_unique_arg_names") = true, py::arg("name") = py::none(),
      "A Module of the circuit whose parameters are the Symbols that the matchers find (spec 08, 9.1).");
  m.def(
      "extract_rewrite",
      [](const NodePtr& circuit, const py::object& matcher, const py::object& prefix, const py::object& name, bool all_used,
         bool unique_names, const py::object& circuit_to_arg_spec, const py::object& input_matcher,
         const std::optional<bool>& require_all_args) {
        if (matcher.is_none() == input_matcher.is_none()) throw py::type_error("extract_rewrite: give one matcher");
        const ArgSpecOf arg_spec_of = circuit_to_arg_spec.is_none() ? ArgSpecOf() : [&](const NodePtr& node) {
          return py::cast<ModuleArgSpec>(circuit_to_arg_spec(node));
        };
        return extract_rewrite(circuit, iterative_matcher_from(matcher.is_none() ? input_matcher : matcher),
                               name_from(prefix, "prefix_to_strip"), name_from(name, "module_name"),
                               {require_all_args.value_or(all_used), unique_names}, arg_spec_of);
      },
      py::arg("circuit"), py::arg("matcher") = py::none(), py::arg("prefix_to_strip") = py::none(), py::arg("module_name") = py::none(),
      py::arg("check_all_inputs_used") = true, py::arg("check_unique_arg_names") = true, py::arg("circuit_to_arg_spec") = py::none(),
      py::kw_only(), py::arg("input_matcher") = py::none(), py::arg("require_all_args") = py::none(),
      "Binds the nodes that the matcher finds to new symbols of the circuit; the value is unchanged (spec 08, 9.4).");
  bind_module_passes(m);
}

}  // namespace pycircuit
