// Getting: methods of circuits and matchers, Getter, AnyFound and their bound forms (spec 07, section 6).
#include "base/error.h"
#include "circuit/identities.h"
#include "match/explore.h"
#include "match/get.h"
#include "python/arguments.h"
#include "python/bind_match.h"

namespace pycircuit {
namespace {

// Remembers the steps of matchers for its lifetime.
struct Getter {
  bool default_fancy_validate;
  StepCache steps;
};
struct BoundGetter {
  std::shared_ptr<Getter> getter;
  IterativeMatcher matcher;
};

py::dict paths_dict(const PathByNode& paths) {
  py::dict out;
  for (const auto& [node, path] : paths) out[to_python(node)] = py::cast(path);
  return out;
}

py::dict paths_dict(const PathsByNode& paths) {
  py::dict out;
  for (const auto& [node, all] : paths) out[to_python(node)] = py::cast(all);
  return out;
}

template <class Work>
auto unlocked(const IterativeMatcher& matcher, Work&& work) {
  const ReleaseLockFor release(matcher);
  return work();
}

// The operations of 6.1 on (circuit, matcher), with or without a getter's memory.
py::set get_set(const NodePtr& circuit, const IterativeMatcher& matcher, bool validate, StepCache* steps = nullptr) {
  return to_set(unlocked(matcher, [&] { return get(circuit, matcher, validate, steps); }));
}
NodePtr unique_op(const NodePtr& circuit, const IterativeMatcher& matcher, bool validate, StepCache* steps = nullptr) {
  return unlocked(matcher, [&] { return get_unique_op(circuit, matcher, validate, steps); });
}
NodePtr unique(const NodePtr& circuit, const IterativeMatcher& matcher, bool validate, StepCache* steps = nullptr) {
  return unlocked(matcher, [&] { return get_unique(circuit, matcher, validate, steps); });
}
py::dict paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* steps = nullptr) {
  return paths_dict(unlocked(matcher, [&] { return get_paths(circuit, matcher, steps); }));
}
py::dict all_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* steps = nullptr) {
  return paths_dict(unlocked(matcher, [&] { return get_all_paths(circuit, matcher, steps); }));
}
CircuitIdentities circuits_in_paths(const NodePtr& circuit, const IterativeMatcher& matcher, StepCache* steps = nullptr) {
  CircuitIdentities out;
  for (const auto& node : unlocked(matcher, [&] { return get_all_circuits_in_paths(circuit, matcher, steps); })) out.insert(node->hash());
  return out;
}
bool any_found(const NodePtr& circuit, const IterativeMatcher& matcher) {
  return unlocked(matcher, [&] { return are_any_found(circuit, matcher); });
}

constexpr const char* kGet = "The set of found nodes (spec 07, 6.1).";
constexpr const char* kUniqueOp = "The only found node, or None; RuntimeError if several are found (spec 07, 6.1).";
constexpr const char* kUnique = "The only found node; RuntimeError if none or several are found (spec 07, 6.1).";
constexpr const char* kPaths =
    "For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2).";
constexpr const char* kAllPaths = "For each found node all paths [node, its parent, ..., root] (spec 07, 6.2).";
constexpr const char* kInPaths = "The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1).";
constexpr const char* kAnyFound = "Whether some node is found; stops at the first (spec 07, 6.1).";
constexpr const char* kValidate = "RuntimeError unless each part of the matcher is of use in the circuit (spec 07, 6.4).";

// Adds the methods to a class; `Given` turns the object and the other argument into (circuit, matcher).
template <class Class, class Operands>
void add_methods(Class& cls, const char* argument, Operands operands) {
  using Self = const typename Class::type&;
  const auto with_validate = [&](const char* name, auto operation, const char* doc) {
    cls.def(
        name,
        [operands, operation](Self self, const py::object& other, bool fancy_validate) {
          const auto [circuit, matcher] = operands(self, other);
          return operation(circuit, matcher, fancy_validate, nullptr);
        },
        py::arg(argument), py::arg("fancy_validate").noconvert() = false, doc);
  };
  const auto without = [&](const char* name, auto operation, const char* doc) {
    cls.def(
        name,
        [operands, operation](Self self, const py::object& other) {
          const auto [circuit, matcher] = operands(self, other);
          return operation(circuit, matcher);
        },
        py::arg(argument), doc);
  };
  with_validate("get", get_set, kGet);
  with_validate("get_unique_op", unique_op, kUniqueOp);
  with_validate("get_unique", unique, kUnique);
  without("get_paths", [](const NodePtr& circuit, const IterativeMatcher& matcher) { return paths(circuit, matcher); }, kPaths);
  without("get_all_paths", [](const NodePtr& circuit, const IterativeMatcher& matcher) { return all_paths(circuit, matcher); }, kAllPaths);
  without(
      "get_all_circuits_in_paths",
      [](const NodePtr& circuit, const IterativeMatcher& matcher) { return circuits_in_paths(circuit, matcher); }, kInPaths);
  without("are_any_found", any_found, kAnyFound);
}

