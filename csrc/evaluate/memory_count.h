// How much memory torch's allocators hand out during a run (spec 12, 8.4: peak_bytes).
#pragma once

#include <cstdint>
#include <memory>

namespace pycircuit {

// Counts what this thread allocates, on every device, from construction to destruction; what was there before does not count. While it
// lives, a torch profiler that is active on this thread sees no allocations.
class MemoryCount {
 public:
  MemoryCount();
  ~MemoryCount();
  MemoryCount(const MemoryCount&) = delete;
  MemoryCount& operator=(const MemoryCount&) = delete;

  int64_t peak_bytes() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace pycircuit
