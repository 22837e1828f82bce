// The log-probability of one label per row (spec 12, section 5; the form of 14, section 7): a log-softmax over the last axis of which one
// entry per row is taken. Only the log-sum-exp of each row is computed. Where the logits are a matrix product of their own (x . w, possibly
// plus a bias), they are made a block of columns at a time, so that nothing of the vocabulary's size is allocated.
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/kernel_call.h"
#include "evaluate/fuse/pattern.h"
#include "evaluate/fuse/recognisers.h"
#include "kernels/cross_entropy.h"
#include "tensor/general_function.h"
#include "tensor/matrix_product.h"
#include "tensor/positions.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr std::string_view kName = "log_likelihood";
// Elements of a block of logits: 4 MB of float32, which stays in the second cache; more on a GPU, where a block has to fill the device.
constexpr int64_t kBlock = int64_t{1} << 20, kDeviceBlock = int64_t{1} << 26;
constexpr int64_t kRows = 2048, kColumns = 512;

// How labels pick entries: the last axis of the log-probabilities, one per row.
struct Pick {
  bool check_ints = true;
  std::string what;
};

std::optional<Pick> match_pick(const NodePtr& root) {
  const auto* function = root->as<GeneralFunction>();
  if (!function || root->num_children() != 2) return std::nullopt;
  const NodePtr x = below_tags(root->child(0)), labels = below_tags(root->child(1));
  if (x->rank() != labels->rank() + 1 || x->rank() == 0) return std::nullopt;
  const FunctionSpec& spec = *function->spec();
  // With one axis left to the index, that axis is the last one.
  if (spec.kind() == FunctionKind::Index) {
    const auto& gen_index = static_cast<const GenIndexSpec&>(spec);
    if (!gen_index.batch_x || !gen_index.batch_index) return std::nullopt;
    return Pick{gen_index.check_index_ints, spec.name()};
  }
  if (spec.kind() == FunctionKind::ExplicitIndex) {
    const auto& explicit_index = static_cast<const ExplicitIndexSpec&>(spec);
    if (explicit_index.x_non_batch_dims != 1) return std::nullopt;
    return Pick{explicit_index.check_index_ints, spec.name()};
  }
  return std::nullopt;
}

// Whether the Rearrange leaves the last axis alone and the order of the rows before it.
bool keeps_rows(const Rearrange& rearrange) {
  const RearrangeSpec spec = rearrange.conformed_spec();
  const auto& in = spec.input_ints();
  const auto& out = spec.output_ints();
  if (in.empty() || out.empty() || in.back().size() != 1 || in.back() != out.back()) return false;
  const auto rows = [&](const RearrangeSpec::IntGroups& groups) {
    Labels ints;
    for (size_t i = 0; i + 1 < groups.size(); ++i)
      for (const Label k : groups[i])
        if (*spec.int_sizes()[k] != 1) ints.push_back(k);
    return ints;
  };
  return rows(in) == rows(out);
}

// What is done to rows between two nodes: scaling, and reshaping of the axes before the last.
struct Chain {
  NodePtr source;
  double scale = 1.0;
};

// Follows private nodes down from `node` for as long as they only scale and reshape rows.
Chain follow_rows(const NodePtr& start, const FusionGraph& graph) {
  Chain chain{below_tags(start), 1.0};
  for (int steps = 0; steps < 16 && graph.is_private(chain.source); ++steps) {
    const NodePtr node = chain.source;
    if (const auto* rearrange = node->as<Rearrange>(); rearrange && keeps_rows(*rearrange)) {
      chain.source = below_tags(node->child());
    } else if (node->kind() == Kind::Einsum) {
      const auto product = flatten_product(node, graph, Sums::keep);
      if (!product || product->factors.size() != 1) return chain;
      const Factor& factor = product->factors[0];
      std::vector<int> kept;  // axes of the product that are not of size 1
      for (int axis = 0; axis < product->rank; ++axis)
        if (product->sizes[axis] != 1 || axis + 1 == product->rank) kept.push_back(product->sizes[axis] == 1 ? -1 : axis);
      std::vector<int> mine;
      for (size_t i = 0; i < factor.axes.size(); ++i)
        if (factor.axes[i] >= 0 || i + 1 == factor.axes.size()) mine.push_back(factor.axes[i]);
      if (mine != kept) return chain;
      chain.scale *= product->coefficient;
      chain.source = factor.node;
    } else {
      return chain;
    }
  }
  return chain;
}

// logits[rows, columns] = scale * x[rows, inner] . w[columns, inner]
struct Product {
  NodePtr x, w;
  std::vector<int64_t> x_axes, w_axes;  // rows then inner; columns then inner
  int64_t inner = 1;
  double scale = 1.0;
};

