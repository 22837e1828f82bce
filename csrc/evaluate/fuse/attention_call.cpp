#include "evaluate/fuse/attention_call.h"

#include <ATen/DeviceGuard.h>
#include <ATen/Parallel.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "evaluate/fuse/attention_mask.h"
#include "evaluate/fuse/cuda_queue.h"
#include "evaluate/fuse/kernel_call.h"
#include "kernels/attention.h"
#include "tensor/aten.h"
#include "tensor/operations.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

using Atoms = std::vector<Atom>;

Atoms concat(std::initializer_list<Atoms> parts) {
  Atoms out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Atoms select(const Atoms& atoms, const Atoms& others) {
  Atoms out;
  std::copy_if(atoms.begin(), atoms.end(), std::back_inserter(out), [&](Atom atom) { return contains(others, atom); });
  return out;
}

Atoms without(const Atoms& atoms, const Atoms& others) {
  Atoms out;
  std::copy_if(atoms.begin(), atoms.end(), std::back_inserter(out), [&](Atom atom) { return !contains(others, atom); });
  return out;
}

// A tensor with one axis per atom.
struct Laid {
  at::Tensor tensor;
  Atoms atoms;
  bool defined() const { return tensor.defined(); }
  // 0 for what it does not have.
  int64_t stride(Atom atom) const {
    const auto found = std::find(atoms.begin(), atoms.end(), atom);
    return found == atoms.end() ? 0 : tensor.stride(found - atoms.begin());
  }
};

// An operand with one axis per atom, as a view whatever its layout; a repeated atom is a diagonal.
class OperandView {
 public:
  OperandView(const AtomTable& table, const Axes& axes, int operand) : operand_(operand), atoms_(distinct_atoms(axes)) {
    parts_.resize(atoms_.size());
    for (const Atom atom : atoms_) sizes_.push_back(table.size(atom));
    for (size_t axis = 0; axis < axes.size(); ++axis) {
      int64_t multiple = 1;
      for (size_t i = axes[axis].size(); i-- > 0;) {
        const Atom atom = axes[axis][i];
        parts_[std::find(atoms_.begin(), atoms_.end(), atom) - atoms_.begin()].push_back({axis, multiple});
        multiple *= table.size(atom);
      }
    }
  }
  const Atoms& atoms() const { return atoms_; }
  int operand() const { return operand_; }
  at::Tensor operator()(const std::vector<at::Tensor>& operands) const {
    const at::Tensor& operand = operands[operand_];
    at::DimVector strides;
    for (const auto& parts : parts_) {
      int64_t stride = 0;
      for (const auto& [axis, multiple] : parts) stride += operand.stride(static_cast<int64_t>(axis)) * multiple;
      strides.push_back(stride);
    }
    return views::as_strided(operand, sizes_, strides);
  }

 private:
  int operand_;
  Atoms atoms_;
  Shape sizes_;
  std::vector<std::vector<std::pair<size_t, int64_t>>> parts_;  // per atom: axes of the operand and multiples of their strides
};

// The product of some operands over some atoms. `first`, if its atoms are given, is a tensor that comes with the call.
class Group {
 public:
  Group() = default;
  Group(const AtomTable& table, std::vector<OperandView> views, const Atoms& wanted, const std::optional<Atoms>& first = {})
      : views_(std::move(views)) {
    std::vector<Atoms> factors;
    if (first) factors.push_back(*first);
    for (const auto& view : views_) factors.push_back(view.atoms());
    Atoms all;
    for (const auto& factor : factors) all.insert(all.end(), factor.begin(), factor.end());
    atoms_ = select(wanted, all);
    if (factors.size() == 1 && atoms_.size() == factors[0].size()) {
      atoms_ = factors[0];
    } else if (!factors.empty()) {
      contraction_.emplace(product_spec(table, factors, atoms_));
    }
  }
  bool empty() const { return views_.empty(); }
  bool is_view() const { return !contraction_; }
  size_t num_factors() const { return views_.size(); }
  const Atoms& atoms() const { return atoms_; }
  // The operand, of a group of one.
  int operand() const { return views_[0].operand(); }
  Laid operator()(const std::vector<at::Tensor>& operands, const at::Tensor& first = {}) const {
    if (!contraction_) return {first.defined() ? first : views_[0](operands), atoms_};
    std::vector<Tensor> factors;
    if (first.defined()) factors.push_back(from_aten(first));
    for (const auto& view : views_) factors.push_back(from_aten(view(operands)));
    return {to_aten((*contraction_)(factors)), atoms_};
  }

 private:
  std::vector<OperandView> views_;
  Atoms atoms_;
  std::optional<Contraction> contraction_;
};

// A run of atoms that is one axis in all operands.
using Run = Atoms;

bool mergeable(const AtomTable& table, const Laid& laid, Atom outer, Atom inner) {
  return !laid.defined() || laid.stride(outer) == laid.stride(inner) * table.size(inner);
}

std::vector<Run> runs(const AtomTable& table, const Atoms& atoms, std::initializer_list<const Laid*> laids) {
  std::vector<Run> out;
  for (const Atom atom : atoms) {
    const bool joins = !out.empty() && std::all_of(laids.begin(), laids.end(),
                                                   [&](const Laid* laid) { return mergeable(table, *laid, out.back().back(), atom); });
    if (joins) {
      out.back().push_back(atom);
    } else {
      out.push_back({atom});
    }
  }
  return out;
}

struct ProblemAxis {
  Run run;  // empty: size 1
  int64_t size = 1;
  int64_t stride(const Laid& laid) const { return run.empty() ? 0 : laid.stride(run.back()); }
};

// Above this distance in scores the smaller weight is 0 in float32 (the logarithm of its least positive number is -103.3).
constexpr double kUnderflow = 110.0;

// Measured on the CPU (float32, 2 threads; 1 to 16 samples, 1 to 12 heads of 16 to 64): with fewer keys our own kernel takes 0.6 to 0.95 of
// the time of torch's, with more torch's takes 0.6 to 1.0 of ours.
constexpr int64_t kSdpaFromKeys = 32;

class AttentionPlan {
 public:
  AttentionPlan(const AttentionForm& form, const Node& root);

  Tensor operator()(KernelArgs args) const;
  const NodePtrs& operands() const { return operands_; }
  uint64_t workspace_bytes() const;
  std::string expected_backend() const;

 private:
  struct Bias {
    Group product;
    double scale;
  };
  struct Call;
  // The axes that a run is computed over: they follow from how the operands are laid out in memory.
  struct Layout {
    std::vector<std::pair<Laid Call::*, Atoms>> copies;  // operands to be copied first, with the atoms that must stand side by side
    std::vector<ProblemAxis> batch;
    ProblemAxis rows, keys, key_features, value_features;
    std::optional<kernels::AttentionProblem> cpu;  // for our own kernel, but for pointers and masks; nothing where it has too few axes
  };
  // What a run computes with.
  struct Call {
    Laid q, k, v, m, t;
    double scale = 1.0;
    bool causal = false;
    int64_t causal_offset = 0;
    bool plain_masks = true;  // no key is masked but by `causal`
    std::shared_ptr<const Layout> layout;
  };
  // The last layouts, by the strides of the operands: working one out costs more than a small attention. Thread-safe.
  class LayoutMemo {
   public:
    using Key = c10::SmallVector<int64_t, 32>;
    static Key key(const Call& call);
    std::shared_ptr<const Layout> find(const Key& key);
    void insert(Key key, std::shared_ptr<const Layout> layout);

   private:
    static constexpr size_t kRemembered = 4;
    std::mutex mutex_;
    std::vector<std::pair<Key, std::shared_ptr<const Layout>>> entries_;
  };

  Group group(const std::vector<AttentionFactor>& factors, const Atoms& wanted, const std::optional<Atoms>& first = {});
  Laid scaled_query(const std::vector<at::Tensor>& operands, double& scale) const;
  Laid bias(const std::vector<at::Tensor>& operands, at::Tensor& source) const;
  Laid compact(const Laid& laid, const Atoms& group) const;
  void lay_out(Call& call) const;
  std::shared_ptr<const Layout> make_layout(Call& call) const;
  std::optional<kernels::AttentionProblem> cpu_problem(const Call& call, const Layout& layout) const;
  void look_at_masks(Call& call, const at::Tensor& m_source, const at::Tensor& t_source) const;
  Laid run(const Call& call, std::string& backend) const;
  Laid run_sdpa(const Call& call) const;
  Laid run_in_blocks(const Call& call) const;
  std::optional<Laid> run_cuda(const Call& call) const;
  std::optional<Laid> run_cpu(const Call& call) const;
  kernels::AttentionProblem problem_of(const Call& call, const Layout& layout, const std::vector<ProblemAxis>& batch) const;
  static void set_operands(kernels::AttentionProblem& problem, const Call& call);
  at::Tensor finished(const Laid& output, const std::vector<at::Tensor>& operands) const;
  ProblemAxis axis(const Run& run) const { return {run, table_.size(run)}; }
  // The axes given, with size 1 or stride 0 where the operand lacks them.
  at::Tensor view_of(const Laid& laid, const std::vector<const ProblemAxis*>& axes) const;
  Laid result_of(at::Tensor tensor, const std::vector<const ProblemAxis*>& axes) const;

  AtomTable table_;
  DeviceDtype device_dtype_;
  NodePtrs operands_;
  std::map<uint64_t, int> numbers_;
  Atoms batch_, rows_, keys_, key_features_, value_features_;
  Group query_, scaled_query_, batch_scale_, key_, value_, mask_, post_;
  std::vector<Bias> biases_;
  double scale_, result_scale_;
  Atoms output_;  // atoms of O, in the order in which it is laid out
  Atoms result_;  // atoms of the result that something has
  Atoms root_atoms_;
  Shape expanded_shape_, root_shape_;
  Atoms all_;  // of any operand
  Shape output_shape_;
  std::shared_ptr<MaskMemo> masks_ = std::make_shared<MaskMemo>();
  std::shared_ptr<LayoutMemo> layouts_ = std::make_shared<LayoutMemo>();
};

AttentionPlan::LayoutMemo::Key AttentionPlan::LayoutMemo::key(const Call& call) {
  Key out;
  for (const Laid* laid : {&call.q, &call.k, &call.v, &call.m, &call.t}) {
    out.push_back(laid->defined());
    if (laid->defined()) out.append(laid->tensor.strides().begin(), laid->tensor.strides().end());
  }
  return out;
}

std::shared_ptr<const AttentionPlan::Layout> AttentionPlan::LayoutMemo::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  return found == entries_.end() ? nullptr : found->second;
}

