// Einsum contraction of values (spec 03, section 11; exactness: 12, section 2).
//
// Everything that depends on labels and sizes is decided once, in a Plan; a call only runs views, products and matrix products. A step
// takes two operands apart into the labels of both and the output (batch), of one and the output (rows, columns), of both and not the
// output (inner), and is a broadcast product where there are no inner labels, else a batched matrix product.
#include <ATen/ops/bmm.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bitset>
#include <optional>

#include "tensor/aten.h"
#include "tensor/matrix_product.h"
#include "tensor/operations.h"
#include "tensor/small_product.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr Size kSmallCopy = 16'384;  // elements whose copy costs no more than a call

using LabelSet = std::bitset<kLabelCount>;

LabelSet set_of(const Labels& labels) {
  LabelSet set;
  for (const Label label : labels) set.set(label);
  return set;
}

Labels distinct(const Labels& labels) {
  Labels out;
  LabelSet seen;
  for (const Label label : labels)
    if (!seen.test(label)) {
      seen.set(label);
      out.push_back(label);
    }
  return out;
}

Labels select(const Labels& labels, const LabelSet& set) {
  Labels out;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(out), [&](Label label) { return set.test(label); });
  return out;
}

int64_t position(const Labels& labels, Label label) { return std::find(labels.begin(), labels.end(), label) - labels.begin(); }

// Where each label of `to` is in `from`; empty where the two are equal.
std::vector<int64_t> permutation(const Labels& from, const Labels& to) {
  std::vector<int64_t> out;
  if (from == to) return out;
  for (const Label label : to) out.push_back(position(from, label));
  return out;
}

at::Tensor permuted(const at::Tensor& x, const std::vector<int64_t>& axes) { return axes.empty() ? x : views::permute(x, axes); }

// Integers are summed as int64 and cut back, which is the sum modulo 2**bits; bool becomes "any".
at::Tensor sum_axes(const at::Tensor& x, at::IntArrayRef axes) {
  return x.is_floating_point() ? x.sum(axes) : x.sum(axes).to(x.scalar_type());
}

// Sums axes away, in place of the labels that only this operand has and nobody needs.
struct Reduction {
  std::vector<int64_t> sum;      // axes to sum over, ascending
  std::vector<int64_t> squeeze;  // axes of size 1 to drop after that, descending
  bool empty() const { return sum.empty() && squeeze.empty(); }

  // Also takes the dropped labels out of `labels`.
  static Reduction plan(Labels& labels, const LabelSet& dropped, const EinsumSpec& spec) {
    Reduction out;
    Labels kept, rest;
    for (size_t axis = 0; axis < labels.size(); ++axis)
      if (dropped.test(labels[axis]) && spec.size_of(labels[axis]) != 1) {
        out.sum.push_back(static_cast<int64_t>(axis));
      } else {
        rest.push_back(labels[axis]);
      }
    for (size_t axis = rest.size(); axis-- > 0;)
      if (dropped.test(rest[axis])) out.squeeze.push_back(static_cast<int64_t>(axis));
    for (const Label label : rest)
      if (!dropped.test(label)) kept.push_back(label);
    labels = kept;
    return out;
  }

  at::Tensor apply(at::Tensor x) const {
    if (!sum.empty()) x = sum_axes(x, sum);
    for (const int64_t axis : squeeze) x = views::squeeze(x, axis);
    return x;
  }
};

// --- matrix products of dtypes without a kernel of their own

constexpr int kLimbBits = 16;
constexpr int64_t kMaxInner = int64_t{1} << 20;  // products of two limbs, summed this often, are exact in float64

at::Tensor limb(const at::Tensor& x, int i, int count) {
  const at::Tensor shifted = i == 0 ? x : x.bitwise_right_shift(i * kLimbBits);  // arithmetic: the top limb keeps the sign
  return (i + 1 == count ? shifted : shifted.bitwise_and((1 << kLimbBits) - 1)).to(at::kDouble);
}

// Modulo 2**bits, by exact float64 products of 16-bit limbs: fast and available on every device.
at::Tensor integer_bmm(const at::Tensor& a, const at::Tensor& b) {
  const at::ScalarType dtype = a.scalar_type();
  const int limbs = std::max<int>(1, static_cast<int>(a.element_size()) * 8 / kLimbBits);
  const at::Tensor wide_a = a.to(at::kLong), wide_b = b.to(at::kLong);
  at::Tensor sum = at::zeros({a.size(0), a.size(1), b.size(2)}, wide_a.options());
  for (int64_t start = 0; start < a.size(2); start += kMaxInner) {
    const int64_t length = std::min(kMaxInner, a.size(2) - start);
    const at::Tensor part_a = wide_a.narrow(2, start, length), part_b = wide_b.narrow(1, start, length);
    for (int i = 0; i < limbs; ++i)
      for (int j = 0; i + j < limbs; ++j)
        sum.add_(at::bmm(limb(part_a, i, limbs), limb(part_b, j, limbs)).to(at::kLong).bitwise_left_shift((i + j) * kLimbBits));
  }
  return sum.to(dtype);
}

