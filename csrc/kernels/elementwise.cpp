// The interpreter of elementwise programs (spec 12, section 5).
#include "kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/convert.h"

namespace pycircuit::kernels {
namespace {

constexpr int64_t kTile = 1024;

// Axes of size 1 dropped, neighbours joined where every stride allows, the innermost last. At least one axis.
struct Axes {
  int count = 0;
  int64_t sizes[kMaxElementwiseAxes];
  int source[kMaxElementwiseAxes];  // the axis of the problem whose strides hold
};

Axes collapse(const ElementwiseProblem& p) {
  Axes axes;
  for (int axis = 0; axis < p.num_axes; ++axis) {
    if (p.sizes[axis] == 1) continue;
    bool joins = axes.count > 0;
    if (joins) {
      const int outer = axes.source[axes.count - 1];
      joins = p.result_strides[outer] == p.result_strides[axis] * p.sizes[axis];
      for (int k = 0; joins && k < p.num_operands; ++k) {
        joins = p.operands[k].strides[outer] == p.operands[k].strides[axis] * p.sizes[axis];
      }
    }
    if (joins) {
      axes.sizes[axes.count - 1] *= p.sizes[axis];
      axes.source[axes.count - 1] = axis;
    } else {
      axes.sizes[axes.count] = p.sizes[axis];
      axes.source[axes.count++] = axis;
    }
  }
  return axes;
}

float gaussian_cdf(float x) { return 0.5f * std::erfc(x * -0.70710678118654752f); }

float apply(ElementwiseOp op, float a, float b) {
  switch (op) {
    case ElementwiseOp::load:
    case ElementwiseOp::constant:
      break;
    case ElementwiseOp::add:
      return a + b;
    case ElementwiseOp::subtract:
      return a - b;
    case ElementwiseOp::multiply:
      return a * b;
    case ElementwiseOp::divide:
      return a / b;
    case ElementwiseOp::pow:
      return std::pow(a, b);
    case ElementwiseOp::negate:
      return -a;
    case ElementwiseOp::square:
      return a * a;
    case ElementwiseOp::sqrt:
      return std::sqrt(a);
    case ElementwiseOp::sin:
      return std::sin(a);
    case ElementwiseOp::cos:
      return std::cos(a);
    case ElementwiseOp::sigmoid:
      return 1.0f / (1.0f + std::exp(-a));
    case ElementwiseOp::tanh:
      return std::tanh(a);
    case ElementwiseOp::rsqrt:
      return 1.0f / std::sqrt(a);
    case ElementwiseOp::gelu:
      return a * gaussian_cdf(a);
    case ElementwiseOp::gelu_new:
      return 0.5f * a * (1.0f + std::tanh(0.79788456080286536f * (a + 0.044715f * a * a * a)));
    case ElementwiseOp::relu:
      return a < 0.0f ? 0.0f : a;
    case ElementwiseOp::silu:
      return a / (1.0f + std::exp(-a));
    case ElementwiseOp::step:
      return a > 0.0f ? 1.0f : 0.0f;
    case ElementwiseOp::reciprocal:
      return 1.0f / a;
    case ElementwiseOp::log_exp_p_1:
      return a < 0.0f ? std::log1p(std::exp(a)) : a + std::log1p(std::exp(-a));
    case ElementwiseOp::gaussian_pdf:
      return std::exp(-0.5f * a * a) * 0.39894228040143268f;
    case ElementwiseOp::gaussian_cdf:
      return gaussian_cdf(a);
    case ElementwiseOp::abs:
      return std::fabs(a);
    case ElementwiseOp::exp:
      return std::exp(a);
    case ElementwiseOp::log:
      return std::log(a);
    case ElementwiseOp::logit:
      return std::log(a / (1.0f - a));
  }
  return a;
}

int num_arguments(ElementwiseOp op) {
  if (op == ElementwiseOp::load || op == ElementwiseOp::constant) return 0;
  return op <= ElementwiseOp::pow ? 2 : 1;
}

// Which register holds each value: one is free again after the last use of what it held.
struct Registers {
  int of_value[kMaxElementwiseInstructions];
  int count = 0;  // kMaxElementwiseRegisters + 1: too many
};

Registers allocate(const ElementwiseProblem& p) {
  int last_use[kMaxElementwiseInstructions];
  std::fill_n(last_use, p.num_instructions, -1);
  for (int k = 0; k < p.num_instructions; ++k) {
    const int arguments = num_arguments(p.instructions[k].op);
    if (arguments > 0) last_use[p.instructions[k].a] = k;
    if (arguments > 1) last_use[p.instructions[k].b] = k;
  }
  Registers registers;
  bool taken[kMaxElementwiseRegisters] = {};
  for (int k = 0; k < p.num_instructions; ++k) {
    const ElementwiseInstruction& instruction = p.instructions[k];
    const int arguments = num_arguments(instruction.op);
    // An argument's register may be the result's: every operation reads an element before it writes it.
    if (arguments > 0 && last_use[instruction.a] == k) taken[registers.of_value[instruction.a]] = false;
    if (arguments > 1 && last_use[instruction.b] == k) taken[registers.of_value[instruction.b]] = false;
    const int found = static_cast<int>(std::find(taken, taken + kMaxElementwiseRegisters, false) - taken);
    registers.count = std::max(registers.count, found + 1);
    if (found == kMaxElementwiseRegisters) return registers;
    registers.of_value[k] = found;
    taken[found] = last_use[k] > k;
  }
  return registers;
}

void run_tile(const ElementwiseProblem& p, const Registers& registers, float (*values)[kTile], const int64_t* operand_offsets,
              int64_t result_offset, int axis, int64_t n) {
  for (int k = 0; k < p.num_instructions; ++k) {
    const ElementwiseInstruction& instruction = p.instructions[k];
    float* out = values[registers.of_value[k]];
    if (instruction.op == ElementwiseOp::load) {
      const ElementwiseOperand& operand = p.operands[instruction.a];
      for (int64_t i = 0; i < n; ++i) {
        out[i] = load_element(operand.data, operand.element, operand_offsets[instruction.a] + i * operand.strides[axis]);
      }
    } else if (instruction.op == ElementwiseOp::constant) {
      std::fill_n(out, n, instruction.value);
    } else {
      const float* a = values[registers.of_value[instruction.a]];
      const float* b = num_arguments(instruction.op) == 2 ? values[registers.of_value[instruction.b]] : a;
      for (int64_t i = 0; i < n; ++i) out[i] = apply(instruction.op, a[i], b[i]);
    }
  }
  const float* result = values[registers.of_value[p.num_instructions - 1]];
  for (int64_t i = 0; i < n; ++i) store_element(p.result, p.result_element, result_offset + i * p.result_strides[axis], result[i]);
}

struct Context {
  const ElementwiseProblem& problem;
  Axes axes;
  Registers registers;
  int64_t tiles;  // along the innermost axis
};

// A part is one tile of the innermost axis at one position of the others.
void run_part(void* pointer, int64_t part) {
  const auto& [p, axes, registers, tiles] = *static_cast<Context*>(pointer);
  alignas(64) float values[kMaxElementwiseRegisters][kTile];
  const int inner = axes.count - 1;
  const int64_t first = part % tiles * kTile;
  int64_t operand_offsets[kMaxElementwiseInstructions] = {};
  int64_t result_offset = first * p.result_strides[axes.source[inner]];
  for (int k = 0; k < p.num_operands; ++k) operand_offsets[k] = first * p.operands[k].strides[axes.source[inner]];
  int64_t rest = part / tiles;
  for (int axis = inner - 1; axis >= 0; --axis) {
    const int64_t index = rest % axes.sizes[axis];
    rest /= axes.sizes[axis];
    result_offset += index * p.result_strides[axes.source[axis]];
    for (int k = 0; k < p.num_operands; ++k) operand_offsets[k] += index * p.operands[k].strides[axes.source[axis]];
  }
  run_tile(p, registers, values, operand_offsets, result_offset, axes.source[inner], std::min(kTile, axes.sizes[inner] - first));
}

}  // namespace

bool elementwise_supports(const ElementwiseProblem& p) {
  if (p.num_axes < 0 || p.num_axes > kMaxElementwiseAxes) return false;
  if (p.num_instructions < 1 || p.num_instructions > kMaxElementwiseInstructions) return false;
  if (p.num_operands < 0 || p.num_operands > kMaxElementwiseInstructions) return false;
  for (int k = 0; k < p.num_instructions; ++k) {
    const ElementwiseInstruction& instruction = p.instructions[k];
    const int arguments = num_arguments(instruction.op);
    if (instruction.op == ElementwiseOp::load && (instruction.a < 0 || instruction.a >= p.num_operands)) return false;
    if (arguments > 0 && (instruction.a < 0 || instruction.a >= k)) return false;
    if (arguments > 1 && (instruction.b < 0 || instruction.b >= k)) return false;
  }
  return allocate(p).count <= kMaxElementwiseRegisters;
}

void elementwise(const ElementwiseProblem& problem, ParallelFor parallel_for) {
  for (int axis = 0; axis < problem.num_axes; ++axis) {
    if (problem.sizes[axis] == 0) return;
  }
  Axes axes = collapse(problem);
  if (axes.count == 0) {
    // One element: any axis serves, its stride is never used.
    axes.sizes[0] = 1;
    axes.source[0] = 0;
    axes.count = 1;
  }
  const int inner = axes.count - 1;
  const int64_t tiles = (axes.sizes[inner] + kTile - 1) / kTile;
  int64_t parts = tiles;
  for (int axis = 0; axis < inner; ++axis) parts *= axes.sizes[axis];
  Context context{problem, axes, allocate(problem), tiles};
  parallel_for(parts, run_part, &context);
}

}  // namespace pycircuit::kernels
