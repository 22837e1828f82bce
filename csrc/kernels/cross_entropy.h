// Log-probabilities of labels, and log-sum-exp, of rows of logits: one pass over the logits, nothing of their size is allocated (spec 12,
// section 5).
#pragma once

#include <cstdint>

#include "kernels/element.h"

namespace pycircuit::kernels {

// rows x columns; a row's elements lie side by side.
struct LogitRows {
  Element element = Element::float32;
  const void* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t row_stride = 0;
};

// One number per row; a stride in elements.
struct RowResults {
  Element element = Element::float32;
  void* data = nullptr;
  int64_t stride = 1;
};

// out[r] = x[r, labels[r]] - log sum over c of exp x[r, c], NaN where a log-softmax is NaN (a row with +infinity or NaN, or all -infinity).
// Returns -1, or the first row whose label is not in [0, columns): then nothing is written.
int64_t label_log_probabilities(const LogitRows& x, const int64_t* labels, int64_t label_stride, const RowResults& out,
                                ParallelFor parallel_for);

// out[r] = log sum over c of exp x[r, c]; -infinity for a row that is empty or all -infinity, +infinity where there is one (and no NaN).
void log_sum_exp(const LogitRows& x, const RowResults& out, ParallelFor parallel_for);

}  // namespace pycircuit::kernels
