// What optimizing, scheduling and evaluating print, by settings.verbose (spec 12, section 10).
#pragma once

#include <chrono>
#include <string>

#include "circuit/node.h"
#include "evaluate/settings.h"

namespace pycircuit {

// Of one piece of work: a start line now, the total time at the end if over 10 ms, step times and circuits in between.
class Report {
 public:
  Report(const OptimizationSettings& settings, std::string work);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  // The time since the previous step (verbose 2).
  void step(const std::string& name);
  // The circuit and a line of its statistics, from a level of verbose on.
  void circuit(const std::string& stage, const NodePtr& circuit, int64_t level) const;

 private:
  using Clock = std::chrono::steady_clock;
  const int64_t verbose_;
  const std::string work_;
  const Clock::time_point start_;
  Clock::time_point last_;
};

// Text that can be read back, each definition with a number (06, 2.5).
std::string compiler_text(const NodePtrs& circuits);
// Writes the text of a circuit to cached_circ_<n>.circ in the current directory and prints the name. OSError.
void save_circuit(const NodePtr& circuit);

}  // namespace pycircuit
