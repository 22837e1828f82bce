// Passes that move the bindings of Modules (spec 08, sections 10 to 12).
#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {

void bind_module_passes(py::module_&) {}

}  // namespace pycircuit
