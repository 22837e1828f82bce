// The topics of the text room's bindings, and what they share.
#pragma once

#include "match/matcher.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/print_options.h"

namespace pycircuit {

void bind_print_options(py::module_& m);
void bind_parser(py::module_& m);
void bind_matcher_debug(py::module_& m);
void bind_html(py::module_& m);

// Python's print, so that it goes to the sys.stdout of the moment; without escape codes where NO_COLOR says so (spec 06, sections 1 and 5).
void python_print(std::string text);
// restrict(traversal, term_early_at=~Matcher(circuit_type)); TypeError for what is not a class of nodes.
IterativeMatcher nest_traversal(const py::object& circuit_type, const py::object& traversal);

// The Python class of the core's own colorers or commenters.
template <class Function, class Call>
void def_builtin(py::module_& m, const char* name, Call call) {
  using Builtin = BuiltinCallable<Function>;
  py::class_<Builtin>(m, name, "A callable of the core that takes a circuit.")
      .def("__call__", call, py::arg("circuit"))
      .def(
          "__eq__",
          [](const Builtin& self, const Builtin& other) {
            return self.owner == other.owner && self.factory == other.factory && self.args.equal(other.args) &&
                   self.kwargs.equal(other.kwargs);
          },
          py::is_operator())
      .def("__hash__", [](const Builtin& self) { return std::hash<std::string>()(self.owner + self.factory) >> 2; })
      .def("__repr__",
           [](const Builtin& self) {
             std::string out = self.owner + "." + self.factory + "(";
             for (size_t i = 0; i < self.args.size(); ++i) out += (i ? ", " : "") + std::string(py::repr(self.args[i]));
             for (const auto& [key, value] : self.kwargs)
               out += (out.back() == '(' ? "" : ", ") + std::string(py::str(key)) + "=" + std::string(py::repr(value));
             return out + ")";
           })
      .def("__reduce__", [](const Builtin& self) {
        // Calls the factory by its name: the function itself does not pickle.
        const py::object factory = py::module_::import("operator").attr("methodcaller")(self.factory, *self.args, **self.kwargs);
        return py::make_tuple(factory, py::make_tuple(py::module_::import("pycircuit").attr(self.owner.c_str())));
      });
}

}  // namespace pycircuit
