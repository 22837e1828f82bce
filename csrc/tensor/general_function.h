// Function descriptions of GeneralFunction nodes and every built-in function (spec 04).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blake3.h"
#include "shape/shape.h"
#include "tensor/device_dtype.h"
#include "tensor/tensor.h"

namespace pycircuit {

// What a shape rule yields (04, section 1).
struct FunctionShapeInfo {
  Shape shape;
  int64_t num_non_batchable_output_dims = 0;
  std::vector<bool> input_batchability;
};

enum class FunctionKind : uint8_t { Simple, Index, ExplicitIndex, SetDD, Pow, Multinomial, User };

class FunctionSpec {
 public:
  virtual ~FunctionSpec() = default;
  virtual FunctionKind kind() const = 0;
  virtual std::string name() const = 0;  // spec name, of automatic names and free text
  virtual std::string text() const = 0;  // bijective text (3.1); RuntimeError for a user function without path
  virtual Hash identity_hash() const = 0;
  virtual FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const = 0;
  virtual DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const = 0;
  // Computes the value from the raw values of the children; `unified` is what the children's metadata unify to.
  virtual Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const = 0;
  // Official functions may be recognised by name (04, 2.1).
  // Identity of the object behind a user function (two objects may have equal hashes); null for built-in ones.
  virtual const void* payload_identity() const { return nullptr; }
  virtual bool is_official() const { return kind() != FunctionKind::User && kind() != FunctionKind::SetDD; }
};
using FunctionSpecPtr = std::shared_ptr<const FunctionSpec>;

struct SimpleSpec final : FunctionSpec {
  // Parameters of the row in the table of section 5; obtained from `simple_spec(name)`.
  std::string function_name;
  int64_t num_non_batchable_output_dims = 0;
  int64_t removed_from_end = 0;
  Hash identity;
  FunctionKind kind() const override { return FunctionKind::Simple; }
  std::string name() const override { return function_name; }
  std::string text() const override { return function_name; }
  Hash identity_hash() const override { return identity; }
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

struct GenIndexSpec final : FunctionSpec {
  int64_t index_dim = 0;
  bool batch_x = false, batch_index = true, check_index_ints = true;
  FunctionKind kind() const override { return FunctionKind::Index; }
  std::string name() const override;
  std::string text() const override { return name(); }
  Hash identity_hash() const override;
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

struct ExplicitIndexSpec final : FunctionSpec {
  int64_t index_dim = 0;
  int64_t x_non_batch_dims = 0;
  bool check_index_ints = true;
  FunctionKind kind() const override { return FunctionKind::ExplicitIndex; }
  std::string name() const override;
  std::string text() const override { return name(); }
  Hash identity_hash() const override;
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

struct SetDDSpec final : FunctionSpec {
  DeviceDtypeOp input_required_compatibility, output;
  FunctionKind kind() const override { return FunctionKind::SetDD; }
  std::string name() const override;
  std::string text() const override { return name(); }
  Hash identity_hash() const override;
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

struct PowSpec final : FunctionSpec {
  FunctionKind kind() const override { return FunctionKind::Pow; }
  std::string name() const override { return "pow"; }
  std::string text() const override { return "pow"; }
  Hash identity_hash() const override;
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

struct MultinomialSpec final : FunctionSpec {
  bool replacement = true;
  Shape shape;
  FunctionKind kind() const override { return FunctionKind::Multinomial; }
  std::string name() const override { return "multinomial"; }
  std::string text() const override;
  Hash identity_hash() const override;
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override;
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override;
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const override;
};

// All names of section 5, in its order.
const std::vector<std::string>& simple_function_names();
// Null for an unknown name.
FunctionSpecPtr simple_spec(std::string_view name);
// A built-in by its text (3.2); null for an unknown name, errors for bad parameters.
FunctionSpecPtr builtin_spec_by_name(std::string_view name);

// Locators "<module or file>:<attribute>" (3.3); python/ implements it.
class FunctionLocator {
 public:
  virtual ~FunctionLocator() = default;
  virtual FunctionSpecPtr load(std::string_view path) = 0;
};
void install_function_locator(FunctionLocator* locator);
// From printed text: "<name> at <path>" or a built-in name (`new_from_parse`).
FunctionSpecPtr spec_from_text(std::string_view text);

FunctionShapeInfo shape_info_simple(const std::vector<Shape>& shapes, int64_t num_non_batchable_output_dims, int64_t removed_from_end);
FunctionShapeInfo shape_info_broadcast(const std::vector<Shape>& shapes, bool special_case_ones);

// The helpers of section 6.
std::vector<Tensor> upcast_tensor_devices(std::vector<Tensor> tensors);
std::vector<Tensor> upcast_tensor_device_dtypes(std::vector<Tensor> tensors);
// Children values converted to the children's unified dtype where it is specified, else upcast (01, section 6).
std::vector<Tensor> unify_values(std::vector<Tensor> values, const std::vector<DeviceDtypeOp>& children);

// Row numbers drawn by torch's CPU multinomial from a fresh generator (04 section 10, 09 section 5).
Tensor draw_multinomial(const Tensor& probs, int64_t seed, const Shape& shape, bool replacement);

}  // namespace pycircuit
