// Transforms and updating: methods of circuits and matchers, Updater and BoundUpdater (spec 07, section 7).
#include "match/update.h"
#include "python/arguments.h"
#include "python/bind_match.h"

namespace pycircuit {
namespace {

struct PythonUpdater {
  Updater updater;
  bool cache_transform;
  bool cache_update;
  UpdateChecks defaults;
};
struct BoundUpdater {
  std::shared_ptr<PythonUpdater> updater;
  IterativeMatcher matcher;
};

std::shared_ptr<PythonUpdater> new_updater(const Transform& transform, bool cache_transform, bool cache_update, bool fancy_validate,
                                           bool assert_any_found) {
  return std::shared_ptr<PythonUpdater>(
      new PythonUpdater{Updater(transform), cache_transform, cache_update, {fancy_validate, assert_any_found}});
}

NodePtr run(const PythonUpdater& self, const NodePtr& circuit, const IterativeMatcher& matcher, std::optional<bool> fancy_validate,
            std::optional<bool> assert_any_found) {
  return self.updater.update(
      circuit, matcher, {fancy_validate.value_or(self.defaults.fancy_validate), assert_any_found.value_or(self.defaults.assert_any_found)});
}

py::object reduce_transform(const Transform& self) {
  if (self.is_ident()) return py::make_tuple(py::module_::import("pycircuit._core").attr("_identity_transform"), py::tuple());
  return py::make_tuple(py::type::of<Transform>(), py::make_tuple(callable_of(*self.foreign())));
}

void bind_transform(py::module_& m) {
  py::class_<Transform>(m, "Transform", py::is_final(),
                        "A function from circuit to circuit, compared by the callable's identity (spec 07, 7.1).")
      .def(py::init([](const py::object& inp) { return transform_from(inp, "inp"); }), py::arg("inp"))
      .def_static("ident", &Transform::ident, "The transform that returns its argument.")
      .def("run", &Transform::operator(), py::arg("circuit"), "The transform's result; TypeError if that is not a circuit.")
      .def("__call__", &Transform::operator(), py::arg("circuit"), "The transform's result; TypeError if that is not a circuit.")
      .def(
          "updater",
          [](const Transform& self, bool cache_transform, bool cache_update) {
            return new_updater(self, cache_transform, cache_update, false, false);
          },
          py::arg("cache_transform").noconvert() = true, py::arg("cache_update").noconvert() = true,
          "An Updater of this transform (spec 07, 7.3).")
      .def("__eq__", [](const Transform& self,
                        const py::object& other) { return py::isinstance<Transform>(other) && self == other.cast<const Transform&>(); })
      .def("__hash__", [](const Transform& self) { return static_cast<Py_ssize_t>(std::hash<const void*>{}(self.identity()) >> 1); })
      .def("__lt__",
           [](const Transform& self, const py::object& other) -> py::object {
             if (!py::isinstance<Transform>(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             return py::bool_(std::less<const void*>{}(self.identity(), other.cast<const Transform&>().identity()));
           })
      .def("__copy__", [](const py::object& self) { return self; })
      .def(
          "__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__reduce__", &reduce_transform)
      .def("debug_print_to_str", &Transform::to_string, "The transform as text.");
  m.def("_identity_transform", &Transform::ident, "Transform.ident() for pickles.");
}

constexpr const char* kUpdate =
    "The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2).";

NodePtr update_with(const PythonUpdater& self, const NodePtr& circuit, const py::object& matcher, std::optional<bool> fancy_validate,
                    std::optional<bool> assert_any_found) {
  return run(self, circuit, iterative_matcher_from(matcher), fancy_validate, assert_any_found);
}

NodePtr update_bound(const BoundUpdater& self, const NodePtr& circuit, std::optional<bool> fancy_validate,
                     std::optional<bool> assert_any_found) {
  const BoundUpdater now = self;  // the transform may assign its attributes meanwhile
  return run(*now.updater, circuit, now.matcher, fancy_validate, assert_any_found);
}

void bind_updaters(py::module_& m) {
  py::class_<PythonUpdater, std::shared_ptr<PythonUpdater>> cls(m, "Updater", py::is_final(),
                                                                "Updates with a memory of results (spec 07, 7.3).");
  py::class_<BoundUpdater, std::shared_ptr<BoundUpdater>> bound(m, "BoundUpdater", py::is_final(),
                                                                "An Updater with a matcher (spec 07, 7.3).");
  cls.def(py::init([](const py::object& transform, bool cache_transform, bool cache_update, bool validate, bool assert_found) {
            return new_updater(transform_from(transform), cache_transform, cache_update, validate, assert_found);
          }),
          py::arg("transform"), py::arg("cache_transform").noconvert() = true, py::arg("cache_update").noconvert() = true,
          py::arg("default_fancy_validate").noconvert() = false, py::arg("default_assert_any_found").noconvert() = false)
      .def_property_readonly(
          "transform", [](const PythonUpdater& self) { return self.updater.transform(); }, "The transform.")
      .def_readonly("cache_transform", &PythonUpdater::cache_transform, "As given; without effect.")
      .def_readonly("cache_update", &PythonUpdater::cache_update, "As given; without effect.")
      .def_property(
          "default_fancy_validate", [](const PythonUpdater& self) { return self.defaults.fancy_validate; },
          [](PythonUpdater& self, const py::object& value) { self.defaults.fancy_validate = bool_from(value, "default_fancy_validate"); },
          "What fancy_validate=None means.")
      .def_property(
          "default_assert_any_found", [](const PythonUpdater& self) { return self.defaults.assert_any_found; },
          [](PythonUpdater& self, const py::object& value) {
            self.defaults.assert_any_found = bool_from(value, "default_assert_any_found");
          },
          "What assert_any_found=None means.")
      .def(
          "bind",
          [](const std::shared_ptr<PythonUpdater>& self, const py::object& matcher) {
            return std::make_shared<BoundUpdater>(BoundUpdater{self, iterative_matcher_from(matcher)});
          },
          py::arg("matcher"), "A BoundUpdater of this updater and the matcher.");
  bound
      .def(py::init([](std::shared_ptr<PythonUpdater> updater, const py::object& matcher) {
             return std::make_shared<BoundUpdater>(BoundUpdater{std::move(updater), iterative_matcher_from(matcher)});
           }),
           py::arg("updater").none(false), py::arg("matcher"))
      .def_property(
          "updater", [](const BoundUpdater& self) { return self.updater; },
          [](BoundUpdater& self, const py::object& updater) {
            self.updater = object_from<std::shared_ptr<PythonUpdater>>(updater, "updater", "an Updater");
          },
          "The live Updater.")
      .def_property(
          "matcher", [](const BoundUpdater& self) { return self.matcher; },
          [](BoundUpdater& self, const py::object& matcher) { self.matcher = iterative_matcher_from(matcher); },
          "The matcher, as an IterativeMatcher.");
  for (const char* name : {"update", "__call__"}) {
    cls.def(name, &update_with, py::arg("circuit"), py::arg("matcher"), py::arg("fancy_validate").noconvert() = py::none(),
            py::arg("assert_any_found").noconvert() = py::none(), kUpdate);
    bound.def(name, &update_bound, py::arg("circuit"), py::arg("fancy_validate").noconvert() = py::none(),
              py::arg("assert_any_found").noconvert() = py::none(), kUpdate);
  }
}

// `update` of circuits (other: the matcher) and matchers (other: the circuit).
template <class Class, class Operands>
void add_one_shot(Class& cls, const char* other, Operands operands) {
  cls.def(
      "update",
      [operands](const typename Class::type& self, const py::object& given, const py::object& transform, bool, bool, bool validate,
                 bool assert_found) {
        const auto [circuit, matcher] = operands(self, given);
        return update(circuit, matcher, transform_from(transform), {validate, assert_found});
      },
      py::arg(other), py::arg("transform"), py::arg("cache_transform").noconvert() = true, py::arg("cache_update").noconvert() = true,
      py::arg("fancy_validate").noconvert() = false, py::arg("assert_any_found").noconvert() = false, kUpdate);
}

template <class T>
void add_matcher_methods(py::class_<T>& cls) {
  add_one_shot(cls, "circuit",
               [](const T& self, const py::object& circuit) { return std::pair(circuit_from(circuit), IterativeMatcher(self)); });
  cls.def(
      "updater",
      [](const T& self, const py::object& transform, bool cache_transform, bool cache_update, bool validate, bool assert_found) {
        return std::make_shared<BoundUpdater>(
            BoundUpdater{new_updater(transform_from(transform), cache_transform, cache_update, validate, assert_found), self});
      },
      py::arg("transform"), py::arg("cache_transform").noconvert() = true, py::arg("cache_update").noconvert() = true,
      py::arg("default_fancy_validate").noconvert() = false, py::arg("default_assert_any_found").noconvert() = false,
      "A BoundUpdater of this matcher (spec 07, 7.3).");
}

}  // namespace

void bind_update(py::module_& m, py::class_<Matcher>& matcher, py::class_<IterativeMatcher>& iterative) {
  bind_transform(m);
  bind_updaters(m);
  py::class_<Node, Ref<Node>> circuit = circuit_class(m);
  add_one_shot(circuit, "matcher",
               [](const Node& self, const py::object& given) { return std::pair(NodePtr(&self), iterative_matcher_from(given)); });
  add_matcher_methods(matcher);
  add_matcher_methods(iterative);
}

}  // namespace pycircuit
