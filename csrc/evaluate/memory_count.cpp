#include "evaluate/memory_count.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace pycircuit {
namespace {

struct Counter final : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void* pointer, int64_t size, size_t, size_t, c10::Device) override {
    const std::lock_guard lock(mutex);
    if (size > 0) {
      sizes[pointer] = size;
      current += size;
      peak = std::max(peak, current);
    } else if (const auto known = sizes.find(pointer); known != sizes.end()) {
      current -= known->second;
      sizes.erase(known);
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::mutex mutex;
  std::unordered_map<void*, int64_t> sizes;
  int64_t current = 0, peak = 0;
};

}  // namespace

struct MemoryCount::Implementation {
  std::shared_ptr<Counter> counter = std::make_shared<Counter>();
  c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, counter};
};

MemoryCount::MemoryCount() : implementation_(std::make_unique<Implementation>()) {}
MemoryCount::~MemoryCount() = default;

int64_t MemoryCount::peak_bytes() const {
  const std::lock_guard lock(implementation_->counter->mutex);
  return implementation_->counter->peak;
}

}  // namespace pycircuit
