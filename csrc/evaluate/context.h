// OptimizationContext: settings with the logs of what was optimized with them (spec 12, 5.1). Caches are those of the process.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "circuit/nodes/einsum.h"
#include "evaluate/settings.h"

namespace pycircuit {

// Copies share their logs; any thread may use one.
class OptimizationContext {
 public:
  OptimizationContext(OptimizationSettings settings = {});  // implicit: settings are a context that nobody looks at

  const OptimizationSettings& settings() const { return settings_; }
  // Whether every step must be taken anew, because somebody watches.
  bool is_watched() const;
  void rule_fired(std::string_view name) const;
  // The search for a contraction order took that long.
  void path_found(const Einsum& einsum, double seconds) const;
  // {"simplifications": [...], "slow_einsums": [{"inputs": [...], "spec": "ab,bc->ac", "seconds": ...}]}
  std::string stringify_logs() const;

 private:
  struct Logs;
  OptimizationSettings settings_;
  std::shared_ptr<Logs> logs_;
};

}  // namespace pycircuit
