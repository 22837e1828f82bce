#include "python/matcher_convert.h"

#include "match/context.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

// A Python callable behind one of the core's interfaces; two are the same function if they are the same object.
template <class Interface>
class PythonFunction : public Interface {
 public:
  explicit PythonFunction(py::handle callable) : callable_(shared_object(py::reinterpret_borrow<py::object>(callable))) {}
  const void* identity() const override { return callable_->ptr(); }
  std::string text() const override {
    const py::gil_scoped_acquire lock;
    return py::str(*callable_);
  }
  const py::object& callable() const { return *callable_; }

 protected:
  // With the interpreter lock held.
  py::object call(const NodePtr& node) const {
    PyObject* result = PyObject_CallOneArg(callable_->ptr(), py::cast(node).ptr());
    if (!result) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(result);
  }

 private:
  std::shared_ptr<py::object> callable_;
};

class PythonPredicate final : public PythonFunction<NodePredicate> {
 public:
  using PythonFunction::PythonFunction;
  bool accepts(const NodePtr& node) const override {
    const py::gil_scoped_acquire lock;
    return bool_from(call(node), "result of a matcher's predicate");
  }
};

class PythonIteration final : public PythonFunction<NodeIteration> {
 public:
  using PythonFunction::PythonFunction;
  MatchStep match_iterate(const NodePtr& node) const override {
    const py::gil_scoped_acquire lock;
    const py::object result = call(node);
    if (!py::isinstance<IterateMatchResults>(result))
      fail_expected("result of a function given to new_func", "IterateMatchResults", result);
    return result.cast<IterateMatchResults&>().step;
  }
};

class PythonTransform final : public PythonFunction<NodeTransform> {
 public:
  using PythonFunction::PythonFunction;
  NodePtr run(const NodePtr& node) const override {
    const py::gil_scoped_acquire lock;
    return circuit_from(call(node), "result of a transform");
  }
};

constexpr std::string_view kMatcherIn =
    "a matcher (bool, str, node class, Circuit, a set of str, classes or circuits, Regex, BoundAnyFound, Matcher or a callable)";

// A set whose items are all of one kind.
Matcher matcher_from_set(py::handle value, std::string_view what) {
  std::vector<std::string> names;
  std::vector<Kind> kinds;
  NodePtrs circuits;
  const size_t size = py::len(value);
  for (const py::handle item : value) {
    if (PyUnicode_Check(item.ptr())) {
      names.push_back(*name_from(item, what));
    } else if (const auto kind = PyType_Check(item.ptr()) ? kind_of_class(item) : std::nullopt) {
      kinds.push_back(*kind);
    } else if (py::isinstance<Node>(item)) {
      circuits.push_back(circuit_from(item, what));
    } else {
      fail_expected(what, "a set of only str, only node classes or only circuits", value);
    }
  }
  if (names.size() == size) return Matcher::names(std::move(names));
  if (kinds.size() == size) return Matcher::kinds(kinds);
  if (circuits.size() == size) return Matcher::circuits(circuits);
  fail_expected(what, "a set of only str, only node classes or only circuits", value);
}

}  // namespace

bool bool_from(py::handle value, std::string_view what) {
  if (value.is(py::handle(Py_True))) return true;
  if (value.is(py::handle(Py_False))) return false;
  const std::string_view type = Py_TYPE(value.ptr())->tp_name;
  if (type == "numpy.bool_" || type == "numpy.bool") return PyObject_IsTrue(value.ptr()) == 1;
  fail_expected(what, "a bool", value);
}

