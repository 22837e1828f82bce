// Circuit: properties and methods that every node offers (spec 01, sections 2 to 6).
#include <cmath>

#include "circuit/build.h"
#include "circuit/measure.h"
#include "circuit/nodes/all.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

OptionalAxes optional_axes(const py::object& axis) {
  if (axis.is_none()) return std::nullopt;
  return axes_from(axis, "axis");
}

std::optional<std::string> device_text(const Node& self) {
  return self.device_dtype().device ? std::optional(to_text(*self.device_dtype().device)) : std::nullopt;
}

std::optional<std::string> dtype_text(const Node& self) {
  return self.device_dtype().dtype ? std::optional(std::string(to_text(*self.device_dtype().dtype))) : std::nullopt;
}

py::list axis_map_list(const AxisMap& map) {
  py::list out;
  for (const auto& axes : map) {
    py::list entries;
    for (const auto& axis : axes) entries.append(axis ? py::object(py::int_(*axis)) : py::object(py::none()));
    out.append(std::move(entries));
  }
  return out;
}

NodePtr map_children(const NodePtr& self, const std::function<py::object(size_t, const NodePtr&)>& fn) {
  if (self->is_leaf()) return self;
  NodePtrs children;
  for (size_t i = 0; i < self->num_children(); ++i)
    children.push_back(circuit_from(fn(i, self->child(i)), "result of the function given to map_children"));
  return self->rebuild(std::move(children));
}

void check_callable(const py::object& fn) {
  if (!PyCallable_Check(fn.ptr())) throw py::type_error("expected a callable, got " + shown(fn));
}

bool less(const NodePtr& a, const NodePtr& b) { return circuit_less(*a, *b); }

