// Built-in function descriptions: names and text, identity, shape and device/dtype rules (spec 04, sections 2 to 10).
#include "tensor/general_function.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "base/uuid.h"
#include "tensor/simple_functions.h"

namespace pycircuit {
namespace {

constexpr Uuid kSimpleTag = "f1f0bc63-f390-412b-9e98-74ce65911006"_uuid;
constexpr Uuid kGenIndexTag = "442fde55-a1b7-4a69-98ff-bd40d7030ef2"_uuid;
constexpr Uuid kExplicitIndexTag = "5a0c6f0e-4f7b-4f57-a4a5-6d5b7a9c2e31"_uuid;
constexpr Uuid kSetDDTag = "8f1be3a6-0d0c-4b0e-9b0c-2f7d6f0b7f4d"_uuid;
constexpr Uuid kPowTag = "315d2847-a56d-49c8-8fef-5bcf710a7bc8"_uuid;
constexpr Uuid kMultinomialTag = "1f39ec5e-d3f8-4706-b075-1612fd83eef8"_uuid;

Blake3 tagged(const Uuid& tag) {
  Blake3 hasher;
  hasher.update(tag.as_bytes());
  return hasher;
}

void require_count(const std::vector<Shape>& shapes, size_t expected, const std::string& what) {
  if (shapes.size() != expected)
    fail(ErrorId::GeneralFunctionShapeWrongNumShapes,
         what + " takes " + std::to_string(expected) + (expected == 1 ? " input" : " inputs") + ", got " + std::to_string(shapes.size()),
         shapes.size(), expected);
}

Shape concatenated(std::initializer_list<Shape> parts) {
  Shape out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Shape head(const Shape& shape, int64_t count) { return {shape.begin(), shape.begin() + count}; }
Shape tail(const Shape& shape, int64_t from) { return {shape.begin() + from, shape.end()}; }

// x's device unified with the index's; the index must be int64 where its dtype is known (04, section 6).
DeviceDtypeOp index_device_dtype(const std::vector<DeviceDtypeOp>& children, const std::string& what) {
  DeviceDtypeOp result = unify({{children.at(0).device, std::nullopt}, {children.at(1).device, std::nullopt}});
  const auto& dtype = children[1].dtype;
  if (dtype && *dtype != DType::int64)
    fail(ErrorId::MiscInputIndexDtypeNotI64,
         what + ": the index must have dtype int64, got " + std::string(to_text(*dtype)) + "; cast it with GeneralFunction.new_cast");
  result.dtype = children[0].dtype;
  return result;
}

// Takes characters from the front of a text, for the fixed forms of built-in names.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool take(std::string_view prefix) {
    if (!text_.starts_with(prefix)) return false;
    text_.remove_prefix(prefix.size());
    return true;
  }
  void skip_spaces() {
    while (take(" ")) continue;
  }
  bool done() const { return text_.empty(); }
  // The text before `end`, which is taken too.
  std::optional<std::string_view> until(std::string_view end) {
    const size_t at = text_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view found = text_.substr(0, at);
    text_.remove_prefix(at + end.size());
    return found;
  }
  // A decimal number, with a minus sign if `is_signed`; nothing if there are no digits. ValueError where it does not fit 64 bits.
  std::optional<int64_t> integer(bool is_signed) {
    size_t size = is_signed && text_.starts_with('-') ? 1 : 0;
    const size_t sign = size;
    while (size < text_.size() && is_ascii_digit(text_[size])) ++size;
    if (size == sign) return std::nullopt;
    int64_t value = 0;
    const auto result = std::from_chars(text_.data(), text_.data() + size, value);
    if (result.ec != std::errc()) overflow_ = std::string(text_.substr(0, size));
    text_.remove_prefix(size);
    return value;
  }
  // Overflow counts only once the whole text has proved to be of the form that is being read.
  void check_overflow(std::string_view name) const {
    if (!overflow_.empty())
      fail(ErrorId::ValueError, "GeneralFunction name " + std::string(name) + ": the number " + overflow_ + " does not fit 64 bits");
  }