Matcher matcher_from(py::handle value, std::string_view what) {
  if (PyBool_Check(value.ptr())) return Matcher(value.is(py::handle(Py_True)));
  if (PyUnicode_Check(value.ptr())) return Matcher::name(*name_from(value, what));
  if (PyAnySet_Check(value.ptr())) return matcher_from_set(value, what);
  if (PyType_Check(value.ptr())) {
    if (const auto kind = kind_of_class(value)) return Matcher::kind(*kind);
    fail_expected(what, "one of the 17 node classes", value);
  }
  if (py::isinstance<Matcher>(value)) return value.cast<const Matcher&>();
  if (py::isinstance<Node>(value)) return Matcher::circuit(circuit_from(value, what));
  if (py::isinstance<Regex>(value)) {
    const auto& regex = value.cast<const Regex&>();
    return Matcher::regex(regex.pattern(), regex.escape_dot());
  }
  if (py::isinstance<BoundAnyFound>(value)) return Matcher::match_any_found(value.cast<const BoundAnyFound&>().matcher);
  if (py::isinstance<IterativeMatcher>(value))
    fail_expected(what, "a predicate on one node; an IterativeMatcher depends on the way to a node and cannot stand here", value);
  if (PyCallable_Check(value.ptr())) return Matcher::predicate(std::make_shared<const PythonPredicate>(value));
  fail_expected(what, kMatcherIn, value);
}

IterativeMatcher iterative_matcher_from(py::handle value, std::string_view what) {
  if (py::isinstance<IterativeMatcher>(value)) return value.cast<const IterativeMatcher&>();
  return matcher_from(value, what);
}

IterativeMatcher iteration_from(py::handle callable) {
  if (!PyCallable_Check(callable.ptr())) fail_expected("new_func", "a callable circuit -> IterateMatchResults", callable);
  return IterativeMatcher::function(std::make_shared<const PythonIteration>(callable));
}

std::shared_ptr<const ForeignFunction> predicate_function(py::handle callable) { return std::make_shared<const PythonPredicate>(callable); }
std::shared_ptr<const ForeignFunction> iteration_function(py::handle callable) { return std::make_shared<const PythonIteration>(callable); }

Transform transform_from(py::handle value, std::string_view what) {
  if (py::isinstance<Transform>(value)) return value.cast<const Transform&>();
  if (!PyCallable_Check(value.ptr())) fail_expected(what, "a Transform or a callable circuit -> circuit", value);
  return Transform(std::make_shared<const PythonTransform>(value));
}

std::function<NodePtr(const NodePtr&)> circuit_function_from(py::handle value, std::string_view what) {
  if (!PyCallable_Check(value.ptr())) fail_expected(what, "a callable", value);
  return [transform = Transform(std::make_shared<const PythonTransform>(value))](const NodePtr& node) { return transform(node); };
}

py::object callable_of(const ForeignFunction& function) {
  if (const auto* predicate = dynamic_cast<const PythonPredicate*>(&function)) return predicate->callable();
  if (const auto* iteration = dynamic_cast<const PythonIteration*>(&function)) return iteration->callable();
  if (const auto* transform = dynamic_cast<const PythonTransform*>(&function)) return transform->callable();
  throw py::type_error("a function of the core cannot be pickled: " + function.text());
}

MatchStep::Next next_from(py::handle updated, MatchStep& step) {
  step.for_all.reset();
  step.per_child.clear();
  if (updated.is_none()) return step.next = MatchStep::Next::same;
  if (py::isinstance<Finished>(updated)) return step.next = MatchStep::Next::finished;
  if (!PyList_Check(updated.ptr()) && !PyTuple_Check(updated.ptr())) {
    step.for_all = iterative_matcher_from(updated, "updated");
    return step.next = MatchStep::Next::all;
  }
  for (const py::handle item : updated)
    step.per_child.push_back(py::isinstance<Finished>(item) ? MaybeMatcher() : iterative_matcher_from(item, "updated"));
  return step.next = MatchStep::Next::per_child;
}

py::object to_python(const MaybeMatcher& state) { return state ? py::cast(*state) : finished_object(); }

py::object updated_to_python(const MatchStep& step) {
  switch (step.next) {
    case MatchStep::Next::same:
      return py::none();
    case MatchStep::Next::finished:
      return finished_object();
    case MatchStep::Next::all:
      return to_python(step.for_all);
    case MatchStep::Next::per_child:
      break;
  }
  py::list states;
  for (const auto& state : step.per_child) states.append(to_python(state));
  return states;
}

py::object finished_object() {
  static const py::handle only = py::cast(Finished{}).release();
  return py::reinterpret_borrow<py::object>(only);
}

bool BoundAnyFound::are_any_found(const NodePtr& circuit) const {
  MatchContext context;
  return any_found->are_any_found(circuit, matcher, context);
}

}  // namespace pycircuit
