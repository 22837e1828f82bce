// PrintHtmlOptions (spec 06, section 9).
#include "python/bind_text.h"
#include "python/matcher_convert.h"
#include "text/html.h"

namespace pycircuit {
namespace {

struct Options {
  HtmlOptions core;
  py::object colorer = py::cast(BuiltinHtmlColorer{html_type_color, "PrintHtmlOptions", "type_colorer", py::tuple(), py::dict()});
  py::tuple commenters;
};
using Field = OptionField<Options>;

template <bool HtmlOptions::* member>
Field flag(const char* name, const char* doc) {
  static const char* stored = name;
  return {name, [](const Options& o) -> py::object { return py::bool_(o.core.*member); },
          [](Options& o, py::handle value) { o.core.*member = bool_from(value, stored); }, doc};
}

template <MaybeMatcher HtmlOptions::* member>
Field matcher(const char* name, const char* doc) {
  static const char* stored = name;
  return {name, [](const Options& o) -> py::object { return py::cast(o.core.*member ? *(o.core.*member) : new_traversal()); },
          [](Options& o, py::handle value) { o.core.*member = value.is_none() ? MaybeMatcher() : iterative_matcher_from(value, stored); },
          doc};
}

const Field kFields[] = {
    flag<&HtmlOptions::shape_only_when_necessary>("shape_only_when_necessary", "Whether shapes are shown only where text needs them."),
    matcher<&HtmlOptions::traversal>("traversal", "Which nodes are expanded when the page opens."),
    flag<&HtmlOptions::display_copy_button>("display_copy_button", "Whether each row has a button that copies the node's name."),
    {"colorer", [](const Options& o) { return o.colorer; },
     [](Options& o, py::handle value) {
       o.core.colorer = html_colorer_from(value);
       o.colorer = py::reinterpret_borrow<py::object>(value);
     },
     "Callable circuit -> CSS color or None (spec 06, section 5)."},
    {"primary_color", [](const Options& o) -> py::object { return py::str(o.core.primary_color); },
     [](Options& o, py::handle value) { o.core.primary_color = str_from(value, "primary_color"); },
     "Color of carets, buttons and uncolored rows."},
    flag<&HtmlOptions::number_leaves>("number_leaves", "Whether rows with nothing open below them are numbered."),
    flag<&HtmlOptions::keep_all_cells>("keep_all_cells", "Without effect: every output works on its own."),
    matcher<&HtmlOptions::overall_traversal>("overall_traversal", "Which nodes the page contains."),
    flag<&HtmlOptions::comment_arg_names>("comment_arg_names", "Whether children carry their role as a comment (spec 06, section 4.2)."),
    {"commenters", [](const Options& o) -> py::object { return py::list(o.commenters); },
     [](Options& o, py::handle value) {
       BoundCommenters commenters = commenters_from(value);
       o.core.commenters = std::move(commenters.functions);
       o.commenters = std::move(commenters.objects);
     },
     "Callables circuit -> str, a fresh list (spec 06, section 4.1)."},
};

std::string fragment_of(const Options& options, const py::args& circuits) {
  const HtmlOptions core = options.core;  // another thread may assign to the options meanwhile
  NodePtrs nodes;
  for (const py::handle circuit : circuits) nodes.push_back(circuit_from(circuit));
  const py::gil_scoped_release release;
  return html_fragment(core, nodes);
}

void show(const Options& options, const py::args& circuits) {
  py::module_::import("pycircuit._html").attr("show")(py::cast(options), py::tuple(circuits));
}

Options type_nest(const py::object& circuit_type, const py::object& traversal) {
  Options options;
  options.core.number_leaves = true;
  options.core.comment_arg_names = true;
  options.core.traversal = nest_traversal(circuit_type, traversal);
  return options;
}

BuiltinHtmlColorer builtin(const char* factory, std::optional<std::string> (*function)(const NodePtr&)) {
  return {function, "PrintHtmlOptions", factory, py::tuple(), py::dict()};
}

}  // namespace

void bind_html(py::module_& m) {
  def_builtin<HtmlColorer>(m, "_HtmlColorer",
                           [](const BuiltinHtmlColorer& self, const NodePtr& circuit) { return self.function(circuit); });

  py::class_<Options> cls(m, "PrintHtmlOptions", "How circuits are shown as a foldable tree (spec 06, section 9).");
  cls.def(py::init([](const py::object& shape_only_when_necessary, const py::object& traversal, const py::object& display_copy_button,
                      const py::object& colorer, const py::object& primary_color, const py::object& number_leaves,
                      const py::object& keep_all_cells, const py::object& overall_traversal, const py::object& comment_arg_names,
                      const py::object& commenters) {
            Options options;
            const py::handle values[] = {
                shape_only_when_necessary, traversal,         display_copy_button, colorer, primary_color, number_leaves, keep_all_cells,
                overall_traversal,         comment_arg_names, commenters};
            for (size_t i = 0; i < std::size(kFields); ++i) kFields[i].set(options, values[i]);
            return options;
          }),
          py::arg("shape_only_when_necessary") = true,
          py::arg_v("traversal", new_traversal({std::nullopt, 3}), "new_traversal(end_depth=3)"), py::arg("display_copy_button") = true,
          py::arg_v("colorer", builtin("type_colorer", html_type_color), "PrintHtmlOptions.type_colorer()"),
          py::arg("primary_color") = "lightgray", py::arg("number_leaves") = false, py::arg("keep_all_cells") = true,
          py::arg_v("overall_traversal", IterativeMatcher(false), "IterativeMatcher(False)"), py::arg("comment_arg_names") = false,
          py::arg("commenters") = py::list());
  def_option_fields<Options>(cls, kFields, "PrintHtmlOptions", nullptr);
  cls.def(
         "light",
         [](const Options& self) {
           Options light = self;
           light.core.primary_color = "#303030";
           return light;
         },
         "A copy for light backgrounds: evolve(primary_color=\"#303030\").")
      .def("repr", &fragment_of, "The view as an HTML fragment (spec 06, section 10).")
      .def("print", &show,
           "Shows the view: in a notebook as output, elsewhere as a page whose file URL is printed (spec 06, section 10.5).")
      .def(
          "repr_line", [](const Options& self, const NodePtr& circ) { return html_row_text(self.core, circ); }, py::arg("circ"),
          "The text of a row without comments (spec 06, section 9).")
      .def_static(
          "print_depth",
          [](const py::args& circuits, const py::object& depth) {
            const int64_t end = int_from(depth, "depth");
            if (end < 0 || end > UINT32_MAX) fail(ErrorId::OverflowError, "depth: expected 0 to 2**32-1, got " + std::to_string(end));
            Options options;
            options.core.traversal = new_traversal({std::nullopt, static_cast<uint32_t>(end)});
            options.core.comment_arg_names = true;
            show(options, circuits);
          },
          py::arg("depth") = 3, "Shows circuits with rows open to a depth (spec 06, section 9).")
      .def_static("type_nest_default", &type_nest, py::arg("circuit_type"), py::arg("traversal") = py::none(),
                  "Opens nodes of one class from the root on and numbers what is below (spec 06, section 9).")
      .def_static(
          "einsum_nest_default", [](const py::object& traversal) { return type_nest(class_of(Kind::Einsum), traversal); },
          py::arg("traversal") = py::none(), "type_nest_default of Einsum: the leaf numbers of nest_einsums.")
      .def_static(
          "add_nest_default", [](const py::object& traversal) { return type_nest(class_of(Kind::Add), traversal); },
          py::arg("traversal") = py::none(), "type_nest_default of Add: the leaf numbers of nest_adds.")
      .def_static(
          "size_colorer", [] { return builtin("size_colorer", html_size_color); }, "Colors by number of elements (spec 06, section 5).")
      .def_static(
          "type_colorer", [] { return builtin("type_colorer", html_type_color); }, "Colors by class (spec 06, section 5).")
      .def_static(
          "hash_colorer", [] { return builtin("hash_colorer", html_hash_color); }, "Colors by identity (spec 06, section 5).")
      .def_static(
          "computability_colorer", [] { return builtin("computability_colorer", html_computability_color); },
          "Colors what cannot be sampled or computed (spec 06, section 5).")
      .def_static(
          "fixed_color",
          [](const py::object& color) {
            const std::string text = str_from(color, "color");
            return BuiltinHtmlColorer{[text](const NodePtr&) { return std::optional(text); }, "PrintHtmlOptions", "fixed_color",
                                      py::make_tuple(color), py::dict()};
          },
          py::arg("color"), "One CSS color for all (spec 06, section 5).");
}

}  // namespace pycircuit
