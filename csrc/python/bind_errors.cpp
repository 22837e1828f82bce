// CircuitError and its Python classes, made from the error table (spec 01, section 12).
#include <map>

#include "python/bind.h"
#include "python/convert.h"
#include "text/debug_text.h"

namespace pycircuit {
namespace {

std::map<std::type_index, PayloadConverter>& converters() {
  static auto& map = *new std::map<std::type_index, PayloadConverter>;
  return map;
}

py::object to_python(const PayloadValue& payload);

template <class Items>
py::list to_list(const Items& items) {
  py::list out;
  for (const auto& item : items) out.append(to_python(item));
  return out;
}

py::object to_python(const PayloadValue& payload) {
  struct Visitor {
    py::object operator()(std::monostate) const { return py::none(); }
    py::object operator()(bool v) const { return py::bool_(v); }
    py::object operator()(int64_t v) const { return py::int_(v); }
    py::object operator()(double v) const { return py::float_(v); }
    py::object operator()(const std::string& v) const { return py::str(v); }
    py::object operator()(const PayloadShape& v) const { return to_tuple(v.sizes); }
    py::object operator()(const PayloadList& v) const { return to_list(v); }
    py::object operator()(const PayloadTuple& v) const { return py::tuple(to_list(v.items)); }
    py::object operator()(const PayloadSet& v) const { return py::set(to_list(v.items)); }
    py::object operator()(const PayloadDict& v) const {
      py::dict out;
      for (const auto& [key, count] : v.items) out[py::str(key)] = count;
      return out;
    }
    py::object operator()(const OpaqueValue& v) const {
      const auto converter = converters().find(v.type);
      return converter == converters().end() ? py::object(py::str(v.text)) : converter->second(v.value.get());
    }
  };
  return std::visit(Visitor{}, payload.value);
}

PyObject* builtin_class(ErrorId id) {
  switch (id) {
    case ErrorId::TypeError:
      return PyExc_TypeError;
    case ErrorId::ValueError:
      return PyExc_ValueError;
    case ErrorId::OverflowError:
      return PyExc_OverflowError;
    case ErrorId::BuiltinIndexError:
      return PyExc_IndexError;
    case ErrorId::KeyError:
      return PyExc_KeyError;
    case ErrorId::AssertionError:
      return PyExc_AssertionError;
    case ErrorId::NotImplementedError:
      return PyExc_NotImplementedError;
    case ErrorId::ImportError:
      return PyExc_ImportError;
    case ErrorId::OSError:
      return PyExc_OSError;
    case ErrorId::AttributeError:
      return PyExc_AttributeError;
    default:
      return PyExc_RuntimeError;
  }
}

// The class objects by id, filled by pycircuit._errors.
py::dict* error_classes = nullptr;

// The message, with the circuits of the payload as repr shows them (spec 06, section 7).
std::string message_of(const CircuitError& error) {
  std::string message = error.what();
  const std::vector<std::string> fields = error_fields(error.id());
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto* opaque = std::get_if<OpaqueValue>(&error.payload()[i].value);
    if (!opaque || opaque->type != typeid(NodePtr)) continue;
    const auto& node = *static_cast<const NodePtr*>(opaque->value.get());
    if (node->num_children() > 0) message += "\n  " + fields[i] + ": " + debug_text_for_message(*node);
  }
  return message;
}

void raise(const CircuitError& error) {
  if (error.id() >= ErrorId::RuntimeError) {
    PyErr_SetString(builtin_class(error.id()), error.what());
    return;
  }
  const py::object cls = (*error_classes)[py::str(error_class_name(error.id()))];
  const py::object instance = cls.attr("_from_core")(py::str(message_of(error)), to_list(error.payload()));
  PyErr_SetObject(cls.ptr(), instance.ptr());
}

}  // namespace

void register_payload_type(std::type_index type, PayloadConverter converter) { converters()[type] = converter; }

void bind_errors(py::module_& m) {
  register_payload<NodePtr>([](const NodePtr& node) { return py::cast(node); });
  register_payload<Tensor>([](const Tensor& tensor) { return py::cast(tensor); });
  register_payload<IndexElements>([](const IndexElements& elements) { return py::object(to_python(elements)); });

  py::list families, rows;
#define PYCIRCUIT_ROW(family, prefix, base) families.append(py::make_tuple(#family, #prefix, #base));
  PYCIRCUIT_ERROR_FAMILIES(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
#define PYCIRCUIT_ROW(prefix, name, fields, type_error) rows.append(py::make_tuple(#prefix, #name, fields, type_error));
  PYCIRCUIT_ERRORS(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
  m.attr("_error_families") = families;
  m.attr("_error_rows") = rows;
  m.def("_set_error_classes", [](const py::dict& classes) { error_classes = new py::dict(classes); }, py::arg("classes"));

  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const CircuitError& error) {
      raise(error);
    } catch (const py::cast_error& error) {
      // pybind11 would make a RuntimeError of it, with the names of C++ types.
      const std::string text = error.what();
      PyErr_SetString(PyExc_TypeError, text.substr(0, text.find(" to C++ type")).c_str());
    }
  });
}

}  // namespace pycircuit
