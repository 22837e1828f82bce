#include "evaluate/replays.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "base/interrupt.h"
#include "circuit/nodes/all.h"
#include "tensor/aten.h"
#include "tensor/operations.h"

namespace pycircuit {
namespace {

constexpr int kPlainRuns = 2;    // before the first capture: they show which inputs differ
constexpr int kMaxCaptures = 3;  // inputs that turn out to differ later cost another one
constexpr auto kInterruptInterval = std::chrono::milliseconds(20);

// What tells one value of an input from another, without looking at it.
using Signature = std::vector<const void*>;

uint64_t bytes_of(const Tensor& tensor) { return static_cast<uint64_t>(tensor.numel() * element_size(tensor.dtype())); }

at::Tensor flat(const Tensor& tensor) { return to_aten(tensor).contiguous().reshape(-1).view(at::kByte); }

bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].shape() != b[i].shape() || a[i].dtype() != b[i].dtype() || a[i].device() != b[i].device() ||
        !at::equal(flat(a[i]), flat(b[i])))
      return false;
  return true;
}

Tensor copy_of(const Tensor& tensor) {
  const at::Tensor from = to_aten(tensor);
  at::Tensor copy = at::empty_like(from);
  copy.copy_(from);
  return from_aten(std::move(copy));
}

std::vector<Tensor> copies_of(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> copies;
  for (const auto& tensor : tensors) copies.push_back(copy_of(tensor));
  return copies;
}

// Steps of the program and of the pieces of its streams: whether any calls a user function; slots of their Index nodes.
void look_through(const Program& program, const std::vector<int>& slots, bool& calls_user_function, std::vector<int>& indices) {
  const auto outside = [&](int slot) { return slots.empty() ? slot : slots[slot]; };
  for (const auto& step : program.steps) {
    calls_user_function |= step.calls_user_function;
    for (const int index : step.indices) indices.push_back(outside(index));
    if (!step.stream) continue;
    for (const auto& piece : step.stream->pieces) {
      if (!piece.program) continue;
      std::vector<int> inside;
      for (const int slot : piece.externals) inside.push_back(outside(slot));
      for (const int slot : piece.computed) inside.push_back(outside(slot));
      look_through(*piece.program, inside, calls_user_function, indices);
    }
  }
}

}  // namespace

class Replays::Implementation {
 public:
  Implementation(ProgramPtr program, const OptimizationSettings& settings, uint64_t other_bytes)
      : program_(std::move(program)), refused_(!settings.cuda_graphs) {
    const auto limit = static_cast<uint64_t>(settings.max_memory);
    const uint64_t needed = saturating_add(program_->memory_peak, other_bytes);
    refused_ |= needed > limit;
    spare_bytes_ = refused_ ? 0 : limit - needed;
  }

