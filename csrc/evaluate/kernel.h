// What one step of a Program does: a computation made ready for any number of runs (spec 12, section 2).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "circuit/node.h"
#include "tensor/index.h"
#include "tensor/tensor.h"

namespace pycircuit {

// What a run did, beyond its values (spec 12, 8.4).
struct RunStats {
  int64_t python_calls = 0;
  std::map<std::string, int64_t> attention_backends;  // softmax nodes computed by each
  std::optional<int64_t> peak_bytes;                  // most storage owned at once, workspaces included
  int64_t graph_replays = 0;                          // runs of a program as a captured graph
};

// What a kernel gets. It owns the operands: one that no later step needs is held by nobody else and may be written to.
struct KernelArgs {
  std::vector<Tensor> operands;
  std::vector<const IndexElements*> indices;  // of the Index nodes it computes, in the order of Region::indices
  RunStats* stats = nullptr;
};
using Kernel = std::function<Tensor(KernelArgs)>;

// The kernel of a non-leaf node without modules, symbols to bind or variables. Its operands are the children's values; an Index node's
// elements come with the arguments, everything else is read from the node now: a kernel serves every circuit of one structure.
Kernel make_kernel(const NodePtr& node);

}  // namespace pycircuit
