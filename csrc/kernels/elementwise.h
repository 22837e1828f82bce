// Chains of elementwise operations with broadcasting, run tile by tile so that intermediates stay in the first cache (spec 12, section 5;
// functions of spec 04, section 5).
#pragma once

#include <cstdint>

#include "kernels/element.h"

namespace pycircuit::kernels {

constexpr int kMaxElementwiseAxes = 16;
// Instructions of one program, and intermediates that it keeps at once (contiguous float32 operands that are only read do not count).
constexpr int kMaxElementwiseInstructions = 256;
constexpr int kMaxElementwiseRegisters = 16;

enum class ElementwiseOp : int32_t {
  load,      // operand number a
  constant,  // value
  // Of two values a and b.
  add,
  subtract,
  multiply,
  divide,
  pow,
  // Of one value a: spec 04, section 5, with torch's conventions for NaN and infinities.
  negate,
  square,
  sqrt,
  sin,
  cos,
  sigmoid,
  tanh,
  rsqrt,
  gelu,
  gelu_new,
  relu,
  silu,
  step,
  reciprocal,
  log_exp_p_1,
  gaussian_pdf,
  gaussian_cdf,
  abs,
  exp,
  log,
  logit,
};

// Instruction k gives value k, from values of smaller numbers. The last value is the result. Every operation is rounded to float32; nothing
// is reordered or contracted.
struct ElementwiseInstruction {
  ElementwiseOp op = ElementwiseOp::load;
  int32_t a = -1;
  int32_t b = -1;
  float value = 0.0f;
};

// Strides in elements, one per axis of the problem; 0 where it is broadcast.
struct ElementwiseOperand {
  Element element = Element::float32;
  const void* data = nullptr;
  int64_t strides[kMaxElementwiseAxes] = {};
};

struct ElementwiseProblem {
  const ElementwiseInstruction* instructions = nullptr;
  int32_t num_instructions = 0;
  const ElementwiseOperand* operands = nullptr;
  int32_t num_operands = 0;
  int32_t num_axes = 0;
  int64_t sizes[kMaxElementwiseAxes] = {};
  // May be an operand of the same element type and strides (computing in place). float16 and bfloat16 are rounded once, here.
  Element result_element = Element::float32;
  void* result = nullptr;
  int64_t result_strides[kMaxElementwiseAxes] = {};
};

// False: too many axes, instructions or intermediates, or a value or operand number that does not exist.
bool elementwise_supports(const ElementwiseProblem& problem);
// Any split into parts gives the same bits.
void elementwise(const ElementwiseProblem& problem, ParallelFor parallel_for);

}  // namespace pycircuit::kernels
