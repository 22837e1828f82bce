// SetSymbolicShape, Tag, DiscreteVar, StoredCumulantVar, Cumulant (spec 01, section 9; 02, section 7.4).
#include "circuit/nodes/all.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"

namespace pycircuit {
namespace {

template <class T>
Ref<T> unconst(const Ref<const T>& node) {
  return Ref<T>(const_cast<T*>(node.get()));
}

std::vector<std::optional<Size>> optional_sizes(py::handle shape) {
  std::vector<std::optional<Size>> sizes;
  each(shape, "shape", "a sequence of ints and None", [&](py::handle item) {
    sizes.emplace_back();
    if (item.is_none()) return;
    sizes.back() = int_from(item, "shape");
    if (*sizes.back() < 0) fail(ErrorId::OverflowError, "shape: sizes must not be negative, got " + std::to_string(*sizes.back()));
  });
  return sizes;
}

Ref<const StoredCumulantVar> stored_cumulant_var(const py::dict& cumulants, const std::optional<Uuid>& uuid, const py::object& name) {
  std::vector<std::pair<int64_t, NodePtr>> entries;
  for (const auto& [number, cumulant] : cumulants) {
    const int64_t key = int_from(number, "cumulant number");
    if (key < 0) fail(ErrorId::OverflowError, "cumulant number: must not be negative, got " + std::to_string(key));
    entries.emplace_back(key, circuit_from(cumulant, "cumulants"));
  }
  return StoredCumulantVar::make(std::move(entries), uuid ? *uuid : Uuid::random(), name_from(name));
}

}  // namespace

void bind_variables(py::module_& m) {
  py::class_<SetSymbolicShape, Node, Ref<SetSymbolicShape>>(m, "SetSymbolicShape", py::is_final(),
                                                            "The child, seen as having another shape (spec 02, 7.4).")
      .def(py::init([](const NodePtr& node, const py::object& shape, const py::object& name) {
             return unconst(SetSymbolicShape::make(node, shape_from(shape), name_from(name)));
           }),
           py::arg("node"), py::arg("shape"), py::arg("name") = py::none())
      .def_property_readonly(
          "node", [](const SetSymbolicShape& self) { return self.child(); }, "The child.")
      .def_static(
          "some_set_neq",
          [](const NodePtr& node, const py::object& shape, const py::object& name) {
            return SetSymbolicShape::some_set_neq(node, optional_sizes(shape), name_from(name));
          },
          py::arg("node"), py::arg("shape"), py::arg("name") = py::none(),
          "None entries keep the size; the node itself if nothing changes.")
      .def_static(
          "some_set_and_symbolic_neq",
          [](const NodePtr& node, const py::object& shape, const py::object& name) {
            return SetSymbolicShape::some_set_and_symbolic_neq(node, optional_sizes(shape), name_from(name));
          },
          py::arg("node"), py::arg("shape"), py::arg("name") = py::none(), "The same, ignoring axes whose present size is not symbolic.");

  py::class_<Tag, Node, Ref<Tag>>(m, "Tag", py::is_final(), "The same tensor, but a different circuit (spec 01, 9.2).")
      .def(py::init([](const NodePtr& node, const Uuid& uuid, const py::object& name) {
             return unconst(Tag::make(node, uuid, name_from(name)));
           }),
           py::arg("node"), py::arg("uuid"), py::arg("name") = py::none())
      .def_static(
          "new_with_random_uuid",
          [](const NodePtr& node, const py::object& name) { return Tag::make(node, Uuid::random(), name_from(name)); }, py::arg("node"),
          py::arg("name") = py::none(), "A Tag with a random UUID.")
      .def_property_readonly(
          "node", [](const Tag& self) { return self.child(); }, "The child.")
      .def_property_readonly("uuid", [](const Tag& self) { return self.uuid(); }, "The UUID.");

  py::class_<DiscreteVar, Node, Ref<DiscreteVar>>(m, "DiscreteVar", py::is_final(), "A random row of its values (spec 01, 9.3).")
      .def(py::init([](const NodePtr& values, const std::optional<NodePtr>& probs_and_group, const py::object& name) {
             return unconst(probs_and_group ? DiscreteVar::make(values, *probs_and_group, name_from(name))
                                            : DiscreteVar::new_uniform(values, name_from(name)));
           }),
           py::arg("values"), py::arg("probs_and_group") = py::none(), py::arg("name") = py::none())
      .def_static(
          "new_uniform", [](const NodePtr& values, const py::object& name) { return DiscreteVar::new_uniform(values, name_from(name)); },
          py::arg("values"), py::arg("name") = py::none(), "A variable with a group of its own.")
      .def_static(
          "uniform_probs_and_group",
          [](const py::object& size, const py::object& name) {
            return DiscreteVar::uniform_probs_and_group(int_from(size, "size"), name_from(name));
          },
          py::arg("size"), py::arg("name") = py::none(), "A new group: a Tag with random UUID on Scalar(1/size, (size,)).")
      .def_property_readonly(
          "values", [](const DiscreteVar& self) { return self.values(); }, "The rows.")
      .def_property_readonly(
          "probs_and_group", [](const DiscreteVar& self) { return self.probs_and_group(); }, "Weights of the rows, and the group.");

  py::class_<StoredCumulantVar, Node, Ref<StoredCumulantVar>>(m, "StoredCumulantVar", py::is_final(),
                                                              "A random tensor known by its cumulants (spec 01, 9.4).")
      .def(py::init([](const py::dict& cumulants, const std::optional<Uuid>& uuid, const py::object& name) {
             return unconst(stored_cumulant_var(cumulants, uuid, name));
           }),
           py::arg("cumulants"), py::arg("uuid") = py::none(), py::arg("name") = py::none())
      .def_static(
          "new_mv",
          [](const NodePtr& mean, const NodePtr& variance, const py::dict& higher_cumulants, const std::optional<Uuid>& uuid,
             const py::object& name) {
            py::dict all;
            all[py::int_(1)] = mean;
            all[py::int_(2)] = variance;
            for (const auto& [number, cumulant] : higher_cumulants) all[number] = cumulant;
            return stored_cumulant_var(all, uuid, name);
          },
          py::arg("mean"), py::arg("variance"), py::arg("higher_cumulants") = py::dict(), py::arg("uuid") = py::none(),
          py::arg("name") = py::none(), "From mean, covariance and higher cumulants.")
      .def_property_readonly(
          "cumulants",
          [](const StoredCumulantVar& self) {
            py::dict out;
            for (size_t i = 0; i < self.num_children(); ++i) out[py::int_(self.cumulant_numbers()[i])] = self.child(i);
            return out;
          },
          "Cumulants by number, ascending.")
      .def_property_readonly("uuid", [](const StoredCumulantVar& self) { return self.uuid(); }, "The UUID.");

  py::class_<Cumulant, Node, Ref<Cumulant>>(m, "Cumulant", py::is_final(),
                                            "The joint cumulant of its arguments (spec 01, 9.5; 09, section 2).")
      .def(py::init([](const py::args& args, const py::object& name) {
             return unconst(Cumulant::make(circuits_from(args, "Cumulant"), name_from(name)));
           }),
           py::arg("name") = py::none())
      .def_property_readonly(
          "nodes", [](const Cumulant& self) { return self.children(); }, "The arguments.")
      .def_property_readonly("cumulant_number", &Cumulant::num_children, "Number of arguments.")
      .def("equivalent_explicitly_computable_circuit", &Cumulant::equivalent_explicitly_computable,
           "Scalar 1, the argument, or a zero Scalar (spec 01, 9.5).")
      .def_static(
          "new_canon_rearrange",
          [](const py::args& args, const py::object& name) { return Cumulant::new_canon_rearrange(circuits_from(args), name_from(name)); },
          py::arg("name") = py::none(), "The Cumulant of the sorted arguments below the Rearrange that restores the order of axes.");
}

}  // namespace pycircuit