 private:
  std::string_view text_;
  std::string overflow_;
};

FunctionSpecPtr read_gen_index(std::string_view name) {
  Reader in(name);
  if (!in.take("gen_index_at_")) return nullptr;
  const auto dim = in.integer(true);
  if (!dim) return nullptr;
  auto spec = std::make_shared<GenIndexSpec>();
  spec->index_dim = *dim;
  spec->batch_x = in.take("_batch_x");
  spec->batch_index = !in.take("_no_batch_index");
  spec->check_index_ints = in.take("_c");
  if (!in.done()) return nullptr;
  in.check_overflow(name);
  return spec;
}

FunctionSpecPtr read_multinomial(std::string_view name) {
  Reader in(name);
  if (!in.take("multinomial")) return nullptr;
  auto spec = std::make_shared<MultinomialSpec>();
  spec->replacement = !in.take("_no_replace");
  if (!in.take("_[")) return nullptr;
  in.skip_spaces();
  while (!in.take("]")) {
    const auto size = in.integer(false);
    if (!size) return nullptr;
    spec->shape.push_back(*size);
    in.skip_spaces();
    if (in.take(",")) {
      in.skip_spaces();
    } else if (in.take("]")) {
      break;
    } else {
      return nullptr;
    }
  }
  if (!in.done()) return nullptr;
  in.check_overflow(name);
  return spec;
}

FunctionSpecPtr read_explicit_index(std::string_view name) {
  Reader in(name);
  if (!in.take("explicit_index_at_")) return nullptr;
  const auto dim = in.integer(true);
  if (!dim || !in.take("_x_non_b_")) return nullptr;
  const auto non_batch = in.integer(false);
  if (!non_batch) return nullptr;
  auto spec = std::make_shared<ExplicitIndexSpec>();
  spec->index_dim = *dim;
  spec->x_non_batch_dims = *non_batch;
  spec->check_index_ints = in.take("_c");
  if (!in.done()) return nullptr;
  in.check_overflow(name);
  normalize_axis(*dim, *non_batch, "index_dim of " + std::string(name));
  return spec;
}

// "device:cpu,dtype:None" up to the closing brace.
DeviceDtypeOp read_device_dtype(std::string_view device, std::string_view dtype, std::string_view name) {
  try {
    DeviceDtypeOp op;
    if (device != "None") op.device = parse_device(device);
    if (dtype != "None") op.dtype = parse_dtype(dtype);
    return op;
  } catch (const CircuitError& error) {
    fail(ErrorId::ValueError, "GeneralFunction name " + std::string(name) + ": " + error.what());
  }
}

FunctionSpecPtr read_cast(std::string_view name) {
  Reader in(name);
  if (!in.take("cast_from_{device:")) return nullptr;
  const auto from_device = in.until(",dtype:");
  const auto from_dtype = in.until("}_to_{device:");
  const auto to_device = in.until(",dtype:");
  const auto to_dtype = in.until("}");
  if (!from_device || !from_dtype || !to_device || !to_dtype || !in.done()) return nullptr;
  auto spec = std::make_shared<SetDDSpec>();
  spec->input_required_compatibility = read_device_dtype(*from_device, *from_dtype, name);
  spec->output = read_device_dtype(*to_device, *to_dtype, name);
  return spec;
}

FunctionLocator* locator = nullptr;

}  // namespace

// --- simple functions

FunctionShapeInfo SimpleSpec::shape_info(const std::vector<Shape>& shapes) const {
  return shape_info_simple(shapes, num_non_batchable_output_dims, removed_from_end);
}

DeviceDtypeOp SimpleSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const {
  DeviceDtypeOp result = unify(children);
  if (result.dtype && !is_floating(*result.dtype) && !simple_function(function_name)->keeps_integers) result.dtype = DType::float32;
  return result;
}

const std::vector<std::string>& simple_function_names() {
  static const auto& names = *new std::vector<std::string>([] {
    std::vector<std::string> out;
    for (const auto& row : simple_functions()) out.emplace_back(row.name);
    return out;
  }());
  return names;
}

FunctionSpecPtr simple_spec(std::string_view name) {
  static const auto& specs = *new std::vector<FunctionSpecPtr>([] {
    std::vector<FunctionSpecPtr> out;
    for (const auto& row : simple_functions()) {
      auto spec = std::make_shared<SimpleSpec>();
      spec->function_name = row.name;
      spec->num_non_batchable_output_dims = row.num_non_batchable_output_dims;
      spec->removed_from_end = row.removed_from_end;
      Blake3 hasher = tagged(kSimpleTag);
      hasher.update(spec->function_name);
      spec->identity = hasher.finish();
      out.push_back(std::move(spec));
    }
    return out;
  }());
  const auto& names = simple_function_names();
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : specs[found - names.begin()];
}

// --- gen_index

std::string GenIndexSpec::name() const {
  return "gen_index_at_" + std::to_string(index_dim) + (batch_x ? "_batch_x" : "") + (batch_index ? "" : "_no_batch_index") +
         (check_index_ints ? "_c" : "");
}

Hash GenIndexSpec::identity_hash() const {
  Blake3 hasher = tagged(kGenIndexTag);
  hasher.update_u64(static_cast<uint64_t>(index_dim));
  for (const bool flag : {batch_x, batch_index, check_index_ints}) hasher.update_byte(flag);
  return hasher.finish();
}