template <class T>
void add_matcher_methods(py::class_<T>& cls) {
  add_methods(cls, "circuit",
              [](const T& self, const py::object& circuit) { return std::pair(circuit_from(circuit), IterativeMatcher(self)); });
  cls.def(
         "validate", [](const T& self, const NodePtr& circuit) { get(circuit, self, true); }, py::arg("circuit"), kValidate)
      .def(
          "getter",
          [](const T& self, bool validate) {
            return std::make_shared<BoundGetter>(BoundGetter{std::shared_ptr<Getter>(new Getter{validate, {}}), self});
          },
          py::arg("default_fancy_validate").noconvert() = false, "A BoundGetter of this matcher (spec 07, 6.5).")
      .def(
          "any_found", [](const T& self) { return std::make_shared<BoundAnyFound>(BoundAnyFound{std::make_shared<AnyFoundMemo>(), self}); },
          "A BoundAnyFound of this matcher (spec 07, 6.5).");
}

using Validate = std::optional<bool>;

void bind_getter(py::module_& m) {
  py::class_<Getter, std::shared_ptr<Getter>> cls(m, "Getter", py::is_final(),
                                                  "Gets with a memory of every (node, state) it has visited (spec 07, 6.5).");
  py::class_<BoundGetter, std::shared_ptr<BoundGetter>> bound(m, "BoundGetter", py::is_final(), "A Getter with a matcher (spec 07, 6.5).");
  cls.def(py::init([](bool validate) { return std::shared_ptr<Getter>(new Getter{validate, {}}); }),
          py::arg("default_fancy_validate").noconvert() = false)
      .def_property(
          "default_fancy_validate", [](const Getter& self) { return self.default_fancy_validate; },
          [](Getter& self, const py::object& value) { self.default_fancy_validate = bool_from(value, "default_fancy_validate"); },
          "What fancy_validate=None means.")
      .def(
          "bind",
          [](const std::shared_ptr<Getter>& self, const py::object& matcher) {
            return std::make_shared<BoundGetter>(BoundGetter{self, iterative_matcher_from(matcher)});
          },
          py::arg("matcher"), "A BoundGetter of this getter and the matcher.")
      .def(
          "validate",
          [](Getter& self, const NodePtr& circuit, const py::object& matcher) {
            get(circuit, iterative_matcher_from(matcher), true, &self.steps);
          },
          py::arg("circuit"), py::arg("matcher"), kValidate);
  bound
      .def(py::init([](std::shared_ptr<Getter> getter, const py::object& matcher) {
             return std::make_shared<BoundGetter>(BoundGetter{std::move(getter), iterative_matcher_from(matcher)});
           }),
           py::arg("getter").none(false), py::arg("matcher"))
      .def_property(
          "getter", [](const BoundGetter& self) { return self.getter; },
          [](BoundGetter& self, const py::object& getter) {
            self.getter = object_from<std::shared_ptr<Getter>>(getter, "getter", "a Getter");
          },
          "The live Getter.")
      .def_property(
          "matcher", [](const BoundGetter& self) { return self.matcher; },
          [](BoundGetter& self, const py::object& matcher) { self.matcher = iterative_matcher_from(matcher); },
          "The matcher, as an IterativeMatcher.")
      .def(
          "validate", [](const BoundGetter& self, const NodePtr& circuit) { get(circuit, self.matcher, true, &self.getter->steps); },
          py::arg("circuit"), kValidate);

  const auto with_validate = [&](const char* name, auto operation, const char* doc) {
    cls.def(
        name,
        [operation](Getter& self, const NodePtr& circuit, const py::object& matcher, Validate validate) {
          return operation(circuit, iterative_matcher_from(matcher), validate.value_or(self.default_fancy_validate), &self.steps);
        },
        py::arg("circuit"), py::arg("matcher"), py::arg("fancy_validate").noconvert() = py::none(), doc);
    bound.def(
        name,
        [operation](const BoundGetter& self, const NodePtr& circuit, Validate validate) {
          const BoundGetter now = self;  // another thread may assign its attributes meanwhile
          return operation(circuit, now.matcher, validate.value_or(now.getter->default_fancy_validate), &now.getter->steps);
        },
        py::arg("circuit"), py::arg("fancy_validate").noconvert() = py::none(), doc);
  };
  const auto without = [&](const char* name, auto operation, const char* doc) {
    cls.def(
        name,
        [operation](Getter& self, const NodePtr& circuit, const py::object& matcher) {
          return operation(circuit, iterative_matcher_from(matcher), &self.steps);
        },
        py::arg("circuit"), py::arg("matcher"), doc);
    bound.def(
        name,
        [operation](const BoundGetter& self, const NodePtr& circuit) {
          const BoundGetter now = self;
          return operation(circuit, now.matcher, &now.getter->steps);
        },
        py::arg("circuit"), doc);
  };
  with_validate("get", get_set, kGet);
  with_validate("__call__", get_set, kGet);
  with_validate("get_unique_op", unique_op, kUniqueOp);
  with_validate("get_unique", unique, kUnique);
  without("get_paths", paths, kPaths);
  without("get_all_paths", all_paths, kAllPaths);
  without("get_all_circuits_in_paths", circuits_in_paths, kInPaths);
}

