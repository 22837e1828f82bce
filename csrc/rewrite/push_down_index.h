// Moving Index nodes below what they index (spec 10, section 12).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "circuit/node.h"
#include "circuit/nodes/index.h"
#include "match/matcher.h"

namespace pycircuit {

// One step of 12.1, before the Index nodes on the children exist: which children get which elements, and what is made of the results.
struct IndexPush {
  struct Request {
    size_t child_number;
    NodePtr child;
    IndexElements elements;
    Naming naming;  // of the Index on this child
  };
  std::vector<Request> requests;
  std::function<NodePtr(NodePtrs results)> build;
};
struct PushOptions {
  bool allow_partial_pushdown = false;
  Name suffix;
  bool into_module_spec = false;
};
// PushDownIndex... errors.
IndexPush plan_index_push(const Index& index, const PushOptions& options);

// 12.1
NodePtr push_down_index_once(const Index& index, bool allow_partial_pushdown = false, const Name& suffix = {});

// 12.2
const IterativeMatcher& default_index_traversal();
struct PushDownOptions {
  bool into_module_spec = false;
  Name suffix;
  bool allow_partial_pushdown = false;
  bool elim_identity = true;
};
NodePtr push_down_index(const Index& index, const IterativeMatcher& traversal, const PushDownOptions& options = {});

// 12.3
NodePtr deep_push_down_index_raw(const NodePtr& circuit, const std::optional<uint64_t>& min_size = {});

}  // namespace pycircuit