// Ordering with anything but a circuit is Python's TypeError.
template <class Compare>
auto comparison(Compare compare) {
  return [compare](const NodePtr& self, const py::object& other) -> py::object {
    if (!py::isinstance<Node>(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    return py::bool_(compare(self, circuit_from(other)));
  };
}

void add_properties(py::class_<Node, Ref<Node>>& cls) {
  cls.def_property_readonly(
         "shape", [](const Node& self) { return to_tuple(self.shape()); }, "Sizes, as a tuple.")
      .def_property_readonly("rank", &Node::rank, "Number of axes.")
      .def_property_readonly("ndim", &Node::rank, "Number of axes.")
      .def_property_readonly(
          "numel", [](const Node& self) { return numel(self.shape()); }, "Number of elements, exact.")
      .def_property_readonly(
          "name", [](const Node& self) { return self.name_or_empty(); }, "The name, \"\" when there is none.")
      .def_property_readonly(
          "op_name", [](const Node& self) { return self.name(); }, "The name or None.")
      .def_property_readonly(
          "children", [](const Node& self) { return self.children(); }, "Children in order, a fresh list.")
      .def_property_readonly("num_children", &Node::num_children, "Number of children.")
      .def_property_readonly(
          "non_free_children",
          [](const Node& self) {
            const auto* module = self.as<Module>();
            return module ? module->arguments() : self.children();
          },
          "The arguments of a Module, all children of other nodes.")
      .def_property_readonly("is_constant", &Node::is_constant, "Not random (spec 01, section 4).")
      .def_property_readonly("is_explicitly_computable", &Node::is_explicitly_computable,
                             "A tensor can be computed directly (spec 01, section 4).")
      .def_property_readonly("can_be_sampled", &Node::can_be_sampled, "Sampling can make it computable (spec 01, section 4).")
      .def_property_readonly("use_autoname", &Node::use_autoname, "Whether automatic names are on (spec 02, section 4.3).")
      .def_property_readonly(
          "no_unbound_symbols", [](const Node& self) { return !self.has_free_symbols(); }, "Whether no Symbol is free.")
      .def_property_readonly(
          "device_dtype", [](const Node& self) { return self.device_dtype(); }, "Device and dtype, each possibly unspecified.")
      .def_property_readonly("device", &device_text, "Device as a str, or None.")
      .def_property_readonly("dtype", &dtype_text, "Dtype as a str, or None.")
      .def_property_readonly(
          "torch_dtype",
          [](const Node& self) { return self.device_dtype().dtype ? to_torch_dtype(*self.device_dtype().dtype) : py::object(py::none()); },
          "The torch.dtype, or None.")
      .def_property_readonly("hash", &Node::hash, "The 32-byte identity hash (spec 02, section 3).")
      .def_property_readonly(
          "hash_base16", [](const Node& self) { return to_hex(self.hash()); }, "The identity hash as 64 hex digits.")
      .def_property_readonly(
          "symbolic_size_constraints", [](const Node& self) { return py::set(py::cast(self.constraints())); },
          "Set of SymbolicSizeConstraint (spec 02, 7.3).")
      .def(
          "get_autoname",
          [](const Node& self) {
            if (self.is_leaf()) fail(ErrorId::RuntimeError, describe(self) + ": Array, Symbol and Scalar have no automatic name");
            Name name = self.autoname();
            if (name && name->empty()) name.reset();
            return name;
          },
          "The automatic name the node would get, None if a needed child name is missing (spec 02, section 4).")
      .def(
          "get_compatible_device_dtype", [](const Node& self) { return self.device_dtype().filled(); },
          "Device and dtype with unspecified parts filled by cpu, float64.")
      .def(
          "get_device_dtype", [](const Node& self) { return self.device_dtype(); }, "The same as device_dtype.")
      .def(
          "symbolic_shape",
          [](const Node& self) {
            std::vector<SymbolicSizeProduct> sizes;
            for (const Size size : self.shape()) sizes.push_back(SymbolicSizeProduct::decompose(size));
            return sizes;
          },
          "The sizes as SymbolicSizeProducts (spec 02, 7.2).")
      .def(
          "self_flops", [](const Node& self) { return self_flops(self); }, "Cost estimate of this node alone, exact (spec 01, section 3).")
      .def(
          "total_flops", [](const NodePtr& self) { return total_flops(self); }, "Sum of self_flops over distinct nodes.")
      .def(
          "total_arrayconstant_size", [](const NodePtr& self) { return total_arrayconstant_size(self); },
          "Elements of all distinct Arrays.")
      .def(
          "max_non_input_size", [](const NodePtr& self) { return max_non_input_size(self); },
          "Bytes of the largest node that is not a leaf.")
      .def(
          "child_axis_map", [](const Node& self) { return axis_map_list(self.child_axis_map()); },
          "Per child, per axis: the axis of this node that is that child axis, or None (spec 01, section 3).")
      .def(
          "to_py",
          [](const Node&) {
            fail(ErrorId::NotImplementedError, "to_py converts to the older pure-Python circuit library, which is not installed");
          },
          "Conversion to the older Python circuit library; NotImplementedError unless that is installed.");
}

void add_protocol(py::class_<Node, Ref<Node>>& cls) {
  cls.def("__eq__",
          [](const NodePtr& self, const py::object& other) { return py::isinstance<Node>(other) && same(self, circuit_from(other)); })
      .def("__ne__",
           [](const NodePtr& self, const py::object& other) { return !py::isinstance<Node>(other) || !same(self, circuit_from(other)); })
      .def("__lt__", comparison(less))
      .def("__gt__", comparison([](const NodePtr& a, const NodePtr& b) { return less(b, a); }))
      .def("__le__", comparison([](const NodePtr& a, const NodePtr& b) { return !less(b, a); }))
      .def("__ge__", comparison([](const NodePtr& a, const NodePtr& b) { return !less(a, b); }))
      .def("__hash__", [](const Node& self) { return static_cast<Py_ssize_t>(self.hash().first_u64() >> 1); })
      .def("__bool__", [](const Node&) { return true; })
      .def("__copy__", [](const NodePtr& self) { return self; })
      .def("__deepcopy__", [](const NodePtr& self, const py::object&) { return self; }, py::arg("memo"));
}

void add_renaming(py::class_<Node, Ref<Node>>& cls) {
  cls.def(
         "rename", [](const NodePtr& self, const py::object& name) { return self->rename(name_from(name)); }, py::arg("name"),
         "The node with this name, or without one (spec 01, 5.1).")
      .def(
          "add_suffix", [](const NodePtr& self, const py::object& suffix) { return self->add_suffix(name_from(suffix, "suffix")); },
          py::arg("suffix"), "Name + \"_\" + suffix; unchanged without name or suffix.")
      .def(
          "with_autoname_disabled",
          [](const NodePtr& self, bool autoname_disabled) { return self->with_autoname_disabled(autoname_disabled); },
          py::arg("autoname_disabled") = true, "The node with automatic names turned off for everything above it (spec 02, 4.3).")
      .def(
          "rename_axes", [](const NodePtr& self, const py::dict& named_axes) { return self->with_named_axes(named_axes_from(named_axes)); },
          py::arg("named_axes"), "The node with exactly these axis names; {} restores the propagated ones (spec 02, section 5).");
}

void add_arithmetic(py::class_<Node, Ref<Node>>& cls) {
  cls.def(
         "add", [](const NodePtr& self, const NodePtr& other, const py::object& name) { return Add::make({self, other}, name_from(name)); },
         py::arg("other"), py::arg("name") = py::none(), "Add of both, with broadcasting (spec 01, 5.2).")
      .def(
          "sub", [](const NodePtr& self, const NodePtr& other, const py::object& name) { return subtract(self, other, name_from(name)); },
          py::arg("other"), py::arg("name") = py::none(), "Add of self and -1 times other.")
      .def(
          "mul", [](const NodePtr& self, const NodePtr& other, const py::object& name) { return multiply(self, other, name_from(name)); },
          py::arg("other"), py::arg("name") = py::none(), "Elementwise product with broadcasting (spec 03, 11.1).")
      .def(
          "mul_scalar",
          [](const NodePtr& self, double scalar, const py::object& name, const py::object& scalar_name) {
            return multiply_scalar(self, scalar, name_from(name), name_from(scalar_name));
          },
          py::arg("scalar"), py::arg("name") = py::none(), py::arg("scalar_name") = py::none(), "Product with a Scalar of shape ().")
      .def(
          "sum",
          [](const NodePtr& self, const py::object& axis, const py::object& name) {
            return sum(self, optional_axes(axis), name_from(name));
          },
          py::arg("axis") = py::none(), py::arg("name") = py::none(), "Sum over axes, all by default (spec 01, 5.3).")
      .def(
          "mean",
          [](const NodePtr& self, const py::object& axis, const py::object& name, const py::object& scalar_name) {
            return mean(self, optional_axes(axis), name_from(name), name_from(scalar_name));
          },
          py::arg("axis") = py::none(), py::arg("name") = py::none(), py::arg("scalar_name") = py::none(),
          "Mean over axes, all by default.")
      .def(
          "max",
          [](const NodePtr& self, const py::object& axis, const py::object& name) {
            return reduce(self, "max", optional_axes(axis), name_from(name));
          },
          py::arg("axis") = py::none(), py::arg("name") = py::none(), "Maximum over axes, all by default.")
      .def(
          "min",
          [](const NodePtr& self, const py::object& axis, const py::object& name) {
            return reduce(self, "min", optional_axes(axis), name_from(name));
          },
          py::arg("axis") = py::none(), py::arg("name") = py::none(), "Minimum over axes, all by default.")
      .def(
          "reduce",
          [](const NodePtr& self, const std::string& op_name, const py::object& axis, const py::object& name) {
            return reduce(self, op_name, optional_axes(axis), name_from(name));
          },
          py::arg("op_name"), py::arg("axis") = py::none(), py::arg("name") = py::none(),
          "sum, mean, or a general function over the merged axes.");
}

void add_shape_methods(py::class_<Node, Ref<Node>>& cls) {
  cls.def(
         "index",
         [](const NodePtr& self, const py::object& index, const py::object& name) {
           return Index::make(self, index_from(index), name_from(name));
         },
         py::arg("index"), py::arg("name") = py::none(), "Index(self, index, name) (spec 03, section 13).")
      .def(
          "expand_at_axes",
          [](const NodePtr& self, const py::object& axes, const py::object& counts, const py::object& name) {
            std::optional<Shape> sizes;
            if (!counts.is_none()) sizes = axes_from(counts, "counts");
            return expand_at_axes(self, axes_from(axes), sizes, name_from(name));
          },
          py::arg("axes"), py::arg("counts") = py::none(), py::arg("name") = py::none(),
          "New repeat axes at these positions of the result (spec 03, section 4).")
      .def(
          "unsqueeze",
          [](const NodePtr& self, const py::object& axes, const py::object& name) {
            return expand_at_axes(self, axes_from(axes), {}, name_from(name));
          },
          py::arg("axes"), py::arg("name") = py::none(), "New axes of size 1.")
      .def(
          "squeeze",
          [](const NodePtr& self, const py::object& axes, const py::object& name) {
            return squeeze(self, axes_from(axes), name_from(name));
          },
          py::arg("axes"), py::arg("name") = py::none(), "Removes axes of size 1; RuntimeError for other sizes.")
      .def(
          "flatten", [](const NodePtr& self, const py::object& name) { return flatten(self, name_from(name)); },
          py::arg("name") = py::none(), "Rank 1; rank 0 becomes shape (1,).")
      .def(
          "unflatten",
          [](const NodePtr& self, const py::object& shape, const py::object& name) {
            return unflatten(self, shape_from(shape), name_from(name));
          },
          py::arg("shape"), py::arg("name") = py::none(), "A node of rank 1 in another shape.")
      .def(
          "unflatten_axis",
          [](const NodePtr& self, const py::object& axis, const py::object& shape, const py::object& name) {
            return unflatten_axis(self, int_from(axis, "axis"), shape_from(shape), name_from(name));
          },
          py::arg("axis"), py::arg("shape"), py::arg("name") = py::none(), "One axis split row-major.")
      .def(
          "rearrange",
          [](const NodePtr& self, const RearrangeSpec& spec, const py::object& name) {
            return Rearrange::make(self, spec, name_from(name));
          },
          py::arg("spec"), py::arg("name") = py::none(), "Rearrange(self, spec, name).")
      .def(
          "rearrange_str",
          [](const NodePtr& self, const std::string& string, const py::object& name) {
            return Rearrange::make(self, RearrangeSpec::from_string(string), name_from(name));
          },
          py::arg("string"), py::arg("name") = py::none(), "Rearrange.from_string(self, string, name).")
      .def(
          "enforce_dtype_device",
          [](const NodePtr& self, const py::object& device_dtype, const py::object& name) {
            const DeviceDtypeOp required = device_dtype_op_from(device_dtype);
            return GeneralFunction::cast_to(self, required, required, name_from(name));
          },
          py::arg("device_dtype"), py::arg("name") = py::none(), "A cast that also checks known parts (spec 04, section 9).");
}

void add_editing(py::class_<Node, Ref<Node>>& cls) {
  cls.def(
         "map_children",
         [](const NodePtr& self, const py::object& fn) {
           check_callable(fn);
           return map_children(self, [&](size_t, const NodePtr& child) { return fn(child); });
         },
         py::arg("fn"), "The node rebuilt with fn(child) for each child (spec 02, section 6).")
      .def(
          "map_children_enumerate",
          [](const NodePtr& self, const py::object& fn) {
            check_callable(fn);
            return map_children(self, [&](size_t i, const NodePtr& child) { return fn(i, child); });
          },
          py::arg("fn"), "The node rebuilt with fn(i, child) for each child.")
      .def(
          "map_child",
          [](const NodePtr& self, const py::object& ix, const py::object& fn) {
            check_callable(fn);
            const int64_t position = int_from(ix, "ix");
            if (position < 0) fail(ErrorId::OverflowError, "map_child: ix must not be negative, got " + std::to_string(position));
            if (static_cast<size_t>(position) >= self->num_children())
              fail(ErrorId::RuntimeError, "map_child: " + describe(*self) + " has " + std::to_string(self->num_children()) +
                                              " children, got ix " + std::to_string(position));
            NodePtrs children = self->children();
            children[position] = circuit_from(fn(children[position]), "result of the function given to map_child");
            return self->rebuild(std::move(children));
          },
          py::arg("ix"), py::arg("fn"), "The node rebuilt with child ix replaced by fn(child).");
}

void add_groups(py::module_& m, py::class_<Node, Ref<Node>>& cls) {
  const auto group = [&](const char* name, bool (Node::*test)() const) {
    cls.def(("is_" + std::string(name)).c_str(), test, "Group membership by class (spec 01, 2.1).");
    cls.def(("into_" + std::string(name)).c_str(), [test](const NodePtr& self) { return ((*self).*test)() ? self : NodePtr(); },
            "The node itself, or None.");
    m.def(("circuit_is_" + std::string(name)).c_str(), [test](const py::object& circuit) { return (*circuit_from(circuit).*test)(); },
          py::arg("circuit"), "Group membership by class (spec 01, 2.1).");
  };
  group("irreducible_node", &Node::is_irreducible);
  group("leaf", &Node::is_leaf);
  group("leaf_constant", &Node::is_leaf_constant);
  group("var", &Node::is_var);

  for (int i = 0; i < kNumKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const std::string snake(kind_snake_name(kind));
    cls.def(("is_" + snake).c_str(), [kind](const Node& self) { return self.kind() == kind; }, "Whether the node is of this class.");
    cls.def(("maybe_" + snake).c_str(), [kind](const NodePtr& self) { return self->kind() == kind ? self : NodePtr(); },
            "The node if of this class, else None.");
    cls.def(("cast_" + snake).c_str(),
            [kind](const NodePtr& self) {
              if (self->kind() != kind)
                fail(ErrorId::TypeError, "expected " + std::string(kind_name(kind)) + " but got " + std::string(kind_name(self->kind())));
              return self;
            },
            "The node if of this class, else TypeError.");
  }
}

}  // namespace

void bind_circuit(py::module_& m) {
  py::class_<Node, Ref<Node>> cls(m, "Circuit", "An immutable node, and the circuit rooted at it (spec 01).");
  add_properties(cls);
  add_protocol(cls);
  add_renaming(cls);
  add_arithmetic(cls);
  add_shape_methods(cls);
  add_editing(cls);
  add_groups(m, cls);

  m.def(
      "print_circuit_type_check",
      [](const py::object& x) {
        if (!kind_of_class(x)) fail(ErrorId::TypeError, "expected one of the 17 circuit classes, got " + shown(x));
        return x;
      },
      py::arg("x"), "x if it is one of the 17 node classes, else TypeError (spec 01, 2.1).");
  m.def(
      "oom_fmt",
      [](const py::int_& x) {
        const std::string digits = py::str(x);
        if (digits[0] == '-') fail(ErrorId::OverflowError, "oom_fmt: expected a non-negative number, got " + digits);
        BigUint value;
        for (const char digit : digits) {
          value *= 10;
          value += BigUint(static_cast<uint64_t>(digit - '0'));
        }
        return oom_fmt(value);
      },
      py::arg("x"), "x divided by 1000 while it is that large, with a suffix: 12345678 -> 12M (spec 01, section 10).");
  m.def(
      "compute_self_hash",
      [](const NodePtr& circuit, bool hash_child_count, bool hash_child_shapes, bool hash_name) {
        return circuit->self_hash(hash_child_count, hash_child_shapes, hash_name);
      },
      py::arg("circuit"), py::arg("hash_child_count") = true, py::arg("hash_child_shapes") = false, py::arg("hash_name") = true,
      "Hash of one node without its children's identities (spec 02, section 2).");
}

}  // namespace pycircuit
