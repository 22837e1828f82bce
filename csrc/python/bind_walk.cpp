// Walking and editing circuits, SetOfCircuitIdentities (spec 10, section 17).
#include "base/error.h"
#include "circuit/edit.h"
#include "circuit/identities.h"
#include "circuit/measure.h"
#include "match/traversal.h"
#include "python/bind.h"
#include "python/bind_match.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

void check_callable(const py::object& fn, std::string_view what) {
  if (!PyCallable_Check(fn.ptr())) fail_expected(what, "a callable", fn);
}

// f on each distinct node in pre-order. Where it raises, nothing below is visited on its account; the first exception is raised at the end.
void visit(const NodePtr& circuit, const py::object& f) {
  check_callable(f, "f");
  std::optional<py::error_already_set> first;
  NodePtr unexpected;
  pre_order(circuit, [&](const Node& node) {
    try {
      const py::object result = f(NodePtr(&node));
      if (!result.is_none()) throw py::type_error("the function given to visit must return None, got " + shown(result));
      return true;
    } catch (py::type_error& error) {
      // Our own complaint, turned into a Python exception like any other.
      PyErr_SetString(PyExc_TypeError, error.what());
      py::error_already_set raised;
      if (!first) first.emplace(std::move(raised));
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) throw;  // an interrupt ends the walk at once
      if (!first) first.emplace(std::move(error));
    }
    return false;
  });
  if (first) throw py::error_already_set(std::move(*first));
}

std::vector<size_t> path_from(const py::object& value) {
  std::vector<size_t> path;
  for (const int64_t number : ints_from(value, "path")) {
    if (number < 0) fail(ErrorId::OverflowError, "path: child numbers must not be negative, got " + std::to_string(number));
    path.push_back(static_cast<size_t>(number));
  }
  return path;
}

NodeMap replacements_from(const py::dict& map) {
  NodeMap replacements;
  for (const auto& [key, value] : map) replacements[circuit_from(key, "key of map")->id()] = circuit_from(value, "value of map");
  return replacements;
}

// Node ids of replacements are good only as long as the keys live; the dict keeps those.
NodePtr replace(const NodePtr& circuit, const py::dict& map) { return replace_nodes(circuit, replacements_from(map)); }

CircuitIdentities identities_from(const py::object& hashes) {
  CircuitIdentities out;
  if (!PyAnySet_Check(hashes.ptr())) fail_expected("hs", "a set of 32-byte hashes", hashes);
  for (const py::handle item : hashes) {
    if (!PyBytes_Check(item.ptr())) fail_expected("hs", "bytes", item);
    py::detail::make_caster<Hash> caster;
    if (!caster.load(item, false))
      throw py::value_error("hs: expected hashes of 32 bytes, got " + std::to_string(py::len(item)) + " bytes");
    out.insert(py::detail::cast_op<Hash&>(caster));
  }
  return out;
}

void bind_identities(py::module_& m) {
  py::class_<CircuitIdentities>(m, "SetOfCircuitIdentities",
                                "A mutable set of identity hashes that keeps no circuit alive (spec 10, section 17).")
      .def(py::init(&identities_from), py::arg("hs") = py::set())
      .def(
          "insert", [](CircuitIdentities& self, const NodePtr& circuit) { self.insert(circuit->hash()); }, py::arg("circuit"),
          "Adds the circuit's hash.")
      .def("extend", &CircuitIdentities::extend, py::arg("other"), "Adds the other's hashes.")
      .def("union", &CircuitIdentities::union_with, py::arg("other"), "A new set: the hashes in either.")
      .def("intersection", &CircuitIdentities::intersection_with, py::arg("other"), "A new set: the hashes in both.")
      .def(
          "__contains__", [](const CircuitIdentities& self, const NodePtr& circuit) { return self.contains(circuit->hash()); },
          py::arg("circuit"))
      .def("__len__", &CircuitIdentities::size)
      .def("__eq__",
           [](const CircuitIdentities& self, const py::object& other) {
             return py::isinstance<CircuitIdentities>(other) && self == other.cast<const CircuitIdentities&>();
           })
      .def("__repr__", [](const CircuitIdentities& self) { return "SetOfCircuitIdentities of " + std::to_string(self.size()) + " hashes"; })
      .def("__reduce__",
           [](const py::object& self) {
             py::set hashes;
             for (const Hash& hash : self.cast<const CircuitIdentities&>().hashes()) hashes.add(py::cast(hash));
             return py::make_tuple(py::type::of(self), py::make_tuple(hashes));
           })
      .attr("__hash__") = py::none();
}

}  // namespace