at::Tensor exact_bmm(const at::Tensor& a, const at::Tensor& b) {
  // A sum of non-negative products is 0 only if all are, however it rounds.
  if (a.scalar_type() == at::kBool) return at::bmm(a.to(at::kFloat), b.to(at::kFloat)).ne(0);
  return integer_bmm(a, b);
}

// --- one step

struct Step {
  std::vector<int64_t> positions;  // one or two, ascending, in the current list of operands
  Reduction reduce[2];
  bool is_product = false;  // broadcast product
  // Product: axes in output order, then the shape with size 1 at missing axes. Matrix product: axes as (batch, rows, inner) and
  // (batch, inner, columns), then the shape for the kernel. One operand: axes in output order.
  std::vector<int64_t> axes[2];
  Shape shape[2];
  Shape batched_shape[2];  // all three sizes, for dtypes that have only bmm
  bool swapped = false;
  bool sums_batch = false;  // the first axis of the product is summed
  enum class Kernel { bmm, mm, mv_first, mv_second, dot } kernel = Kernel::bmm;
  Shape unmerged_shape;              // batch, rows, columns apart again
  std::vector<int64_t> result_axes;  // to the output order
  bool reduces = false;              // sums anything
  SmallProductPlan small;            // the whole matrix product, result in the output order, where it is small
};

class Planner {
 public:
  explicit Planner(const EinsumSpec& spec) : spec_(spec) {}

  Step unary(Labels labels, const Labels& output) const {
    Step step;
    step.positions = {0};
    const LabelSet kept = set_of(output);
    step.reduce[0] = Reduction::plan(labels, set_of(labels) & ~kept, spec_);
    step.axes[0] = permutation(labels, output);
    step.reduces = !step.reduce[0].sum.empty();
    return step;
  }

  // `needed`: labels of the output or of operands still to come. Sets `output` where it is not fixed beforehand.
  Step binary(Labels a, Labels b, const LabelSet& needed, bool fixed_output, Labels& output) const {
    Step step;
    LabelSet in_a = set_of(a), in_b = set_of(b);
    const LabelSet ones = ones_of(in_a | in_b);
    step.reduce[0] = Reduction::plan(a, in_a & ~needed & (~in_b | ones), spec_);
    step.reduce[1] = Reduction::plan(b, in_b & ~needed & (~in_a | ones), spec_);
    step.reduces = !step.reduce[0].sum.empty() || !step.reduce[1].sum.empty();
    in_a = set_of(a), in_b = set_of(b);
    const LabelSet inner = in_a & in_b & ~needed;
    if (inner.none()) {
      if (!fixed_output) output = natural_product_order(a, b);
      plan_product(step, a, b, output);
    } else {
      step.reduces = true;
      plan_matmul(step, a, b, inner, needed, fixed_output, output);
    }
    return step;
  }

 private:
  LabelSet ones_of(const LabelSet& labels) const {
    LabelSet out;
    for (int label = 0; label < kLabelCount; ++label)
      if (labels.test(label) && spec_.size_of(static_cast<Label>(label)) == 1) out.set(label);
    return out;
  }

  Shape sizes(const Labels& labels) const {
    Shape out;
    for (const Label label : labels) out.push_back(spec_.size_of(label));
    return out;
  }

  Size volume(const Labels& labels) const {
    Size out = 1;
    for (const Label label : labels) out *= spec_.size_of(label);
    return out;
  }

  // The larger operand's axes stay as they are.
  Labels natural_product_order(const Labels& a, const Labels& b) const {
    const bool a_first = numel_saturating(sizes(a)) >= numel_saturating(sizes(b));
    const Labels& large = a_first ? a : b;
    Labels out = select(a_first ? b : a, ~set_of(large));
    out.insert(out.end(), large.begin(), large.end());
    return out;
  }

