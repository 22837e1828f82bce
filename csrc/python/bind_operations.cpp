// Einsum, Add, Rearrange, Index, Concat, Scatter, Conv (spec 01, section 8; 03, sections 9 to 18).
#include <algorithm>

#include "circuit/build.h"
#include "circuit/nodes/all.h"
#include "circuit/synchronized_index.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/constructor.h"
#include "python/convert.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

// (circuit, labels) pairs.
std::pair<NodePtrs, std::vector<Labels>> operands_from(const Positional& args) {
  NodePtrs nodes;
  std::vector<Labels> labels;
  nodes.reserve(args.count);
  labels.reserve(args.count);
  for (size_t i = 0; i < args.count; ++i) {
    const py::handle arg = args.items[i];
    if (!(PyTuple_Check(arg.ptr()) || PyList_Check(arg.ptr())) || PySequence_Fast_GET_SIZE(arg.ptr()) != 2)
      throw py::type_error("Einsum: each operand is a tuple (circuit, axes), got " + shown(arg));
    nodes.push_back(circuit_from(PySequence_Fast_GET_ITEM(arg.ptr(), 0), "Einsum operand"));
    labels.push_back(labels_from(PySequence_Fast_GET_ITEM(arg.ptr(), 1), "Einsum axes"));
  }
  return {std::move(nodes), std::move(labels)};
}

Ref<const Einsum> einsum_from(Positional args, const py::object& out_axes, const py::object& name) {
  auto [nodes, labels] = operands_from(args);
  return Einsum::make(std::move(nodes), std::move(labels), labels_from(out_axes, "out_axes"), name_from(name));
}
Ref<const Add> add_from(Positional nodes, const py::object& name) { return Add::make(circuits_from(nodes, "Add"), name_from(name)); }
Ref<const Rearrange> rearrange_from(const NodePtr& node, const RearrangeSpec& spec, const py::object& name) {
  return Rearrange::make(node, spec, name_from(name));
}
Ref<const Index> indexed(const NodePtr& node, const py::object& index, const py::object& name) {
  return Index::make(node, index_from(index), name_from(name));
}
Ref<const Concat> concat_from(Positional nodes, const py::object& axis, const py::object& name) {
  return Concat::make(circuits_from(nodes, "Concat"), int_from(axis, "axis"), name_from(name));
}
Ref<const Scatter> scattered(const NodePtr& node, const py::object& index, const py::object& shape, const py::object& name) {
  return Scatter::make(node, index_from(index), shape_from(shape), name_from(name));
}
Conv::Padding padding_from(const py::object& padding, size_t dims) {
  if (PyIndex_Check(padding.ptr()) && !PySequence_Check(padding.ptr())) {
    const int64_t both = int_from(padding, "padding");
    return Conv::Padding(dims, {both, both});
  }
  Conv::Padding out;
  each(padding, "padding", "an int, a list of ints or of pairs", [&](py::handle item) {
    if (PySequence_Check(item.ptr())) {
      const auto pair = ints_from(item, "padding");
      if (pair.size() != 2) fail_expected("padding", "(before, after) pairs", item);
      out.emplace_back(pair[0], pair[1]);
    } else {
      const int64_t both = int_from(item, "padding");
      out.emplace_back(both, both);
    }
  });
  return out;
}

Ref<const Conv> conv_from(const NodePtr& input, const NodePtr& filter, const py::object& stride, const py::object& padding,
                          const py::object& name) {
  const auto strides = ints_from(stride, "stride");
  return Conv::make(input, filter, strides, padding_from(padding, strides.size()), name_from(name));
}

std::vector<Labels> label_lists_from(py::handle values) {
  std::vector<Labels> out;
  each(values, "input_ints", "a sequence of sequences of ints", [&](py::handle value) { out.push_back(labels_from(value, "input_ints")); });
  return out;
}

py::list args_list(const Einsum& self) {
  py::list out;
  for (size_t i = 0; i < self.num_children(); ++i) out.append(py::make_tuple(self.child(i), int_tuple(self.input_labels()[i])));
  return out;
}

