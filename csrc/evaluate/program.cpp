#include "evaluate/program.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "base/interrupt.h"
#include "circuit/nodes/all.h"
#include "evaluate/memory_count.h"
#include "evaluate/replays.h"
#include "tensor/aten.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

// Lets a pending Ctrl-C through, at most every few milliseconds: asking takes the interpreter lock.
class InterruptClock {
 public:
  void tick() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(20)) return;
    last_ = now;
    poll_interrupt();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class Runner {
 public:
  Runner(const Program& program, std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats, InterruptClock& clock,
         const std::vector<Tensor>* prepared)
      : program_(program), values_(std::move(leaves)), nodes_(nodes), stats_(stats), clock_(clock) {
    values_.resize(static_cast<size_t>(program.num_slots));
    watched_ = needs_gradient(values_);
    for (const auto& [slot, value] : program.known) values_[slot] = value;
    if (program.prologue.empty()) return;
    const std::vector<Tensor> made = prepared ? *prepared : prepare(program, values_);
    for (size_t i = 0; i < made.size(); ++i) values_[program.prologue[i].results[0]] = made[i];
  }

  std::vector<Tensor> operator()() {
    for (const auto& step : program_.steps) {
      clock_.tick();
      if (step.stream) {
        run_stream(*step.stream);
        for (const int dropped : step.drops) values_[dropped] = Tensor();
      } else {
        run_step(step);
      }
    }
    std::vector<Tensor> outputs;
    for (const int output : program_.outputs) outputs.push_back(values_[output]);
    return outputs;
  }

 private:
  void run_step(const Step& step) {
    KernelArgs args;
    args.stats = stats_;
    args.operands.reserve(step.operands.size());
    for (const int operand : step.operands) args.operands.push_back(values_[operand]);
    for (const int index : step.indices) args.indices.push_back(&nodes_[index]->as<Index>()->index());
    for (const int dropped : step.drops) values_[dropped] = Tensor();
    // Autograd has nothing to see here, and asking it costs as much as a small operation; user functions may use it for themselves.
    std::optional<at::AutoDispatchBelowADInplaceOrView> below_autograd;
    if (!watched_ && !step.calls_user_function) below_autograd.emplace();
    const auto context = [&] { return "while computing " + describe(*nodes_[step.node]); };
    try {
      with_context(
          [&] {
            if (step.kernel) {
              set(step.results[0], step.kernel(std::move(args)));
              return;
            }
            std::vector<Tensor> results = step.group(std::move(args));
            for (size_t i = 0; i < results.size(); ++i) set(step.results[i], std::move(results[i]));
          },
          context);
    } catch (c10::Error& error) {
      error.add_context(context());
      throw;
    }
  }

  void set(int slot, Tensor value) {
    check_device_dtype(*nodes_[slot], value);
    values_[slot] = std::move(value);
  }

  void run_stream(const Stream& stream) {
    std::vector<Tensor> parts;
    prepared_.clear();
    for (size_t k = 0; k < stream.pieces.size(); ++k) {
      const Stream::Piece& piece = stream.pieces[k];
      parts.clear();
      if (piece.program) parts = run_piece(piece);
      for (size_t i = 0; i < stream.results.size(); ++i)
        add_part(stream.results[i], k, piece.part_of[i] < 0 ? values_[piece.part_slots[i]] : parts[piece.part_of[i]]);
    }
  }

  std::vector<Tensor> run_piece(const Stream::Piece& piece) {
    std::vector<Tensor> leaves;
    std::vector<const Node*> nodes;
    leaves.reserve(piece.externals.size());
    nodes.reserve(piece.externals.size() + piece.computed.size());
    for (const int slot : piece.externals) {
      leaves.push_back(values_[slot]);
      nodes.push_back(nodes_[slot]);
    }
    for (const int slot : piece.computed) nodes.push_back(nodes_[slot]);
    return Runner(*piece.program, leaves, nodes, stats_, clock_, prepared_for(*piece.program, leaves))();
  }

  // Pieces of one program mostly pack the same constants.
  const std::vector<Tensor>* prepared_for(const Program& program, const std::vector<Tensor>& leaves) {
    if (program.prologue.empty()) return nullptr;
    Prepared& kept = prepared_[&program];
    std::vector<const void*> packed;
    for (const auto& step : program.prologue)
      for (const int operand : step.operands) packed.push_back(leaves[operand].identity());
    if (kept.made.empty() || kept.packed != packed) kept = {std::move(packed), prepare(program, leaves)};
    return &kept.made;
  }

  void add_part(const Stream::Result& result, size_t k, const Tensor& part) {
    Tensor& value = values_[result.slot];
    if (result.axis < 0) {
      value = k == 0 ? part : add_values({std::exchange(value, Tensor()), part});
      return;
    }
    if (k == 0) value = empty_like(part, result.shape);
    copy_into(value, result.axis, result.offsets[k], part);
  }

  const Program& program_;
  std::vector<Tensor> values_;
  const std::vector<const Node*>& nodes_;
  RunStats* stats_;
  InterruptClock& clock_;
  bool watched_ = false;  // by autograd
  struct Prepared {
    std::vector<const void*> packed;  // identities of the tensors, which live as long as this run
    std::vector<Tensor> made;
  };
  std::map<const Program*, Prepared> prepared_;
};

}  // namespace

