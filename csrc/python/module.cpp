// The extension module pycircuit._core.
#include "base/interrupt.h"
#include "base/output.h"
#include "python/bind.h"
#include "python/bind_text.h"
#include "python/circuit_object.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

void raise_pending_interrupt() {
  const py::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

void print_to_python(const std::string& text) {
  const py::gil_scoped_acquire lock;
  python_print(text);
}

}  // namespace
}  // namespace pycircuit

PYBIND11_MODULE(_core, m) {
  using namespace pycircuit;
  m.doc() = "The C++ core of pycircuit; use it through `import pycircuit`.";
  m.attr("built_with_torch") = PYCIRCUIT_BUILT_WITH_TORCH;
  install_interrupt_hook(raise_pending_interrupt);
  install_output_hook(print_to_python);
  bind_errors(m);
  bind_device_dtype(m);
  bind_shape(m);
  bind_circuit(m);
  bind_leaves(m);
  bind_operations(m);
  bind_variables(m);
  bind_functions(m);
  bind_tensor(m);
  bind_module(m);
  bind_match(m);
  bind_walk(m);
  bind_text(m);
  bind_random(m);
  bind_rewrite(m);
  bind_evaluate(m);
  bind_schedule(m);
  install_circuit_objects();
  bind_pickle(m);
}