Labels distinct_in_order(const Labels& labels) {
  Labels out;
  for (const Label label : labels)
    if (std::find(out.begin(), out.end(), label) == out.end()) out.push_back(label);
  return out;
}

void bind_einsum(py::module_& m) {
  py::class_<Einsum, Node, Ref<Einsum>> cls(m, "Einsum", py::is_final(), constructor_metaclass(),
                                            "Sums of products over labelled axes (spec 03, section 11).");
  add_constructor<&einsum_from>(cls, py::arg("out_axes"), py::arg("name") = py::none());
  cls.def_property_readonly("args", &args_list, "(circuit, labels) pairs.")
      .def_property_readonly(
          "out_axes", [](const Einsum& self) { return int_tuple(self.out_axes()); }, "Output labels.")
      .def(
          "all_input_circuits", [](const Einsum& self) { return self.children(); }, "The operands.")
      .def(
          "all_input_axes",
          [](const Einsum& self) {
            py::list out;
            for (const auto& labels : self.input_labels()) out.append(int_tuple(labels));
            return out;
          },
          "Labels of each operand.")
      .def(
          "reduced_axes", [](const Einsum& self) { return py::set(int_tuple(self.reduced_axes())); }, "Labels that are summed over.")
      .def("next_axis", &Einsum::next_axis, "Largest operand label + 1.")
      .def(
          "evolve",
          [](const Einsum& self, const py::object& args, const py::object& out_axes) {
            NodePtrs nodes = self.children();
            std::vector<Labels> labels = self.input_labels();
            if (!args.is_none()) {
              const py::tuple items(items_of(args, "args", "a sequence of tuples (circuit, axes)"));
              std::tie(nodes, labels) = operands_from({&PyTuple_GET_ITEM(items.ptr(), 0), items.size()});
            }
            return Einsum::make(std::move(nodes), std::move(labels),
                                out_axes.is_none() ? self.out_axes() : labels_from(out_axes, "out_axes"), self.name());
          },
          py::arg("args") = py::none(), py::arg("out_axes") = py::none(), "The node with replaced parts, under the same name.")
      .def("normalize_ints", &Einsum::normalize_ints, "Labels renumbered by first appearance over operands.")
      .def("get_spec", &Einsum::spec, "The EinsumSpec (spec 03, 12.1).")
      .def_static(
          "from_nodes_ints",
          [](const py::object& nodes, const py::object& input_ints, const py::object& output_ints, const py::object& name,
             const py::object& input_axes) {
            const py::object inputs = input_ints.is_none() ? input_axes : input_ints;
            return Einsum::make(circuits_from(nodes), label_lists_from(inputs), labels_from(output_ints, "output_ints"), name_from(name));
          },
          py::arg("nodes"), py::arg("input_ints") = py::none(), py::arg("output_ints") = py::tuple(), py::arg("name") = py::none(),
          py::arg("input_axes") = py::none(), "From nodes and one label list each.")
      .def_static(
          "from_einsum_string",
          [](const std::string& string, const py::args& nodes, const py::object& name) {
            return Einsum::from_string(string, circuits_from(nodes), name_from(name));
          },
          py::arg("string"), py::arg("name") = py::none(), "From letters such as \"ab,bc->ac\" (spec 03, 11.2).")
      .def_static(
          "from_fancy_string",
          [](const std::string& string, const py::args& nodes, const py::object& name) {
            return Einsum::from_fancy_string(string, circuits_from(nodes), name_from(name));
          },
          py::arg("string"), py::arg("name") = py::none(), "From words such as \"batch q, q k -> batch k\" (spec 03, 11.3).")
      .def_static(
          "from_spec_py",
          [](const EinsumSpec& spec, const py::args& nodes, const py::object& name) {
            return Einsum::make(circuits_from(nodes), spec.input_ints, spec.output_ints, name_from(name));
          },
          py::arg("spec"), py::arg("name") = py::none(), "From an EinsumSpec.")
      .def_static(
          "new_diag",
          [](const NodePtr& node, const py::object& ints, const py::object& name) {
            const Labels labels = labels_from(ints, "ints");
            return Einsum::make({node}, {distinct_in_order(labels)}, labels, name_from(name));
          },
          py::arg("node"), py::arg("ints"), py::arg("name") = py::none(), "Places a node on a generalised diagonal.")
      .def_static(
          "new_trace",
          [](const NodePtr& node, const py::object& ints, const py::object& name) {
            const Labels labels = labels_from(ints, "ints");
            return Einsum::make({node}, {labels}, distinct_in_order(labels), name_from(name));
          },
          py::arg("node"), py::arg("ints"), py::arg("name") = py::none(), "Extracts a generalised diagonal (does not sum).")
      .def_static(
          "scalar_mul",
          [](const NodePtr& node, double scalar, const py::object& name, const py::object& scalar_name) {
            return Einsum::scalar_mul(node, scalar, name_from(name), name_from(scalar_name));
          },
          py::arg("node"), py::arg("scalar"), py::arg("name") = py::none(), py::arg("scalar_name") = py::none(),
          "Product with a rank-0 Scalar.")
      .def_static(
          "elementwise_broadcasted",
          [](const py::args& nodes, const py::object& name) {
            return Einsum::elementwise_broadcasted(circuits_from(nodes), name_from(name));
          },
          py::arg("name") = py::none(), "Elementwise product with broadcasting.")
      .def_static(
          "empty", [](const py::object& name) { return Einsum::make({}, {}, {}, name_from(name)); }, py::arg("name") = py::none(),
          "No operands: the scalar 1.")
      .def_static(
          "identity", [](const NodePtr& node, const py::object& name) { return Einsum::identity(node, name_from(name)); }, py::arg("node"),
          py::arg("name") = py::none(), "One operand, nothing summed.")
      .def_static(
          "new_outer_product",
          [](const py::args& nodes, const py::object& name, const py::object& out_axes_permutation) {
            std::optional<std::vector<int64_t>> permutation;
            if (!out_axes_permutation.is_none()) permutation = ints_from(out_axes_permutation, "out_axes_permutation");
            return Einsum::outer_product(circuits_from(nodes), name_from(name), permutation);
          },
          py::arg("name") = py::none(), py::arg("out_axes_permutation") = py::none(), "Outer product, axes optionally permuted.");
}

