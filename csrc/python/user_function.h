// Functions written in Python (spec 04, section 12), as function descriptions of the core.
#pragma once

#include "python/convert.h"
#include "tensor/general_function.h"

namespace pycircuit {

// A spec object given from Python: a built-in spec as it is, else an instance of GeneralFunctionSpecBase, whose hash bytes, name and path
// are read now (04, 2.2). ConstructGeneralFunctionPyNotInstance for other things.
FunctionSpecPtr function_spec_from(py::handle value);
// The Python object of a spec: for a user function the very object that was passed in.
py::object to_python(const FunctionSpecPtr& spec);
// Lets the core find functions by path.
void install_python_function_locator();

}  // namespace pycircuit
