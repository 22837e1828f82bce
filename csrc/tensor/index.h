// Index elements: int, slice or 1-d int64 tensor per axis, applied per axis independently (spec 03, section 13).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/blake3.h"
#include "shape/shape.h"
#include "tensor/tensor.h"

namespace pycircuit {

struct Slice {
  std::optional<int64_t> start, stop;
  bool operator==(const Slice&) const = default;
  bool is_full() const { return !start && !stop; }
};

using IndexElement = std::variant<int64_t, Slice, Tensor>;
using IndexElements = std::vector<IndexElement>;

// Pads with full slices to the rank, converts narrow integer tensors, checks bounds axis by axis (13.2). `what` names the operation in
// messages.
IndexElements checked_index(IndexElements elements, const Shape& shape, std::string_view what);

Shape indexed_shape(const IndexElements& elements, const Shape& shape);

// Canonical form for size `size` (13.3).
IndexElement canonical(const IndexElement& element, Size size);
IndexElements canonical(const IndexElements& elements, const Shape& shape);

// Start and stop, non-negative, of a slice on an axis of that size.
std::pair<Size, Size> slice_bounds(const Slice& slice, Size size);
bool is_identity(const IndexElement& element, Size size);
bool is_identity(const IndexElements& elements, const Shape& shape);
bool has_tensor(const IndexElements& elements);

// The elements as stored, as bytes that no others have; tensors by content key.
std::string identity_bytes(const IndexElements& elements);
bool same_tensors(const IndexElements& a, const IndexElements& b);  // the same torch tensors, not only equal ones

// Text of 13.6. `tensor_text` writes a tensor element.
template <class TensorText>
std::string index_text(const IndexElements& elements, TensorText&& tensor_text) {
  std::string out = "[";
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i) out += ",";
    if (const auto* number = std::get_if<int64_t>(&elements[i])) {
      out += std::to_string(*number);
    } else if (const auto* slice = std::get_if<Slice>(&elements[i])) {
      if (slice->start) out += std::to_string(*slice->start);
      out += ":";
      if (slice->stop) out += std::to_string(*slice->stop);
    } else {
      out += tensor_text(std::get<Tensor>(elements[i]));
    }
  }
  return out + "]";
}
std::string index_text(const IndexElements& elements);  // tensors as "[len]"

Tensor apply_index(const Tensor& tensor, const IndexElements& elements);

}  // namespace pycircuit
