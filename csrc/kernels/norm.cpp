// Norms of rows (spec 12, section 5).
#include "kernels/norm.h"

#include <algorithm>

#include "kernels/targets.h"

namespace pycircuit::kernels {
namespace {

constexpr int64_t kElementsPerPart = 16384;

int64_t rows_per_part(const NormRows& p) { return std::max<int64_t>(1, kElementsPerPart / std::max<int64_t>(1, p.columns)); }

void run_part(void* context, int64_t part) {
  const NormRows& p = *static_cast<const NormRows*>(context);
  const int64_t rows = rows_per_part(p);
  const int64_t end = std::min(p.rows, (part + 1) * rows);
  for (int64_t row = part * rows; row < end; ++row) best_target().rows.norm(p, row);
}

}  // namespace

void norm(const NormRows& problem, ParallelFor parallel_for) {
  const int64_t rows = rows_per_part(problem);
  NormRows p = problem;
  parallel_for((p.rows + rows - 1) / rows, run_part, &p);
}

}  // namespace pycircuit::kernels
