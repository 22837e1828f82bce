// Parser (spec 05, section 6).
#include "python/arguments.h"
#include "python/bind_text.h"
#include "python/matcher_convert.h"
#include "python/shown.h"
#include "text/parser.h"
#include "text/references.h"

namespace pycircuit {
namespace {

using References = std::vector<std::pair<std::string, NodePtr>>;

References references_from(py::handle value) {
  if (!PyDict_Check(value.ptr())) fail_expected("reference_circuits", "a dict of str to circuit", value);
  References references;
  for (const auto& [key, circuit] : py::reinterpret_borrow<py::dict>(value))
    references.emplace_back(str_from(key, "reference_circuits"), circuit_from(circuit, "reference_circuits"));
  return references;
}

void add_by_name(References& references, py::handle circuits) {
  if (!PyList_Check(circuits.ptr()) && !PyTuple_Check(circuits.ptr()))
    fail_expected("reference_circuits_by_name", "a list of circuits", circuits);
  for (const NodePtr& circuit : circuits_from(circuits, "reference_circuits_by_name"))
    references.emplace_back(reference_name(circuit), circuit);
  std::vector<std::string_view> keys;
  for (const auto& [key, circuit] : references) keys.push_back(key);
  check_distinct_identifiers(keys);
}

DeviceDtypeOp device_dtype_from(py::handle value) {
  if (!py::isinstance<DeviceDtypeOp>(value)) fail_expected("tensors_as_random_device_dtype", "a TorchDeviceDtypeOp", value);
  return value.cast<DeviceDtypeOp>();
}

// torch.randn, by way of Array.randn.
Tensor random_tensor(const Shape& shape, const DeviceDtypeOp& device_dtype) {
  const py::gil_scoped_acquire lock;
  const py::object randn = py::module_::import("pycircuit._core").attr("Array").attr("randn");
  return randn(*to_tuple(shape), py::arg("device_dtype") = device_dtype).attr("value").cast<Tensor>();
}

// Text as UTF-8 that stays as long as the str does.
std::string_view text_from(py::handle text) {
  if (!PyUnicode_Check(text.ptr())) throw py::type_error("string: expected a str, got " + shown(py::type::of(text)));
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!data) throw py::error_already_set();
  return {data, static_cast<size_t>(size)};
}

TensorSource source_from(const py::object& tensor_cache) {
  if (tensor_cache.is_none()) return {};
  check_tensor_cache(tensor_cache);
  return [cache = shared_object(tensor_cache)](std::string_view prefix) {
    const py::gil_scoped_acquire lock;
    try {
      return cache->attr("get_tensor")(py::str(prefix.data(), prefix.size())).cast<Tensor>();
    } catch (py::error_already_set& error) {
      // So that the core can say what else is missing.
      if (error.matches(PyExc_RuntimeError)) fail(ErrorId::RuntimeError, std::string(py::str(error.value())));
      throw;
    }
  };
}

NodePtrs parse(const ParserOptions& parser, const py::object& string, const py::object& tensor_cache) {
  const std::string_view text = text_from(string);
  const TensorSource source = source_from(tensor_cache);
  const ParserOptions options = parser;  // another thread may assign to the parser meanwhile
  const py::gil_scoped_release release;
  return parse_circuits(text, options, source);
}

NodePtr parse_one(const ParserOptions& parser, const py::object& string, const py::object& tensor_cache) {
  const std::string_view text = text_from(string);
  const TensorSource source = source_from(tensor_cache);
  const ParserOptions options = parser;
  const py::gil_scoped_release release;
  return parse_circuit(text, options, source);
}

template <bool ParserOptions::* member>
void def_flag(py::class_<ParserOptions>& cls, const char* name, const char* doc) {
  static const char* stored = name;
  cls.def_property(
      name, [](const ParserOptions& self) { return self.*member; },
      [](ParserOptions& self, const py::object& value) { self.*member = bool_from(value, stored); }, doc);
}

}  // namespace