std::vector<int64_t> positions_of(const Labels& wanted, const Labels& labels) {
  std::vector<int64_t> out;
  for (const Label label : wanted) out.push_back(std::find(labels.begin(), labels.end(), label) - labels.begin());
  return out;
}

std::optional<Product> match_product(const NodePtr& node, const FusionGraph& graph) {
  const auto* einsum = node->as<Einsum>();
  if (!einsum || node->rank() == 0) return std::nullopt;
  Product out;
  std::vector<size_t> operands;
  for (size_t i = 0; i < node->num_children(); ++i) {
    if (const auto value = graph.number(node->child(i)); value && node->child(i)->rank() == 0) {
      out.scale *= *value;
    } else {
      operands.push_back(i);
    }
  }
  if (operands.size() != 2) return std::nullopt;
  const auto set_of = [](const Labels& labels) {
    LabelSet set;
    for (const Label label : labels) set.set(label);
    return set;
  };
  const Labels& result = einsum->out_axes();
  const Label column = result.back();
  if (!set_of(einsum->input_labels()[operands[1]]).test(column)) std::swap(operands[0], operands[1]);
  const Labels &x = einsum->input_labels()[operands[0]], &w = einsum->input_labels()[operands[1]];
  const LabelSet in_x = set_of(x), in_w = set_of(w), in_result = set_of(result);
  if (in_x.count() != x.size() || in_w.count() != w.size() || in_result.count() != result.size()) return std::nullopt;
  LabelSet only_column;
  only_column.set(column);
  // Rows are x's alone, the column is w's alone, everything else is in both and summed over.
  if (in_x.test(column) || (in_w & in_result) != only_column || (in_x & ~in_result) != (in_w & ~in_result)) return std::nullopt;
  const Labels rows(result.begin(), result.end() - 1);
  Labels inner;
  const EinsumSpec spec = einsum->spec();
  for (const Label label : w)
    if (label != column) {
      inner.push_back(label);
      out.inner *= spec.size_of(label);
    }
  if (inner.empty() || (set_of(rows) & ~in_x).any()) return std::nullopt;
  out.x = below_tags(node->child(operands[0]));
  out.w = below_tags(node->child(operands[1]));
  if (same(out.x, out.w)) return std::nullopt;
  Labels x_order = rows, w_order = {column};
  x_order.insert(x_order.end(), inner.begin(), inner.end());
  w_order.insert(w_order.end(), inner.begin(), inner.end());
  out.x_axes = positions_of(x_order, x);
  out.w_axes = positions_of(w_order, w);
  return out;
}

// --- running

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Rows of logits that are there already.
at::Tensor of_logits(const at::Tensor& logits, const at::Tensor& labels) {
  const int64_t rows = logits.size(0);
  if (logits.is_cpu() && has_kernel_element(logits)) {
    const at::Tensor x = logits.stride(1) == 1 ? logits : logits.contiguous();
    at::Tensor out = views::empty({rows}, x);
    kernels::label_log_probabilities({kernel_element(x), x.data_ptr(), rows, x.size(1), x.stride(0)}, labels.data_ptr<int64_t>(),
                                     labels.stride(0), {kernel_element(out), out.data_ptr(), 1}, kernel_parallel_for);
    return out;
  }
  const int64_t block = std::max<int64_t>(1, (logits.is_cpu() ? kBlock : kDeviceBlock) / std::max<int64_t>(1, logits.size(1)));
  if (rows <= block) return at::log_softmax(logits, -1).gather(1, labels.unsqueeze(1)).squeeze(1);
  at::Tensor out = at::empty({rows}, logits.options());
  for (int64_t row = 0; row < rows; row += block) {
    const int64_t count = std::min(block, rows - row);
    at::Tensor part = out.narrow(0, row, count).unsqueeze(1);
    at::gather_out(part, at::log_softmax(logits.narrow(0, row, count), -1), 1, labels.narrow(0, row, count).unsqueeze(1));
  }
  return out;
}

// The running log-sum-exp and the label's logit of a block of rows, fed a block of columns at a time.
class RowsOnCpu {
 public:
  RowsOnCpu(const int64_t* labels, int64_t rows) : labels_(labels), total_(rows, -std::numeric_limits<double>::infinity()), picked_(rows) {}

  template <class Real>
  void add(const at::Tensor& logits, int64_t first_column) {
    const auto rows = static_cast<int64_t>(total_.size());
    const Real* data = logits.data_ptr<Real>();
    const int64_t columns = logits.size(1), stride = logits.stride(0);
    const at::Tensor sums = log_sum_exp(logits);
    const Real* sum = sums.data_ptr<Real>();
    for (int64_t row = 0; row < rows; ++row) {
      const double high = std::max<double>(total_[row], sum[row]), low = std::min<double>(total_[row], sum[row]);
      total_[row] = std::isnan(sum[row]) || std::isnan(total_[row]) ? kNan
                    : std::isinf(high)                              ? high
                                                                    : high + std::log1p(std::exp(low - high));
      const int64_t column = labels_[row] - first_column;
      if (column >= 0 && column < columns) picked_[row] = data[row * stride + column];
    }
  }

