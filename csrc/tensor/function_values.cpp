// What built-in functions compute (spec 04, sections 5 to 10) and the unification of values (section 6).
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/special_ndtr.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <cstring>
#include <numbers>

#include "base/error.h"
#include "tensor/aten.h"
#include "tensor/content_key.h"
#include "tensor/general_function.h"
#include "tensor/positions.h"
#include "tensor/simple_functions.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

bool is_floating(const at::Tensor& x) { return x.is_floating_point(); }
bool is_half(const at::Tensor& x) { return x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16; }

// Runs a formula of several operations in float32 at least and rounds once.
template <class Formula>
at::Tensor rounded_once(const at::Tensor& x, Formula&& formula) {
  return is_half(x) ? formula(x.to(at::kFloat)).to(x.scalar_type()) : formula(x);
}

void refuse_bool(const at::Tensor& x, std::string_view name) {
  if (x.scalar_type() == at::kBool)
    fail(ErrorId::RuntimeError, std::string(name) + " is not defined for bool tensors; cast to another dtype first");
}

void refuse_empty_rows(const at::Tensor& x, std::string_view name) {
  if (x.size(-1) == 0)
    fail(ErrorId::BuiltinIndexError,
         std::string(name) + " over the last axis of shape " + to_text(Shape(x.sizes().vec())) + ": an empty row has none");
}

using Compute = at::Tensor (*)(const at::Tensor&);

struct Row {
  SimpleFunction description;
  Compute compute;
};

const std::vector<Row>& rows() {
  constexpr double kInvSqrt2Pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  static const auto& table = *new std::vector<Row>{
      {{"sin", 0, 0, false}, [](const at::Tensor& x) { return x.sin(); }},
      {{"cos", 0, 0, false}, [](const at::Tensor& x) { return x.cos(); }},
      {{"sigmoid", 0, 0, false}, [](const at::Tensor& x) { return x.sigmoid(); }},
      {{"tanh", 0, 0, false}, [](const at::Tensor& x) { return x.tanh(); }},
      {{"rsqrt", 0, 0, false}, [](const at::Tensor& x) { return x.rsqrt(); }},
      {{"gelu", 0, 0, false}, [](const at::Tensor& x) { return at::gelu(x); }},
      {{"gelu_new", 0, 0, false}, [](const at::Tensor& x) { return at::gelu(x, "tanh"); }},
      {{"relu", 0, 0, true},
       [](const at::Tensor& x) {
         refuse_bool(x, "relu");
         return x.relu();
       }},
      {{"step", 0, 0, true}, [](const at::Tensor& x) { return x.gt(0).to(x.scalar_type()); }},
      {{"reciprocal", 0, 0, false}, [](const at::Tensor& x) { return x.reciprocal(); }},
      {{"log_exp_p_1", 0, 0, false}, [](const at::Tensor& x) { return at::logaddexp(x, at::zeros({}, x.options())); }},
      {{"gaussian_pdf", 0, 0, false},
       [](const at::Tensor& x) {
         return rounded_once(x, [](const at::Tensor& y) { return y.square().mul(-0.5).exp().mul(kInvSqrt2Pi); });
       }},
      {{"gaussian_cdf", 0, 0, false}, [](const at::Tensor& x) { return at::special_ndtr(x); }},
      {{"softmax", 1, 0, false}, [](const at::Tensor& x) { return at::softmax(x, -1); }},
      {{"log_softmax", 1, 0, false}, [](const at::Tensor& x) { return at::log_softmax(x, -1); }},
      {{"min", 0, 1, true},
       [](const at::Tensor& x) {
         refuse_empty_rows(x, "min");
         return x.amin(-1);
       }},
      {{"max", 0, 1, true},
       [](const at::Tensor& x) {
         refuse_empty_rows(x, "max");
         return x.amax(-1);
       }},
      {{"last_dim_size", 0, 1, true},
       [](const at::Tensor& x) {
         return at::scalar_tensor(x.size(-1), at::kLong).to(x.device(), x.scalar_type()).expand(x.sizes().slice(0, x.dim() - 1));
       }},
      {{"abs", 0, 0, true},
       [](const at::Tensor& x) {
         refuse_bool(x, "abs");
         return x.abs();
       }},
      {{"exp", 0, 0, false}, [](const at::Tensor& x) { return x.exp(); }},
      {{"log", 0, 0, false}, [](const at::Tensor& x) { return x.log(); }},
      {{"logit", 0, 0, false}, [](const at::Tensor& x) { return x.logit(); }},
  };
  return table;
}

const Row* find_row(std::string_view name) {
  for (const auto& row : rows())
    if (row.description.name == name) return &row;
  return nullptr;
}

// --- indexing by a computed index