void AttentionPlan::LayoutMemo::insert(Key key, std::shared_ptr<const Layout> layout) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() == kRemembered) entries_.erase(entries_.begin());
  entries_.emplace_back(std::move(key), std::move(layout));
}

AttentionPlan::AttentionPlan(const AttentionForm& form, const Node& root)
    : table_(form.atoms),
      device_dtype_(root.device_dtype().filled()),
      batch_(form.batch),
      rows_(form.rows),
      keys_(form.keys),
      key_features_(form.key_features),
      value_features_(form.value_features),
      scale_(form.scale),
      result_scale_(form.result_scale),
      root_atoms_(distinct_atoms(form.root_axes)),
      root_shape_(root.shape()) {
  const Atoms query_atoms = concat({batch_, rows_, key_features_});
  query_ = group(form.query, query_atoms);
  if (!form.batch_scale.empty()) {
    batch_scale_ = group(form.batch_scale, batch_);
    std::vector<AttentionFactor> both = form.query;
    both.insert(both.end(), form.batch_scale.begin(), form.batch_scale.end());
    scaled_query_ = group(both, query_atoms);
  }
  key_ = group(form.key, concat({batch_, keys_, key_features_}));
  value_ = group(form.value, concat({batch_, keys_, value_features_}));
  const Atoms scores = concat({batch_, rows_, keys_});
  if (!form.mask.empty()) mask_ = group(form.mask, scores);
  for (const auto& term : form.bias) biases_.push_back({group(term.factors, scores), term.scale});
  const Atoms output = concat({batch_, rows_, value_features_});
  output_ = concat({select(root_atoms_, output), without(output, root_atoms_)});
  const Group post = group(form.post, root_atoms_, output_);
  post_ = post;
  result_ = post_.atoms();
  all_ = concat({batch_, rows_, keys_, key_features_, value_features_});
  for (const Atom atom : output_) output_shape_.push_back(table_.size(atom));
  for (const Atom atom : root_atoms_) expanded_shape_.push_back(table_.size(atom));
}

