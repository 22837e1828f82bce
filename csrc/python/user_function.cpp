// Functions written in Python: every call takes the interpreter lock, exceptions pass through unchanged (spec 04, section 12).
#include "python/user_function.h"

#include <pybind11/gil_safe_call_once.h>

#include "base/error.h"
#include "base/text.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

constexpr Uuid kUserTag = "de3124ee-154c-4da8-bdb3-b7496ae6223c"_uuid;

const py::object& spec_module() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> module;
  return module.call_once_and_store_result([] { return py::object(py::module_::import("pycircuit._function_spec")); }).get_stored();
}

std::string type_name(py::handle value) { return py::str(py::type::of(value).attr("__name__")); }

// Runs `call` with the lock held; an exception of the user's code gets a note and goes on.
template <class Call, class Note>
auto in_python(Call&& call, Note&& note) {
  const py::gil_scoped_acquire lock;
  try {
    return call();
  } catch (py::error_already_set& error) {
    error.value().attr("add_note")(note());
    throw;
  }
}

class UserFunctionSpec final : public FunctionSpec {
 public:
  explicit UserFunctionSpec(const py::object& object) : object_(shared_object(object)) {
    const py::object bytes = object.attr("compute_hash_bytes")();
    if (!PyBytes_Check(bytes.ptr())) throw py::type_error("compute_hash_bytes must return bytes, got " + type_name(bytes));
    const py::object name = object.attr("name");
    if (!PyUnicode_Check(name.ptr())) throw py::type_error("the name of a function must be a str, got " + type_name(name));
    name_ = name.cast<std::string>();
    if (name_.find(" at ") != std::string::npos)
      throw py::type_error("function names may not contain ' at ' because of parsing ('<name> at <path>'), got '" + name_ + "'");
    const py::object path = object.attr("path");
    if (!path.is_none()) path_ = checked_path(path);

    Blake3 hasher;
    hasher.update(kUserTag.as_bytes());
    hasher.update(std::string_view(PyBytes_AS_STRING(bytes.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(bytes.ptr()))));
    hash_ = hasher.finish();
  }

  FunctionKind kind() const override { return FunctionKind::User; }
  std::string name() const override { return name_; }
  std::string text() const override {
    if (!path_)
      fail(ErrorId::RuntimeError, "Can't serialize function " + name_ +
                                      ": no path given; define `path` on its class, or print with PrintOptions(bijection=False)");
    return name_ + " at " + *path_;
  }
  Hash identity_hash() const override { return hash_; }
  const void* payload_identity() const override { return object_->ptr(); }
  const py::object& object() const { return *object_; }

  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override {
    return in_python(
        [&] {
          py::tuple args(shapes.size());
          for (size_t i = 0; i < shapes.size(); ++i) args[i] = to_tuple(shapes[i]);
          const py::object result = object_->attr("get_shape_info")(*args);
          if (!py::isinstance<FunctionShapeInfo>(result))
            throw py::type_error("get_shape_info of " + name_ + " must return a GeneralFunctionShapeInfo, got " + type_name(result));
          return result.cast<FunctionShapeInfo>();
        },
        [&] {
          return "while computing the shape of GeneralFunction " + name_ + " of inputs of shapes " +
                 join(shapes, ", ", [](const Shape& shape) { return to_text(shape); });
        });
  }

  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override {
    const auto override = in_python(
        [&]() -> std::optional<DeviceDtypeOp> {
          py::tuple args(children.size());
          for (size_t i = 0; i < children.size(); ++i) args[i] = py::cast(children[i]);
          const py::object result = object_->attr("get_device_dtype_override")(*args);
          if (result.is_none()) return std::nullopt;
          return device_dtype_op_from(result);
        },
        [&] { return "while computing device and dtype of GeneralFunction " + name_; });
    return override ? *override : unify(children);
  }

  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const override {
    return in_python(
        [&] {
          py::tuple args(inputs.size());
          for (size_t i = 0; i < inputs.size(); ++i) args[i] = py::cast(inputs[i]);
          const py::object result = object_->attr("function")(*args);
          if (!is_torch_tensor(result.ptr()))
            throw py::type_error("function of " + name_ + " must return a torch.Tensor, got " + type_name(result));
          return tensor_from_python(result.ptr());
        },
        [&] { return "while evaluating GeneralFunction " + name_; });
  }

 private:
  static std::string checked_path(const py::object& path) {
    if (!PyUnicode_Check(path.ptr())) throw py::type_error("the path of a function must be a str or None, got " + type_name(path));
    try {
      spec_module().attr("check_path")(path);
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_RuntimeError)) throw;
      throw py::type_error(std::string(py::str(error.value())));
    }
    return path.cast<std::string>();
  }

  std::shared_ptr<py::object> object_;
  std::string name_;
  std::optional<std::string> path_;
  Hash hash_;
};

class PythonLocator final : public FunctionLocator {
 public:
  FunctionSpecPtr load(std::string_view path) override {
    const py::gil_scoped_acquire lock;
    return function_spec_from(spec_module().attr("load_by_path")(py::str(path.data(), path.size())));
  }
};

}  // namespace

FunctionSpecPtr function_spec_from(py::handle value) {
  if (py::isinstance<FunctionSpec>(value)) return value.cast<std::shared_ptr<FunctionSpec>>();
  if (!py::isinstance(value, spec_module().attr("GeneralFunctionSpecBase"))) {
    auto object = py::reinterpret_borrow<py::object>(value);
    fail(ErrorId::ConstructGeneralFunctionPyNotInstance,
         "the spec of a GeneralFunction must be a built-in spec or an instance of GeneralFunctionSpecBase, got " + shown(value),
         opaque(shared_object(std::move(object)), shown(value)));
  }
  return std::make_shared<UserFunctionSpec>(py::reinterpret_borrow<py::object>(value));
}

py::object to_python(const FunctionSpecPtr& spec) {
  if (spec->kind() == FunctionKind::User) return static_cast<const UserFunctionSpec&>(*spec).object();
  return py::cast(std::const_pointer_cast<FunctionSpec>(spec));
}

void install_python_function_locator() { install_function_locator(new PythonLocator); }

}  // namespace pycircuit