FunctionShapeInfo GenIndexSpec::shape_info(const std::vector<Shape>& shapes) const {
  require_count(shapes, 2, name());
  const Shape& x = shapes[0];
  const Shape& index = shapes[1];
  const auto n = static_cast<int64_t>(x.size()), m = static_cast<int64_t>(index.size());
  const bool paired = batch_x && batch_index;
  if (paired && (m >= n || head(x, m) != index))
    fail(ErrorId::GeneralFunctionShapeIndexShapeInvalid,
         name() + ": with batch_x and batch_index the index shape must be the leading axes of x, followed by at least one more; got x " +
             to_text(x) + " and index " + to_text(index),
         x, index, batch_x);
  const int64_t skipped = paired ? m : 0;
  const int64_t d =
      skipped + normalize_axis(index_dim, n - skipped, "index_dim of " + name() + " out of bounds for x of shape " + to_text(x));
  if (paired) return {concatenated({head(x, d), tail(x, d + 1)}), n - m - 1, {true, true}};
  if (batch_index) return {concatenated({index, head(x, d), tail(x, d + 1)}), n - 1, {false, true}};
  FunctionShapeInfo info{concatenated({head(x, d), index, tail(x, d + 1)}), 0, {batch_x, false}};
  if (batch_x && index_dim >= 0)
    fail(ErrorId::RuntimeError,
         name() + ": index_dim must be negative where x is batched and the index is not, got " + std::to_string(index_dim));
  info.num_non_batchable_output_dims = batch_x ? m + (n - d - 1) : static_cast<int64_t>(info.shape.size());
  return info;
}

DeviceDtypeOp GenIndexSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const { return index_device_dtype(children, name()); }

// --- explicit_index

std::string ExplicitIndexSpec::name() const {
  return "explicit_index_at_" + std::to_string(index_dim) + "_x_non_b_" + std::to_string(x_non_batch_dims) + (check_index_ints ? "_c" : "");
}

Hash ExplicitIndexSpec::identity_hash() const {
  Blake3 hasher = tagged(kExplicitIndexTag);
  hasher.update_u64(static_cast<uint64_t>(index_dim));
  hasher.update_u64(static_cast<uint64_t>(x_non_batch_dims));
  hasher.update_byte(check_index_ints);
  return hasher.finish();
}

FunctionShapeInfo ExplicitIndexSpec::shape_info(const std::vector<Shape>& shapes) const {
  require_count(shapes, 2, name());
  const Shape& x = shapes[0];
  const Shape& index = shapes[1];
  const int64_t d = normalize_axis(index_dim, x_non_batch_dims, "index_dim of " + name());
  const int64_t batch = static_cast<int64_t>(x.size()) - x_non_batch_dims;
  if (batch < 0 || static_cast<int64_t>(index.size()) < batch || head(x, batch) != head(index, batch))
    fail(ErrorId::GeneralFunctionShapeExplicitIndexShapeInvalid,
         name() + ": the index must start with the batch axes of x (all but its last " + std::to_string(x_non_batch_dims) + "); got x " +
             to_text(x) + " and index " + to_text(index),
         x, index, index_dim, x_non_batch_dims);
  FunctionShapeInfo info{concatenated({index, Shape(x.begin() + batch, x.begin() + batch + d), tail(x, batch + d + 1)}), 0, {true, true}};
  info.num_non_batchable_output_dims = static_cast<int64_t>(info.shape.size()) - batch;
  return info;
}

DeviceDtypeOp ExplicitIndexSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const {
  return index_device_dtype(children, name());
}

// --- cast

std::string SetDDSpec::name() const { return "cast_from_" + to_text(input_required_compatibility) + "_to_" + to_text(output); }

Hash SetDDSpec::identity_hash() const {
  Blake3 hasher = tagged(kSetDDTag);
  hasher.update(name());
  return hasher.finish();
}

FunctionShapeInfo SetDDSpec::shape_info(const std::vector<Shape>& shapes) const { return shape_info_simple(shapes, 0, 0); }

DeviceDtypeOp SetDDSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const {
  const auto& required = input_required_compatibility;
  const auto& actual = children.at(0);
  const bool device_differs = required.device && actual.device && *required.device != *actual.device;
  const bool dtype_differs = required.dtype && actual.dtype && *required.dtype != *actual.dtype;
  if (device_differs || dtype_differs)
    fail(ErrorId::MiscInputCastIncompatibleDeviceDtype, "cast: the input must be " + to_text(required) + " but is " + to_text(actual),
         opaque(required, to_text(required)), opaque(actual, to_text(actual)));
  return {output.device ? output.device : actual.device, output.dtype ? output.dtype : actual.dtype};
}

