// torch.Tensor objects and core tensors: the only file of python/ that includes torch's headers.
#include "python/torch_tensor.h"

#include <pybind11/gil_safe_call_once.h>
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/autograd/python_variable.h>

#include "tensor/aten.h"

namespace py = pybind11;

namespace pycircuit {

bool is_torch_tensor(PyObject* object) { return THPVariable_Check(object); }

Tensor tensor_from_python(PyObject* object) { return from_aten(THPVariable_Unpack(object)); }

// torch keeps the Python object of a tensor for as long as the tensor lives, so this returns the object that was passed in.
PyObject* tensor_to_python(const Tensor& tensor) {
  PyObject* object = THPVariable_Wrap(to_aten(tensor));
  if (!object) throw py::error_already_set();
  return object;
}

bool is_parameter(PyObject* object) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> parameter;
  parameter.call_once_and_store_result([] { return py::object(py::module_::import("torch").attr("nn").attr("Parameter")); });
  const int result = PyObject_IsInstance(object, parameter.get_stored().ptr());
  if (result < 0) throw py::error_already_set();
  return result == 1;
}

void register_torch_errors() {
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const c10::Error&) {
      torch::translate_exception_to_python(error);
    }
  });
}

}  // namespace pycircuit
