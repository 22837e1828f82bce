// PrintOptions, its built-in colorers and commenters, and printing text (spec 06, sections 2 to 5).
#include <cstdlib>

#include "python/bind_text.h"
#include "python/matcher_convert.h"
#include "python/print_options.h"
#include "python/shown.h"
#include "text/line_text.h"
#include "text/printer.h"
#include "text/references.h"

namespace pycircuit {
namespace {

using Options = BoundPrintOptions;
using Field = OptionField<Options>;

template <bool PrintOptions::* member>
Field flag(const char* name, const char* doc) {
  static const char* stored = name;
  return {name, [](const Options& o) -> py::object { return py::bool_(o.core.*member); },
          [](Options& o, py::handle value) { o.core.*member = bool_from(value, stored); }, doc};
}

PrintReferences::Items reference_items(py::handle value) {
  if (!PyDict_Check(value.ptr())) fail_expected("reference_circuits", "a dict of circuit to str", value);
  PrintReferences::Items items;
  for (const auto& [circuit, key] : py::reinterpret_borrow<py::dict>(value))
    items.emplace_back(circuit_from(circuit, "reference_circuits"), str_from(key, "reference_circuits"));
  return items;
}

MaybeMatcher traversal_from(py::handle value) {
  if (value.is_none()) return std::nullopt;
  return iterative_matcher_from(value, "traversal");
}

const Field kFields[] = {
    flag<&PrintOptions::bijection>("bijection", "Whether Parser reads the text back."),
    {"reference_circuits",
     [](const Options& o) -> py::object {
       py::dict out;
       for (const auto& [node, key] : o.core.reference_circuits.items()) out[py::cast(node)] = key;
       return out;
     },
     [](Options& o, py::handle value) { o.core.reference_circuits = PrintReferences(reference_items(value)); },
     "Circuits that print as their identifier only, a fresh dict of circuit to identifier."},
    flag<&PrintOptions::shape_only_when_necessary>("shape_only_when_necessary", "Whether shapes are written only where text needs them."),
    {"traversal", [](const Options& o) -> py::object { return py::cast(o.core.traversal ? *o.core.traversal : new_traversal()); },
     [](Options& o, py::handle value) { o.core.traversal = traversal_from(value); }, "Where printing stops (spec 06, section 3)."},
    flag<&PrintOptions::leaves_on_top>("leaves_on_top", "Whether the text is upside down."),
    flag<&PrintOptions::arrows>("arrows", "Whether tree lines stand for spaces."),
    flag<&PrintOptions::force_use_serial_numbers>("force_use_serial_numbers", "Whether every definition gets a number."),
    flag<&PrintOptions::number_leaves>("number_leaves", "Whether nothing is a repeat and leaves are numbered (spec 06, section 4.3)."),
    {"colorer", [](const Options& o) { return o.colorer; },
     [](Options& o, py::handle value) {
       o.core.colorer = value.is_none() ? Colorer() : colorer_from(value);
       o.colorer = py::reinterpret_borrow<py::object>(value);
     },
     "Callable circuit -> color, or None (spec 06, section 5)."},
    flag<&PrintOptions::comment_arg_names>("comment_arg_names", "Whether children carry their role as a comment (spec 06, section 4.2)."),
    {"commenters", [](const Options& o) -> py::object { return py::list(o.commenters); },
     [](Options& o, py::handle value) {
       BoundCommenters commenters = commenters_from(value);
       o.core.commenters = std::move(commenters.functions);
       o.commenters = std::move(commenters.objects);
     },
     "Callables circuit -> str, a fresh list (spec 06, section 4.1)."},
    flag<&PrintOptions::sync_tensors>("sync_tensors", "Whether printed Arrays are saved to the shared store too."),
    flag<&PrintOptions::seen_children_same_line>("seen_children_same_line", "Whether children already printed share one line."),
    flag<&PrintOptions::only_child_below>("only_child_below", "Whether an only child stands below its parent without indentation."),
    flag<&PrintOptions::tensor_index_literal>("tensor_index_literal", "Whether index tensors are written out."),
    flag<&PrintOptions::show_all_named_axes>("show_all_named_axes", "Whether nodes with axis names have their shape written."),
    {"tensor_save_dir", [](const Options& o) -> py::object { return py::cast(o.core.tensor_save_dir); },
     [](Options& o, py::handle value) {
       o.core.tensor_save_dir = value.is_none() ? std::nullopt : std::optional(str_from(value, "tensor_save_dir"));
     },
     "Directory for the tensors of bijective text, None: the local store."},
};

void add_by_name(Options& options, py::handle circuits) {
  PrintReferences::Items items = options.core.reference_circuits.items();
  if (!PyList_Check(circuits.ptr()) && !PyTuple_Check(circuits.ptr()))
    fail_expected("reference_circuits_by_name", "a list of circuits", circuits);
  for (const NodePtr& circuit : circuits_from(circuits, "reference_circuits_by_name")) items.emplace_back(circuit, reference_name(circuit));
  options.core.reference_circuits = PrintReferences(std::move(items));
}

NodePtrs nodes_of(const py::args& circuits) {
  NodePtrs nodes;
  for (const py::handle circuit : circuits) nodes.push_back(circuit_from(circuit));
  return nodes;
}

std::string text_of(const Options& options, const py::args& circuits) {
  const PrintOptions core = options.core;  // another thread may assign to the options meanwhile
  const NodePtrs nodes = nodes_of(circuits);
  const py::gil_scoped_release release;
  return print_text(core, nodes);
}

std::optional<uint32_t> depth_from(const py::object& value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  const int64_t depth = int_from(value, what);
  if (depth < 0 || depth > UINT32_MAX)
    fail(ErrorId::OverflowError, std::string(what) + ": expected 0 to 2**32-1, got " + std::to_string(depth));
  return static_cast<uint32_t>(depth);
}

Options free_text_to_depth(const py::object& end_depth) {
  Options options;
  options.core.bijection = false;
  options.core.traversal = new_traversal({std::nullopt, depth_from(end_depth, "end_depth")});
  return options;
}

Options type_nest(const py::object& circuit_type, const py::object& traversal) {
  Options options;
  options.core.bijection = false;
  options.core.number_leaves = true;
  options.core.traversal = nest_traversal(circuit_type, traversal);
  return options;
}

BuiltinColorer builtin(const char* factory, CliColor (*function)(const NodePtr&)) {
  return {function, "PrintOptions", factory, py::tuple(), py::dict()};
}

std::vector<std::pair<CliColor, NodePtrs>> color_sets(const py::dict& map) {
  std::vector<std::pair<CliColor, NodePtrs>> sets;
  for (const auto& [color, circuits] : map)
    sets.emplace_back(cli_color_from(color, "color"), circuits_from(circuits, "circuits of a color"));
  return sets;
}

void def_callables(py::class_<Options>& cls) {
  cls.def_static(
         "size_colorer", [] { return builtin("size_colorer", size_color); }, "Colors by number of elements (spec 06, section 5).")
      .def_static(
          "computability_colorer", [] { return builtin("computability_colorer", computability_color); },
          "Colors what cannot be sampled or computed (spec 06, section 5).")
      .def_static(
          "type_colorer", [] { return builtin("type_colorer", type_color); }, "Colors by class (spec 06, section 5).")
      .def_static(
          "hash_colorer", [] { return builtin("hash_colorer", hash_color); }, "Colors by identity (spec 06, section 5).")
      .def_static(
          "fixed_color",
          [](const py::object& color) {
            const CliColor fixed = cli_color_from(color);
            return BuiltinColorer{[fixed](const NodePtr&) { return fixed; }, "PrintOptions", "fixed_color", py::make_tuple(color),
                                  py::dict()};
          },
          py::arg("color"), "One color for all (spec 06, section 5).")
      .def_static(
          "circuit_set_colorer",
          [](const py::dict& map) {
            return BuiltinColorer{circuit_set_colorer(color_sets(map)), "PrintOptions", "circuit_set_colorer", py::make_tuple(map),
                                  py::dict()};
          },
          py::arg("map"), "The color of the first set that contains the circuit (spec 06, section 5).")
      .def_static(
          "size_threshold_commenter",
          [](const py::object& threshold) {
            const int64_t limit = int_from(threshold, "threshold");
            if (limit < 0) fail(ErrorId::OverflowError, "threshold: must not be negative, got " + std::to_string(limit));
            return BuiltinCommenter{[limit](const NodePtr& node) { return size_threshold_comment(node, static_cast<uint64_t>(limit)); },
                                    "PrintOptions", "size_threshold_commenter", py::make_tuple(threshold), py::dict()};
          },
          py::arg("threshold") = 400'000'000,
          "Number of elements in red, of nodes with more than `threshold` that are not Arrays (spec 06, section 4.1).")
      .def_static(
          "dtype_commenter",
          [](const py::object& only_arrays) {
            const bool only = bool_from(only_arrays, "only_arrays");
            return BuiltinCommenter{[only](const NodePtr& node) { return dtype_comment(node, only); }, "PrintOptions", "dtype_commenter",
                                    py::tuple(), py::dict(py::arg("only_arrays") = only_arrays)};
          },
          py::kw_only(), py::arg("only_arrays") = false, "The dtype where it is specified (spec 06, section 4.1).");
}

void def_printing(py::class_<Options>& cls) {
  cls.def("repr", &text_of, "Text of zero or more circuits that share numbers and repeats (spec 06, section 1).")
      .def(
          "print", [](const Options& self, const py::args& circuits) { python_print(text_of(self, circuits)); },
          "Prints that text to sys.stdout (spec 06, section 1).")
      .def(
          "repr_line_info",
          [](const Options& self, const NodePtr& circ) {
            std::string out;
            append_line_info(out, circ, self.core);
            return out;
          },
          py::arg("circ"), "The definition line after identifier and name, with a leading space (spec 06, section 2.4).")
      .def(
          "repr_extra_info", [](const Options& self, const NodePtr& circ) { return info_text(circ, self.core); }, py::arg("circ"),
          "The class-specific info of the line (spec 06, section 2.4).")
      .def(
          "string_escape",
          [](const Options& self, const py::object& name) {
            std::string out;
            append_name(out, str_from(name, "name"), self.core.bijection);
            return out;
          },
          py::arg("name"), "The name as text shows it: quoted if `bijection` (spec 06, section 2.4).");
}

void def_ready_made(py::class_<Options>& cls) {
  cls.def_static(
         "compiler_default",
         [] {
           Options options;
           options.core.force_use_serial_numbers = true;
           return options;
         },
         "Every definition with a number (spec 06, section 2.5).")
      .def_static(
          "debug_default",
          [](const py::object& end_depth) { return bound_options(PrintOptions::debug_default(depth_from(end_depth, "end_depth"))); },
          py::arg("end_depth") = 2, "Free text with shapes, to a depth (spec 06, section 2.5).")
      .def_static("type_nest_default", &type_nest, py::arg("circuit_type"), py::arg("traversal") = py::none(),
                  "Expands nodes of one class from the root on and numbers what is below (spec 06, section 2.5).")
      .def_static(
          "einsum_nest_default", [](const py::object& traversal) { return type_nest(class_of(Kind::Einsum), traversal); },
          py::arg("traversal") = py::none(), "type_nest_default of Einsum: the leaf numbers of nest_einsums.")
      .def_static(
          "add_nest_default", [](const py::object& traversal) { return type_nest(class_of(Kind::Add), traversal); },
          py::arg("traversal") = py::none(), "type_nest_default of Add: the leaf numbers of nest_adds.")
      .def_static(
          "repr_depth",
          [](const py::args& circuits, const py::object& end_depth) { return text_of(free_text_to_depth(end_depth), circuits); },
          py::arg("end_depth") = 3, "Free text to a depth (spec 06, section 2.5).")
      .def_static(
          "print_depth",
          [](const py::args& circuits, const py::object& end_depth) { python_print(text_of(free_text_to_depth(end_depth), circuits)); },
          py::arg("end_depth") = 3, "Prints free text to a depth (spec 06, section 2.5).");
}

}  // namespace

BoundPrintOptions bound_options(PrintOptions core) {
  BoundPrintOptions options;
  options.core = std::move(core);
  return options;
}

IterativeMatcher nest_traversal(const py::object& circuit_type, const py::object& traversal) {
  const auto kind = kind_of_class(circuit_type);
  if (!kind) fail_expected("circuit_type", "a class of nodes", circuit_type);
  const IterativeMatcher within = traversal.is_none() ? new_traversal() : iterative_matcher_from(traversal, "traversal");
  return restrict(within, false, {}, !Matcher::kind(*kind));
}

void python_print(std::string text) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color && *no_color) text = without_escape_codes(text);
  py::module_::import("builtins").attr("print")(text);
}

