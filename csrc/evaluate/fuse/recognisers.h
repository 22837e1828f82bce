// The recognisers of this folder, for the table in fusion.cpp.
#pragma once

#include "evaluate/fusion.h"

namespace pycircuit {

// Softmax attention, with what multiplies it before and after the pattern.
std::optional<Region> recognise_attention(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
// Layer norm and root-mean-square norm over the last axis.
std::optional<Region> recognise_norm(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
// The entries of a log-softmax at given labels, with the matrix product that makes the logits.
std::optional<Region> recognise_log_likelihood(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
// Rows of an embedding at sampled tokens, with what is added to them.
std::optional<Region> recognise_embedding(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
// Scale, bias and residual of matrix products.
std::optional<Region> recognise_epilogue(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);

// Chains and small trees of elementwise nodes.
std::optional<Region> recognise_elementwise(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
// Whether the node can be computed in one pass with what it reads.
bool is_elementwise(const NodePtr& node);

}  // namespace pycircuit
