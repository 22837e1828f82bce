// Conversions between Python and core values, used by every binding file. Free of torch headers.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "base/blake3.h"
#include "base/ref.h"
#include "base/uuid.h"
#include "circuit/node.h"
#include "circuit/nodes/symbol.h"
#include "circuit/synchronized_index.h"
#include "python/circuit_object.h"
#include "python/torch_tensor.h"
#include "shape/big.h"
#include "shape/shape.h"
#include "tensor/device_dtype.h"
#include "tensor/index.h"

namespace py = pybind11;

namespace pybind11::detail {

// Ref is a holder; the const form, which the core hands out, has the caster below.
template <class T>
struct always_construct_holder<pycircuit::Ref<T>> : always_construct_holder_value<true> {};
template <class T>
  requires(!std::is_const_v<T>)
struct type_caster<pycircuit::Ref<T>> : type_caster_holder<T, pycircuit::Ref<T>> {};

// Circuits: Ref<const T> of any node class, shown in Python as an object of the node's own class.
template <class T>
  requires std::is_base_of_v<pycircuit::Node, T>
struct type_caster<pycircuit::Ref<const T>> {
  static constexpr auto name = const_name("Circuit");
  pycircuit::Ref<const T> value;

  bool load(handle source, bool) {
    const pycircuit::Node* node = source ? pycircuit::node_of(source.ptr()) : nullptr;
    if constexpr (!std::is_same_v<T, pycircuit::Node>)
      if (node && node->kind() != T::kKind) return false;
    value = pycircuit::Ref<const T>(static_cast<const T*>(node));
    return node != nullptr;
  }
  static handle cast(const pycircuit::Ref<const T>& source, return_value_policy, handle) {
    return source ? pycircuit::circuit_object(*source) : pybind11::none().release();
  }
  operator pycircuit::Ref<const T>&() { return value; }
  operator pycircuit::Ref<const T>&&() && { return std::move(value); }
  operator pycircuit::Ref<const T>*() { return &value; }
  template <class U>
  using cast_op_type = movable_cast_op_type<U>;
};

template <>
struct type_caster<pycircuit::Tensor> {
  PYBIND11_TYPE_CASTER(pycircuit::Tensor, const_name("Tensor"));
  bool load(handle source, bool) {
    if (!pycircuit::is_torch_tensor(source.ptr())) return false;
    value = pycircuit::tensor_from_python(source.ptr());
    return true;
  }
  static handle cast(const pycircuit::Tensor& source, return_value_policy, handle) { return pycircuit::tensor_to_python(source); }
};

template <>
struct type_caster<pycircuit::Uuid> {
  PYBIND11_TYPE_CASTER(pycircuit::Uuid, const_name("uuid.UUID"));
  bool load(handle source, bool);
  static handle cast(const pycircuit::Uuid& source, return_value_policy, handle);
};

template <>
struct type_caster<pycircuit::BigUint> {
  PYBIND11_TYPE_CASTER(pycircuit::BigUint, const_name("int"));
  bool load(handle, bool) { return false; }
  static handle cast(const pycircuit::BigUint& source, return_value_policy, handle);
};

template <>
struct type_caster<pycircuit::Hash> {
  PYBIND11_TYPE_CASTER(pycircuit::Hash, const_name("bytes"));
  bool load(handle source, bool);
  static handle cast(const pycircuit::Hash& source, return_value_policy, handle);
};

}  // namespace pybind11::detail

namespace pycircuit {

// --- sizes, axes, labels
// Any sequence of non-negative ints. TypeError for other things (an int, a str), OverflowError for negative or too large ones.
Shape shape_from(py::handle value, std::string_view what = "shape");
py::tuple to_tuple(const Shape& shape);
// One int; OverflowError outside int64.
int64_t int_from(py::handle value, std::string_view what);
// Any sequence of ints.
std::vector<int64_t> ints_from(py::handle value, std::string_view what);
// An int means a sequence of one.
std::vector<int64_t> axes_from(py::handle value, std::string_view what = "axes");
// Labels 0..255; OverflowError outside.
std::vector<uint8_t> labels_from(py::handle value, std::string_view what = "axes");
template <class Ints>
py::tuple int_tuple(const Ints& ints) {
  py::tuple out(ints.size());
  size_t i = 0;
  for (auto value : ints) out[i++] = py::int_(static_cast<int64_t>(value));
  return out;
}

// --- circuits
NodePtr circuit_from(py::handle value, std::string_view what = "circuit");
NodePtrs circuits_from(py::handle values, std::string_view what = "circuits");  // any iterable of circuits
py::object to_python(const NodePtr& node);
py::set to_set(const NodePtrs& nodes);
// The class object of a kind (`pycircuit.Einsum`) and back.
py::object class_of(Kind kind);
std::optional<Kind> kind_of_class(py::handle value);

// --- tensors, devices, indices
DType dtype_from(py::handle value);                    // str or torch.dtype
Device device_from(py::handle value);                  // str or torch.device
DeviceDtypeOp device_dtype_op_from(py::handle value);  // TorchDeviceDtypeOp or TorchDeviceDtype
py::object to_torch_dtype(DType dtype);                // torch.float32, ...
IndexElements index_from(py::handle value);            // a sequence of int, slice, 1-d integer tensor
py::tuple to_python(const IndexElements& elements);
// For joint indexing: tensors of any rank.
std::vector<JointElement> synchronized_elements_from(const py::sequence& index);

// --- names
Name name_from(py::handle value, std::string_view what = "name");  // None or str; lone surrogates: UnicodeEncodeError

// {axis: name}; OverflowError for negative axes.
NamedAxes named_axes_from(const py::dict& named_axes);

// --- callbacks
// Calls a Python callable from the core: takes the interpreter lock, lets exceptions through unchanged.
// The result must be a circuit (TypeError).
NodePtr call_for_circuit(const py::function& function, const NodePtr& argument, std::string_view what);
// Keeps a Python object for use by a C++ closure that may be copied and destroyed without the interpreter lock.
std::shared_ptr<py::object> shared_object(py::object object);

// Payload conversion: how a registered opaque type looks in Python.
using PayloadConverter = py::object (*)(const void*);
void register_payload_type(std::type_index type, PayloadConverter converter);
template <class T>
void register_payload(py::object (*convert)(const T&)) {
  static py::object (*stored)(const T&);
  stored = convert;
  register_payload_type(std::type_index(typeid(T)), [](const void* value) { return stored(*static_cast<const T*>(value)); });
}

}  // namespace pycircuit
