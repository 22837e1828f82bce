// TorchDeviceDtype and TorchDeviceDtypeOp (spec 01, section 6).
#include <pybind11/operators.h>

#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

std::string quoted(const std::optional<Device>& device) { return device ? "\"" + to_text(*device) + "\"" : "None"; }
std::string quoted(const std::optional<DType>& dtype) { return dtype ? "\"" + std::string(to_text(*dtype)) + "\"" : "None"; }

template <class T>
size_t hash_of(const T& value) {
  return std::hash<std::string>{}(quoted(std::optional<Device>(value.device)) + quoted(std::optional<DType>(value.dtype)));
}

template <class Class>
void add_comparisons(Class& cls) {
  using T = typename Class::type;
  cls.def(py::self == py::self)
      .def(py::self != py::self)
      .def(py::self < py::self)
      .def(py::self <= py::self)
      .def(py::self > py::self)
      .def(py::self >= py::self);
  cls.def("__hash__", [](const T& self) { return hash_of(self); });
}

std::optional<std::string> text_of(const std::optional<Device>& device) { return device ? std::optional(to_text(*device)) : std::nullopt; }
std::optional<std::string> text_of(const std::optional<DType>& dtype) {
  return dtype ? std::optional(std::string(to_text(*dtype))) : std::nullopt;
}

DeviceDtypeOp op_from(const py::object& device, const py::object& dtype) {
  DeviceDtypeOp op;
  if (!device.is_none()) op.device = device_from(device);
  if (!dtype.is_none()) op.dtype = dtype_from(dtype);
  return op;
}

}  // namespace

void bind_device_dtype(py::module_& m) {
  py::class_<DeviceDtype> both(m, "TorchDeviceDtype", py::is_final(), "A known device and dtype (spec 01, section 6).");
  both.def(py::init([](const py::object& device, const py::object& dtype) { return DeviceDtype{device_from(device), dtype_from(dtype)}; }),
           py::arg("device"), py::arg("dtype"))
      .def_property_readonly(
          "device", [](const DeviceDtype& self) { return to_text(self.device); }, "Device as a str.")
      .def_property_readonly(
          "dtype", [](const DeviceDtype& self) { return std::string(to_text(self.dtype)); }, "Dtype as a str.")
      .def(
          "get_torch_dtype", [](const DeviceDtype& self) { return to_torch_dtype(self.dtype); }, "The torch.dtype.")
      .def(
          "op", [](const DeviceDtype& self) { return DeviceDtypeOp{self.device, self.dtype}; }, "The same as a TorchDeviceDtypeOp.")
      .def(
          "cast_tensor", [](const DeviceDtype& self, const Tensor& tensor) { return to_device_dtype(tensor, {self.device, self.dtype}); },
          py::arg("tensor"), "The tensor on this device with this dtype; the same object if nothing changes.")
      .def(
          "size", [](const DeviceDtype& self) { return element_size(self.dtype); }, "Bytes per element.")
      .def_static(
          "from_tensor", [](const Tensor& tensor) { return DeviceDtype{tensor.device(), tensor.dtype()}; }, py::arg("tensor"),
          "Device and dtype of a tensor.")
      .def("__repr__",
           [](const DeviceDtype& self) {
             return "TorchDeviceDtype(device=" + quoted(std::optional(self.device)) + ", dtype=" + quoted(std::optional(self.dtype)) + ")";
           })
      .def(py::pickle([](const DeviceDtype& self) { return py::make_tuple(to_text(self.device), std::string(to_text(self.dtype))); },
                      [](const py::tuple& state) { return DeviceDtype{device_from(state[0]), dtype_from(state[1])}; }));
  add_comparisons(both);

  py::class_<DeviceDtypeOp> op(m, "TorchDeviceDtypeOp", py::is_final(),
                               "A device and a dtype, each possibly unspecified (spec 01, section 6).");
  op.def(py::init(&op_from), py::arg("device") = py::none(), py::arg("dtype") = py::none())
      .def_property_readonly(
          "device", [](const DeviceDtypeOp& self) { return text_of(self.device); }, "Device as a str, or None.")
      .def_property_readonly(
          "dtype", [](const DeviceDtypeOp& self) { return text_of(self.dtype); }, "Dtype as a str, or None.")
      .def(
          "get_torch_dtype", [](const DeviceDtypeOp& self) { return self.dtype ? to_torch_dtype(*self.dtype) : py::object(py::none()); },
          "The torch.dtype, or None.")
      .def_static(
          "default", [] { return DeviceDtypeOp{}; }, "Both parts unspecified.")
      .def(
          "only_keep_floating",
          [](const DeviceDtypeOp& self) {
            DeviceDtypeOp kept = self;
            if (kept.dtype && !is_floating(*kept.dtype)) kept.dtype.reset();
            return kept;
          },
          "The dtype dropped unless it is floating.")
      .def("__repr__",
           [](const DeviceDtypeOp& self) {
             return "TorchDeviceDtypeOp(device=" + quoted(self.device) + ", dtype=" + quoted(self.dtype) + ")";
           })
      .def(py::pickle([](const DeviceDtypeOp& self) { return py::make_tuple(text_of(self.device), text_of(self.dtype)); },
                      [](const py::tuple& state) { return op_from(state[0], state[1]); }));
  add_comparisons(op);
}

}  // namespace pycircuit
