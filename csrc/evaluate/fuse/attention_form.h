// Softmax attention found in a circuit, by meaning (spec 12, 12.1): which nodes are its operands, over which atoms, in which role.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluate/fuse/label_algebra.h"
#include "evaluate/fusion.h"

namespace pycircuit {

struct AttentionFactor {
  NodePtr node;  // below Tags
  Axes axes;
};

struct AttentionProduct {
  std::vector<AttentionFactor> factors;
  double scale = 1.0;  // the known numbers in it
  Axes constant_axes;  // of those numbers
};

// S[B,i,j] = query.key (summed over c) times product(scores.scale, batch_scale) times product(mask), plus the sum of the biases;
// O[B,i,f] = sum over j of softmax(S)[B,i,j] value[B,j,f]; the result is the sum, over atoms that it lacks, of O times `post`.
// Factors of one role are multiplied, and summed over atoms that nobody else needs.
struct AttentionForm {
  AtomTable atoms;
  NodePtr softmax;
  NodePtrs inner;
  Axes root_axes;
  std::vector<Atom> batch;           // B
  std::vector<Atom> rows;            // i; there may be none
  std::vector<Atom> keys;            // j, in the order of the softmax axis
  std::vector<Atom> key_features;    // c; there may be none
  std::vector<Atom> value_features;  // f; there may be none
  std::vector<AttentionFactor> query, key, batch_scale, mask, value, post;
  double scale = 1.0;
  std::vector<AttentionProduct> bias;
  double result_scale = 1.0;
};

// Whether the node is a softmax.
bool is_softmax(const Node& node);
// The product of factors over the atoms `out`; atoms that only one factor has are summed if they are not in `out`.
EinsumSpec product_spec(const AtomTable& atoms, const std::vector<std::vector<Atom>>& factors, const std::vector<Atom>& out);
std::vector<Atom> distinct_atoms(const std::vector<AttentionFactor>& factors);

// The form of the attention that ends in this Einsum. Nothing where there is none; `reason` is set where there is a softmax that only this
// Einsum uses directly, or could have used, but that is not attention or not one that a kernel computes.
std::optional<AttentionForm> attention_form(const NodePtr& root, const FusionGraph& graph, std::string& reason, NodePtr& softmax);

}  // namespace pycircuit