  void plan_product(Step& step, const Labels& a, const Labels& b, const Labels& output) const {
    step.is_product = true;
    const Labels* operands[2] = {&a, &b};
    for (int i = 0; i < 2; ++i) {
      const LabelSet own = set_of(*operands[i]);
      step.axes[i] = permutation(*operands[i], select(output, own));
      bool missing = false;
      for (const Label label : output) {
        step.shape[i].push_back(own.test(label) ? spec_.size_of(label) : 1);
        missing |= !own.test(label);
      }
      // Leading missing axes appear by themselves.
      if (!missing || select(output, own) == Labels(output.end() - static_cast<int64_t>(own.count()), output.end())) step.shape[i].clear();
    }
  }

  // Whether the labels stand together in the operand, in this order.
  static bool stand_together(const Labels& operand, const Labels& labels) {
    return labels.empty() || std::search(operand.begin(), operand.end(), labels.begin(), labels.end()) != operand.end();
  }

  // Inner labels that stand apart in the right operand (heads and head features of output weights) would need a copy of it. Where that is
  // more than all the products for one of them together, a product for each of these, then their sum, costs less.
  std::optional<Label> label_to_sum(const Labels& left, const Labels& right, const LabelSet& inner_set) const {
    const Labels inner = select(left, inner_set);
    if (inner.size() < 2 || stand_together(right, inner)) return std::nullopt;
    const Size columns = volume(select(right, ~inner_set)), rows = volume(select(left, ~inner_set)), copied = volume(right);
    LabelSet rest = inner_set;
    rest.reset(inner[0]);
    const bool pays = copied > kSmallCopy && spec_.size_of(inner[0]) * rows * columns < copied;
    return pays && stand_together(right, select(left, rest)) ? std::optional(inner[0]) : std::nullopt;
  }

  void plan_matmul(Step& step, const Labels& a, const Labels& b, LabelSet inner_set, const LabelSet& needed, bool fixed_output,
                   Labels& output) const {
    const LabelSet in_a = set_of(a), in_b = set_of(b);
    LabelSet batch_set = in_a & in_b & needed;
    // Rows come from the operand that does not hold the output's last label, so that the result is laid out as the output.
    step.swapped = fixed_output && !output.empty() && in_a.test(output.back()) && !in_b.test(output.back());
    const Labels& left = step.swapped ? b : a;
    const Labels& right = step.swapped ? a : b;
    const Labels& large = numel_saturating(sizes(a)) >= numel_saturating(sizes(b)) ? a : b;
    const LabelSet product_batch = batch_set, product_inner = inner_set;
    if (const auto summed = batch_set.none() ? label_to_sum(left, right, inner_set) : std::nullopt) {
      step.sums_batch = true;
      batch_set.set(*summed);
      inner_set.reset(*summed);
    }
    const Labels batch = select(large, batch_set), inner = select(large, inner_set);
    const Labels rows = select(left, ~(batch_set | inner_set)), columns = select(right, ~(batch_set | inner_set));
    step.axes[0] = permutation(left, concat({batch, rows, inner}));
    step.axes[1] = permutation(right, concat({batch, inner, columns}));
    step.batched_shape[0] = {volume(batch), volume(rows), volume(inner)};
    step.batched_shape[1] = {volume(batch), volume(inner), volume(columns)};
    if (batch.empty()) {
      using Kernel = Step::Kernel;
      step.kernel = rows.empty() ? (columns.empty() ? Kernel::dot : Kernel::mv_second) : (columns.empty() ? Kernel::mv_first : Kernel::mm);
      if (!rows.empty()) step.shape[0].push_back(volume(rows));
      step.shape[0].push_back(volume(inner));
      step.shape[1].push_back(volume(inner));
      if (!columns.empty()) step.shape[1].push_back(volume(columns));
    } else {
      step.shape[0] = step.batched_shape[0];
      step.shape[1] = step.batched_shape[1];
    }
    const Labels natural = concat({step.sums_batch ? Labels{} : batch, rows, columns});
    step.unmerged_shape = sizes(natural);
    if (!fixed_output) output = natural;
    step.result_axes = permutation(natural, output);
    plan_small(step, left, right, product_batch, product_inner, output);
  }

  void plan_small(Step& step, const Labels& left, const Labels& right, const LabelSet& batch, const LabelSet& inner,
                  const Labels& output) const {
    const auto place = [](const Labels& labels, Label label) {
      const auto at = static_cast<size_t>(position(labels, label));
      return at == labels.size() ? -1 : static_cast<int>(at);
    };
    const auto axes = [&](const Labels& labels) {
      std::vector<SmallProductPlan::Axis> out;
      for (const Label label : labels) out.push_back({spec_.size_of(label), place(left, label), place(right, label), place(output, label)});
      return out;
    };
    step.small.batch = axes(select(left, batch));
    step.small.inner = axes(select(left, inner));
    step.small.rows = axes(select(left, ~(batch | inner)));
    step.small.columns = axes(select(right, ~(batch | inner)));
    step.small.finish(sizes(output));
  }

