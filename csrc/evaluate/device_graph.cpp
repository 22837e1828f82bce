// CUDA graphs by torch's own class, so that its allocator knows of them.
#include "evaluate/device_graph.h"

#ifdef PYCIRCUIT_TORCH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDAGuard.h>

#include "tensor/aten.h"
#endif

namespace pycircuit {
namespace {

#ifdef PYCIRCUIT_TORCH_CUDA

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(c10::DeviceIndex device) : device_(device) {}

  // Memory of the graph goes back to the allocator: nothing may be running that reads it.
  ~CudaGraph() override {
    if (!replayed_) return;
    try {
      const c10::cuda::CUDAStreamCaptureModeGuard relaxed(cudaStreamCaptureModeRelaxed);
      done_.synchronize();
    } catch (const c10::Error&) {
      // The device is lost; there is nothing to wait for.
    }
  }

  std::vector<Tensor> capture(const std::function<std::vector<Tensor>()>& work) {
    const c10::cuda::CUDAGuard on_device(device_);
    const c10::cuda::CUDAStream caller = c10::cuda::getCurrentCUDAStream(device_);
    const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool(false, device_);
    wait(caller, side);
    std::vector<Tensor> results;
    {
      const c10::cuda::CUDAStreamGuard on_side(side);
      // What libraries set up on a stream's first use must not be captured. Its results live until the end of the capture, so that their
      // memory, which belongs to the side stream, is not used for anything else before.
      const std::vector<Tensor> warm = work();
      graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
      try {
        results = work();
      } catch (...) {
        end_failed_capture();
        throw;
      }
      graph_.capture_end();
    }
    wait(side, caller);
    return results;
  }

  void replay(const std::function<void()>& refill, const std::function<void()>& take) override {
    const c10::cuda::CUDAGuard on_device(device_);
    const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream(device_);
    if (replayed_) done_.block(stream);
    replayed_ = true;
    refill();
    graph_.replay();
    take();
    done_.record(stream);
  }

 private:
  static void wait(const c10::cuda::CUDAStream& first, const c10::cuda::CUDAStream& then) {
    c10::Event event(c10::DeviceType::CUDA);
    event.record(first);
    event.block(then);
  }

  // The error that stopped the work is the one to report.
  void end_failed_capture() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
      (void)cudaGetLastError();
    }
  }

  const c10::DeviceIndex device_;
  at::cuda::CUDAGraph graph_;
  c10::Event done_{c10::DeviceType::CUDA};
  bool replayed_ = false;
};

class CudaDevice final : public GraphDevice {
 public:
  bool can_capture(Device device) const override {
    const at::Device own = to_aten(device);
    if (!own.is_cuda()) return false;
    const c10::cuda::CUDAGuard on_device(own.index());
    return c10::cuda::currentStreamCaptureStatusMayInitCtx() == c10::cuda::CaptureStatus::None;
  }

  std::unique_ptr<DeviceGraph> capture(Device device, const std::function<std::vector<Tensor>()>& work,
                                       std::vector<Tensor>& results) override {
    auto graph = std::make_unique<CudaGraph>(to_aten(device).index());
    results = graph->capture(work);
    return graph;
  }
};

using BuiltDevice = CudaDevice;

#else

class NoDevice final : public GraphDevice {
 public:
  bool can_capture(Device) const override { return false; }
  std::unique_ptr<DeviceGraph> capture(Device, const std::function<std::vector<Tensor>()>&, std::vector<Tensor>&) override {
    return nullptr;
  }
};

using BuiltDevice = NoDevice;

#endif

GraphDevice*& installed() {
  static GraphDevice* device = nullptr;
  return device;
}

}  // namespace

GraphDevice& graph_device() {
  static auto& built = *new BuiltDevice();
  return installed() ? *installed() : built;
}

void set_graph_device(GraphDevice* device) { installed() = device; }

}  // namespace pycircuit
