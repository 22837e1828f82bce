// Evaluation (spec 12; 01, section 11.1).
#include "evaluate/evaluate.h"
#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {

void bind_evaluate(py::module_& m) {
  const auto evaluate_released = [](const NodePtr& circuit) {
    const py::gil_scoped_release unlocked;
    return evaluate(circuit);
  };
  m.def("evaluate", evaluate_released, py::arg("circuit"),
        "The circuit's tensor; TensorEval... errors where it has none (spec 12, section 1).");
  m.def("check_evaluable", &check_evaluable, py::arg("circuit"),
        "Raises the error that evaluate would raise before computing (spec 12, section 1).");
  auto cls = py::class_<Node, Ref<Node>>(m.attr("Circuit"));
  cls.def("evaluate", evaluate_released, "The circuit's tensor (spec 12, section 1).");
}

}  // namespace pycircuit