Group AttentionPlan::group(const std::vector<AttentionFactor>& factors, const Atoms& wanted, const std::optional<Atoms>& first) {
  std::vector<OperandView> views;
  for (const auto& factor : factors) {
    const auto [found, added] = numbers_.emplace(factor.node->id(), static_cast<int>(operands_.size()));
    if (added) operands_.push_back(factor.node);
    views.emplace_back(table_, factor.axes, found->second);
  }
  return Group(table_, std::move(views), wanted, first);
}

// Factors without query and key positions go into one number where they are all equal, which they are as a rule: that is exact, and cheap
// to see on the CPU.
Laid AttentionPlan::scaled_query(const std::vector<at::Tensor>& operands, double& scale) const {
  if (batch_scale_.empty()) return query_(operands);
  const at::Tensor factor = batch_scale_(operands).tensor;
  constexpr int64_t kMaxLookedAt = 4096;
  if (factor.is_cpu() && factor.numel() <= kMaxLookedAt && factor.numel() > 0) {
    const at::Tensor wide = factor.to(at::kFloat).contiguous();
    const float* values = wide.const_data_ptr<float>();
    if (std::all_of(values, values + wide.numel(), [&](float value) { return value == values[0]; })) {
      scale *= values[0];
      return query_(operands);
    }
  }
  return scaled_query_(operands);
}

