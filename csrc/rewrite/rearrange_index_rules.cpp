// Rearrange and Index rules (spec 10, section 4).
#include "rewrite/build.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

RearrangeSpec canonical_spec(const Rearrange& rearrange) { return rearrange.conformed_spec().canonicalize(true); }

// Positions as a tensor on the device of `like`.
Tensor tensor_like(const Tensor& like, const std::vector<int64_t>& values) {
  return to_device_dtype(int_tensor(values), {like.device(), std::nullopt});
}

// What `outer` selects of the positions start, start + 1, ...
IndexElement compose_with_slice(Size start, const IndexElement& outer) {
  if (const auto* position = std::get_if<int64_t>(&outer)) return start + *position;
  if (const auto* slice = std::get_if<Slice>(&outer)) return slice_of(start + *slice->start, start + *slice->stop);
  const Tensor& tensor = std::get<Tensor>(outer);
  if (start == 0) return tensor;
  std::vector<int64_t> values = int_values(tensor);
  for (int64_t& value : values) value += start;
  return tensor_like(tensor, values);
}

IndexElement compose_with_tensor(const Tensor& inner, const IndexElement& outer) {
  const std::vector<int64_t> values = int_values(inner);
  if (const auto* position = std::get_if<int64_t>(&outer)) return values.at(*position);
  std::vector<int64_t> chosen;
  if (const auto* slice = std::get_if<Slice>(&outer)) {
    if (*slice == slice_of(0, static_cast<int64_t>(values.size()))) return inner;
    chosen.assign(values.begin() + *slice->start, values.begin() + *slice->stop);
  } else {
    for (const int64_t position : int_values(std::get<Tensor>(outer))) chosen.push_back(values.at(position));
  }
  return tensor_like(inner, chosen);
}

Name fused_name(const Name& name) {
  constexpr std::string_view twice = " idx idx";
  if (!name || !std::string_view(*name).ends_with(twice)) return name;
  return name->substr(0, name->size() - twice.size() / 2);
}

}  // namespace

NodePtr rearrange_elim_identity(const Rearrange& rearrange) { return rearrange.spec().is_identity() ? rearrange.child() : nullptr; }

NodePtr rearrange_fuse(const Rearrange& rearrange) {
  const Rearrange* inner = rearrange.child()->as<Rearrange>();
  if (!inner) return nullptr;
  try {
    return Rearrange::make(inner->child(), RearrangeSpec::fuse(canonical_spec(*inner), canonical_spec(rearrange)), rearrange.name());
  } catch (const CircuitError& error) {
    if (error.id() != ErrorId::RearrangeSpecNotFusable) throw;
    return nullptr;
  }
}

NodePtr rearrange_merge_scalar(const Rearrange& rearrange) {
  const Scalar* scalar = rearrange.child()->as<Scalar>();
  return scalar ? NodePtr(Scalar::make(scalar->value(), rearrange.shape(), rearrange.name())) : nullptr;
}

NodePtr permute_of_einsum_merge(const Rearrange& rearrange) {
  const Einsum* einsum = rearrange.child()->as<Einsum>();
  if (!einsum) return nullptr;
  const auto permutation = rearrange.spec().get_fwd_permutation();
  if (!permutation) return nullptr;
  Labels out(einsum->out_axes().size());
  for (size_t axis = 0; axis < out.size(); ++axis) out[(*permutation)[axis]] = einsum->out_axes()[axis];
  return Einsum::make(einsum->children(), einsum->input_labels(), std::move(out), rearrange.name());
}

NodePtr index_elim_identity(const Index& index) { return is_identity(index.index(), index.child()->shape()) ? index.child() : nullptr; }

NodePtr index_fuse(const Index& index) {
  const Index* inner = index.child()->as<Index>();
  if (!inner) return nullptr;
  const IndexElements outer_elements = canonical(index.index(), inner->shape());
  IndexElements composed = canonical(inner->index(), inner->child()->shape());
  size_t axis = 0;  // of the inner Index
  for (IndexElement& element : composed) {
    if (std::holds_alternative<int64_t>(element)) continue;
    const IndexElement& outer = outer_elements[axis++];
    if (const auto* slice = std::get_if<Slice>(&element)) {
      element = compose_with_slice(*slice->start, outer);
    } else {
      element = compose_with_tensor(std::get<Tensor>(element), outer);
    }
  }
  return Index::make(inner->child(), std::move(composed), fused_name(index.name()));
}

NodePtr index_merge_scalar(const Index& index) {
  const Scalar* scalar = index.child()->as<Scalar>();
  return scalar ? NodePtr(Scalar::make(scalar->value(), index.shape(), index.name())) : nullptr;
}

NodePtr index_split_axes(const Index& index, const std::vector<int64_t>& top_axes) {
  IndexElements inner = index.index(), outer;
  for (const int64_t axis : top_axes)
    if (axis < 0 || axis >= static_cast<int64_t>(inner.size())) return nullptr;
  for (size_t axis = 0; axis < inner.size(); ++axis) {
    if (contains(top_axes, static_cast<int64_t>(axis))) {
      outer.push_back(std::exchange(inner[axis], Slice{}));
    } else if (!std::holds_alternative<int64_t>(inner[axis])) {
      outer.push_back(Slice{});
    }
  }
  return Index::make(Index::make(index.child(), std::move(inner)), std::move(outer));
}

}  // namespace pycircuit