void check_device_dtype(const Node& node, const Tensor& value) {
  const DeviceDtypeOp& declared = node.device_dtype();
  if ((declared.dtype && *declared.dtype != value.dtype()) || (declared.device && *declared.device != value.device())) {
    const std::string got = to_text(DeviceDtypeOp{value.device(), value.dtype()});
    fail(ErrorId::TensorEvalDeviceDtypeError, describe(node) + " should have " + to_text(declared) + ", but its value has " + got,
         circuit_payload(NodePtr(&node)), got);
  }
}

std::vector<Tensor> run(const Program& program, std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                        const std::vector<Tensor>* prepared) {
  InterruptClock clock;
  return Runner(program, std::move(leaves), nodes, stats, clock, prepared)();
}

std::vector<Tensor> prepare(const Program& program, const std::vector<Tensor>& leaves) {
  std::vector<Tensor> made;
  for (const auto& step : program.prologue) {
    KernelArgs args;
    for (const int operand : step.operands) args.operands.push_back(leaves[operand]);
    made.push_back(step.kernel(std::move(args)));
  }
  return made;
}

std::vector<const Node*> node_pointers(const Lowered& lowered) {
  std::vector<const Node*> nodes;
  nodes.reserve(static_cast<size_t>(lowered.num_slots()));
  for (int slot = 0; slot < lowered.num_slots(); ++slot) nodes.push_back(lowered.node(slot).get());
  return nodes;
}

std::vector<Tensor> leaf_values(const Lowered& lowered) {
  std::vector<Tensor> values;
  values.reserve(lowered.leaves.size());
  for (const auto& leaf : lowered.leaves) {
    if (const auto* array = leaf->as<Array>()) {
      values.push_back(materialised(array->value()));
    } else if (leaf->kind() == Kind::Scalar) {
      values.emplace_back();  // the program has it
    } else {
      fail(ErrorId::TensorEvalNotExplicitlyComputable, describe(*leaf) + " is not bound to a value", circuit_payload(leaf));
    }
  }
  return values;
}

bool needs_gradient(const std::vector<Tensor>& leaves) {
  return at::GradMode::is_enabled() &&
         std::any_of(leaves.begin(), leaves.end(), [](const Tensor& leaf) { return leaf.defined() && to_aten(leaf).requires_grad(); });
}

std::vector<Tensor> run(const Program& program, const Lowered& lowered, std::vector<Tensor> leaves, RunStats* stats,
                        const std::vector<Tensor>* prepared, Replays* replays) {
  std::optional<MemoryCount> count;
  if (stats) count.emplace();
  const uint64_t held = replays ? replays->held_bytes() : 0;
  std::vector<Tensor> outputs = replays ? replays->run(std::move(leaves), node_pointers(lowered), stats, prepared)
                                        : run(program, std::move(leaves), node_pointers(lowered), stats, prepared);
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = to_device_dtype(outputs[i], lowered.circuits[i]->device_dtype());
  if (stats) stats->peak_bytes = static_cast<int64_t>(held) + count->peak_bytes();
  return outputs;
}

}  // namespace pycircuit
