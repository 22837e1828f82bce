// RearrangeSpec (spec 03, sections 2 to 9).
#include "python/arguments.h"
#include "python/convert.h"
#include "python/shape_convert.h"
#include "shape/rearrange_spec.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

using Spec = RearrangeSpec;

std::vector<OptionalSize> int_sizes_from(py::handle value) {
  std::vector<OptionalSize> sizes;
  each(value, "int_sizes", "a sequence of ints and None", [&](py::handle item) {
    sizes.emplace_back();
    if (item.is_none()) return;
    sizes.back() = int_from(item, "int_sizes");
    if (*sizes.back() < 0) fail(ErrorId::OverflowError, "int_sizes: sizes must not be negative, got " + std::to_string(*sizes.back()));
  });
  return sizes;
}

Spec spec_from(py::handle input_ints, py::handle output_ints, py::handle int_sizes) {
  return {label_groups_from(input_ints, "input_ints"), label_groups_from(output_ints, "output_ints"), int_sizes_from(int_sizes)};
}

std::optional<std::vector<int64_t>> counts_from(py::handle counts) {
  if (counts.is_none()) return std::nullopt;
  return axes_from(counts, "counts");
}

std::vector<std::vector<int64_t>> int_groups_from(py::handle value) {
  std::vector<std::vector<int64_t>> groups;
  each(value, "permute_combine", "a sequence of sequences of ints",
       [&](py::handle group) { groups.push_back(ints_from(group, "permute_combine")); });
  return groups;
}

void bind_constructors(py::class_<Spec>& cls) {
  cls.def(py::init([](const py::object& input_ints, const py::object& output_ints, const py::object& int_sizes) {
            return spec_from(input_ints, output_ints, int_sizes);
          }),
          py::arg("input_ints"), py::arg("output_ints"), py::arg("int_sizes"),
          "From ints per input axis, ints per output axis, and the size of each int or None (spec 03, section 2).")
      .def_static(
          "from_string", [](const std::string& string) { return Spec::from_string(string); }, py::arg("string"),
          "Reads text such as \"a (b:2 c) -> c a b\" (spec 03, section 3.1).")
      .def_static(
          "ident", [](const py::object& rank) { return Spec::ident(int_from(rank, "rank")); }, py::arg("rank"),
          "All axes as they are (spec 03, section 4).")
      .def_static(
          "flatten", [](const py::object& rank) { return Spec::flatten(int_from(rank, "rank")); }, py::arg("rank"),
          "All axes merged row-major into one (spec 03, section 4).")
      .def_static(
          "unflatten", [](const py::object& shape) { return Spec::unflatten(sizes_from(shape)); }, py::arg("shape"),
          "One axis split row-major into axes of these sizes (spec 03, section 4).")
      .def_static(
          "unflatten_axis",
          [](const py::object& ndim, const py::object& axis, const py::object& shape) {
            return Spec::unflatten_axis(int_from(ndim, "ndim"), int_from(axis, "axis"), sizes_from(shape));
          },
          py::arg("ndim"), py::arg("axis"), py::arg("shape"), "Splits one axis and leaves the others (spec 03, section 4).")
      .def_static(
          "expand_at_axes",
          [](const py::object& orig_ndim, const py::object& axes, const py::object& counts) {
            return Spec::expand_at_axes(int_from(orig_ndim, "orig_ndim"), axes_from(axes), counts_from(counts));
          },
          py::arg("orig_ndim"), py::arg("axes"), py::arg("counts") = py::none(),
          "Inserts axes at positions of the result, repeating the data `counts` times, None means once (spec 03, section 4).")
      .def_static(
          "unsqueeze",
          [](const py::object& orig_ndim, const py::object& axes) {
            return Spec::unsqueeze(int_from(orig_ndim, "orig_ndim"), axes_from(axes));
          },
          py::arg("orig_ndim"), py::arg("axes"), "Inserts axes of size 1 at positions of the result (spec 03, section 4).")
      .def_static(
          "prepend_batch_shape",
          [](const py::object& new_shape, const py::object& old_rank) {
            return Spec::prepend_batch_shape(sizes_from(new_shape), int_from(old_rank, "old_rank"));
          },
          py::arg("new_shape"), py::arg("old_rank"), "Repeats along new leading axes (spec 03, section 4).")
      .def_static(
          "prepend_batch_shape",
          [](const py::object& shape, const py::object& old_rank) {
            return Spec::prepend_batch_shape(sizes_from(shape), int_from(old_rank, "old_rank"));
          },
          py::arg("shape"), py::arg("old_rank"), "The same under the older keyword.")
      .def_static(
          "new_permute", [](const py::object& permutation) { return Spec::new_permute(ints_from(permutation, "permutation")); },
          py::arg("permutation"), "Output axis k is input axis permutation[k] (spec 03, section 4).")
      .def_static(
          "new_permute_combine",
          [](const py::object& permute_combine) { return Spec::new_permute_combine(int_groups_from(permute_combine)); },
          py::arg("permute_combine"), "Each output axis merges the input axes listed for it (spec 03, section 4).")
      .def_static(
          "combine_axes_at_end",
          [](const py::object& n, const py::object& axes_to_combine) {
            return Spec::combine_axes_at_end(int_from(n, "n"), ints_from(axes_to_combine, "axes_to_combine"));
          },
          py::arg("n"), py::arg("axes_to_combine"), "Merges the listed axes into one last axis (spec 03, section 4).")
      .def_static(
          "check_rank", [](const py::object& rank) { Spec::check_rank(int_from(rank, "rank")); }, py::arg("rank"),
          "RearrangeSpecLenShapeTooLargeError where rank > 255 (spec 03, section 4).")
      .def(
          "add_batch_dims",
          [](const Spec& self, const py::object& batch_rank) { return self.add_batch_dims(int_from(batch_rank, "batch_rank")); },
          py::arg("batch_rank"), "Prepends untouched axes on both sides (spec 03, section 4).");
}