void bind_any_found(py::module_& m) {
  py::class_<AnyFoundMemo, std::shared_ptr<AnyFoundMemo>> cls(m, "AnyFound", py::is_final(),
                                                              "Answers whether anything is found, with a memory (spec 07, 6.5).");
  py::class_<BoundAnyFound, std::shared_ptr<BoundAnyFound>> bound(m, "BoundAnyFound", py::is_final(),
                                                                  "An AnyFound with a matcher; itself a matcher (spec 07, 6.5).");
  const auto ask = [](const std::shared_ptr<AnyFoundMemo>& self, const NodePtr& circuit, const IterativeMatcher& matcher) {
    return unlocked(matcher, [&] { return BoundAnyFound{self, matcher}.are_any_found(circuit); });
  };
  cls.def(py::init<>());
  bound
      .def(py::init([](std::shared_ptr<AnyFoundMemo> any_found, const py::object& matcher) {
             return std::make_shared<BoundAnyFound>(BoundAnyFound{std::move(any_found), iterative_matcher_from(matcher)});
           }),
           py::arg("any_found").none(false), py::arg("matcher"))
      .def_property(
          "any_found", [](const BoundAnyFound& self) { return self.any_found; },
          [](BoundAnyFound& self, const py::object& any_found) {
            self.any_found = object_from<std::shared_ptr<AnyFoundMemo>>(any_found, "any_found", "an AnyFound");
          },
          "The live AnyFound.")
      .def_property(
          "matcher", [](const BoundAnyFound& self) { return self.matcher; },
          [](BoundAnyFound& self, const py::object& matcher) { self.matcher = iterative_matcher_from(matcher); },
          "The matcher, as an IterativeMatcher.");
  cls.def(
      "bind",
      [](const std::shared_ptr<AnyFoundMemo>& self, const py::object& matcher) {
        return std::make_shared<BoundAnyFound>(BoundAnyFound{self, iterative_matcher_from(matcher)});
      },
      py::arg("matcher"), "A BoundAnyFound of this and the matcher.");
  for (const char* name : {"are_any_found", "__call__"}) {
    cls.def(
        name,
        [ask](const std::shared_ptr<AnyFoundMemo>& self, const NodePtr& circuit, const py::object& matcher) {
          return ask(self, circuit, iterative_matcher_from(matcher));
        },
        py::arg("circuit"), py::arg("matcher"), kAnyFound);
    bound.def(
        name,
        [ask](const BoundAnyFound& self, const NodePtr& circuit) {
          const BoundAnyFound now = self;
          return ask(now.any_found, circuit, now.matcher);
        },
        py::arg("circuit"), kAnyFound);
  }
}

}  // namespace

void bind_get(py::module_& m, py::class_<Matcher>& matcher, py::class_<IterativeMatcher>& iterative) {
  py::class_<Node, Ref<Node>> circuit = circuit_class(m);
  add_methods(circuit, "matcher",
              [](const Node& self, const py::object& given) { return std::pair(NodePtr(&self), iterative_matcher_from(given)); });
  bind_getter(m);
  bind_any_found(m);
  add_matcher_methods(matcher);
  add_matcher_methods(iterative);
}

}  // namespace pycircuit
