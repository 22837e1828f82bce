// Generic editing of circuits and bookkeeping of nodes (spec 10, section 17). Without recursion; each distinct node once.
#pragma once

#include <functional>
#include <optional>
#include <unordered_set>
#include <vector>

#include "circuit/node.h"
#include "circuit/walk.h"

namespace pycircuit {

using NodeFunction = std::function<NodePtr(const NodePtr&)>;

// Bottom-up: each node is rebuilt with its mapped children, then given to `fn`.
NodePtr deep_map(const NodePtr& circuit, const NodeFunction& fn);
// `fn` first, then the children of its result; remembered by the node given to `fn`. RuntimeError if a result contains, below itself, the
// node that it stands for: that would never end.
NodePtr deep_map_preorder(const NodePtr& circuit, const NodeFunction& fn);
// A node that is a key (by node id) is replaced; then children are processed, those of the replacement too.
NodePtr replace_nodes(const NodePtr& circuit, const NodeMap& replacements);
// Follows child numbers; null if one is out of range.
NodePtr path_get(const NodePtr& circuit, const std::vector<size_t>& path);
// Rebuilds along the path with `updater` applied to its end; a path that leaves the circuit changes nothing.
NodePtr update_path(const NodePtr& circuit, const std::vector<size_t>& path, const NodeFunction& updater);
// Children before parents, the root last: the reverse of taking, again and again, the smallest node all of whose parents are taken.
NodePtrs toposort_circuit(const NodePtr& circuit);
// Every named node renamed to prefix + name, children first.
NodePtr prefix_all_names(const NodePtr& circuit, const std::string& prefix);

}  // namespace pycircuit
