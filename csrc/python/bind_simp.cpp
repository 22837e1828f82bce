// SimpFnSubset, simp, compiler_simp (spec 10, section 1).
#include "python/bind_rewrite.h"
#include "python/shown.h"
#include "rewrite/simp.h"

namespace pycircuit {
namespace {

std::vector<std::string> names_from(const py::iterable& names) {
  if (py::isinstance<py::str>(names)) throw py::type_error("names: expected a sequence of rule names, got a str");
  std::vector<std::string> out;
  for (const py::handle name : names) {
    if (!py::isinstance<py::str>(name)) fail_expected("names", "rule names", name);
    out.push_back(*name_from(name, "names"));
  }
  return out;
}

py::dict values(const SimpFnSubset& self) {
  py::dict out;
  for (size_t i = 0; i < kNumRules; ++i) out[py::str(std::string(rule_table()[i].name))] = self.has(i);
  return out;
}

SimpFnSubset with_flags(const SimpFnSubset& self, const py::kwargs& flags) {
  std::vector<std::string> on, off, all;
  for (const auto& [name, value] : flags) {
    all.push_back(*name_from(name, "names"));
    if (value.is_none()) continue;
    if (!py::isinstance<py::bool_>(value)) fail_expected(all.back(), "a bool or None", value);
    (value.cast<bool>() ? on : off).push_back(all.back());
  }
  SimpFnSubset::check_names(all);
  return self.set_all_to(on, true).set_all_to(off, false);
}

}  // namespace

void bind_simp(py::module_& m) {
  using Set = SimpFnSubset;
  const auto unlocked = py::call_guard<py::gil_scoped_release>();
  py::class_<Set>(m, "SimpFnSubset", py::is_final(), "A set of rewrite rules: on/off flags over 49 names (spec 10, section 1).")
      .def_static(
          "all_names", [] { return py::cast(Set::all_names()); }, "Names of all rules, in the order in which they are tried.")
      .def_static("init_all_with", &Set::init_all_with, py::arg("include"), "All rules, or none.")
      .def_static(
          "none", [] { return Set::init_all_with(false); }, "No rules.")
      .def_static(
          "all", [] { return Set::init_all_with(true); }, "All rules.")
      .def_static("default", &Set::default_set, "The rules of simp.")
      .def_static("compiler_default", &Set::compiler_default, "The rules of compiler_simp and of the optimizer.")
      .def_static(
          "check_names", [](const py::iterable& names) { Set::check_names(names_from(names)); }, py::arg("names"),
          "None if all names are rules; SimpConfigFnNamesNotValidError otherwise.")
      .def_property_readonly("values", values, "Flag by name.")
      .def("set", with_flags, "A copy with the given flags; None leaves a flag as it is.")
      .def(
          "set_all_to",
          [](const Set& self, const py::iterable& names, bool include) { return self.set_all_to(names_from(names), include); },
          py::arg("names"), py::arg("include"), "A copy with all these flags set.")
      .def(
          "include", [](const Set& self, const py::iterable& names) { return self.set_all_to(names_from(names), true); }, py::arg("names"),
          "A copy with these rules on.")
      .def(
          "exclude", [](const Set& self, const py::iterable& names) { return self.set_all_to(names_from(names), false); }, py::arg("names"),
          "A copy with these rules off.")
      .def("simp_step", &Set::simp_step, py::arg("circuit"), "The first rule that applies at the root; None if none does (spec 10, 1.3).",
           unlocked)
      .def("simp", &Set::simp, py::arg("circuit"), "The rules applied everywhere until none applies (spec 10, 1.4).", unlocked)
      .def("none_repr", &Set::none_repr, "All flags as text.")
      .def("__repr__", &Set::to_string)
      .def(
          "__eq__", [](const Set& self, const Set& other) { return self == other; }, py::is_operator())
      .def("__hash__", [](const Set& self) { return std::hash<uint64_t>()(self.bits()); })
      .def(py::pickle([](const Set& self) { return values(self); },
                      [](const py::dict& state) {
                        std::vector<std::string> on;
                        for (const auto& [name, value] : state)
                          if (value.cast<bool>()) on.push_back(*name_from(name, "names"));
                        return Set::init_all_with(false).set_all_to(on, true);
                      }));
  m.def("simp", &simp, py::arg("circuit"), "SimpFnSubset.default().simp(circuit) (spec 10, 1.4).", unlocked);
  m.def("compiler_simp", &compiler_simp, py::arg("circuit"), "SimpFnSubset.compiler_default().simp(circuit) (spec 10, 1.4).", unlocked);
  m.def(
      "compiler_simp_step", [](const NodePtr& circuit) { return Set::compiler_default().simp_step(circuit); }, py::arg("circuit"),
      "The first compiler rule that applies at the root; None if none does (spec 10, 1.3).", unlocked);
}

}  // namespace pycircuit
