// A Program: flat steps over slots, compiled once per structure and run any number of times on other tensors (spec 12, sections 3, 4, 14).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/fusion.h"
#include "evaluate/kernel.h"
#include "evaluate/lower.h"
#include "tensor/tensor.h"

namespace pycircuit {

class Program;
class Replays;
using ProgramPtr = std::shared_ptr<const Program>;

// The pieces of Concats of equal length that share work, or of a sum: computed one after the other, each written in place and freed.
struct Stream {
  struct Result {
    int slot;
    int64_t axis;                  // of a Concat; -1: a sum
    std::vector<int64_t> offsets;  // of every piece along the axis, and their total
    Shape shape;
  };
  struct Piece {
    ProgramPtr program;          // null: nothing of its own
    std::vector<int> externals;  // slots of the leaves of `program`
    std::vector<int> computed;   // slots of its computed nodes
    std::vector<int> part_of;    // per result: the output of `program` that is its part, or -1: the value of `part_slots`
    std::vector<int> part_slots;
  };
  std::vector<Result> results;
  std::vector<Piece> pieces;
};

// Computes one slot, several at once (a group), or the results of a stream; then drops what no later step needs.
struct Step {
  Kernel kernel;
  std::function<std::vector<Tensor>(KernelArgs)> group;  // instead of `kernel`, for several results
  std::shared_ptr<const Stream> stream;                  // instead of both
  std::vector<int> results;
  std::vector<int> operands;
  std::vector<int> indices;  // slots of the Index nodes it computes
  std::vector<int> drops;
  int node = 0;  // slot of the node that messages name
  bool calls_user_function = false;
  uint64_t workspace_bytes = 0;  // bound of what it allocates besides its results
};

// One computation of the plan: a node, or the root of a region that hides `inner`. Streams are spelled out piece by piece.
struct PlannedNode {
  int slot;
  std::vector<int> operands;
  std::vector<int> inner;
};

// What was fused, grouped and streamed (8.4); nodes as slots.
struct ProgramStats {
  int64_t fused_attention = 0;
  int64_t fused_nodes = 0;
  std::map<std::string, int64_t> attention_backends;
  std::map<std::string, int64_t> fusions;
  int64_t grouped_matmuls = 0, grouped_matmul_nodes = 0;
  int64_t num_chunks = 0, shared_by_chunks = 0;
  struct NotFused {
    int slot;
    std::string fusion, reason;
  };
  std::vector<NotFused> not_fused;
};

class Program {
 public:
  int num_leaves = 0, num_slots = 0;
  std::vector<Step> prologue;  // of leaves only: packed constants, the same for all pieces of a stream and all runs of a schedule
  std::vector<Step> steps;
  std::vector<std::pair<int, Tensor>> known;  // slots whose value the structure alone says: Scalars, sizes
  std::vector<int> outputs;                   // slots
  std::vector<PlannedNode> plan;              // in order of computation
  uint64_t accounted_peak = 0;                // bytes
  uint64_t step_peak = 0;                     // bytes that the steps hold at most, without workspace
  uint64_t memory_peak = 0;                   // the same with a bound of the workspace of every step
  ProgramStats stats;
};

// `leaves`: the value of every leaf. `nodes`: the node of every slot, for Index elements and messages. Values are dropped after their last
// use; an exception releases everything.
// `prepared`: the results of the prologue for these leaves, if they are there already.
std::vector<Tensor> run(const Program& program, std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                        const std::vector<Tensor>* prepared = nullptr);
// The results of the prologue, one per step.
std::vector<Tensor> prepare(const Program& program, const std::vector<Tensor>& leaves);

std::vector<const Node*> node_pointers(const Lowered& lowered);
// TensorEvalDeviceDtypeError where the value has another dtype or device than the node.
void check_device_dtype(const Node& node, const Tensor& value);
// Values of the leaves that a program has not itself: those of Arrays. TensorEvalNotExplicitlyComputable for a Symbol.
std::vector<Tensor> leaf_values(const Lowered& lowered);
// Whether autograd wants to see the computation: then only the nodes as written will do.
bool needs_gradient(const std::vector<Tensor>& leaves);
// Runs on the lowered circuits; each result has the dtype and device of its circuit. `replays`: of the program, for runs that repeat.
std::vector<Tensor> run(const Program& program, const Lowered& lowered, std::vector<Tensor> leaves, RunStats* stats = nullptr,
                        const std::vector<Tensor>* prepared = nullptr, Replays* replays = nullptr);

}  // namespace pycircuit
