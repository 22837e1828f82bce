// Constructors of node classes: calls take their arguments as the interpreter has them (vectorcall), without a tuple, a dict and a search
// among overloads. What does not fit goes the general way of pybind11, which also reports errors.
#pragma once

#include <array>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "python/circuit_object.h"
#include "python/convert.h"

namespace pycircuit {

// The positional arguments of a class that takes any number of them.
struct Positional {
  PyObject* const* items;
  size_t count;
};
NodePtrs circuits_from(const Positional& values, std::string_view what);

// For classes with a Constructor: lets their objects be called by vectorcall.
py::metaclass constructor_metaclass();

struct Parameter {
  Parameter() = default;
  Parameter(const py::arg& parameter) : name(PyUnicode_InternFromString(parameter.name)) {}
  Parameter(const py::arg_v& parameter)
      : name(PyUnicode_InternFromString(parameter.name)), standard(py::object(parameter.value).release().ptr()) {}
  PyObject* name = nullptr;
  PyObject* standard = nullptr;  // where none is given; null: one must be given
};
// The values of the parameters, the first `positional` by position; false where the arguments do not fit them. Those with names stand
// behind `items`.
bool sort_arguments(std::span<const Parameter> parameters, size_t positional, Positional items, PyObject* names, PyObject** values);
// The call as the class's `tp_call` takes it.
PyObject* call_in_general(PyObject* cls, Positional items, PyObject* names);

// The constructor that calls kMake with the values of the parameters, before them, where kAnyNumber, with the positional arguments.
template <auto kMake, bool kAnyNumber, class T, class... Values>
class Constructor {
 public:
  template <class... Parameters>
  static void add(py::class_<T, Node, Ref<T>>& cls, const Parameters&... parameters) {
    static_assert(sizeof...(Parameters) == sizeof...(Values));
    const auto unconst = [](const Ref<const T>& node) { return Ref<T>(const_cast<T*>(node.get())); };
    if constexpr (kAnyNumber) {
      cls.def(py::init([unconst](const py::args& items, Values... values) {
                return unconst(make({&PyTuple_GET_ITEM(items.ptr(), 0), items.size()}, std::forward<Values>(values)...));
              }),
              parameters...);
    } else {
      cls.def(py::init([unconst](Values... values) { return unconst(make({}, std::forward<Values>(values)...)); }), parameters...);
    }
    auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
    if (type->tp_vectorcall) return;  // of a class with several forms the first is the quick one
    parameters_ = {Parameter(parameters)...};
    type->tp_vectorcall = call;
  }

 private:
  static Ref<const T> make([[maybe_unused]] Positional items, Values... values) {
    if constexpr (kAnyNumber) {
      return kMake(items, std::forward<Values>(values)...);
    } else {
      return kMake(std::forward<Values>(values)...);
    }
  }

  static PyObject* call(PyObject* cls, PyObject* const* arguments, size_t flagged, PyObject* names) {
    return call_with(cls, {arguments, static_cast<size_t>(PyVectorcall_NARGS(flagged))}, names, std::index_sequence_for<Values...>());
  }

  template <size_t... kAt>
  static PyObject* call_with(PyObject* cls, Positional items, PyObject* names, std::index_sequence<kAt...>) {
    std::array<PyObject*, sizeof...(Values)> values;
    std::tuple<py::detail::make_caster<Values>...> casters;
    try {
      if (!sort_arguments(parameters_, kAnyNumber ? 0 : items.count, items, names, values.data()) ||
          !(std::get<kAt>(casters).load(values[kAt], true) && ...))
        return call_in_general(cls, items, names);
      return circuit_object(*make(items, py::detail::cast_op<Values>(std::move(std::get<kAt>(casters)))...)).ptr();
    } catch (py::error_already_set& error) {
      error.restore();
    } catch (...) {
      py::detail::try_translate_exceptions();
    }
    return nullptr;
  }

  inline static std::array<Parameter, sizeof...(Values)> parameters_;
};

// cls(...) calls kMake(values of the parameters) or kMake(Positional, values of the parameters); `parameters` name and default the values,
// as for py::init.
template <auto kMake, class Class, class... Parameters>
void add_constructor(Class& cls, const Parameters&... parameters) {
  const auto add = [&]<class T, class First, class... Values>(Ref<const T> (*)(First, Values...)) {
    if constexpr (std::is_same_v<First, Positional>) {
      Constructor<kMake, true, T, Values...>::add(cls, parameters...);
    } else {
      Constructor<kMake, false, T, First, Values...>::add(cls, parameters...);
    }
  };
  add(kMake);
}

}  // namespace pycircuit
