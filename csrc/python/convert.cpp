// Conversions declared in convert.h.
#include "python/convert.h"

#include <map>

#include "base/error.h"
#include "python/arguments.h"
#include "python/shown.h"

namespace pybind11::detail {

namespace {
handle uuid_class() {
  static PyObject* const cls = object(module_::import("uuid").attr("UUID")).release().ptr();
  return cls;
}
}  // namespace

bool type_caster<pycircuit::Uuid>::load(handle source, bool) {
  if (!isinstance(source, uuid_class())) return false;
  const std::string bytes = pybind11::bytes(source.attr("bytes"));
  std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
  return true;
}

handle type_caster<pycircuit::Uuid>::cast(const pycircuit::Uuid& source, return_value_policy, handle) {
  const std::string_view bytes = source.as_bytes();
  return uuid_class()(pybind11::arg("bytes") = pybind11::bytes(bytes.data(), bytes.size())).release();
}

handle type_caster<pycircuit::BigUint>::cast(const pycircuit::BigUint& source, return_value_policy, handle) {
  if (source <= pycircuit::BigUint(UINT64_MAX)) return PyLong_FromUnsignedLongLong(source.saturated());
  return PyLong_FromString(source.to_string().c_str(), nullptr, 10);
}

bool type_caster<pycircuit::Hash>::load(handle source, bool) {
  if (!PyBytes_Check(source.ptr()) || PyBytes_GET_SIZE(source.ptr()) != static_cast<Py_ssize_t>(value.bytes.size())) return false;
  std::memcpy(value.bytes.data(), PyBytes_AS_STRING(source.ptr()), value.bytes.size());
  return true;
}

handle type_caster<pycircuit::Hash>::cast(const pycircuit::Hash& source, return_value_policy, handle) {
  return pybind11::bytes(reinterpret_cast<const char*>(source.bytes.data()), source.bytes.size()).release();
}

}  // namespace pybind11::detail

namespace pycircuit {
namespace {

[[noreturn]] void fail_type(std::string_view what, std::string_view expected, py::handle got) {
  throw py::type_error(std::string(what) + ": expected " + std::string(expected) + ", got " +
                       std::string(py::str(py::type::of(got).attr("__name__"))));
}

// Turns the TypeError that is set into one about `what`; other exceptions, raised by the object itself, go through.
[[noreturn]] void fail_own_type_error(std::string_view what, std::string_view expected, py::handle got) {
  if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
  PyErr_Clear();
  fail_type(what, expected, got);
}

}  // namespace

py::object items_of(py::handle value, std::string_view what, std::string_view expected) {
  if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr()) || !PySequence_Check(value.ptr())) fail_type(what, expected, value);
  const Py_ssize_t size = PySequence_Size(value.ptr());
  if (size < 0) fail_own_type_error(what, expected, value);
  if (size > kMaxItems)
    fail(ErrorId::OverflowError, std::string(what) + ": " + std::to_string(size) + " items are too many, at most " +
                                     std::to_string(kMaxItems) + " are read; was " + std::string(expected) + " meant?");
  py::object items = py::reinterpret_steal<py::object>(PySequence_Fast(value.ptr(), ""));
  if (!items) fail_own_type_error(what, expected, value);
  return items;
}

int64_t int_from(py::handle value, std::string_view what) {
  const py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) fail_own_type_error(what, "an int", value);
  int overflow = 0;
  const long long result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow) {
    PyErr_SetString(PyExc_OverflowError, (std::string(what) + ": " + std::string(py::str(number)) + " does not fit 64 bits").c_str());
    throw py::error_already_set();
  }
  return result;
}

std::vector<int64_t> ints_from(py::handle value, std::string_view what) {
  std::vector<int64_t> out;
  each(value, what, "a sequence of ints", [&](py::handle item) { out.push_back(int_from(item, what)); });
  return out;
}

Shape shape_from(py::handle value, std::string_view what) {
  Shape shape = ints_from(value, what);
  for (const Size size : shape)
    if (size < 0) fail(ErrorId::OverflowError, std::string(what) + ": sizes must not be negative, got " + to_text(PayloadValue(shape)));
  if (shape.size() > 255)
    fail(ErrorId::RuntimeError, std::string(what) + ": ranks up to 255 are supported, got " + std::to_string(shape.size()));
  return shape;
}

