// Symbolic sizes and broadcasting (spec 02, section 7; 03, section 18).
#include "circuit/walk.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/shape_convert.h"
#include "shape/shape.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

NodePtrs nodes_with_symbolic_sizes(const NodePtr& circuit) {
  NodePtrs nodes = post_order(circuit);
  std::erase_if(nodes, [](const NodePtr& node) { return !has_symbolic(node->shape()); });
  return nodes;
}

void bind_symbolic(py::module_& m) {
  py::class_<SymbolicSizeProduct> product(m, "SymbolicSizeProduct", py::is_final(),
                                          "A size as an ordinary factor times symbolic sizes (spec 02, section 7.2).");
  product.def_property_readonly(
             "other_factor", [](const SymbolicSizeProduct& self) { return self.other_factor; }, "The ordinary factor.")
      .def_property_readonly(
          "symbolic_sizes", [](const SymbolicSizeProduct& self) { return self.symbolic_sizes; },
          "Numbers of the symbolic sizes, ascending, with repeats.")
      .def("__repr__", &SymbolicSizeProduct::to_string)
      .def(py::pickle(
          [](const SymbolicSizeProduct& self) { return py::make_tuple(self.other_factor, self.symbolic_sizes); },
          [](const py::tuple& state) { return SymbolicSizeProduct{state[0].cast<uint64_t>(), state[1].cast<std::vector<int>>()}; }));
  add_value_equality(product);
  add_value_order(product);

  py::class_<SymbolicSizeConstraint> constraint(m, "SymbolicSizeConstraint", py::is_final(),
                                                "Both sides are equal for the sizes that will be filled in (spec 02, section 7.3).");
  constraint.def_property_readonly(
                "l", [](const SymbolicSizeConstraint& self) { return self.l; }, "Left side.")
      .def_property_readonly(
          "r", [](const SymbolicSizeConstraint& self) { return self.r; }, "Right side.")
      .def("__repr__", &SymbolicSizeConstraint::to_string)
      .def(py::pickle([](const SymbolicSizeConstraint& self) { return py::make_tuple(self.l, self.r); },
                      [](const py::tuple& state) {
                        return SymbolicSizeConstraint{state[0].cast<SymbolicSizeProduct>(), state[1].cast<SymbolicSizeProduct>()};
                      }));
  add_value_equality(constraint);
  add_value_order(constraint);

  m.def(
      "symbolic_sizes", [] { return std::vector<Size>(symbolic_sizes().begin(), symbolic_sizes().end()); },
      "The 256 reserved primes, ascending (spec 02, section 7.1).");
  m.def(
      "get_children_with_symbolic_sizes", [](const NodePtr& circuit) { return to_set(nodes_with_symbolic_sizes(circuit)); },
      py::arg("circuit"), "All nodes of the circuit, itself included, with a symbolic size in their shape (spec 02, section 7.5).");
  m.def(
      "any_children_with_symbolic_sizes", [](const NodePtr& circuit) { return !nodes_with_symbolic_sizes(circuit).empty(); },
      py::arg("circuit"), "Whether some node of the circuit has a symbolic size in its shape (spec 02, section 7.5).");

  register_payload<SymbolicSizeProduct>([](const SymbolicSizeProduct& value) { return py::cast(value); });
  register_payload<SymbolicSizeConstraint>([](const SymbolicSizeConstraint& value) { return py::cast(value); });
}

}  // namespace

Shape sizes_from(py::handle value, std::string_view what) {
  Shape sizes = ints_from(value, what);
  for (const Size size : sizes)
    if (size < 0) fail(ErrorId::OverflowError, std::string(what) + ": sizes must not be negative, got " + to_text(sizes));
  return sizes;
}

std::vector<Labels> label_groups_from(py::handle value, std::string_view what) {
  std::vector<Labels> groups;
  each(value, what, "a sequence of sequences of ints", [&](py::handle group) { groups.push_back(labels_from(group, what)); });
  return groups;
}

void bind_shape(py::module_& m) {
  bind_symbolic(m);
  bind_rearrange_spec(m);
  bind_einsum_spec(m);
  m.def(
      "broadcast_shapes",
      [](const py::args& shapes) {
        std::vector<Shape> sizes;
        for (const py::handle shape : shapes) sizes.push_back(sizes_from(shape));
        return to_tuple(broadcast_shapes(sizes));
      },
      "The common shape, aligned at the right; 1 stretches to any size but 0. MiscInputNotBroadcastableError (spec 03, section 18).");
}

}  // namespace pycircuit
