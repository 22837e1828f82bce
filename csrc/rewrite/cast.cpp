#include "rewrite/cast.h"

#include "circuit/walk.h"
#include "rewrite/build.h"

namespace pycircuit {
namespace {

bool fits(const Tensor& tensor, const DeviceDtypeOp& target) {
  return (!target.device || *target.device == tensor.device()) && (!target.dtype || *target.dtype == tensor.dtype());
}

NodePtr with_value(const Array& array, Tensor value) {
  const NodePtr result = Array::make(std::move(value), array.name());
  return array.named_axes().empty() ? result : result->with_named_axes(array.named_axes());
}

// The Index over another child, its tensors replaced where `replace(tensor, axis size)` gives one.
template <class Replace>
NodePtr with_tensors(const Index& index, NodePtrs children, const Replace& replace) {
  IndexElements elements = index.index();
  bool changed = false;
  for (size_t axis = 0; axis < elements.size(); ++axis) {
    const auto* tensor = std::get_if<Tensor>(&elements[axis]);
    if (!tensor) continue;
    if (std::optional<Tensor> replacement = replace(*tensor, index.child()->shape()[axis])) {
      elements[axis] = std::move(*replacement);
      changed = true;
    }
  }
  if (!changed) return index.rebuild_if_changed(std::move(children));
  return Index::make(children.at(0), std::move(elements), index.name());
}

// A sequence of well-mixed numbers (SplitMix64).
class Mixer {
 public:
  explicit Mixer(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

NodePtr cast_array(const Array& array, const DeviceDtypeOp& target) {
  if (fits(array.value(), target)) return NodePtr(&array);
  return with_value(array, to_device_dtype(array.value(), target));
}

NodePtr cast_index(const Index& index, NodePtrs children, const DeviceDtypeOp& target) {
  const DeviceDtypeOp positions{target.device, DType::int64};
  return with_tensors(index, std::move(children), [&](const Tensor& tensor, Size) {
    return fits(tensor, positions) ? std::optional<Tensor>() : to_device_dtype(tensor, positions);
  });
}

Tensor random_positions(const Tensor& like, Size size) {
  Mixer mixer(like.content_key().first_u64());
  std::vector<int64_t> positions(like.numel());
  for (int64_t& position : positions) position = static_cast<int64_t>(mixer.next() % static_cast<uint64_t>(size));
  return to_device_dtype(int_tensor(positions), {like.device(), std::nullopt});
}

}  // namespace

NodePtr cast_circuit(const NodePtr& circuit, const DeviceDtypeOp& device_dtype) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    if (const Array* array = node->as<Array>()) return cast_array(*array, device_dtype);
    if (const Index* index = node->as<Index>()) return cast_index(*index, std::move(children), device_dtype);
    return node->rebuild_if_changed(std::move(children));
  });
}

NodePtr replace_all_randn_seeded(const NodePtr& circuit, const std::function<Tensor(const Tensor& like, uint64_t seed)>& normal_like) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    if (const Array* array = node->as<Array>()) {
      if (!is_floating(array->value().dtype())) return node;
      return with_value(*array, normal_like(array->value(), array->value().content_key().first_u64()));
    }
    if (const Index* index = node->as<Index>())
      return with_tensors(*index, std::move(children), [](const Tensor& tensor, Size size) {
        return tensor.numel() == 0 ? std::optional<Tensor>() : random_positions(tensor, size);
      });
    return node->rebuild_if_changed(std::move(children));
  });
}

}  // namespace pycircuit
