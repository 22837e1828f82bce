// Views and fresh memory without torch's dispatcher, which costs several times what they do. For values that nobody watches: where
// autograd, or a tensor class of its own, wants to see the operation, torch's own is called.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace pycircuit::views {

// Whether autograd or a tensor class of its own wants to see what is done with it, or its memory does not hold its values (a lazy
// negation).
bool is_watched(const at::Tensor& x);

at::Tensor permute(const at::Tensor& x, at::IntArrayRef axes);
// A view where the strides allow one, else a copy.
at::Tensor reshape(const at::Tensor& x, at::IntArrayRef shape);
// The shape has x's rank or more; -1 is not taken.
at::Tensor expand(const at::Tensor& x, at::IntArrayRef shape);
at::Tensor select(const at::Tensor& x, int64_t axis, int64_t index);
at::Tensor narrow(const at::Tensor& x, int64_t axis, int64_t start, int64_t size);
// Without the axis, which has size 1.
at::Tensor squeeze(const at::Tensor& x, int64_t axis);
// From the same first element.
at::Tensor as_strided(const at::Tensor& x, at::IntArrayRef shape, at::IntArrayRef strides);

// Uninitialised memory, contiguous, of the dtype (if none is given) and device of `like`.
at::Tensor empty(at::IntArrayRef shape, const at::Tensor& like, std::optional<at::ScalarType> dtype = {});

}  // namespace pycircuit::views
