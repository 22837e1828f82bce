// torch.Tensor objects and core tensors. The implementation is the only file of python/ that includes torch's headers.
#pragma once

#include <pybind11/pybind11.h>

#include "tensor/tensor.h"

namespace pycircuit {

bool is_torch_tensor(PyObject* object);
// The same torch tensor: round trips keep the Python object.
Tensor tensor_from_python(PyObject* object);
PyObject* tensor_to_python(const Tensor& tensor);  // new reference
// A torch.nn.Parameter may change: TypeError with the advice to clone (spec 01, 7.1).
bool is_parameter(PyObject* object);
// Errors of torch operations surface with the classes torch gives them (IndexError, torch.OutOfMemoryError, ...).
void register_torch_errors();

}  // namespace pycircuit
