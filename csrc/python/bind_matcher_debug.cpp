// Text of walks with matchers (spec 07, section 9).
#include "python/bind_text.h"
#include "python/matcher_convert.h"
#include "python/shown.h"
#include "text/matcher_debug.h"

namespace pycircuit {
namespace {

std::string repr_matcher_debug(const NodePtr& circuit, const py::object& matcher, const py::object& print_options) {
  if (!py::isinstance<BoundPrintOptions>(print_options)) fail_expected("print_options", "a PrintOptions", print_options);
  return matcher_debug_text(circuit, iterative_matcher_from(matcher), print_options.cast<const BoundPrintOptions&>().core);
}

}  // namespace

void bind_matcher_debug(py::module_& m) {
  const auto options_default = py::arg_v("print_options", m.attr("PrintOptions")(), "PrintOptions()");
  m.def("repr_matcher_debug", &repr_matcher_debug, py::arg("circuit"), py::arg("matcher"), options_default,
        "The walk with a matcher as a tree: a line per visited (node, state), with what is found (spec 07, section 9).");
  m.def(
      "print_matcher_debug",
      [](const NodePtr& circuit, const py::object& matcher, const py::object& print_options) {
        python_print(repr_matcher_debug(circuit, matcher, print_options));
      },
      py::arg("circuit"), py::arg("matcher"), options_default, "Prints repr_matcher_debug (spec 07, section 9).");
}

}  // namespace pycircuit