  static Labels concat(std::initializer_list<Labels> parts) {
    Labels out;
    for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
  }

  const EinsumSpec& spec_;
};

at::Tensor shaped(const at::Tensor& x, const Shape& shape) { return x.sizes() == at::IntArrayRef(shape) ? x : views::reshape(x, shape); }

at::Tensor run_product(const Step& step, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor* operands[2] = {&a, &b};
  at::Tensor aligned[2];
  for (int i = 0; i < 2; ++i) {
    aligned[i] = permuted(*operands[i], step.axes[i]);
    if (!step.shape[i].empty()) aligned[i] = shaped(aligned[i], step.shape[i]);
  }
  return aligned[0].mul(aligned[1]);
}

at::Tensor run_kernel(Step::Kernel kernel, const at::Tensor& left, const at::Tensor& right) {
  switch (kernel) {
    case Step::Kernel::mm:
      return matrix_product(left, right);
    case Step::Kernel::mv_first:
      return at::mv(left, right);
    case Step::Kernel::mv_second:
      return at::mv(right.t(), left);
    case Step::Kernel::dot:
      return at::dot(left, right);
    case Step::Kernel::bmm:
      break;
  }
  return at::bmm(left, right);
}

// What a contraction is added to, and its factor.
struct Sum {
  at::Tensor target;  // undefined: nothing
  double scale = 1.0;
  bool is_plain() const { return !target.defined() && scale == 1.0; }
};

at::Tensor run_matmul(const Step& step, const at::Tensor& a, const at::Tensor& b, const Sum& sum) {
  const at::Tensor &first = step.swapped ? b : a, &second = step.swapped ? a : b;
  if (step.small.takes(first, second)) {
    at::Tensor product = step.small(first, second);
    if (sum.scale != 1.0) product.mul_(sum.scale);
    return sum.target.defined() ? sum.target.add_(product) : product;
  }
  const at::Tensor left = permuted(first, step.axes[0]);
  const at::Tensor right = permuted(second, step.axes[1]);
  if (!sum.is_plain()) {
    const at::Tensor x = shaped(left, step.shape[0]), y = shaped(right, step.shape[1]);
    Shape matrix = {x.size(-2), y.size(-1)};
    if (x.dim() == 3) matrix.insert(matrix.begin(), x.size(0));
    at::Tensor out = sum.target.defined() ? shaped(sum.target, matrix) : views::empty(matrix, x);
    multiply_into(out, x, y, sum.scale, sum.target.defined() ? 1.0 : 0.0);
    return sum.target.defined() ? sum.target : shaped(out, step.unmerged_shape);
  }
  at::Tensor out = a.is_floating_point() ? run_kernel(step.kernel, shaped(left, step.shape[0]), shaped(right, step.shape[1]))
                                         : exact_bmm(left.reshape(step.batched_shape[0]), right.reshape(step.batched_shape[1]));
  if (step.sums_batch) out = sum_axes(out, {0});
  return permuted(shaped(out, step.unmerged_shape), step.result_axes);
}

}  // namespace

struct Contraction::Plan {
  std::vector<Labels> inputs;
  Labels output;
  Labels distinct_output;
  Shape output_shape;
  std::vector<Step> steps;
  bool reduces = false;
  uint64_t intermediate_elements = 0;

  explicit Plan(const EinsumSpec& spec);
  at::Tensor diagonal_of(at::Tensor x, Labels labels) const;
  at::Tensor on_diagonal(const at::Tensor& x) const;
  at::Tensor run(const std::vector<Tensor>& operands, Sum sum) const;
};