// --- pow

Hash PowSpec::identity_hash() const { return tagged(kPowTag).finish(); }

FunctionShapeInfo PowSpec::shape_info(const std::vector<Shape>& shapes) const {
  require_count(shapes, 2, "pow");
  return shape_info_broadcast(shapes, true);
}

DeviceDtypeOp PowSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const { return unify(children); }

// --- multinomial

std::string MultinomialSpec::text() const {
  return std::string("multinomial") + (replacement ? "" : "_no_replace") + "_[" + join(shape, ", ") + "]";
}

Hash MultinomialSpec::identity_hash() const {
  Blake3 hasher = tagged(kMultinomialTag);
  hasher.update_byte(replacement);
  for (const Size size : shape) hasher.update_u64(static_cast<uint64_t>(size));
  return hasher.finish();
}

FunctionShapeInfo MultinomialSpec::shape_info(const std::vector<Shape>& shapes) const {
  require_count(shapes, 2, "multinomial");
  if (!shapes[1].empty()) fail(ErrorId::RuntimeError, "multinomial: seed input must be zero-dim, got shape " + to_text(shapes[1]));
  if (shapes[0].empty()) fail(ErrorId::RuntimeError, "multinomial: probs must be >=1d, got shape []");
  return {concatenated({head(shapes[0], static_cast<int64_t>(shapes[0].size()) - 1), shape}),
          static_cast<int64_t>(shape.size()),
          {false, false}};
}

DeviceDtypeOp MultinomialSpec::device_dtype(const std::vector<DeviceDtypeOp>& children) const {
  const auto& probs = children.at(0);
  const auto& seed = children.at(1);
  if (probs.dtype && !is_floating(*probs.dtype))
    fail(ErrorId::RuntimeError, "multinomial: probs must have a floating dtype, got " + std::string(to_text(*probs.dtype)));
  if (seed.dtype && *seed.dtype != DType::int64)
    fail(ErrorId::RuntimeError, "multinomial: the seed must have dtype int64, got " + std::string(to_text(*seed.dtype)));
  return {probs.device, DType::int64};
}

// --- by name

FunctionSpecPtr builtin_spec_by_name(std::string_view name) {
  for (const auto read : {read_gen_index, read_multinomial, read_explicit_index, read_cast})
    if (auto spec = read(name)) return spec;
  if (name == "pow") return std::make_shared<PowSpec>();
  return simple_spec(name);
}

void install_function_locator(FunctionLocator* installed) { locator = installed; }

FunctionSpecPtr spec_from_text(std::string_view text) {
  constexpr std::string_view at = " at ";
  if (const size_t position = text.find(at); position != std::string_view::npos) {
    if (!locator) fail(ErrorId::RuntimeError, "functions cannot be loaded by path here: " + std::string(text));
    return locator->load(text.substr(position + at.size()));
  }
  if (auto spec = builtin_spec_by_name(text)) return spec;
  fail(ErrorId::ConstructUnknownGeneralFunction,
       "Unknown GeneralFunction name " + std::string(text) + "; simple functions are " + join(simple_function_names(), ", "), text);
}

// --- shape rules

FunctionShapeInfo shape_info_simple(const std::vector<Shape>& shapes, int64_t num_non_batchable_output_dims, int64_t removed_from_end) {
  require_count(shapes, 1, "a simple function");
  const auto ndim = static_cast<int64_t>(shapes[0].size());
  if (ndim < num_non_batchable_output_dims + removed_from_end)
    fail(ErrorId::GeneralFunctionShapeNDimTooSmall,
         "the function works on the last " + std::to_string(num_non_batchable_output_dims + removed_from_end) +
             " axes but its input has shape " + to_text(shapes[0]),
         ndim, num_non_batchable_output_dims, removed_from_end);
  return {head(shapes[0], ndim - removed_from_end), num_non_batchable_output_dims, {true}};
}

FunctionShapeInfo shape_info_broadcast(const std::vector<Shape>& shapes, bool special_case_ones) {
  FunctionShapeInfo info;
  info.shape = special_case_ones ? broadcast_shapes(shapes) : right_align_shapes(shapes);
  const size_t rank = info.shape.size();
  size_t count = 0;
  for (const auto& shape : shapes) {
    const bool full = shape.size() == rank;
    info.input_batchability.push_back(full);
    if (!full) {
      count = std::max(count, shape.size());
      continue;
    }
    for (size_t axis = 0; axis < rank; ++axis)
      if (shape[axis] != info.shape[axis]) {
        count = std::max(count, rank - axis);
        break;
      }
  }
  info.num_non_batchable_output_dims = static_cast<int64_t>(count);
  return info;
}

}  // namespace pycircuit
