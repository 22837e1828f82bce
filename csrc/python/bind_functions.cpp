// GeneralFunction, its specs and the built-in functions (spec 04).
#include "base/error.h"
#include "circuit/nodes/general_function.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/constructor.h"
#include "python/shown.h"
#include "python/user_function.h"

namespace pycircuit {
namespace {

Ref<const GeneralFunction> make_function(const py::args& nodes, FunctionSpecPtr spec, const py::object& name) {
  return GeneralFunction::make(circuits_from(nodes, "GeneralFunction"), std::move(spec), name_from(name));
}

Ref<const GeneralFunction> function_from(Positional nodes, const py::object& spec, const py::object& name) {
  return GeneralFunction::make(circuits_from(nodes, "GeneralFunction"), function_spec_from(spec), name_from(name));
}

int64_t dim_count_from(const py::object& value, std::string_view what) {
  const int64_t count = int_from(value, what);
  if (count < 0 || count > 255) fail(ErrorId::OverflowError, std::string(what) + ": expected 0 to 255, got " + std::to_string(count));
  return count;
}

std::vector<bool> flags_from(py::handle values) {
  std::vector<bool> out;
  each(values, "input_batchability", "a sequence of bools", [&](py::handle value) {
    if (!PyBool_Check(value.ptr())) fail_expected("input_batchability", "bools", value);
    out.push_back(value.is(py::handle(Py_True)));
  });
  return out;
}

std::vector<Tensor> tensors_from(py::handle value) { return objects_from<Tensor>(value, "tensors", "a sequence of tensors"); }

void bind_shape_info(py::module_& m) {
  py::class_<FunctionShapeInfo>(m, "GeneralFunctionShapeInfo", py::is_final(), "What a shape rule yields (spec 04, sections 1 and 4).")
      .def(py::init([](const py::object& shape, const py::object& count, const py::object& flags) {
             return FunctionShapeInfo{shape_from(shape), dim_count_from(count, "num_non_batchable_output_dims"), flags_from(flags)};
           }),
           py::arg("shape"), py::arg("num_non_batchable_output_dims"), py::arg("input_batchability"))
      .def_property(
          "shape", [](const FunctionShapeInfo& self) { return to_tuple(self.shape); },
          [](FunctionShapeInfo& self, const py::object& shape) { self.shape = shape_from(shape); }, "Shape of the output.")
      .def_property(
          "num_non_batchable_output_dims", [](const FunctionShapeInfo& self) { return self.num_non_batchable_output_dims; },
          [](FunctionShapeInfo& self, const py::object& count) {
            self.num_non_batchable_output_dims = dim_count_from(count, "num_non_batchable_output_dims");
          },
          "Output axes, counted from the end, over which the function does not act independently.")
      .def_property(
          "input_batchability", [](const FunctionShapeInfo& self) { return self.input_batchability; },
          [](FunctionShapeInfo& self, const py::object& flags) { self.input_batchability = flags_from(flags); },
          "Per input whether it has the batch axes of the output.")
      .def("__repr__", [](const FunctionShapeInfo& self) {
        return "GeneralFunctionShapeInfo(shape=" + std::string(py::repr(to_tuple(self.shape))) +
               ", num_non_batchable_output_dims=" + std::to_string(self.num_non_batchable_output_dims) +
               ", input_batchability=" + std::string(py::repr(py::cast(self.input_batchability))) + ")";
      });
  m.def(
      "get_shape_info_simple",
      [](const py::object& shapes, const py::object& count, const py::object& removed) {
        return shape_info_simple(shapes_from(shapes), dim_count_from(count, "num_non_batchable_output_dims"),
                                 dim_count_from(removed, "removed_from_end"));
      },
      py::arg("shapes"), py::arg("num_non_batchable_output_dims") = 0, py::arg("removed_from_end") = 0,
      "Shape rule of functions of one input that keep its leading axes (spec 04, section 4).");
  m.def(
      "get_shape_info_broadcast",
      [](const py::object& shapes, bool special_case_ones) { return shape_info_broadcast(shapes_from(shapes), special_case_ones); },
      py::arg("shapes"), py::arg("special_case_ones") = true,
      "Shape rule of elementwise functions of broadcast inputs (spec 04, section 4).");
}

void bind_specs(py::module_& m) {
  using Holder = std::shared_ptr<FunctionSpec>;
  py::class_<FunctionSpec, Holder>(m, "_BuiltinFunctionSpec", "Base of the built-in specs (spec 04, section 2).")
      .def("__repr__", [](const FunctionSpec& self) { return "<GeneralFunction spec " + self.text() + ">"; })
      .def("__eq__",
           [](const FunctionSpec& self, const py::object& other) {
             return py::isinstance<FunctionSpec>(other) && self.identity_hash() == other.cast<Holder>()->identity_hash();
           })
      .def("__hash__", [](const FunctionSpec& self) { return std::hash<Hash>{}(self.identity_hash()); })
      .def("__reduce__", [](const FunctionSpec& self) {
        return py::make_tuple(py::module_::import("pycircuit._core").attr("_builtin_spec"), py::make_tuple(self.text()));
      });
  m.def(
      "_builtin_spec",
      [](const std::string& text) {
        const FunctionSpecPtr spec = builtin_spec_by_name(text);
        if (!spec) fail(ErrorId::ConstructUnknownGeneralFunction, "Unknown GeneralFunction name " + text, text);
        return to_python(spec);
      },
      py::arg("text"), "The built-in spec with this text.");

  py::class_<SimpleSpec, FunctionSpec, std::shared_ptr<SimpleSpec>>(m, "GeneralFunctionSimpleSpec", py::is_final(),
                                                                    "A simple function (spec 04, section 5).")
      .def_property_readonly(
          "name", [](const SimpleSpec& self) { return self.name(); }, "Name of the function.")
      .def_property_readonly(
          "num_non_batchable_output_dims", [](const SimpleSpec& self) { return self.num_non_batchable_output_dims; },
          "Trailing output axes that are not batch axes.")
      .def_property_readonly(
          "removed_from_end", [](const SimpleSpec& self) { return self.removed_from_end; }, "Trailing input axes that disappear.")
      .def_property_readonly(
          "is_official", [](const SimpleSpec& self) { return self.is_official(); }, "True: rewrites may recognise it by name.")
      .def(
          "get_function",
          [](const std::shared_ptr<SimpleSpec>& self) {
            return py::cpp_function([self](const Tensor& x) { return self->apply({x}, {DeviceDtypeOp{x.device(), x.dtype()}}); },
                                    py::arg("x"), "Applies the function to a tensor.");
          },
          "The function as a callable on tensors.");
  py::class_<GenIndexSpec, FunctionSpec, std::shared_ptr<GenIndexSpec>>(m, "GeneralFunctionIndexSpec", py::is_final(),
                                                                        "gen_index (spec 04, 8.1).")
      .def_readonly("index_dim", &GenIndexSpec::index_dim, "The indexed axis, as given.")
      .def_readonly("batch_x", &GenIndexSpec::batch_x, "Whether x is batched.")
      .def_readonly("batch_index", &GenIndexSpec::batch_index, "Whether the index is batched.")
      .def_readonly("check_index_ints", &GenIndexSpec::check_index_ints, "Whether index values must be integers.");
  py::class_<ExplicitIndexSpec, FunctionSpec, std::shared_ptr<ExplicitIndexSpec>>(m, "GeneralFunctionExplicitIndexSpec", py::is_final(),
                                                                                  "explicit_index (spec 04, 8.2).")
      .def_readonly("index_dim", &ExplicitIndexSpec::index_dim, "The indexed axis among the non-batch axes of x, as given.")
      .def_readonly("x_non_batch_dims", &ExplicitIndexSpec::x_non_batch_dims, "Number of trailing axes of x that are not batch axes.")
      .def_readonly("check_index_ints", &ExplicitIndexSpec::check_index_ints, "Whether index values must be integers.");
  py::class_<SetDDSpec, FunctionSpec, std::shared_ptr<SetDDSpec>>(m, "GeneralFunctionSetDDSpec", py::is_final(),
                                                                  "A cast (spec 04, section 9).")
      .def_readonly("input_required_compatibility", &SetDDSpec::input_required_compatibility, "What the input must be, where known.")
      .def_readonly("output", &SetDDSpec::output, "What the parts become; None keeps the input's.");
  py::class_<PowSpec, FunctionSpec, std::shared_ptr<PowSpec>>(m, "GeneralFunctionPowSpec", py::is_final(), "pow (spec 04, section 7).");
  py::class_<MultinomialSpec, FunctionSpec, std::shared_ptr<MultinomialSpec>>(m, "GeneralFunctionMultinomialSpec", py::is_final(),
                                                                              "multinomial (spec 04, section 10).")
      .def_readonly("replacement", &MultinomialSpec::replacement, "Whether categories are drawn with replacement.")
      .def_property_readonly(
          "shape", [](const MultinomialSpec& self) { return to_tuple(self.shape); }, "Shape of the draws per row of probs.");

  m.def(
      "_spec_shape_info",
      [](const py::object& spec, const py::object& shapes) { return function_spec_from(spec)->shape_info(shapes_from(shapes)); },
      py::arg("spec"), py::arg("shapes"), "Runs the shape rule of a spec.");
  m.def(
      "_spec_apply",
      [](const py::object& spec, const std::vector<Tensor>& inputs) {
        std::vector<DeviceDtypeOp> children;
        for (const auto& input : inputs) children.push_back({input.device(), input.dtype()});
        return function_spec_from(spec)->apply(inputs, children);
      },
      py::arg("spec"), py::arg("inputs"), "Computes the value of a spec on tensors.");
}

void bind_node(py::module_& m) {
  py::class_<GeneralFunction, Node, Ref<GeneralFunction>> cls(m, "GeneralFunction", py::is_final(), constructor_metaclass(),
                                                              "An opaque function of its children (spec 04).");
  add_constructor<&function_from>(cls, py::arg("spec"), py::arg("name") = py::none());
  cls.def_property_readonly(
         "nodes", [](const GeneralFunction& self) { return self.children(); }, "The children.")
      .def_property_readonly(
          "spec", [](const GeneralFunction& self) { return to_python(self.spec()); }, "The spec; of a user function the object passed in.")
      .def_property_readonly("num_non_batchable_output_dims", &GeneralFunction::num_non_batchable_output_dims,
                             "Trailing output axes that are not batch axes (spec 04, section 1).")
      .def_property_readonly(
          "input_batchability", [](const GeneralFunction& self) { return self.input_batchability(); },
          "Per input whether it has the batch axes (spec 04, section 1).")
      .def_static(
          "new_by_name",
          [](const py::args& nodes, const std::string& spec_name, const py::object& name) {
            return GeneralFunction::by_name(circuits_from(nodes, "GeneralFunction"), spec_name, name_from(name));
          },
          py::arg("spec_name"), py::arg("name") = py::none(),
          "A built-in function by its text; ConstructUnknownGeneralFunctionError for an unknown one (spec 04, section 3).")
      .def_static(
          "new_by_name_op",
          [](const py::args& nodes, const std::string& spec_name, const py::object& name) -> std::optional<Ref<const GeneralFunction>> {
            FunctionSpecPtr spec = builtin_spec_by_name(spec_name);
            if (!spec) return std::nullopt;
            return make_function(nodes, std::move(spec), name);
          },
          py::arg("spec_name"), py::arg("name") = py::none(), "The same, None for an unknown name (spec 04, section 3).")
      .def_static(
          "new_by_path",
          [](const py::args& nodes, const std::string& path, const py::object& name) {
            return make_function(nodes, spec_from_text(" at " + path), name);
          },
          py::arg("path"), py::arg("name") = py::none(), "A user function from a locator (spec 04, section 3.3).")
      .def_static(
          "new_from_parse",
          [](const py::args& nodes, const std::string& parse_string, const py::object& name) {
            return make_function(nodes, spec_from_text(parse_string), name);
          },
          py::arg("parse_string"), py::arg("name") = py::none(),
          "From text as printed: a built-in's text or \"<name> at <path>\" (spec 04, section 3).")
      .def_static(
          "gen_index",
          [](const NodePtr& x, const NodePtr& index, const py::object& index_dim, bool batch_x, bool batch_index, bool check_index_ints,
             const py::object& name) {
            return GeneralFunction::gen_index(x, index, int_from(index_dim, "index_dim"), batch_x, batch_index, check_index_ints,
                                              name_from(name));
          },
          py::arg("x"), py::arg("index"), py::arg("index_dim"), py::arg("batch_x") = false, py::arg("batch_index") = true,
          py::arg("check_index_ints") = true, py::arg("name") = py::none(),
          "x at computed positions of one axis; four modes (spec 04, 8.1).")
      .def_static(
          "explicit_index",
          [](const NodePtr& x, const NodePtr& index, const py::object& index_dim, const py::object& x_non_batch_dims, bool check_index_ints,
             const py::object& name) {
            auto spec = std::make_shared<ExplicitIndexSpec>();
            spec->index_dim = int_from(index_dim, "index_dim");
            spec->x_non_batch_dims = dim_count_from(x_non_batch_dims, "x_non_batch_dims");
            spec->check_index_ints = check_index_ints;
            return GeneralFunction::make({x, index}, std::move(spec), name_from(name));
          },
          py::arg("x"), py::arg("index"), py::arg("index_dim"), py::arg("x_non_batch_dims"), py::arg("check_index_ints") = true,
          py::arg("name") = py::none(), "x at computed positions, batched, the index with axes of its own (spec 04, 8.2).")
      .def_static(
          "new_cast",
          [](const NodePtr& x, const py::object& required, const py::object& output, const py::object& name) {
            return GeneralFunction::cast_to(x, device_dtype_op_from(required), device_dtype_op_from(output), name_from(name));
          },
          py::arg("x"), py::arg("input_required_compatibility") = DeviceDtypeOp{}, py::arg("output") = DeviceDtypeOp{},
          py::arg("name") = py::none(), "Checks and changes device and dtype (spec 04, section 9).");
}

void bind_free_functions(py::module_& m) {
  for (const auto& function : simple_function_names()) {
    const FunctionSpecPtr spec = simple_spec(function);
    m.def(
        function.c_str(),
        [spec](const NodePtr& circuit, const py::object& name) { return GeneralFunction::make({circuit}, spec, name_from(name)); },
        py::arg("circuit"), py::arg("name") = py::none(), ("The simple function " + function + " (spec 04, section 5).").c_str());
  }
  m.def(
      "pow",
      [](const NodePtr& base, const NodePtr& exponent, const py::object& name) {
        return GeneralFunction::make({base, exponent}, std::make_shared<PowSpec>(), name_from(name));
      },
      py::arg("base"), py::arg("exponent"), py::arg("name") = py::none(), "base ** exponent, broadcast (spec 04, section 7).");
  m.def(
      "multinomial",
      [](const NodePtr& probs, const NodePtr& seed, const py::object& shape, bool replacement, const py::object& name) {
        auto spec = std::make_shared<MultinomialSpec>();
        spec->shape = shape_from(shape);
        spec->replacement = replacement;
        return GeneralFunction::make({probs, seed}, std::move(spec), name_from(name));
      },
      py::arg("probs"), py::arg("seed"), py::arg("shape"), py::arg("replacement") = true, py::arg("name") = py::none(),
      "Category numbers drawn with weights probs, reproducible from the seed (spec 04, section 10).");
  m.def(
      "upcast_tensor_devices", [](const py::object& tensors) { return upcast_tensor_devices(tensors_from(tensors)); }, py::arg("tensors"),
      "Moves all to the first non-CPU device unless the devices agree (spec 04, section 6).");
  m.def(
      "upcast_tensor_device_dtypes", [](const py::object& tensors) { return upcast_tensor_device_dtypes(tensors_from(tensors)); },
      py::arg("tensors"), "The same, and one dtype: the first floating one that is not float64 (spec 04, section 6).");
}

}  // namespace

void bind_functions(py::module_& m) {
  register_payload<std::shared_ptr<py::object>>([](const std::shared_ptr<py::object>& object) { return *object; });
  register_payload<DeviceDtypeOp>([](const DeviceDtypeOp& value) { return py::cast(value); });
  bind_shape_info(m);
  bind_specs(m);
  bind_node(m);
  bind_free_functions(m);
  install_python_function_locator();
}

}  // namespace pycircuit
