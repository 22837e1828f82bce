#include "kernels/small_product.h"

#include <memory>

#include "kernels/targets.h"

namespace pycircuit::kernels {
namespace {

// Offsets of all places of some axes, the last axis fastest.
void offsets(const ProductAxes& axes, int64_t ProductAxis::* stride, int64_t* out) {
  int64_t count = 1;
  out[0] = 0;
  for (int32_t k = 0; k < axes.count; ++k) {
    const ProductAxis& axis = axes.axes[k];
    // From behind, since every place so far becomes `size` places.
    for (int64_t i = count; i-- > 0;)
      for (int64_t j = axis.size; j-- > 0;) out[i * axis.size + j] = out[i] + j * axis.*stride;
    count *= axis.size;
  }
}

}  // namespace

bool is_small_product(int64_t batch, int64_t rows, int64_t columns, int64_t inner) {
  const auto fits = [](int64_t a, int64_t b, int64_t limit) { return a <= limit && b <= limit && a * b <= limit; };
  return rows > 0 && columns > 0 && inner > 0 && batch > 0 && fits(rows, inner, kMaxSmallMatrix) && fits(inner, columns, kMaxSmallMatrix) &&
         fits(rows, columns, kMaxSmallMatrix) && fits(rows * columns, inner, kMaxSmallProduct) &&
         fits(rows * columns * inner, batch, kMaxSmallProduct);
}

void small_product(const SmallProduct& p) {
  const int64_t batch = p.batch.size(), rows = p.rows.size(), columns = p.columns.size(), inner = p.inner.size();
  // Nine tables of offsets, of which none has more than kMaxSmallProduct entries; most are short.
  constexpr int64_t kOnStack = 1024;
  int64_t on_stack[kOnStack];
  const int64_t entries = 3 * batch + 2 * (rows + columns + inner);
  std::unique_ptr<int64_t[]> on_heap;
  if (entries > kOnStack) on_heap = std::make_unique_for_overwrite<int64_t[]>(static_cast<size_t>(entries));
  int64_t* next = on_heap ? on_heap.get() : on_stack;
  const auto table = [&](const ProductAxes& axes, int64_t size, int64_t ProductAxis::* stride) {
    int64_t* out = next;
    next += size;
    offsets(axes, stride, out);
    return out;
  };
  SmallMatrices matrices;
  matrices.num_rows = rows;
  matrices.num_columns = columns;
  matrices.num_inner = inner;
  matrices.left_rows = table(p.rows, rows, &ProductAxis::left);
  matrices.result_rows = table(p.rows, rows, &ProductAxis::result);
  matrices.right_columns = table(p.columns, columns, &ProductAxis::right);
  matrices.result_columns = table(p.columns, columns, &ProductAxis::result);
  matrices.left_inner = table(p.inner, inner, &ProductAxis::left);
  matrices.right_inner = table(p.inner, inner, &ProductAxis::right);
  const int64_t* left = table(p.batch, batch, &ProductAxis::left);
  const int64_t* right = table(p.batch, batch, &ProductAxis::right);
  const int64_t* result = table(p.batch, batch, &ProductAxis::result);
  constexpr int64_t kFloatsOnStack = 4096, kWidest = 16;
  alignas(64) float floats_on_stack[kFloatsOnStack];
  std::unique_ptr<float[]> floats_on_heap;
  const int64_t floats = inner * ((columns + kWidest - 1) / kWidest * kWidest);
  if (floats > kFloatsOnStack) floats_on_heap = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(floats));
  matrices.columns = floats_on_heap ? floats_on_heap.get() : floats_on_stack;
  const Target& target = best_target();
  for (int64_t i = 0; i < batch; ++i) {
    matrices.has_columns = i > 0 && right[i] == right[i - 1];
    target.rows.multiply(matrices, p.left + left[i], p.right + right[i], p.result + result[i]);
  }
}

}  // namespace pycircuit::kernels
