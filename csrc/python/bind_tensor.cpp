// Content keys and the tensor store (spec 02, sections 8 and 9), and Array's members that make or load tensors (spec 01, 7.1).
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "circuit/nodes/array.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"
#include "tensor/tensor_file.h"
#include "tensor/tensor_store.h"

namespace pycircuit {
namespace {

// The store on disk is written in Python, with torch.save and torch.load.
class PythonTensorStore final : public TensorStore {
 public:
  bool save(const Tensor& tensor, bool force) override {
    const Hash key = tensor.content_key();
    const py::gil_scoped_acquire lock;
    if (!force && is_in_local_store(to_hex(key))) return false;
    return module().attr("save_tensor")(tensor, force).cast<bool>();
  }
  void save_below(const Tensor& tensor, std::string_view directory) override {
    const py::gil_scoped_acquire lock;
    module().attr("save_tensor_below")(tensor, py::str(directory.data(), directory.size()));
  }
  Tensor load(std::string_view key_or_prefix) override {
    const py::gil_scoped_acquire lock;
    if (auto tensor = load_from_local_store(key_or_prefix)) return *tensor;
    try {
      return module().attr("get_tensor_prefix")(py::str(key_or_prefix.data(), key_or_prefix.size())).cast<Tensor>();
    } catch (py::error_already_set& error) {
      // So that the core can say what else is missing.
      if (error.matches(PyExc_RuntimeError)) fail(ErrorId::RuntimeError, std::string(py::str(error.value())));
      throw;
    }
  }
  void fetch(const std::vector<std::string>& prefixes) override {
    const py::gil_scoped_acquire lock;
    module().attr("fetch_tensors")(prefixes);
  }

 private:
  // Below are short cuts for what a model asks for each of its weights when it is printed again or read back; all else goes to Python.

  static std::optional<std::filesystem::path> local_store() {
    const char* set = std::getenv("TENSORS_CACHE_DIR");
    if (set && *set) return set;
    const char* home = std::getenv("HOME");
    if (!home || !*home) return std::nullopt;
    return std::filesystem::path(home) / "tensors_by_hash_cache";
  }

  static bool is_in_local_store(const std::string& key) {
    const auto store = local_store();
    std::error_code error;
    return store && std::filesystem::is_regular_file(*store / key.substr(0, 4) / key.substr(4, 4) / key.substr(8), error);
  }

  // The small tensor that is the only one of the local store with this prefix.
  static std::optional<Tensor> load_from_local_store(std::string_view prefix) {
    constexpr size_t key_digits = 64, directory_digits = 8;
    const auto store = local_store();
    if (!store || prefix.size() < directory_digits || prefix.size() > key_digits) return std::nullopt;
    const std::string rest(prefix.substr(directory_digits));
    std::error_code error;
    std::optional<std::pair<std::filesystem::path, Hash>> found;
    for (const auto& file : std::filesystem::directory_iterator(*store / prefix.substr(0, 4) / prefix.substr(4, 4), error)) {
      const std::string name = file.path().filename();
      const auto key = hash_from_hex(std::string(prefix.substr(0, directory_digits)) + name);
      if (!key || !name.starts_with(rest)) continue;
      if (found) return std::nullopt;
      found.emplace(file.path(), *key);
    }
    if (!found) return std::nullopt;
    auto tensor = load_small_tensor(found->first);
    if (tensor && !std::getenv("TENSORS_BY_HASH_REHASH_ON_LOAD")) set_content_key(*tensor, found->second);
    return tensor;
  }

  static py::module_ module() { return py::module_::import("pycircuit._tensor_store"); }
};

Ref<const Array> random_array(const py::args& sizes, const py::object& name, const py::object& device_dtype, const py::object& seed) {
  const DeviceDtypeOp target = device_dtype_op_from(device_dtype);
  const py::module_ torch = py::module_::import("torch");
  py::dict options;
  if (target.dtype) options["dtype"] = to_torch_dtype(*target.dtype);
  if (target.device) options["device"] = to_text(*target.device);
  if (!seed.is_none()) {
    // A generator of its own draws what torch.manual_seed would give, and leaves torch's alone.
    const py::object device = target.device ? py::object(py::str(to_text(*target.device))) : torch.attr("get_default_device")();
    options["generator"] = torch.attr("Generator")(py::arg("device") = device).attr("manual_seed")(int_from(seed, "seed"));
  }
  const py::object value = torch.attr("randn")(to_tuple(shape_from(sizes)), **options);
  return Array::make(tensor_from_python(value.ptr()), name_from(name));
}

Tensor load_through(const py::object& tensor_cache, const std::string& prefix) {
  check_tensor_cache(tensor_cache);
  return tensor_cache.is_none() ? tensor_store().load(prefix) : tensor_cache.attr("get_tensor")(prefix).cast<Tensor>();
}

void add_array_members(py::module_& m) {
  auto cls = py::reinterpret_borrow<py::class_<Array, Node, Ref<Array>>>(m.attr("Array"));
  cls.def_static("randn", &random_array, py::arg("name") = py::none(), py::arg("device_dtype") = DeviceDtypeOp{Device{}, DType::float32},
                 py::arg("seed") = py::none(), "Standard normal values; with a seed, those of torch.manual_seed(seed) (spec 01, 7.1).")
      .def(
          "save_rrfs",
          [](const Array& self, bool force) {
            tensor_store().save(self.value(), force);
            return to_hex(self.value().content_key());
          },
          py::arg("force") = false, "Saves the tensor to the store and returns its key, 64 hex digits (spec 02, section 9).")
      .def_static(
          "from_hash",
          [](const py::object& name, const std::string& hash_base16) {
            return Array::make(tensor_store().load(hash_base16), name_from(name));
          },
          py::arg("name"), py::arg("hash_base16"), "An Array of the stored tensor with this key or unique prefix (spec 02, section 9).")
      .def_static(
          "from_hash_prefix",
          [](const py::object& name, const std::string& hash_base16, const py::object& tensor_cache, const py::object& cache) {
            if (!tensor_cache.is_none() && !cache.is_none()) throw py::type_error("from_hash_prefix: give tensor_cache or cache, not both");
            return Array::make(load_through(tensor_cache.is_none() ? cache : tensor_cache, hash_base16), name_from(name));
          },
          py::arg("name"), py::arg("hash_base16"), py::arg("tensor_cache") = py::none(), py::kw_only(), py::arg("cache") = py::none(),
          "The same, through a TensorCacheRrfs if given (spec 02, section 9).");
}

}  // namespace

void bind_tensor(py::module_& m) {
  register_torch_errors();
  register_payload<IndexElement>([](const IndexElement& element) { return py::object(to_python(IndexElements{element})[0]); });
  m.def(
      "hash_tensor", [](const Tensor& x) { return x.content_key(); }, py::arg("x"), py::call_guard<py::gil_scoped_release>(),
      "The content key: 32 bytes that depend on shape, dtype, device and elements (spec 02, section 8).");
  m.def(
      "_set_content_key", [](const Tensor& tensor, const Hash& key) { set_content_key(tensor, key); }, py::arg("tensor"), py::arg("key"),
      "Records the key of a tensor that was loaded by it, so that it is not hashed again.");
  m.def("_load_small_tensor", &load_small_tensor, py::arg("path"),
        "The CPU tensor of a small file of torch.save; None for torch.load to judge.");
  add_array_members(m);
  install_tensor_store(new PythonTensorStore);
}

}  // namespace pycircuit