// Of contiguous memory, as torch's index_select does it, which takes longer to begin than to copy a few rows.
at::Tensor take_rows(const at::Tensor& x, const at::Tensor& positions, const Shape& shape) {
  at::Tensor out = views::empty(shape, x);
  const at::Tensor flat = positions.contiguous();
  const int64_t* from = flat.const_data_ptr<int64_t>();
  const auto bytes = x.size(0) == 0 ? 0 : static_cast<int64_t>(x.nbytes()) / x.size(0);
  const auto* source = static_cast<const char*>(x.const_data_ptr());
  auto* target = static_cast<char*>(out.mutable_data_ptr());
  constexpr int64_t kBytesPerPart = 1 << 16;
  at::parallel_for(0, bytes == 0 ? 0 : flat.numel(), std::max<int64_t>(1, kBytesPerPart / std::max<int64_t>(1, bytes)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i)
                       std::memcpy(target + i * bytes, source + from[i] * bytes, static_cast<size_t>(bytes));
                   });
  return out;
}

// x with axis `axis` replaced by the axes of `positions`.
at::Tensor take(const at::Tensor& x, int64_t axis, const at::Tensor& positions) {
  Shape shape(x.sizes().begin(), x.sizes().begin() + axis);
  shape.insert(shape.end(), positions.sizes().begin(), positions.sizes().end());
  shape.insert(shape.end(), x.sizes().begin() + axis + 1, x.sizes().end());
  if (axis == 0 && x.is_cpu() && positions.is_cpu() && x.is_contiguous() && !views::is_watched(x)) return take_rows(x, positions, shape);
  return x.index_select(axis, positions.reshape(-1)).reshape(shape);
}

// out[p.., q.., rest] = x[p.., rest with positions[p.., q..] inserted at d], p over the first `batch` axes.
at::Tensor take_batched(const at::Tensor& x, int64_t batch, int64_t d, const at::Tensor& positions) {
  if (batch == 0) return take(x.movedim(d, 0), 0, positions);
  const at::Tensor moved = x.movedim(batch + d, batch);  // p.., indexed axis, rest
  const auto rest = moved.sizes().slice(batch + 1);
  const at::Tensor flat = positions.reshape([&] {
    Shape shape(positions.sizes().begin(), positions.sizes().begin() + batch);
    shape.push_back(positions.sizes().slice(batch).empty() ? 1 : c10::multiply_integers(positions.sizes().slice(batch)));
    shape.insert(shape.end(), rest.size(), 1);
    return shape;
  }());
  Shape expanded = flat.sizes().vec();
  std::copy(rest.begin(), rest.end(), expanded.begin() + batch + 1);
  Shape shape = positions.sizes().vec();
  shape.insert(shape.end(), rest.begin(), rest.end());
  return moved.gather(batch, flat.expand(expanded)).reshape(shape);
}

std::pair<at::Tensor, at::Tensor> on_one_device(const std::vector<Tensor>& inputs) {
  const auto moved = upcast_tensor_devices(inputs);
  return {to_aten(moved.at(0)), to_aten(moved.at(1))};
}

int64_t integer_seed(const at::Tensor& seed) {
  if (!is_floating(seed)) return seed.item<int64_t>();
  const double value = seed.item<double>();
  if (!(value > -0x1p63 && value < 0x1p63))
    fail(ErrorId::RuntimeError, "multinomial: the seed " + std::to_string(value) + " does not fit 64 bits");
  return static_cast<int64_t>(value);
}

std::vector<Tensor> convert_all(std::vector<Tensor> tensors, const std::optional<Device>& device, const std::optional<DType>& dtype) {
  for (auto& tensor : tensors) {
    const DeviceDtype actual{tensor.device(), tensor.dtype()};
    const DeviceDtype target{device.value_or(actual.device), dtype.value_or(actual.dtype)};
    if (actual != target) tensor = to_device_dtype(tensor, {target.device, target.dtype});
  }
  return tensors;
}

std::optional<Device> common_device(const std::vector<Tensor>& tensors) {
  for (const auto& tensor : tensors)
    if (!tensor.device().is_cpu()) return tensor.device();
  return std::nullopt;
}

// What the dtypes become; nothing where they agree already.
std::optional<DType> common_dtype(const std::vector<Tensor>& tensors) {
  std::optional<DType> other;
  bool equal = true;
  for (const auto& tensor : tensors) equal &= tensor.dtype() == tensors.front().dtype();
  if (equal) return std::nullopt;
  for (const auto& tensor : tensors) {
    const DType dtype = tensor.dtype();
    if (dtype == DType::float64) continue;
    if (pycircuit::is_floating(dtype)) return dtype;
    if (!other) other = dtype;
  }
  return other;
}

}  // namespace