  template <class Real>
  void write(const at::Tensor& out) const {
    Real* data = out.data_ptr<Real>();
    // As a log-softmax: NaN where a row holds +infinity or nothing but -infinity.
    for (size_t row = 0; row < total_.size(); ++row)
      data[row] = static_cast<Real>(std::isfinite(total_[row]) ? picked_[row] - total_[row] : kNan);
  }

 private:
  static at::Tensor log_sum_exp(const at::Tensor& logits) {
    if (!has_kernel_element(logits)) return at::logsumexp(logits, {1});
    at::Tensor out = at::empty({logits.size(0)}, logits.options());
    kernels::log_sum_exp({kernel_element(logits), logits.data_ptr(), logits.size(0), logits.size(1), logits.stride(0)},
                         {kernel_element(out), out.data_ptr(), 1}, kernel_parallel_for);
    return out;
  }

  const int64_t* labels_;
  std::vector<double> total_, picked_;
};

class RowsOnDevice {
 public:
  RowsOnDevice(const at::Tensor& labels, const at::TensorOptions& options)
      : labels_(labels),
        total_(at::full({labels.size(0)}, -std::numeric_limits<double>::infinity(), options)),
        picked_(at::full({labels.size(0)}, 0.0, options)) {}

  void add(const at::Tensor& logits, int64_t first_column) {
    const at::Tensor wide = logits.to(total_.scalar_type());
    total_ = at::logaddexp(total_, at::logsumexp(wide, {1}));
    const at::Tensor column = labels_.sub(first_column);
    const at::Tensor here = column.ge(0).logical_and_(column.lt(logits.size(1)));
    const at::Tensor logit = wide.gather(1, column.clamp(0, logits.size(1) - 1).unsqueeze(1)).squeeze(1);
    picked_ = at::where(here, logit, picked_);
  }
  at::Tensor result() const { return at::where(total_.isfinite(), picked_.sub(total_), kNan); }

 private:
  at::Tensor labels_, total_, picked_;
};

// out[r] = (log softmax of scale * x . w^T + bias)[r, labels[r]]
at::Tensor of_product(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, double scale, const at::Tensor& labels) {
  const int64_t rows = x.size(0), columns = w.size(0);
  const bool cpu = x.is_cpu();
  // Half precision is summed in float32 on the CPU, and not rounded before the end.
  const at::ScalarType dtype = x.scalar_type(), work = cpu && dtype != at::kDouble ? at::kFloat : dtype;
  const at::ScalarType total = dtype == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t row_block = std::min(rows, cpu ? kRows : 4 * kRows);
  const int64_t column_block = std::min(columns, std::max(kColumns, (cpu ? kBlock : kDeviceBlock) / std::max<int64_t>(row_block, 1)));
  if (rows <= row_block && columns <= column_block && dtype == work) {
    at::Tensor logits = matrix_product(x, views::permute(w, {1, 0}));
    if (scale != 1.0) logits.mul_(scale);
    if (bias.defined()) logits.add_(bias);
    return of_logits(logits, labels);
  }
  at::Tensor out = at::empty({rows}, x.options().dtype(total));
  at::Tensor buffer = at::empty({row_block * column_block}, x.options().dtype(work));
  for (int64_t row = 0; row < rows; row += row_block) {
    const int64_t row_count = std::min(row_block, rows - row);
    const at::Tensor part = x.narrow(0, row, row_count).to(work), part_labels = labels.narrow(0, row, row_count);
    std::optional<RowsOnCpu> on_cpu;
    std::optional<RowsOnDevice> on_device;
    if (cpu) {
      on_cpu.emplace(part_labels.data_ptr<int64_t>(), row_count);
    } else {
      on_device.emplace(part_labels, x.options().dtype(total));
    }
    for (int64_t column = 0; column < columns; column += column_block) {
      const int64_t column_count = std::min(column_block, columns - column);
      at::Tensor logits = buffer.narrow(0, 0, row_count * column_count).view({row_count, column_count});
      const at::Tensor weights = w.narrow(0, column, column_count).to(work).t();
      if (bias.defined()) {
        logits.copy_(bias.narrow(0, column, column_count));
        multiply_into(logits, part, weights, scale, 1.0);
      } else {
        multiply_into(logits, part, weights, scale);
      }
      if (!cpu) {
        on_device->add(logits, column);
      } else if (work == at::kDouble) {
        on_cpu->add<double>(logits, column);
      } else {
        on_cpu->add<float>(logits, column);
      }
    }
    if (!cpu) {
      out.narrow(0, row, row_count).copy_(on_device->result());
    } else if (work == at::kDouble) {
      on_cpu->write<double>(out.narrow(0, row, row_count));
    } else {
      on_cpu->write<float>(out.narrow(0, row, row_count));
    }
  }
  return out.to(dtype);
}