void bind_add(py::module_& m) {
  py::class_<Add, Node, Ref<Add>> cls(m, "Add", py::is_final(), constructor_metaclass(),
                                      "The broadcast sum of its children (spec 03, section 17).");
  add_constructor<&add_from>(cls, py::arg("name") = py::none());
  cls.def_property_readonly(
         "nodes", [](const Add& self) { return self.children(); }, "The children.")
      .def("has_broadcast", &Add::has_broadcast, "Whether some child's shape differs from the result's.")
      .def(
          "nodes_and_rank_differences",
          [](const Add& self) {
            py::list out;
            for (const auto& child : self.children()) out.append(py::make_tuple(child, self.rank() - child->rank()));
            return out;
          },
          "(child, result rank - child rank) pairs.")
      .def(
          "to_counts",
          [](const Add& self) {
            py::dict counts;
            for (const auto& child : self.children()) {
              const py::object key = to_python(child);
              counts[key] = counts.contains(key) ? py::int_(counts[key].cast<int64_t>() + 1) : py::int_(1);
            }
            return counts;
          },
          "Child to multiplicity.")
      .def_static(
          "from_weighted_nodes",
          [](const py::args& nodes_and_weights, bool use_1_weights, const py::object& name) {
            NodePtrs nodes;
            for (const py::handle item : nodes_and_weights) {
              const auto [node, weight] =
                  object_from<std::pair<NodePtr, double>>(item, "Add.from_weighted_nodes", "pairs (circuit, weight)");
              nodes.push_back(weight == 1.0 && !use_1_weights ? node : NodePtr(Einsum::scalar_mul(node, weight)));
            }
            return Add::make(std::move(nodes), name_from(name));
          },
          py::arg("use_1_weights") = false, py::arg("name") = py::none(), "From (circuit, weight) pairs.")
      .def_static(
          "minus",
          [](const NodePtr& positive, const NodePtr& negative, const py::object& name) {
            return subtract(positive, negative, name_from(name));
          },
          py::arg("positive"), py::arg("negative"), py::arg("name") = py::none(), "positive.sub(negative, name).");
}