  std::vector<Tensor> run(std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                          const std::vector<Tensor>* prepared) {
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && !refused_)
      if (auto results = try_run(leaves, nodes, stats, prepared)) return std::move(*results);
    return pycircuit::run(*program_, std::move(leaves), nodes, stats, prepared);
  }

  uint64_t held_bytes() const { return held_; }

 private:
  struct Captured {
    std::vector<Tensor> values;  // by slot: inputs
    NodePtrs nodes;              // by slot; keeps them alive
    std::vector<const Node*> pointers;
    std::vector<Tensor> results;
    RunStats stats;  // of the captured run
    std::vector<Signature> signatures;
    uint64_t own_bytes = 0;
    std::unique_ptr<DeviceGraph> graph;  // goes first: it may have to wait for the device
  };

  // Nothing: to be computed plainly.
  std::optional<std::vector<Tensor>> try_run(const std::vector<Tensor>& leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                                             const std::vector<Tensor>* prepared) {
    const auto device = common_device(leaves);
    if (!device || needs_gradient(leaves) || !graph_device().can_capture(*device)) return std::nullopt;
    if (!split_) split();
    if (refused_) return std::nullopt;
    poll();
    // Also where it outlasts this run, nobody writes to what it reads.
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    std::vector<Tensor> values = leaves;
    values.resize(static_cast<size_t>(program_->num_slots));
    if (!program_->prologue.empty()) {
      const std::vector<Tensor> made = prepared ? *prepared : prepare(*program_, leaves);
      for (size_t i = 0; i < made.size(); ++i) values[program_->prologue[i].results[0]] = made[i];
    }
    std::vector<Signature> signatures = signatures_of(values, nodes, *device);
    if (captured_) {
      if (note_differing(captured_->signatures, signatures)) {
        captured_.reset();
        held_ = 0;
      } else {
        return replay(std::move(values), nodes, stats);
      }
    } else if (!last_.empty()) {
      note_differing(last_, signatures);
    }
    last_ = signatures;
    if (refused_ || ++runs_ <= kPlainRuns) return std::nullopt;
    return capture(*device, std::move(values), nodes, std::move(signatures), stats);
  }

  std::optional<Device> common_device(const std::vector<Tensor>& leaves) const {
    std::optional<Device> device;
    for (const auto& leaf : leaves) {
      if (!leaf.defined()) continue;
      if (device && *device != leaf.device()) return std::nullopt;
      device = leaf.device();
    }
    return device;
  }

  // Divides the program into what runs ahead and what is captured.
  void split() {
    split_ = true;
    body_ = *program_;
    body_.prologue.clear();
    body_.steps.clear();
    std::vector<bool> is_there(static_cast<size_t>(program_->num_slots), false);
    for (int slot = 0; slot < program_->num_leaves; ++slot) is_there[slot] = true;
    for (const auto& [slot, value] : program_->known) is_there[slot] = true;
    for (int slot = 0; slot < program_->num_leaves; ++slot) inputs_.push_back({slot, nullptr});
    for (const auto& pack : program_->prologue) inputs_.push_back({pack.results[0], nullptr});
    std::vector<const Step*> ahead;
    for (const auto& step : program_->steps) {
      const bool early = step.kernel && !step.indices.empty() && !step.calls_user_function &&
                         std::all_of(step.operands.begin(), step.operands.end(), [&](int operand) { return is_there[operand]; });
      if (!early) {
        body_.steps.push_back(step);
        continue;
      }
      is_there[step.results[0]] = true;
      inputs_.push_back({step.results[0], &step});
    }
    varies_.assign(inputs_.size() + 1, false);
    bool calls_user_function = false;
    look_through(body_, {}, calls_user_function, indices_);
    refused_ |= calls_user_function || body_.steps.empty();
  }

  // Of every input, and of the Index nodes inside. An index tensor of another device would be copied while capturing.
  std::vector<Signature> signatures_of(const std::vector<Tensor>& values, const std::vector<const Node*>& nodes, Device device) {
    std::vector<Signature> signatures;
    std::vector<int> input_of(values.size(), -1);
    for (const auto& [slot, ahead] : inputs_) {
      input_of[slot] = static_cast<int>(signatures.size());
      Signature own;
      if (ahead) {
        for (const int index : ahead->indices) own.push_back(nodes[index]);
        for (const int operand : ahead->operands)
          if (input_of[operand] >= 0) own.insert(own.end(), signatures[input_of[operand]].begin(), signatures[input_of[operand]].end());
      } else if (values[slot].defined()) {
        own = {values[slot].identity(), to_aten(values[slot]).const_data_ptr()};
      }
      signatures.push_back(std::move(own));
    }
    Signature inside;
    for (const int index : indices_) {
      inside.push_back(nodes[index]);
      for (const auto& element : nodes[index]->as<Index>()->index())
        if (const auto* tensor = std::get_if<Tensor>(&element)) refused_ |= tensor->device() != device;
    }
    signatures.push_back(std::move(inside));
    return signatures;
  }

  // Inputs unlike before get a place of the capture's own; Index nodes inside must stay. True where a capture does not serve any more.
  bool note_differing(const std::vector<Signature>& before, const std::vector<Signature>& now) {
    bool any = false;
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (!varies_[i] && before[i] != now[i]) any = varies_[i] = true;
    if (before.back() != now.back()) any = refused_ = true;
    return any;
  }

  Tensor run_ahead(const Step& step, const std::vector<Tensor>& values, const std::vector<const Node*>& nodes) const {
    KernelArgs args;
    for (const int operand : step.operands) args.operands.push_back(values[operand]);
    for (const int index : step.indices) args.indices.push_back(&nodes[index]->as<Index>()->index());
    return step.kernel(std::move(args));
  }

  std::optional<std::vector<Tensor>> capture(Device device, std::vector<Tensor> values, const std::vector<const Node*>& nodes,
                                             std::vector<Signature> signatures, RunStats* stats) {
    refused_ = true;  // until it is there
    if (++captures_ > kMaxCaptures) return std::nullopt;
    auto made = std::make_unique<Captured>();
    for (const auto& [slot, value] : program_->known) values[slot] = value;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Tensor& value = values[inputs_[i].slot];
      if (inputs_[i].ahead) value = run_ahead(*inputs_[i].ahead, values, nodes);
      if (!varies_[i] || !value.defined()) continue;
      made->own_bytes = saturating_add(made->own_bytes, bytes_of(value));
      if (made->own_bytes > spare_bytes_) return std::nullopt;
      value = copy_of(value);
    }
    made->values = std::move(values);
    made->signatures = std::move(signatures);
    for (const Node* node : nodes) made->nodes.emplace_back(node);
    made->pointers = nodes;
    std::vector<Tensor> plain = pycircuit::run(body_, made->values, nodes, stats);
    try {
      made->graph = graph_device().capture(
          device,
          [this, made = made.get()] {
            made->stats = {};
            return pycircuit::run(body_, made->values, made->pointers, &made->stats);
          },
          made->results);
      bool same = false;
      made->graph->replay([] {}, [&] { same = same_bits(made->results, plain); });
      if (same) {
        captured_ = std::move(made);
        held_ = saturating_add(program_->memory_peak, captured_->own_bytes);
        refused_ = false;
      }
    } catch (const c10::Error&) {
      // Something in it cannot be captured: plain runs do.
    } catch (const CircuitError&) {
    }
    return plain;
  }

  std::optional<std::vector<Tensor>> replay(std::vector<Tensor> values, const std::vector<const Node*>& nodes, RunStats* stats) {
    for (const auto& [slot, value] : program_->known) values[slot] = value;
    std::vector<std::pair<const Tensor*, Tensor>> refills;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!varies_[i]) {
        values[inputs_[i].slot] = captured_->values[inputs_[i].slot];
        continue;
      }
      Tensor& value = values[inputs_[i].slot];
      if (inputs_[i].ahead) value = run_ahead(*inputs_[i].ahead, values, nodes);
      const Tensor& place = captured_->values[inputs_[i].slot];
      if (!value.defined() && !place.defined()) continue;
      // A Symbol takes any dtype.
      if (!value.defined() || !place.defined() || value.dtype() != place.dtype() || value.shape() != place.shape()) return std::nullopt;
      refills.emplace_back(&place, value);
    }
    std::vector<Tensor> results;
    captured_->graph->replay(
        [&] {
          for (const auto& [place, value] : refills) to_aten(*place).copy_(to_aten(value));
        },
        [&] { results = copies_of(captured_->results); });
    if (stats) {
      ++stats->graph_replays;
      for (const auto& [backend, count] : captured_->stats.attention_backends) stats->attention_backends[backend] += count;
    }
    return results;
  }

  // As a plain run does between steps.
  void poll() {
    const auto now = std::chrono::steady_clock::now();
    if (now - polled_ < kInterruptInterval) return;
    polled_ = now;
    poll_interrupt();
  }

  struct Input {
    int slot;
    const Step* ahead;  // what computes it, outside the capture; null: a leaf or a packed constant
  };

  const ProgramPtr program_;
  uint64_t spare_bytes_ = 0;
  std::atomic<uint64_t> held_ = 0;
  std::mutex mutex_;
  bool refused_ = false;
  bool split_ = false;
  Program body_;               // without what runs ahead
  std::vector<Input> inputs_;  // operands before users
  std::vector<int> indices_;   // slots of Index nodes inside
  std::vector<bool> varies_;   // by input
  std::vector<Signature> last_;
  int runs_ = 0, captures_ = 0;
  std::chrono::steady_clock::time_point polled_ = std::chrono::steady_clock::now();
  std::unique_ptr<Captured> captured_;
};

Replays::Replays(ProgramPtr program, const OptimizationSettings& settings, uint64_t other_bytes)
    : implementation_(std::make_unique<Implementation>(std::move(program), settings, other_bytes)) {}
Replays::~Replays() = default;

std::vector<Tensor> Replays::run(std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                                 const std::vector<Tensor>* prepared) {
  return implementation_->run(std::move(leaves), nodes, stats, prepared);
}

uint64_t Replays::held_bytes() const { return implementation_->held_bytes(); }

}  // namespace pycircuit
