// EinsumSpec and contraction paths (spec 03, section 12).
#include "python/arguments.h"
#include "python/convert.h"
#include "python/matcher_convert.h"
#include "python/shape_convert.h"
#include "python/shown.h"
#include "shape/einsum_spec.h"

namespace pycircuit {
namespace {

std::optional<uint64_t> cap_from(py::handle value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  const int64_t cap = int_from(value, what);
  if (cap < 0) fail(ErrorId::OverflowError, std::string(what) + ": must not be negative, got " + std::to_string(cap));
  return static_cast<uint64_t>(cap);
}

std::vector<int64_t> positions_from(py::handle value) {
  if (value.is_none()) return {};
  if (!PySet_Check(value.ptr()) && !PyFrozenSet_Check(value.ptr())) return ints_from(value, "dont_contract_subsets_into");
  return ints_from(py::module_::import("builtins").attr("sorted")(value), "dont_contract_subsets_into");
}

PathOptions options_from(py::handle check_outer, py::handle mem_cap, py::handle hash_map_cap) {
  PathOptions options;
  options.check_outer = !check_outer.is_none() && bool_from(check_outer, "check_outer");
  options.mem_cap = cap_from(mem_cap, "mem_cap");
  if (const auto cap = cap_from(hash_map_cap, "hash_map_cap")) options.hash_map_cap = *cap;
  return options;
}

std::vector<NamedAxes> named_axes_list_from(py::handle values) {
  std::vector<NamedAxes> out;
  each(values, "children_named_axes", "a sequence of dicts", [&](py::handle value) {
    if (!PyDict_Check(value.ptr())) fail_expected("children_named_axes", "dicts", value);
    out.push_back(named_axes_from(py::reinterpret_borrow<py::dict>(value)));
  });
  return out;
}

py::tuple to_python(const EinsumLabels& labels) { return py::make_tuple(labels.inputs, labels.output); }

// The labels as bits of an int.
py::object bit_mask(const LabelSet& labels) {
  return py::reinterpret_steal<py::object>(PyLong_FromString(labels.to_string().c_str(), nullptr, 2));
}

void bind_text(py::class_<EinsumSpec>& cls) {
  cls.def("to_einsum_string", &EinsumSpec::to_einsum_string, "Letters such as \"ab,bc->ac\" (spec 03, section 11.4).")
      .def(
          "to_fancy_einsum_string",
          [](const EinsumSpec& self, const py::dict& self_named_axes, const py::object& children_named_axes) {
            return self.to_fancy_einsum_string(named_axes_from(self_named_axes), named_axes_list_from(children_named_axes));
          },
          py::arg("self_named_axes"), py::arg("children_named_axes"), "Text with axis names, or None (spec 03, section 11.4).")
      .def(
          "to_maybe_fancy_string",
          [](const EinsumSpec& self, const py::dict& self_named_axes, const py::object& children_named_axes) {
            return self.to_maybe_fancy_string(named_axes_from(self_named_axes), named_axes_list_from(children_named_axes));
          },
          py::arg("self_named_axes"), py::arg("children_named_axes"),
          "The fancy text if there is one, else letters (spec 03, section 11.4).")
      .def_static(
          "string_to_ints", [](const std::string& string) { return to_python(parse_einsum_string(string)); }, py::arg("string"),
          "(operand label lists, output labels) of letters (spec 03, section 11.2).")
      .def_static(
          "fancy_string_to_ints", [](const std::string& string) { return to_python(parse_fancy_einsum_string(string)); }, py::arg("string"),
          "(operand label lists, output labels) of words (spec 03, section 11.3).")
      .def("__repr__", &EinsumSpec::to_einsum_string);
}

void bind_paths(py::class_<EinsumSpec>& cls) {
  cls.def(
         "optimize",
         [](const EinsumSpec& self, const py::object& check_outer, const py::object& mem_cap, const py::object& hash_map_cap,
            const py::object& dont_contract_subsets_into) {
           PathOptions options = options_from(check_outer, mem_cap, hash_map_cap);
           options.dont_contract_subsets_into = positions_from(dont_contract_subsets_into);
           return self.optimize(options);
         },
         py::arg("check_outer") = py::none(), py::arg("mem_cap") = py::none(), py::arg("hash_map_cap") = py::none(),
         py::arg("dont_contract_subsets_into") = py::none(),
         "A contraction path: steps of positions in the current operand list (spec 03, section 12.2).")
      .def(
          "optimize_dp",
          [](const EinsumSpec& self, const py::object& check_outer, const py::object& mem_cap, const py::object& hash_map_cap) {
            return self.optimize_dp(options_from(check_outer, mem_cap, hash_map_cap));
          },
          py::arg("check_outer") = py::none(), py::arg("mem_cap") = py::none(), py::arg("hash_map_cap") = py::none(),
          "The path of dynamic programming alone (spec 03, section 12.2, phase 2).")
      .def(
          "optimize_pre_contract_subsets",
          [](const EinsumSpec& self, const py::object& dont_contract_subsets_into) {
            const PreContraction done = self.optimize_pre_contract_subsets(positions_from(dont_contract_subsets_into));
            py::list remaining;
            for (const LabelSet& labels : done.remaining) remaining.append(bit_mask(labels));
            return py::make_tuple(done.path, remaining);
          },
          py::arg("dont_contract_subsets_into") = py::none(),
          "Subset absorption alone: (path, labels of the remaining operands as bit masks) (spec 03, section 12.2, phase 1).");
}

}  // namespace

void bind_einsum_spec(py::module_& m) {
  py::class_<EinsumSpec> cls(m, "EinsumSpec", py::is_final(),
                             "Labels of an einsum with their sizes, apart from any circuit (spec 03, section 12.1).");
  cls.def(py::init([](const py::object& input_ints, const py::object& output_ints, const py::object& int_sizes) {
            return EinsumSpec{label_groups_from(input_ints, "input_ints"), labels_from(output_ints, "output_ints"),
                              sizes_from(int_sizes, "int_sizes")};
          }),
          py::arg("input_ints"), py::arg("output_ints"), py::arg("int_sizes"))
      .def_property_readonly(
          "input_ints", [](const EinsumSpec& self) { return self.input_ints; }, "Labels of each operand.")
      .def_property_readonly(
          "output_ints", [](const EinsumSpec& self) { return self.output_ints; }, "Labels of the output.")
      .def_property_readonly(
          "int_sizes", [](const EinsumSpec& self) { return self.int_sizes; }, "Size by label, 0 where unused.")
      .def(
          "ints_in_input", [](const EinsumSpec& self) { return py::set(int_tuple(self.ints_in_input())); }, "Labels of the operands.")
      .def("validate", &EinsumSpec::validate, "All output labels occur in the operands, and all labels have a size > 0.")
      .def(
          "shapes",
          [](const EinsumSpec& self) {
            const auto [operands, output] = self.shapes();
            py::list shapes;
            for (const Shape& shape : operands) shapes.append(to_tuple(shape));
            return py::make_tuple(shapes, to_tuple(output));
          },
          "(operand shapes, output shape).")
      .def("normalize", &EinsumSpec::normalize, "Labels renumbered by first appearance in the operands.")
      .def("flops", &EinsumSpec::flops, "Multiplications and additions of the one-step evaluation, exact (spec 03, section 12.1).");
  bind_text(cls);
  bind_paths(cls);
  add_value_equality(cls);
  cls.def(py::pickle([](const EinsumSpec& self) { return py::make_tuple(self.input_ints, self.output_ints, self.int_sizes); },
                     [](const py::tuple& state) {
                       return EinsumSpec{label_groups_from(state[0], "input_ints"), labels_from(state[1], "output_ints"),
                                         sizes_from(state[2], "int_sizes")};
                     }));
}

}  // namespace pycircuit