Laid AttentionPlan::bias(const std::vector<at::Tensor>& operands, at::Tensor& source) const {
  if (biases_.empty()) return {};
  if (biases_.size() == 1 && biases_[0].scale == 1.0) {
    Laid only = biases_[0].product(operands);
    source = biases_[0].product.is_view() ? operands[biases_[0].product.operand()] : only.tensor;
    return only;
  }
  Laid sum;
  Atoms all;
  for (const auto& each : biases_) all.insert(all.end(), each.product.atoms().begin(), each.product.atoms().end());
  sum.atoms = select(concat({batch_, rows_, keys_}), all);
  for (const auto& each : biases_) {
    const Laid product = each.product(operands);
    Shape shape, strides;
    for (const Atom atom : sum.atoms) {
      shape.push_back(contains(product.atoms, atom) ? table_.size(atom) : 1);
      strides.push_back(product.stride(atom));
    }
    at::Tensor term = views::as_strided(product.tensor, shape, strides);
    if (each.scale != 1.0) term = term.mul(each.scale);
    sum.tensor = sum.tensor.defined() ? sum.tensor.add(term) : term;
  }
  source = sum.tensor;
  return sum;
}

// A copy with the atoms of the group side by side, and all of them.
Laid AttentionPlan::compact(const Laid& laid, const Atoms& group) const {
  Laid out;
  Shape shape, strides;
  for (const Atom atom : all_) {
    if (!contains(laid.atoms, atom) && !contains(group, atom)) continue;
    out.atoms.push_back(atom);
    shape.push_back(table_.size(atom));
    strides.push_back(laid.stride(atom));
  }
  out.tensor = views::as_strided(laid.tensor, shape, strides).contiguous();
  return out;
}

// Decides which atoms make up which axis, and copies operands whose layout does not allow it.
void AttentionPlan::lay_out(Call& call) const {
  LayoutMemo::Key key = LayoutMemo::key(call);
  call.layout = layouts_->find(key);
  if (call.layout) {
    for (const auto& [laid, group] : call.layout->copies) call.*laid = compact(call.*laid, group);
  } else {
    call.layout = make_layout(call);
    layouts_->insert(std::move(key), call.layout);
  }
}

std::shared_ptr<const AttentionPlan::Layout> AttentionPlan::make_layout(Call& call) const {
  const auto layout = std::make_shared<Layout>();
  const auto side_by_side = [&](Laid Call::* laid, const Atoms& group) {
    if (!(call.*laid).defined() || runs(table_, group, {&(call.*laid)}).size() <= 1) return;
    layout->copies.emplace_back(laid, group);
    call.*laid = compact(call.*laid, group);
  };
  for (const auto laid : {&Call::k, &Call::v, &Call::m, &Call::t}) side_by_side(laid, keys_);
  for (const auto laid : {&Call::q, &Call::k}) side_by_side(laid, key_features_);
  side_by_side(&Call::v, value_features_);
  layout->keys = axis(keys_);
  layout->key_features = axis(key_features_);
  layout->value_features = axis(value_features_);
  // The longest run of rows that is one axis; the others join the batch.
  Atoms batch = batch_;
  const auto row_runs = runs(table_, rows_, {&call.q, &call.m, &call.t});
  if (!row_runs.empty()) {
    const auto longest =
        std::max_element(row_runs.begin(), row_runs.end(), [&](const Run& a, const Run& b) { return table_.size(a) < table_.size(b); });
    layout->rows = axis(*longest);
    batch = select(output_, concat({batch_, without(rows_, *longest)}));
  }
  for (const auto& run : runs(table_, batch, {&call.q, &call.k, &call.v, &call.m, &call.t})) layout->batch.push_back(axis(run));
  layout->cpu = cpu_problem(call, *layout);
  return layout;
}

// The largest magnitude; NaN if there is one.
double largest(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return 0.0;
  // Axes by stride, those that are one in memory joined; what is repeated counts once.
  c10::SmallVector<std::pair<int64_t, int64_t>, 8> axes;  // stride and size
  for (int64_t axis = 0; axis < tensor.dim(); ++axis)
    if (tensor.size(axis) != 1 && tensor.stride(axis) != 0) axes.emplace_back(tensor.stride(axis), tensor.size(axis));
  std::sort(axes.begin(), axes.end());
  c10::SmallVector<std::pair<int64_t, int64_t>, 8> joined;
  for (const auto& [stride, size] : axes) {
    if (!joined.empty() && joined.back().first * joined.back().second == stride) {
      joined.back().second *= size;
    } else {
      joined.emplace_back(stride, size);
    }
  }
  if (tensor.scalar_type() == at::kFloat && (joined.empty() || (joined[0].first == 1 && joined.size() <= 3))) {
    joined.resize(3, {0, 1});
    return largest_magnitude(tensor.const_data_ptr<float>(), joined[0].second, joined[1], joined[2]);
  }
  // In the order of memory, where torch's reduction needs no copy.
  at::DimVector sizes, strides;
  for (size_t i = joined.size(); i-- > 0;) {
    strides.push_back(joined[i].first);
    sizes.push_back(joined[i].second);
  }
  const auto [low, high] = at::aminmax(views::as_strided(tensor, sizes, strides));
  return std::max(std::abs(low.item<double>()), std::abs(high.item<double>()));
}

