// Index elements: checks, canonical form, shapes, identity and application (spec 03, section 13).
#include "tensor/index.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/where.h>

#include "base/error.h"
#include "tensor/aten.h"
#include "tensor/content_key.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

std::string tensor_length_text(const Tensor& tensor) { return "[" + std::to_string(tensor.numel()) + "]"; }

std::string element_text(const IndexElement& element) {
  const std::string text = index_text(IndexElements{element});
  return text.substr(1, text.size() - 2);
}

// A tensor element as it is stored: rank 1, int64.
Tensor checked_tensor(const Tensor& tensor, std::string_view what) {
  const size_t ndim = tensor.shape().size();
  if (ndim != 1)
    fail(ErrorId::IndexTensorNDimNot1,
         std::string(what) + ": an index tensor must have one axis, got shape " + to_text(tensor.shape()) +
             "; for joint indexing use Index.new_synchronized_to_start or GeneralFunction.gen_index",
         ndim, opaque(tensor, "tensor of shape " + to_text(tensor.shape())));
  switch (tensor.dtype()) {
    case DType::int64:
      return tensor;
    case DType::int8:
    case DType::int16:
    case DType::int32:
      return to_int64(tensor);
    default:
      fail(ErrorId::TypeError, std::string(what) + ": index tensors must have dtype int64 (or int8, int16, int32), got " +
                                   std::string(to_text(tensor.dtype())) + "; convert masks with .nonzero()[:, 0]");
  }
}

bool in_bounds(const IndexElement& element, Size size) {
  if (const auto* number = std::get_if<int64_t>(&element)) return -size <= *number && *number < size;
  if (const auto* slice = std::get_if<Slice>(&element)) {
    for (const auto& end : {slice->start, slice->stop})
      if (end && (*end < -size || *end > size)) return false;
    const auto [start, stop] = slice_bounds(*slice, size);
    return start <= stop;
  }
  const auto range = remembered_value_range(std::get<Tensor>(element));
  return !range || (-size <= range->first && range->second < size);
}

[[noreturn]] void fail_out_of_bounds(const IndexElements& elements, const Shape& shape, size_t axis, std::string_view what) {
  const std::string text = element_text(elements[axis]);
  fail(ErrorId::IndexIndexOutOfBounds,
       std::string(what) + ": index " + text + " is out of bounds for axis " + std::to_string(axis) + " of size " +
           std::to_string(shape[axis]) + " (slices do not saturate: both ends must lie within the axis, start not after stop)",
       opaque(elements, index_text(elements)), shape, axis, opaque(elements[axis], text), shape[axis]);
}

// Entries in 0 .. size-1; the tensor itself where no entry is negative. IndexError where the values changed since the bounds were checked.
at::Tensor non_negative(const Tensor& tensor, Size size) {
  const auto range = value_range(tensor);
  if (range && (range->first < -size || range->second >= size))
    fail(ErrorId::BuiltinIndexError, "an index tensor holds the value " +
                                         std::to_string(range->first < -size ? range->first : range->second) +
                                         ", which is out of range for an axis of size " + std::to_string(size));
  const auto values = to_aten(tensor);
  return range && range->first < 0 ? at::where(values.lt(0), values.add(size), values) : values;
}

}  // namespace

IndexElements checked_index(IndexElements elements, const Shape& shape, std::string_view what) {
  if (elements.size() > shape.size())
    fail(ErrorId::IndexIndexRankTooHigh,
         std::string(what) + ": the index has " + std::to_string(elements.size()) + " elements but the shape " + to_text(shape) +
             " has only " + std::to_string(shape.size()) + " axes",
         elements.size(), shape.size());
  elements.resize(shape.size(), Slice{});
  for (auto& element : elements)
    if (auto* tensor = std::get_if<Tensor>(&element)) *tensor = checked_tensor(*tensor, what);
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (!in_bounds(elements[axis], shape[axis])) fail_out_of_bounds(elements, shape, axis, what);
  return elements;
}

Shape indexed_shape(const IndexElements& elements, const Shape& shape) {
  Shape out;
  for (size_t axis = 0; axis < elements.size(); ++axis) {
    if (const auto* slice = std::get_if<Slice>(&elements[axis])) {
      const auto [start, stop] = slice_bounds(*slice, shape[axis]);
      out.push_back(stop - start);
    } else if (const auto* tensor = std::get_if<Tensor>(&elements[axis])) {
      out.push_back(tensor->numel());
    }
  }
  return out;
}