void check_callable(py::handle value, std::string_view what) {
  if (!value.is_none() && !PyCallable_Check(value.ptr())) fail_type(what, "a callable or None", value);
}

void check_tensor_cache(py::handle value) {
  if (!value.is_none() && !py::isinstance(value, py::module_::import("pycircuit").attr("TensorCacheRrfs")))
    fail_type("tensor_cache", "a TensorCacheRrfs or None", value);
}

std::vector<Shape> shapes_from(py::handle value, std::string_view what) {
  std::vector<Shape> shapes;
  each(value, what, "a sequence of shapes", [&](py::handle shape) { shapes.push_back(shape_from(shape, what)); });
  return shapes;
}

py::tuple to_tuple(const Shape& shape) { return int_tuple(shape); }

std::vector<int64_t> axes_from(py::handle value, std::string_view what) {
  if (PyIndex_Check(value.ptr()) && !PySequence_Check(value.ptr())) return {int_from(value, what)};
  return ints_from(value, what);
}

std::vector<uint8_t> labels_from(py::handle value, std::string_view what) {
  std::vector<uint8_t> labels;
  for (const int64_t label : ints_from(value, what)) {
    if (label < 0 || label > 255) fail(ErrorId::OverflowError, std::string(what) + ": labels are 0 to 255, got " + std::to_string(label));
    labels.push_back(static_cast<uint8_t>(label));
  }
  return labels;
}

NodePtr circuit_from(py::handle value, std::string_view what) {
  const Node* node = node_of(value.ptr());
  if (!node) fail_type(what, "a Circuit", value);
  return NodePtr(node);
}

NodePtrs circuits_from(py::handle values, std::string_view what) {
  NodePtrs out;
  if (PyUnicode_Check(values.ptr())) fail_type(what, "circuits", values);
  const py::object iterator = py::reinterpret_steal<py::object>(PyObject_GetIter(values.ptr()));
  if (!iterator) fail_own_type_error(what, "circuits", values);
  for (py::handle item : py::reinterpret_borrow<py::iterator>(iterator)) out.push_back(circuit_from(item, what));
  return out;
}

py::object to_python(const NodePtr& node) { return py::cast(node); }

py::set to_set(const NodePtrs& nodes) {
  py::set out;
  for (const auto& node : nodes) out.add(to_python(node));
  return out;
}

py::object class_of(Kind kind) { return py::reinterpret_borrow<py::object>(class_object(kind)); }

std::optional<Kind> kind_of_class(py::handle value) {
  for (int kind = 0; kind < kNumKinds; ++kind)
    if (class_object(static_cast<Kind>(kind)).is(value)) return static_cast<Kind>(kind);
  return std::nullopt;
}

