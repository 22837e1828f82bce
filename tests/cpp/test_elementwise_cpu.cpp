// The elementwise programs of csrc/kernels/ (spec 12, section 5): each function against double precision, and random programs over random
// shapes, strides and element types against a plain interpreter; results are poisoned beforehand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels_helpers.h"

namespace pycircuit::kernels {
namespace {

using Op = ElementwiseOp;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kUnits = 3;  // in the last place

double exact(Op op, double a, double b) {
  switch (op) {
    case Op::load:
    case Op::constant:
      break;
    case Op::add:
      return a + b;
    case Op::subtract:
      return a - b;
    case Op::multiply:
      return a * b;
    case Op::divide:
      return a / b;
    case Op::pow:
      return std::pow(a, b);
    case Op::negate:
      return -a;
    case Op::square:
      return a * a;
    case Op::sqrt:
      return std::sqrt(a);
    case Op::sin:
      return std::sin(a);
    case Op::cos:
      return std::cos(a);
    case Op::sigmoid:
      return 1 / (1 + std::exp(-a));
    case Op::tanh:
      return std::tanh(a);
    case Op::rsqrt:
      return 1 / std::sqrt(a);
    case Op::gelu:
      return a * 0.5 * (1 + std::erf(a * std::sqrt(0.5)));
    case Op::gelu_new:
      return 0.5 * a * (1 + std::tanh(std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
    case Op::relu:
      return a < 0 ? 0 : a;
    case Op::silu:
      return a / (1 + std::exp(-a));
    case Op::step:
      return a > 0;
    case Op::reciprocal:
      return 1 / a;
    case Op::log_exp_p_1:
      return a < 0 ? std::log1p(std::exp(a)) : a + std::log1p(std::exp(-a));
    case Op::gaussian_pdf:
      return std::exp(-a * a / 2) / std::sqrt(2 * M_PI);
    case Op::gaussian_cdf:
      return 0.5 * (1 + std::erf(a * std::sqrt(0.5)));
    case Op::abs:
      return std::fabs(a);
    case Op::exp:
      return std::exp(a);
    case Op::log:
      return std::log(a);
    case Op::logit:
      return std::log(a / (1 - a));
  }
  return a;
}

// Error that a float32 evaluation of the formula of spec 04 may have, besides a few units in the last place of the result.
double slack(Op op, double x) {
  switch (op) {
    case Op::sigmoid:  // e^-x overflows
    case Op::silu:
      return 1.2e-38 * (1 + std::fabs(x));
    case Op::gelu:
    case Op::gelu_new:
      return 1e-7 * std::fabs(x);
    case Op::gaussian_cdf:
      return 1e-7;
    case Op::gaussian_pdf:  // the exponent is rounded
      return std::fabs(x) < 20 ? exact(op, x, 0) * 1.2e-7 * (1 + x * x / 2) : 0;
    case Op::logit:  // x / (1 - x) is rounded
      return 2e-7;
    default:
      return 0;
  }
}

void expect_near(Op op, float x, float y, float got, double wanted) {
  const float rounded = float(wanted);
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(got)) << int(op) << "(" << x << ", " << y << "): " << got << " instead of NaN";
  } else if (std::isinf(rounded) || std::isinf(got)) {
    // At the edge of the range one unit decides.
    EXPECT_TRUE(got == rounded || std::fabs(std::min(std::fabs(double(got)), std::fabs(wanted))) > 3.4028e38)
        << int(op) << "(" << x << ", " << y << "): " << got << " instead of " << wanted;
  } else {
    const double unit = std::max(std::ldexp(1.0, std::ilogb(rounded == 0 ? 1e-45f : rounded) - 23), 1.5e-45);
    EXPECT_LE(std::fabs(got - wanted), kUnits * unit + slack(op, x))
        << int(op) << "(" << x << ", " << y << "): " << got << " instead of " << wanted;
  }
}

std::vector<float> interesting(Op op) {
  std::vector<float> xs = {0.0f,   -0.0f,   1.0f,    -1.0f,       0.5f,        0.625f,       0.9277f, 0.928f,
                           1e-40f, -1e-40f, 1e-45f,  3e38f,       -3e38f,      88.7f,        88.73f,  -87.3f,
                           -87.4f, -103.9f, -104.1f, 16777216.0f, float(kInf), -float(kInf), NAN,     0x7fc00001 * 1.0f};
  Random random(int(op) + 1);
  for (int k = 0; k < 20000; ++k) xs.push_back(float(random.normal() * std::pow(2.0, random.below(20) - 12)));
  for (int k = 0; k < 2000; ++k) xs.push_back(float(random.below(1 << 20) / double(1 << 20)));
  return xs;
}

void run(const ElementwiseProblem& p, int threads = 1) {
  ASSERT_TRUE(elementwise_supports(p));
  set_threads(threads);
  elementwise(p, parallel_for);
}

TEST(ElementwiseCpu, FunctionsAreAccurate) {
  for (int number = int(Op::negate); number <= int(Op::logit); ++number) {
    const Op op = Op(number);
    std::vector<float> xs = interesting(op);
    std::vector<float> out(xs.size(), NAN);
    const ElementwiseInstruction program[] = {{Op::load, 0}, {op, 0}};
    const ElementwiseOperand operand = {Element::float32, xs.data(), {1}};
    ElementwiseProblem p;
    p.instructions = program;
    p.num_instructions = 2;
    p.operands = &operand;
    p.num_operands = 1;
    p.num_axes = 1;
    p.sizes[0] = int64_t(xs.size());
    p.result = out.data();
    p.result_strides[0] = 1;
    run(p);
    for (size_t i = 0; i < xs.size(); ++i) {
      double wanted = exact(op, xs[i], 0);
      // Infinity times 0 in the formulas, as in torch.
      if ((op == Op::gelu || op == Op::gelu_new || op == Op::silu) && xs[i] == -float(kInf)) wanted = NAN;
      // Products that overflow in float32 only.
      if (op == Op::gelu_new && std::fabs(xs[i]) > 1e12f) continue;
      expect_near(op, xs[i], 0, out[i], wanted);
      if (HasFailure()) return;
    }
  }
}

TEST(ElementwiseCpu, PairsAreAccurate) {
  for (const Op op : {Op::add, Op::subtract, Op::multiply, Op::divide, Op::pow}) {
    const std::vector<float> xs = interesting(op);
    std::vector<float> ys = xs;
    Random random(3);
    std::shuffle(ys.begin(), ys.end(), random.engine);
    std::vector<float> out(xs.size(), NAN);
    const ElementwiseInstruction program[] = {{Op::load, 0}, {Op::load, 1}, {op, 0, 1}};
    const ElementwiseOperand operands[] = {{Element::float32, xs.data(), {1}}, {Element::float32, ys.data(), {1}}};
    ElementwiseProblem p;
    p.instructions = program;
    p.num_instructions = 3;
    p.operands = operands;
    p.num_operands = 2;
    p.num_axes = 1;
    p.sizes[0] = int64_t(xs.size());
    p.result = out.data();
    p.result_strides[0] = 1;
    run(p);
    for (size_t i = 0; i < xs.size(); ++i) {
      if (op == Op::pow) {
        expect_near(op, xs[i], ys[i], out[i], exact(op, xs[i], ys[i]));
      } else {
        const float wanted = float(exact(op, xs[i], ys[i]));
        EXPECT_TRUE(out[i] == wanted || (std::isnan(out[i]) && std::isnan(wanted))) << int(op) << " " << xs[i] << " " << ys[i];
      }
    }
  }
}

// A program of exact operations, so that a plain interpreter in float32 gives the same bits.
TEST(ElementwiseCpu, RandomProgramsGiveTheBitsOfAPlainInterpreter) {
  for (int seed = 0; seed < 1500; ++seed) {
    Random random(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ElementwiseProblem p;
    p.num_axes = random.below(6);
    int64_t elements = 1;
    for (int axis = 0; axis < p.num_axes; ++axis) {
      p.sizes[axis] = random.pick<int64_t>({1, 1, 2, 3, 5, 17, 64});
      if (random.below(40) == 0) p.sizes[axis] = 0;
      if (elements < 50 && random.below(4) == 0) p.sizes[axis] = random.pick<int64_t>({1023, 1024, 1025, 2500});
      if (elements * p.sizes[axis] > 40000) p.sizes[axis] = 1;
      elements *= p.sizes[axis];
    }
    // Buffers in a random order of axes, with gaps and broadcasts; result without broadcasts.
    const auto layout = [&](Element element, int64_t* strides, bool broadcast) {
      std::vector<int> order(p.num_axes);
      for (int axis = 0; axis < p.num_axes; ++axis) order[axis] = axis;
      if (random.below(2)) std::shuffle(order.begin(), order.end(), random.engine);
      int64_t stride = random.pick({1, 1, 1, 2});
      for (int i = p.num_axes - 1; i >= 0; --i) {
        const int axis = order[i];
        strides[axis] = broadcast && random.below(3) == 0 ? 0 : stride;
        if (strides[axis] != 0) stride = std::max<int64_t>(1, stride * p.sizes[axis]) + (random.below(4) == 0);
      }
      return Buffer(element, stride);
    };
    const int num_operands = random.below(4);
    std::vector<Buffer> buffers;
    std::vector<ElementwiseOperand> operands(num_operands);
    for (ElementwiseOperand& operand : operands) {
      operand.element = Element(random.pick({0, 0, 0, 1, 2}));
      buffers.push_back(layout(operand.element, operand.strides, true));
      for (int64_t i = 0; i < buffers.back().size(); ++i) buffers.back().set(i, random.normal());
    }
    for (int k = 0; k < num_operands; ++k) operands[k].data = buffers[k].data();
    std::vector<ElementwiseInstruction> program;
    const int length = 1 + random.below(14);
    for (int k = 0; k < length; ++k) {
      if (k == 0 || random.below(3) == 0) {
        if (num_operands > 0 && random.below(4)) {
          program.push_back({Op::load, random.below(num_operands)});
        } else {
          program.push_back({Op::constant, -1, -1, float(random.normal())});
        }
      } else {
        const Op op = random.pick({Op::add, Op::add, Op::subtract, Op::multiply, Op::negate, Op::square, Op::relu, Op::abs, Op::step});
        program.push_back({op, random.below(k), random.below(k)});
      }
    }
    p.instructions = program.data();
    p.num_instructions = length;
    p.operands = operands.data();
    p.num_operands = num_operands;
    p.result_element = Element(random.pick({0, 0, 0, 1, 2}));
    Buffer result = layout(p.result_element, p.result_strides, false);
    p.result = result.data();
    run(p, 1 + seed % 4);
    // The plain interpreter.
    Buffer wanted(p.result_element, result.size());
    int64_t index[kMaxElementwiseAxes] = {};
    for (int64_t element = 0; element < elements; ++element) {
      int64_t rest = element;
      for (int axis = p.num_axes - 1; axis >= 0; --axis) {
        index[axis] = rest % p.sizes[axis];
        rest /= p.sizes[axis];
      }
      const auto offset = [&](const int64_t* strides) {
        int64_t sum = 0;
        for (int axis = 0; axis < p.num_axes; ++axis) sum += index[axis] * strides[axis];
        return sum;
      };
      std::vector<float> values;
      for (const ElementwiseInstruction& instruction : program) {
        if (instruction.op == Op::load) {
          values.push_back(float(buffers[instruction.a].get(offset(operands[instruction.a].strides))));
        } else if (instruction.op == Op::constant) {
          values.push_back(instruction.value);
        } else {
          values.push_back(float(exact(instruction.op, values[instruction.a], values[instruction.b])));
        }
      }
      wanted.set(offset(p.result_strides), values.back());
    }
    EXPECT_TRUE(result == wanted);
    if (HasFailure()) return;
  }
}

TEST(ElementwiseCpu, InPlace) {
  std::vector<float> x(5000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = float(i);
  const ElementwiseInstruction program[] = {{Op::load, 0}, {Op::square, 0}, {Op::add, 1, 0}};
  const ElementwiseOperand operand = {Element::float32, x.data(), {100, 1}};
  ElementwiseProblem p;
  p.instructions = program;
  p.num_instructions = 3;
  p.operands = &operand;
  p.num_operands = 1;
  p.num_axes = 2;
  p.sizes[0] = 50;
  p.sizes[1] = 100;
  p.result = x.data();
  p.result_strides[0] = 100;
  p.result_strides[1] = 1;
  run(p);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i], float(i) * float(i) + float(i));
}

TEST(ElementwiseCpu, SumsKeepTheirOrder) {
  const ElementwiseInstruction program[] = {
      {Op::constant, -1, -1, 1e8f}, {Op::constant, -1, -1, 1.0f}, {Op::add, 0, 1}, {Op::constant, -1, -1, -1e8f}, {Op::add, 2, 3}};
  float result = NAN;
  ElementwiseProblem p;
  p.instructions = program;
  p.num_instructions = 5;
  p.result = &result;
  run(p);
  EXPECT_EQ(result, 0.0f);
}

TEST(ElementwiseCpu, Refuses) {
  ElementwiseProblem p;
  EXPECT_FALSE(elementwise_supports(p));
  ElementwiseInstruction program[] = {{Op::load, 0}, {Op::add, 0, 1}};
  p.instructions = program;
  p.num_instructions = 1;
  EXPECT_FALSE(elementwise_supports(p));
  const ElementwiseOperand operand;
  p.operands = &operand;
  p.num_operands = 1;
  EXPECT_TRUE(elementwise_supports(p));
  p.num_instructions = 2;
  EXPECT_FALSE(elementwise_supports(p));
  // More intermediates than registers: constants that are all added at the end.
  std::vector<ElementwiseInstruction> many(kMaxElementwiseRegisters + 1, {Op::constant, -1, -1, 1.0f});
  for (int k = 0; k < kMaxElementwiseRegisters; ++k) many.push_back({Op::add, k == 0 ? 0 : int(many.size()) - 1, k + 1});
  p.instructions = many.data();
  p.num_instructions = int(many.size());
  EXPECT_FALSE(elementwise_supports(p));
}

}  // namespace
}  // namespace pycircuit::kernels
