// Print options as Python sees them: the core's options with the callables as they were given (spec 06, sections 2, 5 and 9).
#pragma once

#include <variant>

#include "python/convert.h"
#include "text/color.h"
#include "text/print_options.h"

namespace pycircuit {

// A colorer or commenter of the core, callable from Python. Equal, and pickled, by the call that made it: `owner.factory(*args, **kwargs)`.
template <class Function>
struct BuiltinCallable {
  Function function;
  std::string owner, factory;
  py::tuple args;
  py::dict kwargs;
};
using BuiltinColorer = BuiltinCallable<Colorer>;
using BuiltinHtmlColorer = BuiltinCallable<HtmlColorer>;
using BuiltinCommenter = BuiltinCallable<Commenter>;

// Callables from Python as functions of the core, which take the interpreter lock while they run. TypeError for what is not callable.
Colorer colorer_from(py::handle value);
HtmlColorer html_colorer_from(py::handle value);
Commenter commenter_from(py::handle value);
CliColor cli_color_from(py::handle value, std::string_view what = "color");
// A str; UnicodeEncodeError for lone surrogates.
std::string str_from(py::handle value, std::string_view what);

// Commenters as given, with the core's functions.
struct BoundCommenters {
  std::vector<Commenter> functions;
  py::tuple objects;
};
BoundCommenters commenters_from(py::handle value);

struct BoundPrintOptions {
  PrintOptions core;
  py::object colorer = py::none();
  py::tuple commenters;
};
BoundPrintOptions bound_options(PrintOptions core);  // without callbacks

// One named field of an options class.
template <class Options>
struct OptionField {
  const char* name;
  py::object (*get)(const Options&);
  void (*set)(Options&, py::handle);
  const char* doc;
};

inline bool is_not_set(py::handle value) { return py::isinstance(value, py::module_::import("pycircuit._not_set").attr("NotSet")); }

// What every options class offers: properties, evolve, copy, pickle, comparison by fields, and a repr of what differs from the defaults.
template <class Options, size_t n>
void def_option_fields(py::class_<Options>& cls, const OptionField<Options> (&fields)[n], const char* class_name,
                       void (*check)(const Options&)) {
  static const OptionField<Options>* table = fields;
  static const char* name = class_name;
  static void (*validate)(const Options&) = check;
  const auto set_all = [](Options& options, const py::dict& changes) {
    for (const auto& [key, value] : changes) {
      const std::string text = py::str(key);
      size_t i = 0;
      while (i < n && text != table[i].name) ++i;
      if (i == n) throw py::type_error(std::string(name) + " has no field " + text);
      if (!is_not_set(value)) table[i].set(options, value);
    }
    if (validate) validate(options);
  };
  // The fields that differ from the defaults. A pickle holds these alone: that there is no traversal reads back as one that visits
  // everything, which some combinations refuse.
  const auto changed = [](const Options& options) {
    static const Options& defaults = *new Options(py::cast<Options>(py::module_::import("pycircuit").attr(name)()));
    py::dict out;
    for (size_t i = 0; i < n; ++i) {
      const py::object value = table[i].get(options);
      if (!value.equal(table[i].get(defaults))) out[table[i].name] = value;
    }
    return out;
  };
  for (const auto& field : fields) {
    if (std::string_view(field.name) == "reference_circuits") {
      cls.def_property_readonly(field.name, field.get, field.doc);
    } else {
      cls.def_property(field.name, field.get, field.set, field.doc);
    }
  }
  cls.def(
         "evolve",
         [set_all](const Options& self, const py::kwargs& changes) {
           Options copy = self;
           set_all(copy, changes);
           return copy;
         },
         "A copy with the given fields changed; NOT_SET keeps a field (spec 06, section 2.1).")
      .def("__copy__", [](const Options& self) { return self; })
      .def(
          "__deepcopy__", [](const Options& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__eq__",
           [](const Options& self, const py::object& other) -> py::object {
             if (!py::isinstance<Options>(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             const auto& that = other.cast<const Options&>();
             for (size_t i = 0; i < n; ++i)
               if (!table[i].get(self).equal(table[i].get(that))) return py::bool_(false);
             return py::bool_(true);
           })
      .def("__repr__",
           [changed](const Options& self) {
             std::string out = std::string(name) + "(";
             bool first = true;
             for (const auto& [field, value] : changed(self)) {
               out += std::string(first ? "" : ", ") + std::string(py::str(field)) + "=" + std::string(py::repr(value));
               first = false;
             }
             return out + ")";
           })
      .def(py::pickle([changed](const Options& self) { return changed(self); },
                      [](const py::dict& fields) {
                        // An invalid combination can be made by assignment, and then pickles too.
                        auto options = py::cast<Options>(py::module_::import("pycircuit").attr(name)());
                        for (const auto& [key, value] : fields)
                          for (size_t i = 0; i < n; ++i)
                            if (std::string(py::str(key)) == table[i].name) table[i].set(options, value);
                        return options;
                      }));
  cls.attr("__hash__") = py::none();
}

}  // namespace pycircuit
