// Array, Symbol and Scalar (spec 01, section 7). Array's members that need the tensor store are in bind_tensor.cpp.
#include "circuit/nodes/array.h"
#include "circuit/nodes/scalar.h"
#include "circuit/nodes/symbol.h"
#include "python/bind.h"
#include "python/constructor.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

Ref<const Scalar> scalar_from(double value, const py::object& shape, const py::object& name) {
  return Scalar::make(value, shape_from(shape), name_from(name));
}
Ref<const Symbol> symbol_from(const py::object& shape, const Uuid& uuid, const py::object& name) {
  return Symbol::make(shape_from(shape), uuid, name_from(name));
}

Ref<const Array> array_from(const py::object& value, const py::object& name) {
  if (!is_torch_tensor(value.ptr()))
    throw py::type_error("Array: expected a torch.Tensor, got " + std::string(py::str(py::type::of(value).attr("__name__"))));
  if (is_parameter(value.ptr()))
    throw py::type_error("Array: a torch.nn.Parameter may change later; pass parameter.clone(), which keeps the gradient");
  return Array::make(tensor_from_python(value.ptr()), name_from(name));
}

}  // namespace

void bind_leaves(py::module_& m) {
  py::class_<Array, Node, Ref<Array>> array(m, "Array", py::is_final(), constructor_metaclass(), "A constant tensor (spec 01, 7.1).");
  add_constructor<&array_from>(array, py::arg("value"), py::arg("name") = py::none());
  array.def_property_readonly(
           "value", [](const Array& self) { return self.value(); }, "The tensor; must not be modified.")
      .def(
          "tensor_hash_base16", [](const Array& self) { return to_hex(self.value().content_key()); },
          "The content key, 64 hex digits (spec 02, section 8).");

  py::class_<Symbol, Node, Ref<Symbol>> symbol(m, "Symbol", py::is_final(), constructor_metaclass(), "A placeholder (spec 01, 7.2).");
  add_constructor<&symbol_from>(symbol, py::arg("shape"), py::arg("uuid"), py::arg("name") = py::none());
  symbol
      .def_static(
          "new_with_random_uuid",
          [](const py::object& shape, const py::object& name) { return Symbol::make(shape_from(shape), Uuid::random(), name_from(name)); },
          py::arg("shape"), py::arg("name") = py::none(), "A Symbol with a random version-4 UUID.")
      .def_static(
          "new_with_none_uuid",
          [](const py::object& shape, const py::object& name) { return Symbol::make(shape_from(shape), Uuid{}, name_from(name)); },
          py::arg("shape"), py::arg("name") = py::none(), "A Symbol with the all-zero UUID, which is not printed.")
      .def_property_readonly(
          "uuid", [](const Symbol& self) { return self.uuid(); }, "The UUID.")
      .def(
          "ident", [](const Symbol& self) { return py::make_tuple(self.uuid(), self.name()); },
          "(uuid, name): how modules recognise the same symbol with another shape (spec 08).");

  py::class_<Scalar, Node, Ref<Scalar>> scalar(m, "Scalar", py::is_final(), constructor_metaclass(),
                                               "A constant tensor with one value everywhere (spec 01, 7.3).");
  add_constructor<&scalar_from>(scalar, py::arg("value"), py::arg("shape") = py::tuple(), py::arg("name") = py::none());
  scalar.def_property_readonly("value", &Scalar::value, "The value.")
      .def("is_zero", &Scalar::is_zero, "Whether the value is 0 (or -0).")
      .def("is_one", &Scalar::is_one, "Whether the value is 1.")
      .def(
          "evolve_shape",
          [](const Scalar& self, const py::object& shape) { return Scalar::make(self.value(), shape_from(shape), self.name()); },
          py::arg("shape"), "Same value and name, another shape.");
}

}  // namespace pycircuit
