// Regions of a circuit that one kernel computes (spec 12, sections 5 and 12). Each fusion has a file of its own in fuse/: its recogniser
// and its kernel call.
//
// A recogniser looks at one node, the candidate root, and at what lies below it. It matches by meaning, not by name, and on the circuit as
// written as well as on what the optimizer makes of it. It must not read values of Arrays or elements of Index nodes: a Program serves
// every circuit of one structure. (A kernel may look at the values that it gets when it runs.)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/flat_map.h"
#include "circuit/node.h"
#include "evaluate/kernel.h"
#include "evaluate/settings.h"

namespace pycircuit {

// The node below any Tags.
const NodePtr& below_tags(const NodePtr& node);

// Nodes to be computed together, Tags skipped: who uses what.
class FusionGraph {
 public:
  // `nodes`: everything to compute, operands before users, without leaves and Tags. `outputs` stay materialised. `numbers`, by node id:
  // values known from the structure alone.
  FusionGraph(const NodePtrs& nodes, const NodePtrs& outputs, std::unordered_map<uint64_t, double> numbers = {});

  // The one value that fills the node, where the structure alone says it: Scalars, last_dim_size and what is computed from such. The only
  // way for a recogniser to look at a value; it must not look below nodes that are not computed here.
  std::optional<double> number(const NodePtr& node) const;

  // Records that a region has the node of that id as root or inside: no other may hide it.
  void take(uint64_t id) { taken_.insert(id); }
  bool is_taken(const NodePtr& node) const { return taken_.contains(below_tags(node)->id()); }

  // Whether the node (below Tags) is computed here, by exactly one user, is no output and not taken: only then may it disappear inside a
  // region.
  bool is_private(const NodePtr& node) const;
  // How many distinct computed nodes use it; outputs count once more. 0 for what is not part of the graph.
  int num_uses(const NodePtr& node) const;
  bool is_computed(const NodePtr& node) const { return numbers_.contains(below_tags(node)->id()); }
  // Distinct users, in order.
  const NodePtrs& users(const NodePtr& node) const;
  const NodePtrs& nodes() const { return nodes_; }

 private:
  NodePtrs nodes_;
  FlatMap<uint64_t, int> numbers_;
  std::vector<NodePtrs> users_;
  std::vector<int> uses_;
  std::unordered_map<uint64_t, double> known_;
  std::unordered_set<uint64_t> taken_;
};

// `inner` nodes may be used by other inner nodes and the root of the same region only (several times is fine).
struct Region {
  std::string_view fusion;  // name of the recogniser, for statistics
  NodePtr root;             // its value is the region's result
  NodePtrs inner;           // computed nodes that are never materialised; without leaves and Tags
  NodePtrs operands;        // what the kernel takes, in its order: leaves or computed nodes, below Tags
  NodePtrs indices;         // Index nodes among root and inner, in the order in which the kernel gets their elements
  Kernel kernel;
  int softmax_nodes = 0;         // attention: distinct softmax nodes inside
  std::string backend;           // attention: the back end expected; the kernel records the actual one in KernelArgs::stats
  uint64_t workspace_bytes = 0;  // most that the kernel allocates besides its result
};

// Why a candidate was not fused, on request (ScheduleStats.not_fused).
struct Refusal {
  NodePtr node;
  std::string fusion;
  std::string reason;
};
using Refusals = std::vector<Refusal>;

// One entry per file of fuse/. Earlier entries take their nodes first; within one, users come before operands.
struct Recogniser {
  std::string_view name;
  bool OptimizationSettings::* enabled;
  // Whether inner nodes count as never materialised in the accounted peak (12.2); others count as if they were (5).
  bool hides;
  // `refusals` may be null.
  std::optional<Region> (*recognise)(const NodePtr& root, const FusionGraph& graph, Refusals* refusals);
};
const std::vector<Recogniser>& recognisers();

// Disjoint regions: no node is inner or root of two, nor in `taken`.
std::vector<Region> find_regions(const FusionGraph& whole, const OptimizationSettings& settings, bool hiding,
                                 const std::unordered_set<uint64_t>& taken, Refusals* refusals);

}  // namespace pycircuit