void bind_walk(py::module_& m) {
  bind_identities(m);
  const auto with_function = [&m](const char* name, NodePtr (*edit)(const NodePtr&, const NodeFunction&), const char* doc) {
    m.def(
        name, [edit](const NodePtr& circuit, const py::object& fn) { return edit(circuit, circuit_function_from(fn)); }, py::arg("circuit"),
        py::arg("fn"), doc);
  };
  with_function("deep_map", deep_map,
                "Bottom-up: each distinct node rebuilt with its mapped children, then given to fn (spec 10, section 17).");
  with_function("deep_map_preorder", deep_map_preorder, "fn first, then the children of its result are mapped (spec 10, section 17).");
  m.def("visit_circuit", &visit, py::arg("circuit"), py::arg("f"),
        "f on each distinct node, parents first; f must return None (spec 10, section 17).");
  circuit_class(m).def("visit", &visit, py::arg("f"), "f on each distinct node, parents first; f must return None (spec 10, section 17).");
  m.def(
      "all_children", [](const NodePtr& circuit) { return to_set(pre_order(circuit)); }, py::arg("circuit"),
      "The set of all nodes, the circuit itself included.");
  m.def(
      "filter_nodes",
      [](const NodePtr& circuit, const py::object& fn) {
        check_callable(fn, "fn");
        py::set out;
        for (const auto& node : pre_order(circuit))
          if (bool_from(fn(node), "result of the function given to filter_nodes")) out.add(to_python(node));
        return out;
      },
      py::arg("circuit"), py::arg("fn"), "The set of nodes for which fn returns True (spec 10, section 17).");
  m.def("replace_nodes", &replace, py::arg("circuit"), py::arg("map"),
        "Nodes that are keys replaced by their values, from the root down and inside the replacements too (spec 10, section 17).");
  m.def(
      "update_nodes",
      [](const NodePtr& circuit, const py::object& matcher, const py::object& updater) {
        return update_nodes(circuit, iterative_matcher_from(matcher), circuit_function_from(updater, "updater"));
      },
      py::arg("circuit"), py::arg("matcher"), py::arg("updater"),
      "deep_map_preorder applying updater to the nodes that the matcher finds (spec 10, section 17).");
  m.def(
      "path_get", [](const NodePtr& circuit, const py::object& path) { return path_get(circuit, path_from(path)); }, py::arg("circuit"),
      py::arg("path"), "The node at the end of a path of child numbers, None if it leaves the circuit (spec 10, section 17).");
  m.def(
      "update_path",
      [](const NodePtr& circuit, const py::object& path, const py::object& updater) {
        return update_path(circuit, path_from(path), circuit_function_from(updater, "updater"));
      },
      py::arg("circuit"), py::arg("path"), py::arg("updater"),
      "updater applied to the node at the end of a path, only there (spec 10, section 17).");
  m.def("toposort_circuit", &toposort_circuit, py::arg("circuit"),
        "Distinct nodes, children before parents, the root last (spec 10, section 17).");
  m.def("count_nodes", &count_nodes, py::arg("circuit"), "Number of distinct nodes.");
  m.def("total_flops", &total_flops, py::arg("circuit"), "Sum of self_flops over distinct nodes.");
  m.def("total_arrayconstant_size", &total_arrayconstant_size, py::arg("circuit"), "Elements of all distinct Arrays.");
  m.def(
      "prefix_all_names",
      [](const NodePtr& circuit, const py::object& prefix) {
        const Name name = name_from(prefix, "prefix");
        if (!name) throw py::type_error("prefix: expected a str, got None");
        return prefix_all_names(circuit, *name);
      },
      py::arg("circuit"), py::arg("prefix"), "Every named node renamed to prefix + name, children first (spec 10, section 17).");
}

}  // namespace pycircuit