Contraction::Plan::Plan(const EinsumSpec& spec)
    : inputs(spec.input_ints), output(spec.output_ints), distinct_output(distinct(spec.output_ints)) {
  for (const Label label : output) output_shape.push_back(spec.size_of(label));
  std::vector<Labels> current;
  for (const auto& labels : inputs) current.push_back(distinct(labels));
  const Planner planner(spec);
  if (current.size() == 1) steps.push_back(planner.unary(current[0], distinct_output));
  const Path path = current.size() == 2 ? Path{{0, 1}} : current.size() > 2 ? spec.optimize() : Path{};
  for (size_t i = 0; i < path.size(); ++i) {
    const int64_t first = path[i][0], second = path[i][1];
    const Labels a = current[first], b = current[second];
    current.erase(current.begin() + second);
    current.erase(current.begin() + first);
    LabelSet needed = set_of(distinct_output);
    for (const auto& labels : current) needed |= set_of(labels);
    const bool last = i + 1 == path.size();
    Labels result = last ? distinct_output : Labels{};
    steps.push_back(planner.binary(a, b, needed, last, result));
    steps.back().positions = path[i];
    if (!last) {
      Shape shape;
      for (const Label label : result) shape.push_back(spec.size_of(label));
      intermediate_elements = saturating_add(intermediate_elements, numel_saturating(shape));
    }
    current.push_back(std::move(result));
  }
  for (const auto& step : steps) reduces |= step.reduces;
}

// The operand with each repeated label taken once, its diagonal.
at::Tensor Contraction::Plan::diagonal_of(at::Tensor x, Labels labels) const {
  for (size_t i = 0; i < labels.size(); ++i)
    for (size_t j = i + 1; j < labels.size();) {
      if (labels[j] != labels[i]) {
        ++j;
        continue;
      }
      // torch puts the diagonal last; it goes back to where the label is first.
      x = x.diagonal(0, static_cast<int64_t>(i), static_cast<int64_t>(j)).movedim(-1, static_cast<int64_t>(i));
      labels.erase(labels.begin() + static_cast<int64_t>(j));
    }
  return x;
}

// Repeated output labels: zeros except where those positions are equal.
at::Tensor Contraction::Plan::on_diagonal(const at::Tensor& x) const {
  at::Tensor out = at::zeros(output_shape, x.options());
  diagonal_of(out, output).copy_(x);
  return out;
}

Contraction::Contraction(const EinsumSpec& spec) : plan_(std::make_shared<const Plan>(spec)) {}

uint64_t Contraction::intermediate_elements() const { return plan_->intermediate_elements; }

bool Contraction::can_add() const {
  const Plan& plan = *plan_;
  if (plan.steps.empty() || plan.output.size() != plan.distinct_output.size()) return false;
  const Step& last = plan.steps.back();
  const bool is_matrix =
      last.positions.size() == 2 && !last.is_product && (last.kernel == Step::Kernel::mm || last.kernel == Step::Kernel::bmm);
  return is_matrix && !last.sums_batch && last.result_axes.empty();
}

Tensor Contraction::add_to(const Tensor& sum, const std::vector<Tensor>& operands, double scale) const {
  return from_aten(plan_->run(operands, {sum.defined() ? to_aten(sum) : at::Tensor(), scale}));
}

Tensor Contraction::operator()(const std::vector<Tensor>& operands) const {
  return operands.empty() ? scalar_value(1.0, {}) : from_aten(plan_->run(operands, {}));
}

at::Tensor Contraction::Plan::run(const std::vector<Tensor>& operands, Sum sum) const {
  std::vector<at::Tensor> values = to_aten(operands);
  const at::ScalarType dtype = values[0].scalar_type();
  // On the CPU sums of half precision run in float32 and are rounded once, at the end; GPU kernels do that by themselves.
  const bool widen = (dtype == at::kHalf || dtype == at::kBFloat16) && reduces && values.size() > 1 &&
                     (values[0].is_cpu() || std::any_of(steps.begin(), steps.end(), [](const Step& step) {
                        return !step.reduce[0].sum.empty() || !step.reduce[1].sum.empty();
                      }));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = diagonal_of(std::move(values[i]), inputs[i]);
    if (widen) values[i] = values[i].to(at::kFloat);
  }
  if (widen && sum.target.defined()) sum.target = sum.target.to(at::kFloat);
  for (const Step& step : steps) {
    const at::Tensor a = step.reduce[0].apply(std::move(values[step.positions[0]]));
    if (step.positions.size() == 1) {
      values = {permuted(a, step.axes[0])};
      break;
    }
    const at::Tensor b = step.reduce[1].apply(std::move(values[step.positions[1]]));
    values.erase(values.begin() + step.positions[1]);
    values.erase(values.begin() + step.positions[0]);
    values.push_back(step.is_product ? run_product(step, a, b) : run_matmul(step, a, b, &step == &steps.back() ? sum : Sum{}));
  }
  at::Tensor result = std::move(values.front());
  if (widen) result = result.to(dtype);
  if (output.size() != distinct_output.size()) result = on_diagonal(result);
  return result;
}

Tensor contract(const EinsumSpec& spec, const std::vector<Tensor>& operands) { return Contraction(spec)(operands); }

}  // namespace pycircuit