// Leaves out what the masks say in a simpler way, as far as no weight changes: only keys whose weight underflows are skipped.
void AttentionPlan::look_at_masks(Call& call, const at::Tensor& m_source, const at::Tensor& t_source) const {
  if (!call.m.defined() && !call.t.defined()) return;
  call.plain_masks = false;
  if (!call.q.tensor.is_cpu()) return;
  const Layout& layout = *call.layout;
  const auto look = [&] {
    MaskView m, t;
    MaskSizes sizes{{}, layout.rows.size, layout.keys.size};
    for (const auto& axis : layout.batch) sizes.outer.push_back(axis.size);
    for (const bool is_m : {true, false}) {
      const Laid& laid = is_m ? call.m : call.t;
      if (!laid.defined()) continue;
      MaskView& view = is_m ? m : t;
      view.tensor = laid.tensor;
      view.row_stride = layout.rows.stride(laid);
      view.column_stride = layout.keys.stride(laid);
      for (const auto& axis : layout.batch) view.outer_strides.push_back(axis.stride(laid));
    }
    return mask_facts(m, t, sizes);
  };
  const MaskFacts facts = masks_->facts(m_source, t_source, look);
  if (facts.has_nan) return;
  if (facts.any_masked) {
    // No score without t is above `bound`: a row's best open key and its best masked one are that far apart at least.
    const double bound = std::abs(call.scale) * static_cast<double>(facts.largest_factor) * static_cast<double>(layout.key_features.size) *
                         largest(call.q.tensor) * largest(call.k.tensor);
    const double distance = static_cast<double>(facts.least_best) - bound - (static_cast<double>(facts.largest_masked) + bound);
    if (!std::isfinite(bound) || !(distance > kUnderflow)) return;
  }
  if (facts.factor_is_constant && call.m.defined() && facts.factor != 0.0f) {
    call.m = {};
    call.scale *= facts.factor;
  }
  if (facts.any_masked && facts.offset < layout.keys.size - 1) {
    call.causal = true;
    call.causal_offset = facts.offset;
  }
  if (!facts.any_masked || facts.triangle) {
    if (facts.summand_is_zero) call.t = {};
    call.plain_masks = !facts.any_masked || facts.summand_is_zero;
  }
}

at::Tensor AttentionPlan::view_of(const Laid& laid, const std::vector<const ProblemAxis*>& axes) const {
  Shape shape, strides;
  for (const ProblemAxis* axis : axes) {
    shape.push_back(axis->size);
    strides.push_back(axis->stride(laid));
  }
  return views::as_strided(laid.tensor, shape, strides);
}

Laid AttentionPlan::result_of(at::Tensor tensor, const std::vector<const ProblemAxis*>& axes) const {
  Laid out;
  Shape shape, strides;
  for (const Atom atom : output_) {
    for (size_t i = 0; i < axes.size(); ++i) {
      const Run& run = axes[i]->run;
      const auto found = std::find(run.begin(), run.end(), atom);
      if (found == run.end()) continue;
      shape.push_back(table_.size(atom));
      strides.push_back(tensor.stride(static_cast<int64_t>(i)) * table_.size(Run(found + 1, run.end())));
    }
  }
  out.atoms = output_;
  out.tensor = views::as_strided(tensor, shape, strides);
  return out;
}

// torch's kernel: the masks are a summand or a triangle from the upper left corner.
Laid AttentionPlan::run_sdpa(const Call& call) const {
  const Layout& layout = *call.layout;
  Call dense = call;
  const auto stride_one = [&](Laid& laid, const ProblemAxis& features) {
    if (!features.run.empty() && features.stride(laid) != 1) laid = compact(laid, features.run);
  };
  stride_one(dense.q, layout.key_features);
  stride_one(dense.k, layout.key_features);
  stride_one(dense.v, layout.value_features);
  ProblemAxis one;
  std::vector<const ProblemAxis*> batch;
  for (const auto& axis : layout.batch) batch.push_back(&axis);
  while (batch.size() < 2) batch.insert(batch.begin(), &one);
  const auto with = [&](const ProblemAxis& rows, const ProblemAxis& columns) {
    std::vector<const ProblemAxis*> axes = batch;
    axes.push_back(&rows);
    axes.push_back(&columns);
    return axes;
  };
  const auto four = [](const at::Tensor& x) { return x.dim() > 4 ? x.flatten(0, x.dim() - 4) : x; };
  const at::Tensor q = four(view_of(dense.q, with(layout.rows, layout.key_features)));
  const at::Tensor k = four(view_of(dense.k, with(layout.keys, layout.key_features)));
  const at::Tensor v = four(view_of(dense.v, with(layout.keys, layout.value_features)));
  std::optional<at::Tensor> mask;
  if (call.t.defined()) mask = four(view_of(call.t, with(layout.rows, layout.keys)));
  at::Tensor out = q.is_cpu()
                       ? std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, call.causal && !mask, mask, call.scale))
                       : at::scaled_dot_product_attention(q, k, v, mask, 0.0, call.causal && !mask, call.scale);
  if (batch.size() > 2) {
    Shape shape;
    for (size_t i = 0; i + 1 < batch.size(); ++i) shape.push_back(batch[i]->size);
    out = out.unflatten(0, shape);
  }
  return result_of(out, with(layout.rows, layout.value_features));
}

