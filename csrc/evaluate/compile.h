// Lowered circuits to Programs: fuse, order, stream; remembered by structure (spec 12, sections 4, 5, 9, 12 to 16).
#pragma once

#include <optional>
#include <vector>

#include "evaluate/program.h"
#include "evaluate/settings.h"

namespace pycircuit {

struct CompileOptions {
  OptimizationSettings settings;
  bool naive = true;  // the order of plain evaluation, no memory limits
  // The order of a plan made before: computed nodes (as numbers) compute by ascending rank.
  std::optional<std::vector<int>> ranks;
  int depth = 0;        // of streams within streams
  bool reused = false;  // for many runs on the same constants, so that packing them pays
};

// The settings without any fusion, streaming or grouping: each node as written.
OptimizationSettings unfused(OptimizationSettings settings);

// SchedulingOOMSingle and SchedulingOOMMany where no plan fits the limits.
ProgramPtr compile(const Lowered& lowered, const CompileOptions& options);
// The same, remembered by structure and settings.
ProgramPtr program_for(const Lowered& lowered, const CompileOptions& options);
void clear_programs();

uint64_t bytes_of(const Node& node);

}  // namespace pycircuit