DType dtype_from(py::handle value) {
  if (PyUnicode_Check(value.ptr())) return parse_dtype(*name_from(value, "dtype"));
  static PyObject* const torch_dtype = py::object(py::module_::import("torch").attr("dtype")).release().ptr();
  if (py::isinstance(value, py::handle(torch_dtype))) {
    const std::string text = py::str(value);
    constexpr std::string_view prefix = "torch.";
    return parse_dtype(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
  }
  fail_type("dtype", "a str or a torch.dtype", value);
}

Device device_from(py::handle value) {
  if (PyUnicode_Check(value.ptr())) return parse_device(*name_from(value, "device"));
  static PyObject* const torch_device = py::object(py::module_::import("torch").attr("device")).release().ptr();
  if (py::isinstance(value, py::handle(torch_device))) return parse_device(std::string(py::str(value)));
  fail_type("device", "a str or a torch.device", value);
}

DeviceDtypeOp device_dtype_op_from(py::handle value) {
  if (py::isinstance<DeviceDtypeOp>(value)) return value.cast<DeviceDtypeOp>();
  if (py::isinstance<DeviceDtype>(value)) {
    const auto both = value.cast<DeviceDtype>();
    return {both.device, both.dtype};
  }
  fail_type("device_dtype", "a TorchDeviceDtypeOp", value);
}

py::object to_torch_dtype(DType dtype) { return py::module_::import("torch").attr(std::string(to_text(dtype)).c_str()); }

IndexElements index_from(py::handle value) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr()))
    fail_type("index", "a list or tuple of ints, slices and 1-d integer tensors", value);
  IndexElements elements;
  each(value, "index", "a sequence", [&](py::handle item) {
    if (is_torch_tensor(item.ptr())) {
      const Tensor tensor = tensor_from_python(item.ptr());
      const size_t rank = tensor.shape().size();
      if (rank == 1) {
        elements.emplace_back(tensor);
        return;
      }
      if (rank > 1)
        fail(ErrorId::IndexTensorNDimNot1,
             "index tensors must have one axis, got shape " + to_text(PayloadValue(tensor.shape())) +
                 "; see Index.new_synchronized_to_start",
             rank, opaque(tensor, "tensor of shape " + to_text(PayloadValue(tensor.shape()))));
    }
    if (PySlice_Check(item.ptr())) {
      if (!item.attr("step").is_none())
        fail(ErrorId::IndexUnsupportedSlice, "step must be None! got " + shown(item),
             opaque(shared_object(py::reinterpret_borrow<py::object>(item)), shown(item)));
      Slice slice;
      if (!item.attr("start").is_none()) slice.start = int_from(item.attr("start"), "slice start");
      if (!item.attr("stop").is_none()) slice.stop = int_from(item.attr("stop"), "slice stop");
      elements.emplace_back(slice);
      return;
    }
    elements.emplace_back(int_from(item, "index element (an int, a slice or a 1-d integer tensor)"));
  });
  return elements;
}

std::vector<JointElement> synchronized_elements_from(const py::sequence& index) {
  std::vector<JointElement> elements;
  each(index, "index", "a sequence of ints, slices and integer tensors", [&](py::handle item) {
    if (is_torch_tensor(item.ptr())) {
      const Tensor tensor = tensor_from_python(item.ptr());
      const Tensor flat = tensor_from_python(py::object(item.attr("reshape")(-1)).ptr());
      elements.emplace_back(JointIndex{tensor.shape(), int_values(flat), tensor.device()});
      return;
    }
    const IndexElements single = index_from(py::make_tuple(item));
    if (const auto* number = std::get_if<int64_t>(&single[0])) {
      elements.emplace_back(*number);
    } else {
      elements.emplace_back(std::get<Slice>(single[0]));
    }
  });
  return elements;
}

py::tuple to_python(const IndexElements& elements) {
  py::tuple out(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    if (const auto* number = std::get_if<int64_t>(&elements[i])) {
      out[i] = py::int_(*number);
    } else if (const auto* slice = std::get_if<Slice>(&elements[i])) {
      const auto bound = [](const std::optional<int64_t>& value) { return value ? py::object(py::int_(*value)) : py::object(py::none()); };
      out[i] = py::reinterpret_steal<py::object>(PySlice_New(bound(slice->start).ptr(), bound(slice->stop).ptr(), Py_None));
    } else {
      out[i] = py::cast(std::get<Tensor>(elements[i]));
    }
  }
  return out;
}

Name name_from(py::handle value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  if (!PyUnicode_Check(value.ptr())) fail_type(what, "a str or None", value);
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (!text) throw py::error_already_set();
  return std::string(text, size);
}

NamedAxes named_axes_from(const py::dict& named_axes) {
  NamedAxes axes;
  for (const auto& [axis, name] : named_axes) {
    const Name text = name_from(name, "axis name");
    if (!text) fail_type("axis name", "a str", name);
    axes[int_from(axis, "named axis")] = *text;
  }
  return axes;
}

NodePtr call_for_circuit(const py::function& function, const NodePtr& argument, std::string_view what) {
  const py::gil_scoped_acquire lock;
  const py::object result = function(argument);
  return circuit_from(result, std::string("result of ") + std::string(what));
}

std::shared_ptr<py::object> shared_object(py::object object) {
  return std::shared_ptr<py::object>(new py::object(std::move(object)), [](py::object* held) {
    const py::gil_scoped_acquire lock;
    delete held;
  });
}

}  // namespace pycircuit