void bind_axis_operations(py::module_& m) {
  py::class_<Rearrange, Node, Ref<Rearrange>> rearrange(m, "Rearrange", py::is_final(), constructor_metaclass(),
                                                        "Splits, permutes, merges, inserts and repeats axes (spec 03, 9.1).");
  add_constructor<&rearrange_from>(rearrange, py::arg("node"), py::arg("spec"), py::arg("name") = py::none());
  rearrange.def_property_readonly(
               "node", [](const Rearrange& self) { return self.child(); }, "The child.")
      .def_property_readonly(
          "spec", [](const Rearrange& self) { return self.spec(); }, "The spec as given.")
      .def("conform_to_input_shape_spec", &Rearrange::conformed_spec, "The spec with sizes of the child.")
      .def(
          "conform_to_input_shape", [](const Rearrange& self) { return Rearrange::make(self.child(), self.conformed_spec()); },
          "Rearrange with the conformed spec, without an explicit name.")
      .def_static(
          "from_string",
          [](const NodePtr& node, const std::string& string, const py::object& name) {
            return Rearrange::make(node, RearrangeSpec::from_string(string), name_from(name));
          },
          py::arg("node"), py::arg("string"), py::arg("name") = py::none(), "From text such as \"a (b:2 c) -> c a b\".")
      .def_static(
          "reshape", [](const NodePtr& node, const py::object& shape) { return Rearrange::reshape(node, shape_from(shape)); },
          py::arg("node"), py::arg("shape"), "Flatten, then unflatten.");

  py::class_<Index, Node, Ref<Index>> index(m, "Index", py::is_final(), constructor_metaclass(),
                                            "Per axis an int, a slice or a tensor (spec 03, section 13).");
  add_constructor<&indexed>(index, py::arg("node"), py::arg("index"), py::arg("name") = py::none());
  add_constructor<&indexed>(index, py::arg("node"), py::arg("idx"), py::arg("name") = py::none());
  index.def_property_readonly(
           "node", [](const Index& self) { return self.child(); }, "The child.")
      .def_property_readonly(
          "idx", [](const Index& self) { return to_python(self.index()); }, "One element per axis of the child.")
      .def(
          "has_tensor_axes", [](const Index& self) { return has_tensor(self.index()); }, "Whether some element is a tensor.")
      .def(
          "slice_edges_to_none",
          [](const Index& self) {
            IndexElements elements = self.index();
            for (size_t axis = 0; axis < elements.size(); ++axis) {
              auto* slice = std::get_if<Slice>(&elements[axis]);
              if (!slice) continue;
              if (slice->start == 0) slice->start.reset();
              if (slice->stop == self.child()->shape()[axis]) slice->stop.reset();
            }
            return Index::make(self.child(), std::move(elements), self.name());
          },
          "Slice ends that are the ends of the axis replaced by None.")
      .def(
          "child_axis_map_including_slices",
          [](const Index& self) {
            const AxisMap map = self.child_axis_map_including_slices();
            py::list axes;
            for (const auto& axis : map[0]) axes.append(axis ? py::object(py::int_(*axis)) : py::object(py::none()));
            py::list out;
            out.append(axes);
            return out;
          },
          "As child_axis_map, with every sliced axis mapped too.")
      .def_static(
          "new_synchronized_to_start",
          [](const NodePtr& node, const py::sequence& index, const py::object& name) {
            return synchronized_index(node, synchronized_elements_from(index), name_from(name));
          },
          py::arg("node"), py::arg("index"), py::arg("name") = py::none(), "NumPy-style joint indexing, joint axes first (spec 03, 13.5).");

  py::class_<Concat, Node, Ref<Concat>> concat(m, "Concat", py::is_final(), constructor_metaclass(),
                                               "Children joined along one axis (spec 03, section 16).");
  add_constructor<&concat_from>(concat, py::arg("axis"), py::arg("name") = py::none());
  concat.def_property_readonly(
            "nodes", [](const Concat& self) { return self.children(); }, "The children.")
      .def_property_readonly("axis", &Concat::axis, "The axis, non-negative.")
      .def("get_sizes_at_axis", &Concat::sizes_at_axis, "Sizes of the children on that axis.")
      .def_static(
          "stack",
          [](const py::args& nodes, const py::object& axis, const py::object& name) {
            return Concat::stack(circuits_from(nodes, "Concat.stack"), int_from(axis, "axis"), name_from(name));
          },
          py::arg("axis"), py::arg("name") = py::none(), "Children joined along a new axis.");

  py::class_<Scatter, Node, Ref<Scatter>> scatter(m, "Scatter", py::is_final(), constructor_metaclass(),
                                                  "Zeros with the child set at slices (spec 03, section 14).");
  add_constructor<&scattered>(scatter, py::arg("node"), py::arg("index"), py::arg("shape"), py::arg("name") = py::none());
  add_constructor<&scattered>(scatter, py::arg("node"), py::arg("idx"), py::arg("shape"), py::arg("name") = py::none());
  scatter.def_property_readonly(
             "node", [](const Scatter& self) { return self.child(); }, "The child.")
      .def_property_readonly(
          "idx", [](const Scatter& self) { return to_python(self.index()); }, "Canonical slices.")
      .def("is_identity", &Scatter::is_identity, "Whether the output shape is the child's.");
}

