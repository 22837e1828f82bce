#include "evaluate/report.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

#include "base/output.h"
#include "circuit/measure.h"
#include "text/printer.h"

namespace pycircuit {
namespace {

using Seconds = std::chrono::duration<double>;

std::string seconds_text(Seconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", time.count());
  return text;
}

}  // namespace

Report::Report(const OptimizationSettings& settings, std::string work)
    : verbose_(settings.verbose), work_(std::move(work)), start_(Clock::now()), last_(start_) {
  if (verbose_ >= 1) print_line(work_ + " ...");
}

Report::~Report() {
  const Seconds total = Clock::now() - start_;
  if (verbose_ < 1 || total < Seconds(0.01) || std::uncaught_exceptions() > 0) return;
  try {
    print_line(work_ + ": " + seconds_text(total));
  } catch (...) {
    // The work is done: a closed output must not lose its result.
  }
}

void Report::step(const std::string& name) {
  const Clock::time_point now = Clock::now();
  if (verbose_ >= 2) print_line("  " + name + ": " + seconds_text(now - last_));
  last_ = now;
}

void Report::circuit(const std::string& stage, const NodePtr& circuit, int64_t level) const {
  if (verbose_ < level) return;
  PrintOptions options;
  options.bijection = false;  // nothing goes to the store, and functions need no path
  print_line(stage + ":\n" + print_text(options, {circuit}) + "\n" + stats_line(circuit));
}

std::string compiler_text(const NodePtrs& circuits) {
  PrintOptions options;
  options.force_use_serial_numbers = true;
  return print_text(options, circuits);
}

void save_circuit(const NodePtr& circuit) {
  uint64_t number = 0;
  std::memcpy(&number, circuit->hash().bytes.data(), sizeof number);
  const std::string name = "cached_circ_" + std::to_string(number) + ".circ";
  std::ofstream file(name, std::ios::binary);
  file << print_text({}, {circuit}) << '\n';
  file.close();
  if (!file) fail(ErrorId::OSError, "save_circ: cannot write " + name + " in the current directory");
  print_line(name);
}

}  // namespace pycircuit