std::pair<Size, Size> slice_bounds(const Slice& slice, Size size) {
  const auto resolve = [&](int64_t end) { return end < 0 ? end + size : end; };
  return {resolve(slice.start.value_or(0)), slice.stop ? resolve(*slice.stop) : size};
}

IndexElement canonical(const IndexElement& element, Size size) {
  if (const auto* number = std::get_if<int64_t>(&element)) return *number < 0 ? *number + size : *number;
  if (const auto* slice = std::get_if<Slice>(&element)) {
    const auto [start, stop] = slice_bounds(*slice, size);
    return Slice{start, stop};
  }
  const auto& tensor = std::get<Tensor>(element);
  const auto range = remembered_value_range(tensor);
  if (!range) return Slice{0, 0};
  const bool negative = range->first < 0;
  // Only values that fill a gapless range can be a run of consecutive positions; a wrapped one (-1, 0) cannot be told from the range.
  if (!negative && range->second - range->first + 1 != tensor.numel()) return tensor;
  std::vector<int64_t> values = int_values(tensor);
  for (auto& value : values)
    if (value < 0) value += size;
  bool run = true;
  for (size_t i = 1; i < values.size() && run; ++i) run = values[i] == values[i - 1] + 1;
  if (run) return Slice{values.front(), values.back() + 1};
  return negative ? to_device_dtype(int_tensor(values), {tensor.device(), DType::int64}) : tensor;
}

IndexElements canonical(const IndexElements& elements, const Shape& shape) {
  IndexElements out;
  for (size_t axis = 0; axis < elements.size(); ++axis) out.push_back(canonical(elements[axis], shape[axis]));
  return out;
}

bool is_identity(const IndexElement& element, Size size) {
  const auto* slice = std::get_if<Slice>(&element);
  return slice && slice_bounds(*slice, size) == std::pair<Size, Size>(0, size);
}

bool is_identity(const IndexElements& elements, const Shape& shape) {
  for (size_t axis = 0; axis < elements.size(); ++axis)
    if (!is_identity(elements[axis], shape[axis])) return false;
  return true;
}

bool has_tensor(const IndexElements& elements) {
  for (const auto& element : elements)
    if (std::holds_alternative<Tensor>(element)) return true;
  return false;
}

std::string identity_bytes(const IndexElements& elements) {
  std::string bytes;
  const auto add_number = [&](uint64_t number) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); };
  const auto add_end = [&](const std::optional<int64_t>& end) {
    bytes += static_cast<char>(end.has_value());
    add_number(static_cast<uint64_t>(end.value_or(0)));
  };
  bytes.reserve(8 + 19 * elements.size());
  add_number(elements.size());
  for (const auto& element : elements) {
    bytes += static_cast<char>(element.index());
    if (const auto* number = std::get_if<int64_t>(&element)) {
      add_number(static_cast<uint64_t>(*number));
    } else if (const auto* slice = std::get_if<Slice>(&element)) {
      add_end(slice->start);
      add_end(slice->stop);
    } else {
      const Hash key = std::get<Tensor>(element).content_key();
      bytes.append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
    }
  }
  return bytes;
}

bool same_tensors(const IndexElements& a, const IndexElements& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto* left = std::get_if<Tensor>(&a[i]);
    const auto* right = std::get_if<Tensor>(&b[i]);
    if (!left != !right || (left && left->identity() != right->identity())) return false;
  }
  return true;
}

std::string index_text(const IndexElements& elements) { return index_text(elements, tensor_length_text); }

Tensor apply_index(const Tensor& tensor, const IndexElements& elements) {
  at::Tensor value = to_aten(tensor);
  // Views first: what they cut away need not be gathered.
  int64_t axis = 0;
  std::vector<std::pair<int64_t, const Tensor*>> gathers;
  for (const auto& element : elements) {
    const Size size = value.size(axis);
    if (const auto* number = std::get_if<int64_t>(&element)) {
      value = views::select(value, axis, *number);
      continue;
    }
    if (const auto* slice = std::get_if<Slice>(&element)) {
      const auto [start, stop] = slice_bounds(*slice, size);
      if (start != 0 || stop != size) value = views::narrow(value, axis, start, stop - start);
    } else {
      gathers.emplace_back(axis, &std::get<Tensor>(element));
    }
    ++axis;
  }
  for (const auto& [gathered, index] : gathers)
    value = at::index_select(value, gathered, non_negative(*index, value.size(gathered)).to(value.device()));
  return from_aten(std::move(value));
}

}  // namespace pycircuit
