// Repeated runs of one Program on a device: captured once, then replayed, so that the host queues one launch instead of one call per step.
//
// Captured is what gives the same device work every time: all tensors on one device, no user function, no gradient, no index tensor that
// the host holds. Index nodes right above leaves run ahead, outside the capture: they are what differs between batches and between samples.
// Inputs that are the same tensors as in the run before are read where they are; the others are copied to places of the capture's own.
// A capture counts only if its first replay gives the bits of the plain run.
#pragma once

#include <memory>
#include <vector>

#include "evaluate/device_graph.h"
#include "evaluate/program.h"
#include "evaluate/settings.h"

namespace pycircuit {

class Replays {
 public:
  // Captures only where `settings.cuda_graphs`, and where what the capture keeps (inputs of its own, intermediates, results) fits
  // max_memory beside `other_bytes`.
  Replays(ProgramPtr program, const OptimizationSettings& settings, uint64_t other_bytes = 0);
  ~Replays();
  Replays(const Replays&) = delete;
  Replays& operator=(const Replays&) = delete;

  // pycircuit::run, as a replay where possible. Any thread: runs beside a replay are plain ones. What cannot be captured is computed
  // plainly, and not tried again.
  std::vector<Tensor> run(std::vector<Tensor> leaves, const std::vector<const Node*>& nodes, RunStats* stats,
                          const std::vector<Tensor>* prepared);
  // Of the capture, from its making on.
  uint64_t held_bytes() const;

 private:
  class Implementation;
  const std::unique_ptr<Implementation> implementation_;
};

}  // namespace pycircuit
