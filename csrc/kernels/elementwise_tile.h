// The interpreter of elementwise programs, written once for all targets: each instruction runs over a whole tile before the next.
#pragma once

#include "kernels/elementwise_plan.h"
#include "kernels/vector_math.h"

namespace pycircuit::kernels::PYCIRCUIT_TARGET {

// A value over a tile; a scalar is the same everywhere and stands as one vector.
struct TileValue {
  const float* data;
  bool scalar;
};

// The first n elements; the rest is 0.
PYCIRCUIT_INLINE Vec load_first(const float* from, int64_t n) {
  float elements[kWidth] = {};
  for (int64_t i = 0; i < n; ++i) elements[i] = from[i];
  return load(elements);
}
PYCIRCUIT_INLINE void store_first(float* to, int64_t n, Vec v) {
  float elements[kWidth];
  store(elements, v);
  for (int64_t i = 0; i < n; ++i) to[i] = elements[i];
}

template <typename F>
PYCIRCUIT_INLINE void map(F f, const float* a, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(out + i, f(load(a + i)));
  if (i < n) store_first(out + i, n - i, f(load_first(a + i, n - i)));
}

template <typename F>
PYCIRCUIT_INLINE void map_pair(F f, TileValue a, TileValue b, int64_t n, float* out) {
  int64_t i = 0;
  if (a.scalar) {
    const Vec x = load(a.data);
    for (; i + kWidth <= n; i += kWidth) store(out + i, f(x, load(b.data + i)));
    if (i < n) store_first(out + i, n - i, f(x, load_first(b.data + i, n - i)));
  } else if (b.scalar) {
    const Vec y = load(b.data);
    for (; i + kWidth <= n; i += kWidth) store(out + i, f(load(a.data + i), y));
    if (i < n) store_first(out + i, n - i, f(load_first(a.data + i, n - i), y));
  } else {
    for (; i + kWidth <= n; i += kWidth) store(out + i, f(load(a.data + i), load(b.data + i)));
    if (i < n) store_first(out + i, n - i, f(load_first(a.data + i, n - i), load_first(b.data + i, n - i)));
  }
}

PYCIRCUIT_INLINE Vec power(Vec x, Vec y) {
  for (int lane = 0; lane < kWidth; ++lane) x[lane] = __builtin_powf(x[lane], y[lane]);
  return x;
}

PYCIRCUIT_INLINE Vec gelu_new(Vec x) {
  const Vec inner = 0.79788456080286536f * (x + 0.044715f * (x * x * x));
  return 0.5f * x * (hyperbolic_tangent(inner) + 1.0f);
}

PYCIRCUIT_INLINE Vec log_exp_p_1(Vec x) {
  const Vec rest = logarithm_of_one_plus(exponential(-absolute(x)));
  return select(x < 0.0f, rest, x + rest);
}

static void apply(ElementwiseOp op, TileValue a, TileValue b, int64_t n, float* out) {
  switch (op) {
    case ElementwiseOp::load:
    case ElementwiseOp::constant:
      return;
    case ElementwiseOp::add:
      return map_pair([](Vec x, Vec y) { return x + y; }, a, b, n, out);
    case ElementwiseOp::subtract:
      return map_pair([](Vec x, Vec y) { return x - y; }, a, b, n, out);
    case ElementwiseOp::multiply:
      return map_pair([](Vec x, Vec y) { return x * y; }, a, b, n, out);
    case ElementwiseOp::divide:
      return map_pair([](Vec x, Vec y) { return x / y; }, a, b, n, out);
    case ElementwiseOp::pow:
      return map_pair([](Vec x, Vec y) { return power(x, y); }, a, b, n, out);
    case ElementwiseOp::negate:
      return map([](Vec x) { return -x; }, a.data, n, out);
    case ElementwiseOp::square:
      return map([](Vec x) { return x * x; }, a.data, n, out);
    case ElementwiseOp::sqrt:
      return map([](Vec x) { return square_root(x); }, a.data, n, out);
    case ElementwiseOp::sin:
      return map([](Vec x) { return sine(x, 0); }, a.data, n, out);
    case ElementwiseOp::cos:
      return map([](Vec x) { return sine(x, 1); }, a.data, n, out);
    case ElementwiseOp::sigmoid:
      return map([](Vec x) { return sigmoid(x); }, a.data, n, out);
    case ElementwiseOp::tanh:
      return map([](Vec x) { return hyperbolic_tangent(x); }, a.data, n, out);
    case ElementwiseOp::rsqrt:
      return map([](Vec x) { return 1.0f / square_root(x); }, a.data, n, out);
    case ElementwiseOp::gelu:
      return map([](Vec x) { return x * gaussian_distribution(x); }, a.data, n, out);
    case ElementwiseOp::gelu_new:
      return map([](Vec x) { return gelu_new(x); }, a.data, n, out);
    case ElementwiseOp::relu:
      return map([](Vec x) { return select(x < 0.0f, Vec{}, x); }, a.data, n, out);
    case ElementwiseOp::silu:
      return map([](Vec x) { return x / (exponential(-x) + 1.0f); }, a.data, n, out);
    case ElementwiseOp::step:
      return map([](Vec x) { return select(x > 0.0f, splat(1.0f), Vec{}); }, a.data, n, out);
    case ElementwiseOp::reciprocal:
      return map([](Vec x) { return 1.0f / x; }, a.data, n, out);
    case ElementwiseOp::log_exp_p_1:
      return map([](Vec x) { return log_exp_p_1(x); }, a.data, n, out);
    case ElementwiseOp::gaussian_pdf:
      return map([](Vec x) { return exponential(-0.5f * (x * x)) * 0.39894228040143268f; }, a.data, n, out);
    case ElementwiseOp::gaussian_cdf:
      return map([](Vec x) { return gaussian_distribution(x); }, a.data, n, out);
    case ElementwiseOp::abs:
      return map([](Vec x) { return absolute(x); }, a.data, n, out);
    case ElementwiseOp::exp:
      return map([](Vec x) { return exponential(x); }, a.data, n, out);
    case ElementwiseOp::log:
      return map([](Vec x) { return logarithm(x); }, a.data, n, out);
    case ElementwiseOp::logit:
      return map([](Vec x) { return logarithm(x / (1.0f - x)); }, a.data, n, out);
  }
}

class ElementwisePart {
 public:
  explicit ElementwisePart(const ElementwisePlan& plan) : plan_(plan), p_(*plan.problem) {}