void bind_conv(py::module_& m) {
  py::class_<Conv, Node, Ref<Conv>> cls(m, "Conv", py::is_final(), constructor_metaclass(),
                                        "Cross-correlation, channels last (spec 03, section 15).");
  add_constructor<&conv_from>(cls, py::arg("input"), py::arg("filter"), py::arg("stride"), py::arg("padding") = 0,
                              py::arg("name") = py::none());
  cls.def_property_readonly(
         "input", [](const Conv& self) { return self.input(); }, "Input, shape (*batch, spatial, channels in).")
      .def_property_readonly(
          "filter", [](const Conv& self) { return self.filter(); }, "Filter, shape (channels out, spatial, channels in).")
      .def_property_readonly(
          "stride", [](const Conv& self) { return self.stride(); }, "One stride per spatial axis.")
      .def_property_readonly(
          "strides", [](const Conv& self) { return self.stride(); }, "One stride per spatial axis.")
      .def_property_readonly(
          "padding", [](const Conv& self) { return self.padding(); }, "(before, after) per spatial axis.")
      .def("dims", &Conv::dims, "Number of spatial axes.")
      .def(
          "input_batch_shape", [](const Conv& self) { return to_tuple(self.input_batch_shape()); }, "Leading batch sizes of the input.")
      .def("is_identity", [](const Conv&) { return false; }, "Whether the result equals the input for every input; conservatively False.");
}

}  // namespace

void bind_operations(py::module_& m) {
  bind_einsum(m);
  bind_add(m);
  bind_axis_operations(m);
  bind_conv(m);
  m.def(
      "flat_concat", [](const py::object& circuits) { return flat_concat(circuits_from(circuits)); }, py::arg("circuits"),
      "Each circuit flattened, joined on axis 0 (spec 03, section 16).");
  m.def(
      "flat_concat_back",
      [](const py::object& circuits) {
        auto [joined, back] = flat_concat_back(circuits_from(circuits));
        return py::make_tuple(joined, back);
      },
      py::arg("circuits"), "flat_concat, and per circuit what gives it back.");
}

}  // namespace pycircuit
