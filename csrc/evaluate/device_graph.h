// Work of a device captured once and launched again as a whole (CUDA graphs), behind an interface that does not know of CUDA.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace pycircuit {

// A captured computation: it reads the tensors that were read, and writes the results that were made, when it was captured.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  // On the current stream, after every earlier use of the graph: `refill` (which overwrites inputs), the computation, `take` (which copies
  // the results away).
  virtual void replay(const std::function<void()>& refill, const std::function<void()>& take) = 0;
};

class GraphDevice {
 public:
  virtual ~GraphDevice() = default;
  // Whether work on the device can be captured now: not while the caller captures it.
  virtual bool can_capture(Device device) const = 0;
  // Runs `work` once to warm up, then captures it. `results` gets what the captured run returned: undefined until replayed, overwritten by
  // every replay. c10::Error where the work cannot be captured.
  virtual std::unique_ptr<DeviceGraph> capture(Device device, const std::function<std::vector<Tensor>()>& work,
                                               std::vector<Tensor>& results) = 0;
};

// The devices of this build: CUDA where torch has it, else none that can capture.
GraphDevice& graph_device();
// Puts another in its place, for tests; null: that of the build again.
void set_graph_device(GraphDevice* device);

}  // namespace pycircuit
