// Small constructions that the rules share: axes, traces and diagonals (spec 10, sections 0 and 9.1).
#pragma once

#include <algorithm>
#include <vector>

#include "circuit/broadcast.h"
#include "circuit/node.h"
#include "circuit/nodes/all.h"

namespace pycircuit {

// Ascending, distinct.
using Axes = std::vector<int64_t>;

template <class Items, class Item>
bool contains(const Items& items, const Item& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

// Adds `item` unless it is there.
template <class Items, class Item>
void add_distinct(Items& items, const Item& item) {
  if (!contains(items, item)) items.push_back(item);
}

template <class Ints>
Ints distinct(const Ints& ints) {
  Ints result;
  for (const auto& item : ints) add_distinct(result, item);
  return result;
}

template <class Ints>
bool all_distinct(const Ints& ints) {
  return distinct(ints).size() == ints.size();
}

// The items at positions outside `axes`.
template <class Items>
Items without_axes(const Items& items, const Axes& axes) {
  Items kept;
  for (size_t i = 0; i < items.size(); ++i)
    if (!contains(axes, static_cast<int64_t>(i))) kept.push_back(items[i]);
  return kept;
}

Axes all_axes(int64_t rank);

// The node repeated along new axes at these ascending positions of the result; the node itself if there are none.
NodePtr insert_axes(const NodePtr& node, const Axes& axes, const Shape& sizes);
// The node without these axes of size 1.
NodePtr squeeze_axes(const NodePtr& node, const Axes& axes, Naming naming = {});

// The diagonal of axes with equal labels, in order of first appearance (03, 11.1); its labels are renumbered.
NodePtr new_trace(const NodePtr& node, const Labels& labels);
// The node's axes, whose labels are the distinct ones of `labels`, placed on diagonals.
NodePtr new_diag(const NodePtr& node, const Labels& labels);

// Whether values are of integer or bool dtype, which Scalars are rounded to one by one (12, section 2).
bool is_integral(const Node& node);
// Whether the part's value is rounded to the integer or bool dtype of the whole, so that it must not be taken apart.
bool is_rounded_within(const Node& part, const Node& whole);

// Full slices, one per axis.
IndexElements full_index(int64_t rank);
// Equal as stored: `:` and `0:n` differ, tensors compare by content.
inline bool same_elements(const IndexElements& a, const IndexElements& b) { return identity_bytes(a) == identity_bytes(b); }
inline Slice slice_of(int64_t start, int64_t stop) { return Slice{start, stop}; }

}  // namespace pycircuit
