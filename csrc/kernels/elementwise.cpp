// Elementwise programs (spec 12, section 5): the entry points, which divide the work into tiles. See elementwise_tile.h for a tile.
#include "kernels/elementwise.h"

#include <algorithm>

#include "kernels/elementwise_plan.h"
#include "kernels/targets.h"

namespace pycircuit::kernels {
namespace {

// About as many elements as make it worth waking a thread.
constexpr int64_t kElementsPerPart = 16 * kElementwiseTile;

int num_arguments(ElementwiseOp op) {
  if (op == ElementwiseOp::load || op == ElementwiseOp::constant) return 0;
  return op <= ElementwiseOp::pow ? 2 : 1;
}

// Whether the axis before the last of the plan can be joined with an axis of the problem into one.
bool joins(const ElementwisePlan& plan, int axis) {
  const ElementwiseProblem& p = *plan.problem;
  const int last = plan.num_axes - 1;
  if (plan.result_strides[last] != p.result_strides[axis] * p.sizes[axis]) return false;
  for (int k = 0; k < p.num_operands; ++k) {
    if (plan.operand_strides[k][last] != p.operands[k].strides[axis] * p.sizes[axis]) return false;
  }
  return true;
}

void collapse(ElementwisePlan& plan) {
  const ElementwiseProblem& p = *plan.problem;
  // Two axes of size 1 to begin with: the innermost two always exist.
  plan.num_axes = 2;
  plan.sizes[0] = plan.sizes[1] = 1;
  int real_axes = 0;
  for (int axis = 0; axis < p.num_axes; ++axis) {
    if (p.sizes[axis] == 1) continue;
    if (real_axes > 0 && joins(plan, axis)) {
      plan.sizes[plan.num_axes - 1] *= p.sizes[axis];
    } else {
      if (real_axes > 0) ++plan.num_axes;
      ++real_axes;
      plan.sizes[plan.num_axes - 1] = p.sizes[axis];
    }
    plan.result_strides[plan.num_axes - 1] = p.result_strides[axis];
    for (int k = 0; k < p.num_operands; ++k) plan.operand_strides[k][plan.num_axes - 1] = p.operands[k].strides[axis];
  }
}

void divide(ElementwisePlan& plan) {
  const int64_t rows = plan.sizes[plan.num_axes - 2];
  const int64_t columns = plan.sizes[plan.num_axes - 1];
  plan.tile_columns = std::min(columns, kElementwiseTile);
  plan.tile_rows = plan.tile_columns < columns ? 1 : std::min(rows, kElementwiseTile / columns);
  plan.column_tiles = (columns + plan.tile_columns - 1) / plan.tile_columns;
  plan.row_tiles = (rows + plan.tile_rows - 1) / plan.tile_rows;
  plan.num_tiles = plan.column_tiles * plan.row_tiles;
  for (int axis = 0; axis < plan.num_axes - 2; ++axis) plan.num_tiles *= plan.sizes[axis];
  plan.tiles_per_part = std::max<int64_t>(1, kElementsPerPart / (plan.tile_rows * plan.tile_columns));
}

// Whether operand k can be used where it lies: float32, and a tile's elements side by side.
bool used_in_place(const ElementwisePlan& plan, int k) {
  const int64_t* strides = plan.operand_strides[k];
  if (plan.problem->operands[k].element != Element::float32 || strides[plan.num_axes - 1] != 1) return false;
  return plan.tile_rows == 1 || strides[plan.num_axes - 2] == plan.tile_columns;
}

// Gives each value a register, free again after the value's last use. False: there are not enough.
bool allocate(ElementwisePlan& plan) {
  const ElementwiseProblem& p = *plan.problem;
  int last_use[kMaxElementwiseInstructions];
  std::fill_n(last_use, p.num_instructions, -1);
  for (int k = 0; k < p.num_instructions; ++k) {
    const int arguments = num_arguments(p.instructions[k].op);
    if (arguments > 0) last_use[p.instructions[k].a] = k;
    if (arguments > 1) last_use[p.instructions[k].b] = k;
  }
  bool taken[kMaxElementwiseRegisters] = {};
  const auto release = [&](int value, int user) {
    if (last_use[value] == user && plan.register_of[value] >= 0) taken[plan.register_of[value]] = false;
  };
  for (int k = 0; k < p.num_instructions; ++k) {
    const ElementwiseInstruction& instruction = p.instructions[k];
    if (instruction.op == ElementwiseOp::load && used_in_place(plan, instruction.a)) {
      plan.register_of[k] = -1;
      continue;
    }
    const int arguments = num_arguments(instruction.op);
    // An argument's register may be the result's: every operation reads an element before it writes it.
    if (arguments > 0) release(instruction.a, k);
    if (arguments > 1) release(instruction.b, k);
    const int found = static_cast<int>(std::find(taken, taken + kMaxElementwiseRegisters, false) - taken);
    if (found == kMaxElementwiseRegisters) return false;
    plan.register_of[k] = found;
    taken[found] = last_use[k] > k;
  }
  return true;
}

bool well_formed(const ElementwiseProblem& p) {
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
  return true;
}

bool is_empty(const ElementwiseProblem& p) { return std::find(p.sizes, p.sizes + p.num_axes, 0) != p.sizes + p.num_axes; }

bool make_plan(const ElementwiseProblem& problem, ElementwisePlan& plan) {
  plan.problem = &problem;
  collapse(plan);
  divide(plan);
  return allocate(plan);
}

}  // namespace

bool elementwise_supports(const ElementwiseProblem& problem) {
  if (!well_formed(problem)) return false;
  ElementwisePlan plan;
  return is_empty(problem) || make_plan(problem, plan);
}

void elementwise(const ElementwiseProblem& problem, ParallelFor parallel_for) {
  if (is_empty(problem)) return;
  ElementwisePlan plan;
  make_plan(problem, plan);
  parallel_for((plan.num_tiles + plan.tiles_per_part - 1) / plan.tiles_per_part,
               [](void* context, int64_t part) { best_target().elementwise.run(*static_cast<const ElementwisePlan*>(context), part); },
               &plan);
}

}  // namespace pycircuit::kernels
