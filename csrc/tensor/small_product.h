// Products of small float32 matrices on the CPU without torch, for values that nobody watches. Only .cpp files that call ATen include this.
#pragma once

#include <ATen/core/Tensor.h>

#include "shape/shape.h"

namespace pycircuit {

// Which axes of two operands and of the result belong together; -1 where there is none. Sizes are known beforehand.
struct SmallProductPlan {
  struct Axis {
    Size size;
    int left, right, result;
  };
  std::vector<Axis> batch, rows, columns, inner;
  Shape result_shape;
  bool fits = false;  // small enough

  void finish(Shape shape);
  bool takes(const at::Tensor& left, const at::Tensor& right) const;
  at::Tensor operator()(const at::Tensor& left, const at::Tensor& right) const;
};

}  // namespace pycircuit
