#include "evaluate/known_values.h"

#include <algorithm>

#include "circuit/nodes/all.h"
#include "tensor/general_function.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

class Finder {
 public:
  explicit Finder(const Lowered& lowered) : lowered_(lowered), elements_(static_cast<size_t>(lowered.num_slots())) {}

  KnownValues operator()() {
    for (int slot = 0; slot < lowered_.num_leaves(); ++slot)
      if (const auto& number = lowered_.numbers[slot]) {
        elements_[slot] = scalar_value(*number, {});
        // Outside values come as tensors; only Scalars are the program's own.
        if (lowered_.leaves[slot]->kind() == Kind::Scalar) {
          keep(slot);
        } else {
          elements_[slot] = to_device_dtype(elements_[slot], lowered_.leaves[slot]->device_dtype());
          found_.numbers[lowered_.leaves[slot]->id()] = *number;
        }
      }
    for (int slot = lowered_.num_leaves(); slot < lowered_.num_slots(); ++slot) {
      elements_[slot] = element_of(slot);
      if (elements_[slot].defined()) keep(slot);
    }
    found_.elements = std::move(elements_);
    return std::move(found_);
  }

 private:
  void keep(int slot) {
    const Tensor& element = elements_[slot];
    found_.tensors.emplace_back(slot, expand_element(element, lowered_.node(slot)->shape()));
    found_.numbers[lowered_.node(slot)->id()] = double_value(to_device_dtype(element, {Device{}, DType::float64}));
  }

  // The one value of the node, in its dtype and on its device; undefined if it is not known.
  Tensor element_of(int slot) const {
    const Node& node = *lowered_.node(slot);
    if (node.device_dtype().dtype && !is_floating(*node.device_dtype().dtype)) return {};
    const auto* function = node.as<GeneralFunction>();
    if (function && function->spec()->kind() == FunctionKind::Simple && function->spec()->name() == "last_dim_size")
      return to_device_dtype(scalar_value(static_cast<double>(node.child()->shape().back()), {}), node.device_dtype());
    if (!combines_elements(node)) return {};
    std::vector<Tensor> elements;
    std::vector<DeviceDtypeOp> parts;
    for (size_t i = 0; i < node.num_children(); ++i) {
      elements.push_back(elements_[lowered_.operands[slot - lowered_.num_leaves()][i]]);
      if (!elements.back().defined()) return {};
      parts.push_back(node.child(i)->device_dtype());
    }
    if (function) return function->spec()->apply(elements, parts);
    elements = unify_values(std::move(elements), parts);
    if (node.kind() == Kind::Add) return add_values(elements);
    if (node.kind() == Kind::Rearrange) return elements[0];
    EinsumSpec product;
    product.input_ints.resize(elements.size());
    return contract(product, elements);
  }

  // Whether every element of the value is the same function of one element of each operand.
  static bool combines_elements(const Node& node) {
    if (node.num_children() == 0) return false;
    switch (node.kind()) {
      case Kind::Add:
      case Kind::Rearrange:
        return true;
      case Kind::Einsum: {
        const auto& einsum = *node.as<Einsum>();
        Labels out = einsum.out_axes();
        std::sort(out.begin(), out.end());
        // A label twice in the output is a diagonal: zeros beside it.
        return einsum.reduced_axes().empty() && std::adjacent_find(out.begin(), out.end()) == out.end();
      }
      case Kind::GeneralFunction: {
        const FunctionSpec& spec = *node.as<GeneralFunction>()->spec();
        if (spec.kind() != FunctionKind::Simple) return false;
        const auto& simple = static_cast<const SimpleSpec&>(spec);
        return simple.num_non_batchable_output_dims == 0 && simple.removed_from_end == 0;
      }
      default:
        return false;
    }
  }

  const Lowered& lowered_;
  std::vector<Tensor> elements_;
  KnownValues found_;
};

}  // namespace

KnownValues known_values(const Lowered& lowered) { return Finder(lowered)(); }

}  // namespace pycircuit
