#include "base/output.h"

#include <atomic>

namespace pycircuit {
namespace {
std::atomic<void (*)(const std::string&)> installed{nullptr};
}

void print_line(const std::string& text) {
  if (void (*hook)(const std::string&) = installed.load(std::memory_order_relaxed)) hook(text);
}

void install_output_hook(void (*hook)(const std::string& text)) { installed.store(hook, std::memory_order_relaxed); }

}  // namespace pycircuit