at::Tensor checked_positions(const at::Tensor& index, Size size, bool allow_negative, bool check_ints, const at::Device& device,
                             const std::string& what) {
  at::Tensor positions = index.scalar_type() == at::kLong ? index : index.to(at::kLong);
  if (check_ints && is_floating(index) && !index.eq(positions).all().item<bool>())
    fail(ErrorId::AssertionError, what + ": the index (gen_index) holds values that are not integers");
  const auto range = value_range(from_aten(positions));
  if (range) {
    const bool too_low = range->first < (allow_negative ? -size : 0);
    if (too_low || range->second >= size)
      fail(ErrorId::BuiltinIndexError, what + ": index " + std::to_string(too_low ? range->first : range->second) +
                                           " is out of range for an axis of size " + std::to_string(size));
    if (range->first < 0) positions = at::where(positions.lt(0), positions.add(size), positions);
  }
  return positions.device() == device ? positions : positions.to(device);
}

at::Tensor rows_at(const at::Tensor& x, const at::Tensor& positions) { return take(x, 0, positions); }

const std::vector<SimpleFunction>& simple_functions() {
  static const auto& list = *new std::vector<SimpleFunction>([] {
    std::vector<SimpleFunction> out;
    for (const auto& row : rows()) out.push_back(row.description);
    return out;
  }());
  return list;
}

const SimpleFunction* simple_function(std::string_view name) {
  const Row* row = find_row(name);
  return row ? &row->description : nullptr;
}

std::vector<Tensor> upcast_tensor_devices(std::vector<Tensor> tensors) {
  const auto device = common_device(tensors);
  return device ? convert_all(std::move(tensors), device, std::nullopt) : tensors;
}

std::vector<Tensor> upcast_tensor_device_dtypes(std::vector<Tensor> tensors) {
  const auto device = common_device(tensors);
  const auto dtype = common_dtype(tensors);
  return device || dtype ? convert_all(std::move(tensors), device, dtype) : tensors;
}

std::vector<Tensor> unify_values(std::vector<Tensor> values, const std::vector<DeviceDtypeOp>& children) {
  const DeviceDtypeOp unified = unify(children);
  const auto device = unified.device ? unified.device : common_device(values);
  const auto dtype = unified.dtype ? unified.dtype : common_dtype(values);
  return device || dtype ? convert_all(std::move(values), device, dtype) : values;
}

Tensor SimpleSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const {
  const Row& row = *find_row(function_name);
  at::Tensor x = to_aten(unify_values(inputs, children).at(0));
  if (!row.description.keeps_integers && !is_floating(x)) x = x.to(at::kFloat);
  return from_aten(row.compute(x));
}

Tensor GenIndexSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const {
  const auto [x, index] = on_one_device(inputs);
  const bool paired = batch_x && batch_index;
  const int64_t batch = paired ? index.dim() : 0;
  const int64_t d = normalize_axis(index_dim, x.dim() - batch);
  const at::Tensor positions = checked_positions(index, x.size(batch + d), paired, check_index_ints, x.device(), name());
  return from_aten(batch_index ? take_batched(x, batch, d, positions) : take(x, d, positions));
}

Tensor ExplicitIndexSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const {
  const auto [x, index] = on_one_device(inputs);
  const int64_t batch = x.dim() - x_non_batch_dims;
  const int64_t d = normalize_axis(index_dim, x_non_batch_dims);
  return from_aten(take_batched(x, batch, d, checked_positions(index, x.size(batch + d), true, check_index_ints, x.device(), name())));
}

Tensor SetDDSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const {
  const Tensor& x = inputs.at(0);
  return to_device_dtype(x, {output.device.value_or(x.device()), output.dtype.value_or(x.dtype())});
}

Tensor PowSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>& children) const {
  const auto values = to_aten(unify_values(inputs, children));
  const at::Tensor& exponent = values.at(1);
  if (!is_floating(exponent) && exponent.numel() && exponent.lt(0).any().item<bool>())
    fail(ErrorId::RuntimeError, "pow: integers to negative integer powers are not integers; cast to a floating dtype first");
  return from_aten(at::pow(values.at(0), values.at(1)));
}

Tensor MultinomialSpec::apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const {
  return draw_multinomial(inputs.at(0), integer_seed(to_aten(inputs.at(1))), shape, replacement);
}

Tensor draw_multinomial(const Tensor& probs, int64_t seed, const Shape& shape, bool replacement) {
  const at::Tensor weights = to_aten(probs).detach();
  Shape out_shape(weights.sizes().begin(), weights.sizes().end() - 1);
  const int64_t num_rows = c10::multiply_integers(out_shape), num_samples = c10::multiply_integers(shape);
  out_shape.insert(out_shape.end(), shape.begin(), shape.end());
  if (num_rows == 0 || num_samples == 0) return from_aten(at::empty(out_shape, weights.options().dtype(at::kLong)));
  const at::Generator generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
  const at::Tensor rows = at::multinomial(weights.cpu().reshape({num_rows, weights.size(-1)}), num_samples, replacement, generator);
  return from_aten(rows.reshape(out_shape).to(weights.device()));
}

}  // namespace pycircuit