  void run(int64_t tile) {
    locate(tile);
    TileValue values[kMaxElementwiseInstructions];
    const int last = p_.num_instructions - 1;
    const int inner = plan_.num_axes - 1;
    float* result = nullptr;
    if (p_.result_element == Element::float32 && side_by_side(plan_.result_strides)) {
      result = static_cast<float*>(p_.result) + result_offset_;
    }
    for (int k = 0; k <= last; ++k) {
      const ElementwiseInstruction& instruction = p_.instructions[k];
      const int number = plan_.register_of[k];
      float* out = number < 0 ? nullptr : registers_[number];
      if (instruction.op == ElementwiseOp::load) {
        values[k] = load_operand(instruction.a, out);
      } else if (instruction.op == ElementwiseOp::constant) {
        store(out, splat(instruction.value));
        values[k] = {out, true};
      } else {
        const TileValue a = values[instruction.a];
        const TileValue b = instruction.op <= ElementwiseOp::pow ? values[instruction.b] : a;
        const bool scalar = a.scalar && b.scalar;
        // The last instruction writes the result, where that has a tile's elements side by side.
        if (k == last && result && !scalar) out = result;
        apply(instruction.op, a, b, scalar ? kWidth : rows_ * columns_, out);
        values[k] = {out, scalar};
      }
    }
    if (values[last].data == result) return;
    for (int64_t row = 0; row < rows_; ++row) {
      const int64_t offset = result_offset_ + row * plan_.result_strides[inner - 1];
      if (values[last].scalar) {
        for (int64_t i = 0; i < columns_; ++i) {
          store_one(p_.result, p_.result_element, offset + i * plan_.result_strides[inner], values[last].data[0]);
        }
      } else {
        store_elements(element_at(p_.result, p_.result_element, offset), p_.result_element, plan_.result_strides[inner], columns_,
                       values[last].data + row * columns_);
      }
    }
  }

 private:
  // Where a tile begins, and its size.
  void locate(int64_t tile) {
    const int inner = plan_.num_axes - 1;
    int64_t index[kMaxElementwiseAxes + 2];
    index[inner] = tile % plan_.column_tiles * plan_.tile_columns;
    tile /= plan_.column_tiles;
    index[inner - 1] = tile % plan_.row_tiles * plan_.tile_rows;
    tile /= plan_.row_tiles;
    for (int axis = inner - 2; axis >= 0; --axis) {
      index[axis] = tile % plan_.sizes[axis];
      tile /= plan_.sizes[axis];
    }
    columns_ = smaller(plan_.tile_columns, plan_.sizes[inner] - index[inner]);
    rows_ = smaller(plan_.tile_rows, plan_.sizes[inner - 1] - index[inner - 1]);
    result_offset_ = 0;
    for (int axis = 0; axis <= inner; ++axis) result_offset_ += index[axis] * plan_.result_strides[axis];
    for (int k = 0; k < p_.num_operands; ++k) {
      operand_offsets_[k] = 0;
      for (int axis = 0; axis <= inner; ++axis) operand_offsets_[k] += index[axis] * plan_.operand_strides[k][axis];
    }
  }

  bool side_by_side(const int64_t* strides) const {
    const int inner = plan_.num_axes - 1;
    return (strides[inner] == 1 || columns_ == 1) && (rows_ == 1 || strides[inner - 1] == columns_);
  }

  TileValue load_operand(int32_t number, float* to) {
    const ElementwiseOperand& operand = p_.operands[number];
    const int64_t* strides = plan_.operand_strides[number];
    const int inner = plan_.num_axes - 1;
    const char* from = element_at(operand.data, operand.element, operand_offsets_[number]);
    if (!to) return {reinterpret_cast<const float*>(from), false};
    if ((strides[inner] == 0 || columns_ == 1) && (strides[inner - 1] == 0 || rows_ == 1)) {
      store(to, splat(load_one(from, operand.element, 0)));
      return {to, true};
    }
    for (int64_t row = 0; row < rows_; ++row) {
      load_elements(element_at(from, operand.element, row * strides[inner - 1]), operand.element, strides[inner], columns_,
                    to + row * columns_);
    }
    return {to, false};
  }

  const ElementwisePlan& plan_;
  const ElementwiseProblem& p_;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  int64_t result_offset_ = 0;
  int64_t operand_offsets_[kMaxElementwiseInstructions];
  alignas(64) float registers_[kMaxElementwiseRegisters][kElementwiseTile];
};

static void elementwise_run(const ElementwisePlan& plan, int64_t part) {
  ElementwisePart runner(plan);
  const int64_t end = smaller(plan.num_tiles, (part + 1) * plan.tiles_per_part);
  for (int64_t tile = part * plan.tiles_per_part; tile < end; ++tile) runner.run(tile);
}

static const ElementwiseTarget elementwise = {elementwise_run};

}  // namespace pycircuit::kernels::PYCIRCUIT_TARGET
