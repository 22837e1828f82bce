#include "python/circuit_object.h"

#include <array>
#include <new>

#include "base/ref.h"
#include "circuit/nodes/all.h"

namespace pycircuit {

PyTypeObject* circuit_base_class = nullptr;

namespace {

std::array<PyTypeObject*, kNumKinds> classes;
destructor general_dealloc = nullptr;  // pybind11's

void dealloc(PyObject* self) {
  auto* instance = reinterpret_cast<py::detail::instance*>(self);
  if (const Node* node = node_of(self); node && node->foreign_object() == self) node->set_foreign_object(nullptr);
  if (instance->simple_instance_registered || !instance->simple_holder_constructed || instance->has_patients)
    return general_dealloc(self);  // made by pybind11's own constructor call, or unfinished
  if (instance->weakrefs) PyObject_ClearWeakRefs(self);
  auto* holder = std::launder(reinterpret_cast<Ref<Node>*>(&instance->simple_value_holder[1]));
  const Ref<Node> node = std::move(*holder);  // released last: that may run any code
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <class T>
void install() {
  auto* type = reinterpret_cast<PyTypeObject*>(py::type::of<T>().ptr());
  classes[static_cast<size_t>(T::kKind)] = type;
  general_dealloc = type->tp_dealloc;
  type->tp_dealloc = dealloc;
}

}  // namespace

void install_circuit_objects() {
  static_assert(sizeof(Ref<Node>) <= sizeof(void*), "the holder must fit the simple layout");
  circuit_base_class = reinterpret_cast<PyTypeObject*>(py::type::of<Node>().ptr());
  install<Einsum>();
  install<Array>();
  install<Symbol>();
  install<Scalar>();
  install<Add>();
  install<Rearrange>();
  install<Index>();
  install<GeneralFunction>();
  install<Concat>();
  install<Scatter>();
  install<Conv>();
  install<Module>();
  install<SetSymbolicShape>();
  install<Tag>();
  install<DiscreteVar>();
  install<StoredCumulantVar>();
  install<Cumulant>();
}

py::handle circuit_object(const Node& node) {
  if (auto* known = static_cast<PyObject*>(node.foreign_object())) return py::handle(known).inc_ref();
  PyTypeObject* type = classes[static_cast<size_t>(node.kind())];
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) throw py::error_already_set();
  auto* instance = reinterpret_cast<py::detail::instance*>(self);
  instance->owned = true;
  instance->simple_layout = true;
  instance->simple_holder_constructed = true;
  instance->simple_value_holder[0] = const_cast<Node*>(&node);
  new (&instance->simple_value_holder[1]) Ref<Node>(const_cast<Node*>(&node));
  node.set_foreign_object(self);
  return self;
}

py::handle class_object(Kind kind) { return reinterpret_cast<PyObject*>(classes[static_cast<size_t>(kind)]); }

}  // namespace pycircuit
