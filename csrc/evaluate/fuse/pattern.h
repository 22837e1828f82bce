// What the recognisers of this folder look for and build with: products and sums of products taken
// apart through nested Einsums and Rearranges, and regions that can also be computed node by node.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/fusion.h"

namespace pycircuit {

// The built-in simple function that the node applies; empty for anything else.
std::string_view simple_function_of(const NodePtr& node);

bool is_floating_or_open(const NodePtr& node);  // dtype floating or unspecified
bool is_empty(const NodePtr& node);             // some axis has size 0

// coefficient * sum over the axes that are not the node's of the product of the factors.
struct Factor {
  NodePtr node;           // below Tags
  std::vector<int> axes;  // per axis of the factor the number of an axis of the expression; -1 where its size is 1
};
struct Expression {
  double coefficient = 1.0;
  std::vector<Factor> factors;
  int rank = 0;             // axes 0 .. rank-1 are those of the node
  std::vector<Size> sizes;  // by axis number; those from `rank` on are summed over
};
enum class Sums { expand, keep };  // whether an Einsum that sums over axes is taken apart too
// Takes the node apart through Einsums, axis permutations, unit axes and repeats. Below the node itself only private nodes, and never
// `stop`. Nothing where there is nothing to take apart.
std::optional<Expression> flatten_product(const NodePtr& node, const FusionGraph& graph, Sums sums, const NodePtr& stop = {});

// A view of the factor's value whose axis k is axis `order[k]` of the expression, of size 1 where the factor lacks it.
struct AlignedView {
  std::vector<int64_t> permutation;
  Shape shape;
  AlignedView() = default;
  AlignedView(const Factor& factor, const std::vector<int>& order);
  at::Tensor operator()(const at::Tensor& value) const;
};

// Computes the region; `values` are its operands: the first `num_unified` in one floating dtype and device, in the order given, and the
// others as they come; `indices`: the elements of the Index nodes inside, in the order in which they run.
using FusedKernel = std::function<at::Tensor(std::vector<at::Tensor>& values, const std::vector<const IndexElements*>& indices)>;
struct RegionParts {
  std::string_view fusion;
  NodePtr root;
  NodePtrs operands;        // each at most once, below Tags
  size_t num_unified = 0;   // leading operands that take part in the unification of dtypes
  NodePtrs required_inner;  // nodes that must disappear for the fusion to pay
  FusedKernel kernel;
  uint64_t workspace_bytes = 0;
  std::function<bool(const std::vector<at::Tensor>&)> accepts;  // whether the kernel takes these values; absent: all
};
// Everything between root and operands becomes inner as far as nobody else uses it. The region runs the kernel where the values have one
// floating dtype and device and no gradient is wanted, else the nodes as written. Nothing, with a refusal, where a required node is used
// elsewhere.
std::optional<Region> make_region(RegionParts parts, const FusionGraph& graph, Refusals* refusals);

// Records why and returns nothing.
std::nullopt_t refuse(Refusals* refusals, const NodePtr& node, std::string_view fusion, std::string reason);

}  // namespace pycircuit
