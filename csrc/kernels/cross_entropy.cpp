// Log-probabilities of labels and log-sum-exp of rows (spec 12, section 5).
#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "kernels/convert.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {
namespace {

constexpr int64_t kRowsPerPart = 4;

ScaledSum scaled_sum(const LogitRows& x, int64_t row) {
  return best_target().rows.scaled_sum(element_at(x.data, x.element, row * x.row_stride), x.element, x.columns);
}

template <typename F>
void for_rows(int64_t rows, ParallelFor parallel_for, F body) {
  struct Context {
    int64_t rows;
    F body;
  } context{rows, body};
  parallel_for((rows + kRowsPerPart - 1) / kRowsPerPart,
               [](void* pointer, int64_t part) {
                 auto& c = *static_cast<Context*>(pointer);
                 const int64_t end = std::min(c.rows, (part + 1) * kRowsPerPart);
                 for (int64_t row = part * kRowsPerPart; row < end; ++row) c.body(row);
               },
               &context);
}

}  // namespace

int64_t label_log_probabilities(const LogitRows& x, const int64_t* labels, int64_t label_stride, const RowResults& out,
                                ParallelFor parallel_for) {
  for (int64_t row = 0; row < x.rows; ++row) {
    const int64_t label = labels[row * label_stride];
    if (label < 0 || label >= x.columns) return row;
  }
  for_rows(x.rows, parallel_for, [&](int64_t row) {
    const ScaledSum total = scaled_sum(x, row);
    const float logit = load_element(x.data, x.element, row * x.row_stride + labels[row * label_stride]);
    store_element(out.data, out.element, row * out.stride, (logit - total.max) - std::log(total.sum));
  });
  return -1;
}

void log_sum_exp(const LogitRows& x, const RowResults& out, ParallelFor parallel_for) {
  for_rows(x.rows, parallel_for, [&](int64_t row) {
    const ScaledSum total = scaled_sum(x, row);
    store_element(out.data, out.element, row * out.stride, std::isinf(total.max) ? total.max : total.max + std::log(total.sum));
  });
}

}  // namespace pycircuit::kernels
