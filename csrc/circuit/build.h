// The methods of every node that build circuits around it (spec 01, section 5).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "circuit/node.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {

// Axes are positions, negatives allowed; nothing means all axes.
using OptionalAxes = std::optional<std::vector<int64_t>>;

NodePtr subtract(const NodePtr& node, const NodePtr& other, Name name = {});
NodePtr multiply(const NodePtr& node, const NodePtr& other, Name name = {});
NodePtr multiply_scalar(const NodePtr& node, double scalar, Name name = {}, Name scalar_name = {});

NodePtr sum(const NodePtr& node, const OptionalAxes& axes = {}, Name name = {});
NodePtr mean(const NodePtr& node, const OptionalAxes& axes = {}, Name name = {}, Name scalar_name = {});
// "sum", "mean", or a general function of the reduced axes merged into one last axis.
NodePtr reduce(const NodePtr& node, std::string_view op_name, const OptionalAxes& axes = {}, Name name = {});

NodePtr expand_at_axes(const NodePtr& node, const std::vector<int64_t>& axes, const std::optional<Shape>& counts = {}, Name name = {});
NodePtr squeeze(const NodePtr& node, const std::vector<int64_t>& axes, Name name = {});
NodePtr flatten(const NodePtr& node, Name name = {});
NodePtr unflatten(const NodePtr& node, const Shape& shape, Name name = {});
NodePtr unflatten_axis(const NodePtr& node, int64_t axis, const Shape& shape, Name name = {});

// Concat of the flattened circuits, and of each the Index and Rearrange that give it back (spec 03, section 16).
NodePtr flat_concat(const NodePtrs& circuits);
std::pair<NodePtr, NodePtrs> flat_concat_back(const NodePtrs& circuits);

}  // namespace pycircuit