void bind_parser(py::module_& m) {
  py::class_<ParserOptions> cls(m, "Parser", "Reads circuits from text (spec 05, section 6).");
  cls.def(py::init([](const py::object& reference_circuits, const py::object& reference_circuits_by_name,
                      const py::object& tensors_as_random, const py::object& tensors_as_random_device_dtype,
                      const py::object& allow_hash_with_random, const py::object& on_repeat_check_info_same,
                      const py::object& module_check_all_inputs_used, const py::object& module_check_unique_arg_names) {
            ParserOptions options;
            options.reference_circuits = references_from(reference_circuits);
            add_by_name(options.reference_circuits, reference_circuits_by_name);
            options.tensors_as_random = bool_from(tensors_as_random, "tensors_as_random");
            options.tensors_as_random_device_dtype = device_dtype_from(tensors_as_random_device_dtype);
            options.allow_hash_with_random = bool_from(allow_hash_with_random, "allow_hash_with_random");
            options.on_repeat_check_info_same = bool_from(on_repeat_check_info_same, "on_repeat_check_info_same");
            options.module_check_all_inputs_used = bool_from(module_check_all_inputs_used, "module_check_all_inputs_used");
            options.module_check_unique_arg_names = bool_from(module_check_unique_arg_names, "module_check_unique_arg_names");
            options.random_tensor = random_tensor;
            return options;
          }),
          py::arg("reference_circuits") = py::dict(), py::arg("reference_circuits_by_name") = py::list(),
          py::arg("tensors_as_random") = false, py::arg("tensors_as_random_device_dtype") = DeviceDtypeOp{Device{}, DType::float32},
          py::arg("allow_hash_with_random") = false, py::arg("on_repeat_check_info_same") = true,
          py::arg("module_check_all_inputs_used") = true, py::arg("module_check_unique_arg_names") = false)
      .def_property(
          "reference_circuits",
          [](const ParserOptions& self) {
            py::dict out;
            for (const auto& [key, circuit] : self.reference_circuits) out[py::str(key)] = circuit;
            return out;
          },
          [](ParserOptions& self, const py::object& value) { self.reference_circuits = references_from(value); },
          "Circuits by the identifier under which text may refer to them, a fresh dict (spec 05, section 3.4).")
      .def_property(
          "tensors_as_random_device_dtype", [](const ParserOptions& self) { return self.tensors_as_random_device_dtype; },
          [](ParserOptions& self, const py::object& value) { self.tensors_as_random_device_dtype = device_dtype_from(value); },
          "Device and dtype of random Arrays.")
      .def("parse_circuits", &parse, py::arg("string"), py::arg("tensor_cache") = py::none(),
           "The top-level circuits of a text in order. ParseErrors, and what constructors and the tensor store raise (spec 05, section "
           "6.2).")
      .def("parse_circuit", &parse_one, py::arg("string"), py::arg("tensor_cache") = py::none(),
           "The only top-level circuit; ParseCircuitExpectedOneCircuitGotMultipleError otherwise (spec 05, section 6.2).")
      .def("__call__", &parse_one, py::arg("string"), py::arg("tensor_cache") = py::none(), "parse_circuit.");
  def_flag<&ParserOptions::tensors_as_random>(cls, "tensors_as_random", "Whether all Arrays are read as random values.");
  def_flag<&ParserOptions::allow_hash_with_random>(cls, "allow_hash_with_random",
                                                   "Whether keys of Arrays that are read as random are ignored.");
  def_flag<&ParserOptions::on_repeat_check_info_same>(cls, "on_repeat_check_info_same",
                                                      "Whether what a repeat says must agree with the definition.");
  def_flag<&ParserOptions::module_check_all_inputs_used>(cls, "module_check_all_inputs_used",
                                                         "Whether a Module's parameters must be used.");
  def_flag<&ParserOptions::module_check_unique_arg_names>(cls, "module_check_unique_arg_names",
                                                          "Whether a Module's parameters must have different names.");
}

}  // namespace pycircuit