// Blocks of queries by ATen's products: covers every case on every device.
Laid AttentionPlan::run_in_blocks(const Call& call) const {
  const Layout& layout = *call.layout;
  constexpr int64_t kBlockElements = int64_t{1} << 20;
  std::vector<const ProblemAxis*> batch;
  for (const auto& axis : layout.batch) batch.push_back(&axis);
  const auto with = [&](const ProblemAxis& rows, const ProblemAxis& columns) {
    std::vector<const ProblemAxis*> axes = batch;
    axes.push_back(&rows);
    axes.push_back(&columns);
    return axes;
  };
  int64_t entries = 1;
  for (const ProblemAxis* axis : batch) entries *= axis->size;
  const at::Tensor q = view_of(call.q, with(layout.rows, layout.key_features)), k = view_of(call.k, with(layout.keys, layout.key_features)),
                   v = view_of(call.v, with(layout.keys, layout.value_features));
  const at::Tensor m = call.m.defined() ? view_of(call.m, with(layout.rows, layout.keys)) : at::Tensor();
  const at::Tensor t = call.t.defined() ? view_of(call.t, with(layout.rows, layout.keys)) : at::Tensor();
  Shape shape;
  for (const ProblemAxis* axis : with(layout.rows, layout.value_features)) shape.push_back(axis->size);
  const at::Tensor out = at::empty(shape, q.options());
  const int64_t block = std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, entries * layout.keys.size));
  const at::Tensor keys = k.to(at::kFloat).transpose(-1, -2), values = v.to(at::kFloat);
  for (int64_t start = 0; start < layout.rows.size; start += block) {
    const int64_t length = std::min(block, layout.rows.size - start);
    at::Tensor scores = at::matmul(q.narrow(-2, start, length).to(at::kFloat), keys).mul_(call.scale);
    if (m.defined()) scores.mul_(m.narrow(-2, start, length));
    if (t.defined()) scores.add_(t.narrow(-2, start, length));
    if (call.causal && !t.defined())
      for (int64_t i = 0; i < length; ++i) {
        const int64_t first = std::clamp<int64_t>(start + i + call.causal_offset + 1, 0, layout.keys.size);
        scores.narrow(-2, i, 1).narrow(-1, first, layout.keys.size - first).fill_(-std::numeric_limits<float>::infinity());
      }
    out.narrow(-2, start, length).copy_(at::matmul(at::softmax(scores, -1), values));
  }
  return result_of(out, with(layout.rows, layout.value_features));
}

// Everything but the result and what `set_operands` sets.
kernels::AttentionProblem AttentionPlan::problem_of(const Call& call, const Layout& layout, const std::vector<ProblemAxis>& batch) const {
  kernels::AttentionProblem problem;
  problem.element = device_dtype_.dtype == DType::float16    ? kernels::Element::float16
                    : device_dtype_.dtype == DType::bfloat16 ? kernels::Element::bfloat16
                                                             : kernels::Element::float32;
  problem.num_batch_axes = static_cast<int32_t>(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) problem.batch[i] = batch[i].size;
  const auto operand = [&](const Laid& laid, const ProblemAxis& rows, const ProblemAxis& columns) {
    kernels::Operand out;
    if (!laid.defined()) return out;
    for (size_t i = 0; i < batch.size(); ++i) out.batch_strides[i] = batch[i].stride(laid);
    out.row_stride = rows.stride(laid);
    out.column_stride = columns.stride(laid);
    return out;
  };
  problem.num_queries = layout.rows.size;
  problem.num_keys = layout.keys.size;
  problem.key_size = layout.key_features.size;
  problem.value_size = layout.value_features.size;
  problem.q = operand(call.q, layout.rows, layout.key_features);
  problem.k = operand(call.k, layout.keys, layout.key_features);
  problem.v = operand(call.v, layout.keys, layout.value_features);
  problem.mask = operand(call.m, layout.rows, layout.keys);
  problem.bias = operand(call.t, layout.rows, layout.keys);
  return problem;
}

