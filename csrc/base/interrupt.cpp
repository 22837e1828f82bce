#include "base/interrupt.h"

#include <atomic>

namespace pycircuit {
namespace {
std::atomic<void (*)()> installed{nullptr};
}

void poll_interrupt() {
  if (void (*hook)() = installed.load(std::memory_order_relaxed)) hook();
}

void install_interrupt_hook(void (*hook)()) { installed.store(hook, std::memory_order_relaxed); }

}  // namespace pycircuit