void bind_queries(py::class_<Spec>& cls) {
  cls.def_property_readonly(
         "input_ints", [](const Spec& self) { return self.input_ints(); }, "Per input axis its ints, leftmost slowest.")
      .def_property_readonly(
          "output_ints", [](const Spec& self) { return self.output_ints(); }, "Per output axis its ints.")
      .def_property_readonly(
          "int_sizes", [](const Spec& self) { return self.int_sizes(); }, "Size of each int; None is a wildcard.")
      .def("is_valid", &Spec::is_valid, "True for every spec (spec 03, section 5).")
      .def("is_identity", &Spec::is_identity, "Whether input_ints equals output_ints (spec 03, section 5).")
      .def("is_permute", &Spec::is_permute, "Whether all axes have one int and the ranks agree (spec 03, section 5).")
      .def("get_fwd_permutation", &Spec::get_fwd_permutation, "Where each input axis goes; None unless is_permute() (spec 03, section 5).")
      .def(
          "ints_in_inp", [](const Spec& self) { return py::set(int_tuple(self.ints_in_inp())); }, "Ints of the input side.")
      .def(
          "ints_in_out", [](const Spec& self) { return py::set(int_tuple(self.ints_in_out())); }, "Ints of the output side.")
      .def("next_axis", &Spec::next_axis, "The largest int + 1, or 0 (spec 03, section 5).")
      .def(
          "ints_needing_sizes", [](const Spec& self) { return py::set(int_tuple(self.ints_needing_sizes())); },
          "Ints in input axes with two or more ints (spec 03, section 5).")
      .def("out_broadcast_axes", &Spec::out_broadcast_axes, "Output positions whose ints are all output-only (spec 03, section 5).")
      .def(
          "shapes",
          [](const Spec& self) {
            auto [input, output] = self.shapes();
            return std::make_pair(std::move(input), std::move(output));
          },
          "(input shape, output shape) as lists. RearrangeSpecHasWildcardSizesError (spec 03, section 5).")
      .def(
          "to_py_rearrange_spec",
          [](const Spec&, const py::object&) -> py::object {
            fail(ErrorId::ImportError,
                 "to_py_rearrange_spec: converts to the RearrangeSpec of the older pure-Python circuit package, which is not installed");
          },
          py::arg("input_shape"), "Needs the older pure-Python circuit package: ImportError (spec 03, section 5.1).");
}