void AttentionPlan::set_operands(kernels::AttentionProblem& problem, const Call& call) {
  const auto set = [](kernels::Operand& operand, const Laid& laid) {
    if (laid.defined()) {
      operand.data = laid.tensor.const_data_ptr();
    } else {
      operand = {};
    }
  };
  set(problem.q, call.q);
  set(problem.k, call.k);
  set(problem.v, call.v);
  set(problem.mask, call.m);
  set(problem.bias, call.t);
  problem.scale = static_cast<float>(call.scale);
  problem.causal = call.causal;
  problem.causal_offset = call.causal_offset;
}

// The layout of the result is the one that what comes next wants.
std::optional<kernels::AttentionProblem> AttentionPlan::cpu_problem(const Call& call, const Layout& layout) const {
  if (!call.q.tensor.is_cpu()) return std::nullopt;
  const Laid out{at::empty(output_shape_, at::TensorOptions().device(at::kMeta)), output_};
  if (runs(table_, layout.rows.run, {&out}).size() > 1 || runs(table_, layout.value_features.run, {&out}).size() > 1) return std::nullopt;
  std::vector<ProblemAxis> batch;
  for (const auto& merged : layout.batch)
    for (const auto& run : runs(table_, merged.run, {&out})) batch.push_back(axis(run));
  if (batch.size() > kernels::kMaxBatchAxes) return std::nullopt;
  kernels::AttentionProblem problem = problem_of(call, layout, batch);
  for (size_t i = 0; i < batch.size(); ++i) problem.result_batch_strides[i] = batch[i].stride(out);
  problem.result_row_stride = layout.rows.stride(out);
  problem.result_column_stride = layout.value_features.stride(out);
  return problem;
}

// The kernel of our own for the CPU, on the caller's threads; nothing where it does not cover the case.
std::optional<Laid> AttentionPlan::run_cpu(const Call& call) const {
  if (!call.layout->cpu) return std::nullopt;
  kernels::AttentionProblem problem = *call.layout->cpu;
  set_operands(problem, call);
  if (!kernels::attention_cpu_supports(problem)) return std::nullopt;
  Laid out{views::empty(output_shape_, call.q.tensor), output_};
  problem.result = out.tensor.mutable_data_ptr();
  const int threads = at::get_num_threads();
  const auto bytes = static_cast<int64_t>(kernels::attention_cpu_workspace(problem, threads));
  const at::Tensor workspace = views::empty({bytes}, call.q.tensor, at::kByte);
  kernels::attention_cpu(problem, workspace.mutable_data_ptr(), threads, kernel_parallel_for);
  return out;
}

// The kernel of our own for CUDA; nothing where it does not cover the case.
std::optional<Laid> AttentionPlan::run_cuda(const Call& call) const {
#ifdef PYCIRCUIT_CUDA
  const Layout& layout = *call.layout;
  if (layout.batch.size() > kernels::kMaxBatchAxes) return std::nullopt;
  for (const Laid* laid : {&call.k, &call.v, &call.m, &call.t})
    if (laid->defined() && laid->tensor.scalar_type() != call.q.tensor.scalar_type()) return std::nullopt;
  const at::Device device = call.q.tensor.device();
  const at::OptionalDeviceGuard guard(device);
  const CudaQueue queue = cuda_queue(device.index());
  if (queue.compute_capability == 0) return std::nullopt;

  kernels::AttentionProblem problem = problem_of(call, layout, layout.batch);
  set_operands(problem, call);
  std::vector<const ProblemAxis*> axes;
  for (const auto& axis : layout.batch) axes.push_back(&axis);
  axes.push_back(&layout.rows);
  axes.push_back(&layout.value_features);
  Shape shape;
  for (const ProblemAxis* axis : axes) shape.push_back(axis->size);
  const at::Tensor out = at::empty(shape, call.q.tensor.options());
  for (size_t i = 0; i < layout.batch.size(); ++i) problem.result_batch_strides[i] = out.stride(static_cast<int64_t>(i));
  problem.result_row_stride = out.stride(-2);
  problem.result_column_stride = out.stride(-1);
  problem.result = out.mutable_data_ptr();
  if (!kernels::attention_cuda_supports(problem, queue.compute_capability)) return std::nullopt;
  const auto bytes = static_cast<int64_t>(kernels::attention_cuda_workspace(problem, queue.compute_capability));
  const at::Tensor workspace = at::empty({bytes}, out.options().dtype(at::kByte));
  if (const char* error = kernels::attention_cuda(problem, workspace.mutable_data_ptr(), queue.compute_capability, queue.stream))
    fail(ErrorId::RuntimeError, std::string("fused attention on CUDA: ") + error);
  return result_of(out, axes);
#else
  return std::nullopt;
#endif
}

