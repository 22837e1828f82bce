#include "rewrite/cast.h"

#include "circuit/walk.h"
#include "rewrite/build.h"

namespace pycircuit {
namespace {

bool fits(const Tensor& tensor, const DeviceDtypeOp& target) {
  return (!target.device || *target.device == tensor.device()) && (!target.dtype || *target.dtype == tensor.dtype());
}

NodePtr cast_array(const Array& array, const DeviceDtypeOp& target) {
  if (fits(array.value(), target)) return NodePtr(&array);
  const NodePtr result = Array::make(to_device_dtype(array.value(), target), array.name());
  return array.named_axes().empty() ? result : result->with_named_axes(array.named_axes());
}

NodePtr cast_index(const Index& index, NodePtrs children, const DeviceDtypeOp& target) {
  const DeviceDtypeOp positions{target.device, DType::int64};
  IndexElements elements = index.index();
  bool moved = false;
  for (IndexElement& element : elements) {
    const auto* tensor = std::get_if<Tensor>(&element);
    if (!tensor || fits(*tensor, positions)) continue;
    element = to_device_dtype(*tensor, positions);
    moved = true;
  }
  if (!moved) return index.rebuild_if_changed(std::move(children));
  return Index::make(children.at(0), std::move(elements), index.name());
}

}  // namespace

NodePtr cast_circuit(const NodePtr& circuit, const DeviceDtypeOp& device_dtype) {
  return map_bottom_up(circuit, [&](const NodePtr& node, NodePtrs children) {
    if (const Array* array = node->as<Array>()) return cast_array(*array, device_dtype);
    if (const Index* index = node->as<Index>()) return cast_index(*index, std::move(children), device_dtype);
    return node->rebuild_if_changed(std::move(children));
  });
}

}  // namespace pycircuit