at::Tensor matrix(const at::Tensor& x, const std::vector<int64_t>& axes, int64_t rows, int64_t columns) {
  return views::reshape(views::permute(x, axes), {rows, columns});
}

}  // namespace

std::optional<Region> recognise_log_likelihood(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  const auto pick = match_pick(root);
  if (!pick || is_empty(root) || !is_floating_or_open(root)) return std::nullopt;
  const Chain after = follow_rows(root->child(0), graph);
  if (simple_function_of(after.source) != "log_softmax") return std::nullopt;
  if (!graph.is_private(after.source)) return refuse(refusals, root, kName, describe(*after.source) + " is used elsewhere too");
  const NodePtr labels = below_tags(root->child(1));
  const int64_t columns = after.source->shape().back();
  RegionParts parts{kName, root, {}, 0, {after.source}, {}, 0};

  // Down to the matrix product, where there is one: reshape and scale, a bias per column, reshape and scale again.
  const NodePtr input = below_tags(after.source->child());
  const Chain outer = follow_rows(input, graph);
  NodePtr bias;
  Chain inner = outer;
  if (outer.source->kind() == Kind::Add && outer.source->num_children() == 2 && graph.is_private(outer.source)) {
    for (const size_t i : {0, 1}) {
      const NodePtr part = below_tags(outer.source->child(i)), other = below_tags(outer.source->child(1 - i));
      const bool vector = other->rank() > 0 && other->shape().back() == columns && numel_saturating(other->shape()) == uint64_t(columns);
      if (!vector || part->shape() != outer.source->shape()) continue;
      const Chain below = follow_rows(part, graph);
      if (!graph.is_private(below.source) || !match_product(below.source, graph)) continue;
      bias = other;
      inner = below;
      break;
    }
  }
  const auto finish = [&](at::Tensor result, double scale, const Shape& shape) {
    if (scale != 1.0) result.mul_(scale);
    return views::reshape(result, shape);
  };
  const auto product = graph.is_private(inner.source) ? match_product(inner.source, graph) : std::nullopt;
  const auto positions = [pick = *pick, columns](const at::Tensor& index, const at::Tensor& x) {
    const at::Tensor found = checked_positions(index, columns, true, pick.check_ints, x.device(), pick.what).contiguous();
    return views::reshape(found, {found.numel()});
  };
  const int64_t rows = static_cast<int64_t>(numel_saturating(root->shape()));
  if (product && (!bias || (!same(bias, product->x) && !same(bias, product->w))) && !same(labels, product->x) && columns > 0) {
    parts.operands = {product->x, product->w};
    if (bias) parts.operands.push_back(bias);
    parts.num_unified = parts.operands.size();
    parts.operands.push_back(labels);
    parts.required_inner.push_back(inner.source);
    parts.workspace_bytes = 8 * static_cast<uint64_t>(kBlock + std::min(rows, kRows) * kColumns);
    // The scale above the bias applies to it too.
    const double bias_scale = outer.scale, scale = (bias ? outer.scale : 1.0) * inner.scale * product->scale;
    parts.kernel = [=, product = *product, after_scale = after.scale, has_bias = static_cast<bool>(bias), shape = root->shape()](
                       std::vector<at::Tensor>& values, const auto&) {
      const at::Tensor x = matrix(values[0], product.x_axes, rows, product.inner);
      const at::Tensor w = matrix(values[1], product.w_axes, columns, product.inner);
      at::Tensor vector = has_bias ? views::reshape(values[2], {columns}) : at::Tensor();
      if (has_bias && bias_scale != 1.0) vector = vector.mul(bias_scale);
      return finish(of_product(x, w, vector, scale, positions(values.back(), x)), after_scale, shape);
    };
    if (auto region = make_region(parts, graph, refusals)) return region;
    parts.required_inner.pop_back();
  }
  if (same(labels, input)) return std::nullopt;
  parts.operands = {input, labels};
  parts.num_unified = 1;
  parts.kernel = [=, after_scale = after.scale, shape = root->shape()](std::vector<at::Tensor>& values, const auto&) {
    const at::Tensor logits = views::reshape(values[0], {rows, columns});
    return finish(of_logits(logits, positions(values[1], logits)), after_scale, shape);
  };
  return make_region(std::move(parts), graph, refusals);
}

}  // namespace pycircuit