Laid AttentionPlan::run(const Call& call, std::string& backend) const {
  const Layout& layout = *call.layout;
  if (call.q.tensor.is_cuda()) {
    if (auto output = run_cuda(call)) {
      backend = "cuda";
      return *output;
    }
  }
  const bool same_sizes = layout.key_features.size == layout.value_features.size;
  // torch puts -infinity before it multiplies by the scale.
  const bool sdpa = call.q.tensor.is_cpu() ? same_sizes && call.scale > 0.0 && !call.m.defined() && call.plain_masks &&
                                                 (!call.causal || call.causal_offset == 0)
                                           : !call.m.defined();
  if (call.q.tensor.is_cpu() && (!sdpa || layout.keys.size < kSdpaFromKeys)) {
    if (auto output = run_cpu(call)) {
      backend = "blocked";
      return *output;
    }
  }
  backend = sdpa ? "sdpa" : "blocked";
  return sdpa ? run_sdpa(call) : run_in_blocks(call);
}

at::Tensor AttentionPlan::finished(const Laid& output, const std::vector<at::Tensor>& operands) const {
  at::Tensor value = post_(operands, output.tensor).tensor;
  if (result_scale_ != 1.0) value = value.mul(result_scale_);
  if (result_.size() != root_atoms_.size() || result_ != root_atoms_) {
    Laid laid{value, result_};
    Shape strides;
    for (const Atom atom : root_atoms_) strides.push_back(laid.stride(atom));
    value = views::as_strided(value, expanded_shape_, strides);
  }
  return value.sizes() == at::IntArrayRef(root_shape_) ? value : value.reshape(root_shape_);
}

Tensor AttentionPlan::operator()(KernelArgs args) const {
  std::vector<at::Tensor> operands;
  const DeviceDtypeOp target{device_dtype_.device, device_dtype_.dtype};
  for (const auto& operand : args.operands) operands.push_back(to_aten(to_device_dtype(operand, target)));
  Call call;
  call.scale = scale_;
  call.q = scaled_query(operands, call.scale);
  call.k = key_(operands);
  call.v = value_(operands);
  at::Tensor m_source, t_source;
  if (!mask_.empty()) {
    call.m = mask_(operands);
    m_source = mask_.is_view() ? operands[mask_.operand()] : call.m.tensor;
  }
  call.t = bias(operands, t_source);
  Laid output;
  std::string backend;
  if (std::any_of(all_.begin(), all_.end(), [&](Atom atom) { return table_.size(atom) == 0; })) {
    output = {at::zeros(output_shape_, call.q.tensor.options()), output_};
    backend = "sdpa";
  } else {
    lay_out(call);
    look_at_masks(call, m_source, t_source);
    output = run(call, backend);
  }
  if (args.stats) ++args.stats->attention_backends[backend];
  return from_aten(finished(output, operands));
}

uint64_t AttentionPlan::workspace_bytes() const {
  const auto bytes = [&](const Atoms& atoms) {
    uint64_t out = static_cast<uint64_t>(element_size(device_dtype_.dtype));
    for (const Atom atom : atoms) out = saturating_mul(out, static_cast<uint64_t>(table_.size(atom)));
    return out;
  };
  uint64_t total = bytes(output_);
  for (const Group* group : {&query_, &key_, &value_, &mask_})
    if (!group->is_view()) total = saturating_add(total, saturating_mul(2, bytes(group->atoms())));
  if (!scaled_query_.empty()) total = saturating_add(total, bytes(query_.atoms()));
  if (device_dtype_.device.is_cpu()) {
    // The tiles of our own kernel's threads; they depend on sizes alone.
    kernels::AttentionProblem problem = problem_of({}, {}, {});
    problem.num_queries = table_.size(rows_);
    problem.num_keys = table_.size(keys_);
    problem.key_size = table_.size(key_features_);
    problem.value_size = table_.size(value_features_);
    total = saturating_add(total, kernels::attention_cpu_workspace(problem, at::get_num_threads()));
  }
  return total;
}

std::string AttentionPlan::expected_backend() const {
  if (!device_dtype_.device.is_cpu()) return "cuda";
  const bool sdpa = table_.size(key_features_) == table_.size(value_features_) && mask_.empty() && table_.size(keys_) >= kSdpaFromKeys;
  return sdpa ? "sdpa" : "blocked";
}

}  // namespace

AttentionCall make_attention_call(const AttentionForm& form, const Node& root) {
  const auto plan = std::make_shared<const AttentionPlan>(form, root);
  return {[plan](KernelArgs args) { return (*plan)(std::move(args)); }, plan->operands(), plan->expected_backend(),
          plan->workspace_bytes()};
}

}  // namespace pycircuit
