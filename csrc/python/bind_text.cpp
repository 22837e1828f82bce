// Text of circuits: printing methods of Circuit, debug text, differences (spec 06, sections 1, 7 and 8).
#include "python/bind_text.h"

#include "circuit/measure.h"
#include "python/matcher_convert.h"
#include "python/shown.h"
#include "text/debug_text.h"
#include "text/diff.h"
#include "text/printer.h"

namespace pycircuit {
namespace {

BoundPrintOptions text_options_from(py::handle value) {
  if (!py::isinstance<BoundPrintOptions>(value)) fail_expected("options", "a PrintOptions", value);
  return value.cast<BoundPrintOptions>();
}

// The options as they were set, with their Python callables. Guarded by the interpreter lock.
py::object& debug_options_object() {
  static py::object& object = *new py::object;
  return object;
}

std::string debug_repr(const NodePtr& self) {
  const py::gil_scoped_release release;
  return debug_text(self);
}

void bind_circuit_methods(py::module_& m) {
  auto cls = py::reinterpret_borrow<py::class_<Node, Ref<Node>>>(m.attr("Circuit"));
  const auto text_default = py::arg_v("options", m.attr("PrintOptions")(), "PrintOptions()");
  const auto html_default =
      py::arg_v("options", m.attr("PrintHtmlOptions")(py::arg("comment_arg_names") = true), "PrintHtmlOptions(comment_arg_names=True)");
  cls.def(
         "repr",
         [](const NodePtr& self, const py::object& options) {
           const PrintOptions core = text_options_from(options).core;
           const py::gil_scoped_release release;
           return print_text(core, {self});
         },
         text_default, "The circuit as text (spec 06, section 1).")
      .def(
          "print",
          [](const NodePtr& self, const py::object& options) {
            if (!py::isinstance(options, py::module_::import("pycircuit._core").attr("PrintHtmlOptions"))) text_options_from(options);
            options.attr("print")(self);
          },
          text_default, "Prints the circuit as text, or as HTML with PrintHtmlOptions (spec 06, section 1).")
      .def(
          "print_html",
          [](const NodePtr& self, const py::object& options) {
            if (!py::isinstance(options, py::module_::import("pycircuit._core").attr("PrintHtmlOptions")))
              fail_expected("options", "a PrintHtmlOptions", options);
            options.attr("print")(self);
          },
          html_default, "Shows the circuit as a foldable tree (spec 06, section 10).")
      .def(
          "print_stats", [](const NodePtr& self) { python_print(stats_line(self)); },
          "Prints name, class, nodes, largest value and flops (spec 01, section 3).")
      .def("__repr__", &debug_repr)
      .def("__str__", &debug_repr);
}

void bind_debug_options(py::module_& m) {
  m.def(
      "set_debug_print_options",
      [](const py::object& options) {
        const BoundPrintOptions bound = text_options_from(options);
        const py::object old = std::exchange(debug_options_object(), py::cast(bound));
        set_debug_print_options(bound.core);
      },
      py::arg("options"), "Sets what repr(circuit) and error messages show, for the whole process (spec 06, section 7).");
  m.def(
      "get_debug_print_options",
      [] {
        const py::object& set = debug_options_object();
        return set ? set.cast<BoundPrintOptions>() : bound_options(debug_print_options());
      },
      "A copy of the options set by set_debug_print_options (spec 06, section 7).");
}

DiffColor diff_color_from(const py::object& color, std::string_view what) {
  DiffColor out{cli_color_from(color, what), ""};
  // The legend names small numbers and shows others as they were given.
  out.label = out.color && PyLong_Check(color.ptr()) && color.cast<uint64_t>() > 6 ? std::string(py::str(py::int_(color)))
                                                                                   : cli_color_text(out.color);
  return out;
}

void bind_diff(py::module_& m) {
  m.def(
      "diff_circuits",
      [](const NodePtr& new_circuit, const NodePtr& old_circuit, const py::object& options, const py::object& require_child_count_same,
         const py::object& require_child_shapes_same, const py::object& require_name_same, const py::object& print_legend,
         const py::object& same_self_color, const py::object& same_color, const py::object& new_color, const py::object& removed_color) {
        const PrintOptions print = text_options_from(options).core;
        DiffOptions diff;
        diff.require_child_count_same = bool_from(require_child_count_same, "require_child_count_same");
        diff.require_child_shapes_same = bool_from(require_child_shapes_same, "require_child_shapes_same");
        diff.require_name_same = bool_from(require_name_same, "require_name_same");
        diff.print_legend = bool_from(print_legend, "print_legend");
        diff.same_self = diff_color_from(same_self_color, "same_self_color");
        diff.same = diff_color_from(same_color, "same_color");
        diff.added = diff_color_from(new_color, "new_color");
        diff.removed = diff_color_from(removed_color, "removed_color");
        const py::gil_scoped_release release;
        return diff_circuits(new_circuit, old_circuit, print, diff);
      },
      py::arg("new"), py::arg("old"), py::arg_v("options", m.attr("PrintOptions")(), "PrintOptions()"),
      py::arg("require_child_count_same") = true, py::arg("require_child_shapes_same") = false, py::arg("require_name_same") = true,
      py::arg("print_legend") = true, py::arg("same_self_color") = "Blue", py::arg("same_color") = py::none(),
      py::arg("new_color") = "Green", py::arg("removed_color") = "Red",
      "Compares two circuits top-down and returns text; the new one comes first (spec 06, section 8).");
}

}  // namespace

void bind_text(py::module_& m) {
  bind_print_options(m);
  bind_html(m);
  bind_parser(m);
  bind_circuit_methods(m);
  bind_debug_options(m);
  bind_diff(m);
  bind_matcher_debug(m);
}

}  // namespace pycircuit