void bind_sizes(py::class_<Spec>& cls) {
  cls.def(
         "conform_to_input_shape", [](const Spec& self, const py::object& shape) { return self.conform_to_input_shape(sizes_from(shape)); },
         py::arg("shape"), "Fills wildcards from an input shape. RearrangeSpecNotConformableError (spec 03, section 6.1).")
      .def(
          "conform_to_output_shape",
          [](const Spec& self, const py::object& shape) { return self.conform_to_output_shape(sizes_from(shape)); }, py::arg("shape"),
          "Fills wildcards from an output shape (spec 03, section 6.2).")
      .def(
          "expand_to", [](const Spec& self, const py::object& shape) { return self.expand_to(sizes_from(shape)); }, py::arg("shape"),
          "Relaxes sizes so that the input shape is accepted. RearrangeSpecAmbiguousExpandError (spec 03, section 6.3).")
      .def("fill_empty_ints", &Spec::fill_empty_ints, "Every empty group gets an int of size 1 (spec 03, section 6.4).")
      .def("canonicalize", &Spec::canonicalize, py::arg("special_case_ones") = true,
           "An equivalent spec in canonical form (spec 03, section 7).")
      .def_static("fuse", &Spec::fuse, py::arg("inner"), py::arg("outer"),
                  "First inner, then outer, as one spec. RearrangeSpecNotFusableError (spec 03, section 8).")
      .def(
          "apply", [](const Spec& self, const Tensor& tensor) { return apply_rearrange(tensor, self.plan(tensor.shape())); },
          py::arg("tensor"), "The rearranged tensor, possibly a view. RearrangeSpecNotConformableError (spec 03, section 9).");
}

void bind_text(py::class_<Spec>& cls) {
  cls.def("to_string", &Spec::to_string, py::arg("size_on_letter") = true, py::arg("use_symbolic") = true,
          py::arg("show_size_if_present") = true, "The spec as text (spec 03, section 3.2).")
      .def("to_einops_string", &Spec::to_einops_string, "Text that einops reads (spec 03, section 3.2).")
      .def(
          "to_fancy_einops_string",
          [](const Spec& self, const py::dict& node_named_axes, const py::dict& self_named_axes) {
            return self.to_fancy_einops_string(named_axes_from(node_named_axes), named_axes_from(self_named_axes));
          },
          py::arg("node_named_axes"), py::arg("self_named_axes"), "Text with axis names, or None (spec 03, section 3.3).")
      .def(
          "to_maybe_fancy_einops_string",
          [](const Spec& self, const py::dict& node_named_axes, const py::dict& self_named_axes) {
            return self.to_maybe_fancy_einops_string(named_axes_from(node_named_axes), named_axes_from(self_named_axes));
          },
          py::arg("node_named_axes"), py::arg("self_named_axes"),
          "The fancy text if there is one, else to_string() (spec 03, section 3.3).")
      .def("__repr__", [](const Spec& self) { return self.to_string(); });
}

}  // namespace

void bind_rearrange_spec(py::module_& m) {
  py::class_<Spec> cls(m, "RearrangeSpec", py::is_final(),
                       "Splitting, permuting, merging, inserting and repeating axes: an immutable value (spec 03, section 2).");
  bind_constructors(cls);
  bind_queries(cls);
  bind_sizes(cls);
  bind_text(cls);
  add_value_equality(cls);
  cls.def(py::pickle([](const Spec& self) { return py::make_tuple(self.input_ints(), self.output_ints(), self.int_sizes()); },
                     [](const py::tuple& state) { return spec_from(state[0], state[1], state[2]); }));
  register_payload<Spec>([](const Spec& value) { return py::cast(value); });
}

}  // namespace pycircuit