void bind_print_options(py::module_& m) {
  def_builtin<Colorer>(m, "_TextColorer", [](const BuiltinColorer& self, const NodePtr& circuit) -> py::object {
    const CliColor color = self.function(circuit);
    return color ? py::object(py::int_(*color)) : py::object(py::none());
  });
  def_builtin<Commenter>(
      m, "_Commenter", [](const BuiltinCommenter& self, const NodePtr& circuit) -> py::object { return py::str(self.function(circuit)); });

  py::class_<Options> cls(m, "PrintOptions", "How circuits are written as text (spec 06, section 2).");
  cls.def(py::init([](const py::object& bijection, const py::object& reference_circuits, const py::object& reference_circuits_by_name,
                      const py::object& shape_only_when_necessary, const py::object& traversal, const py::object& leaves_on_top,
                      const py::object& arrows, const py::object& force_use_serial_numbers, const py::object& number_leaves,
                      const py::object& colorer, const py::object& comment_arg_names, const py::object& commenters,
                      const py::object& sync_tensors, const py::object& seen_children_same_line, const py::object& only_child_below,
                      const py::object& tensor_index_literal, const py::object& show_all_named_axes, const py::object& tensor_save_dir) {
            Options options;
            const py::handle values[] = {bijection,
                                         reference_circuits,
                                         shape_only_when_necessary,
                                         traversal,
                                         leaves_on_top,
                                         arrows,
                                         force_use_serial_numbers,
                                         number_leaves,
                                         colorer,
                                         comment_arg_names,
                                         commenters,
                                         sync_tensors,
                                         seen_children_same_line,
                                         only_child_below,
                                         tensor_index_literal,
                                         show_all_named_axes,
                                         tensor_save_dir};
            for (size_t i = 0; i < std::size(kFields); ++i) kFields[i].set(options, values[i]);
            add_by_name(options, reference_circuits_by_name);
            options.core.validate();
            return options;
          }),
          py::arg("bijection") = true, py::arg("reference_circuits") = py::dict(), py::arg("reference_circuits_by_name") = py::list(),
          py::arg("shape_only_when_necessary") = true, py::arg("traversal") = py::none(), py::arg("leaves_on_top") = false,
          py::arg("arrows") = false, py::arg("force_use_serial_numbers") = false, py::arg("number_leaves") = false,
          py::arg("colorer") = py::none(), py::arg("comment_arg_names") = false, py::arg("commenters") = py::list(),
          py::arg("sync_tensors") = false, py::arg("seen_children_same_line") = false, py::arg("only_child_below") = false,
          py::arg("tensor_index_literal") = false, py::arg("show_all_named_axes") = false, py::arg("tensor_save_dir") = py::none());
  def_option_fields(cls, kFields, "PrintOptions", +[](const Options& options) { options.core.validate(); });
  cls.def(
         "validate", [](const Options& self) { self.core.validate(); },
         "RuntimeError for options that cannot be combined (spec 06, section 2.1).")
      .def_property_readonly(
          "is_print_as_tree", [](const Options& self) { return self.core.number_leaves; }, "Whether nothing is a repeat: `number_leaves`.");
  def_callables(cls);
  def_printing(cls);
  def_ready_made(cls);
}

}  // namespace pycircuit
