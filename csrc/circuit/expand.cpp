// The rules of expansion per class (08, 7.1 to 7.3), one switch over the 17 classes.
#include "circuit/expand.h"

#include <algorithm>

#include "circuit/names.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"

namespace pycircuit {
namespace {

int64_t batch_rank(const Shape& shape) { return static_cast<int64_t>(shape.size()); }

// The new batch axes of each new child and what they align to (steps 1, 3 and 4).
struct NewBatch {
  std::vector<Shape> shapes;
  Shape all;
  int64_t rank() const { return batch_rank(all); }
  int64_t rank(size_t i) const { return batch_rank(shapes[i]); }
};

void check_count(const Node& node, const NodePtrs& inputs) {
  if (inputs.size() != node.num_children())
    fail(ErrorId::ExpandWrongNumChildren,
         "expanding " + describe(node) + ": it has " + std::to_string(node.num_children()) + " children but got " +
             std::to_string(inputs.size()) + " inputs",
         node.num_children(), inputs.size());
}

NewBatch new_batch(const Node& node, const NodePtrs& inputs) {
  bool too_low = false;
  for (size_t i = 0; i < inputs.size(); ++i) too_low |= inputs[i]->rank() < node.child(i)->rank();
  if (too_low) {
    PayloadList before, now;
    for (size_t i = 0; i < inputs.size(); ++i) {
      before.emplace_back(node.child(i)->rank());
      now.emplace_back(inputs[i]->rank());
    }
    fail(ErrorId::ExpandBatchingRankTooLow,
         "expanding " + describe(node) + " over " + describe(inputs) + ": an input has fewer axes than the child it replaces (" +
             describe(node.children()) + ")",
         std::move(before), std::move(now));
  }
  NewBatch batch;
  bool any = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = inputs[i]->shape();
    const int64_t count = inputs[i]->rank() - node.child(i)->rank();
    any |= count > 0;
    batch.shapes.emplace_back(shape.begin(), shape.begin() + count);
  }
  if (any) batch.all = right_align_shapes(batch.shapes);
  return batch;
}

// --- symbolic sizes (7.2)

struct AxisOf {
  size_t input;
  size_t axis;
};
using AxisGroup = std::vector<AxisOf>;

bool any_symbolic(const NodePtrs& inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](const NodePtr& input) { return has_symbolic(input->shape()); });
}

// Makes the sizes of each group agree as far as declaring symbolic ones can.
void unify_symbolic(NodePtrs& inputs, const std::vector<AxisGroup>& groups) {
  std::vector<std::vector<std::optional<Size>>> declared(inputs.size());
  for (const auto& group : groups) {
    if (group.empty()) continue;
    const auto size_of = [&](const AxisOf& place) { return inputs[place.input]->shape()[place.axis]; };
    const auto plain = std::find_if(group.begin(), group.end(), [&](const AxisOf& place) { return !is_symbolic(size_of(place)); });
    const Size target = size_of(plain == group.end() ? group.front() : *plain);
    for (const auto& place : group) {
      if (size_of(place) == target || !is_symbolic(size_of(place))) continue;
      auto& sizes = declared[place.input];
      sizes.resize(inputs[place.input]->rank());
      sizes[place.axis] = target;
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!declared[i].empty()) inputs[i] = SetSymbolicShape::some_set_and_symbolic_neq(inputs[i], declared[i]);
}

// --- one function per class

struct Task {
  const NodePtr& node;
  NodePtrs& inputs;
  const NewBatch& batch;
  const ExpansionNames& names;

  Naming naming() const {
    Naming naming = node->kept_naming();
    naming.name = names.of(naming.name);
    return naming;
  }
  // Input i repeated along the leading new batch axes that it lacks.
  NodePtr repeated(size_t i) const {
    const int64_t missing = batch.rank() - batch.rank(i);
    if (missing == 0) return inputs[i];
    const Shape leading(batch.all.begin(), batch.all.begin() + missing);
    return Rearrange::make(inputs[i], RearrangeSpec::prepend_batch_shape(leading, inputs[i]->rank()),
                           names.above(i, inputs[i], " rep_for_batch"));
  }
  // Size changes of the old axes of input i.
  bool size_changed(size_t i, int64_t old_axis) const {
    return inputs[i]->shape()[batch.rank(i) + old_axis] != node->child(i)->shape()[old_axis];
  }
};

NodePtr expand_einsum(const Task& task) {
  const auto& einsum = *task.node->as<Einsum>();
  const int64_t first = einsum.next_axis();
  const Labels all = iota_labels(first + task.batch.rank());
  const Labels fresh(all.begin() + first, all.end());
  std::vector<Labels> labels;
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    Labels& own = labels.emplace_back(fresh.end() - task.batch.rank(i), fresh.end());
    own.insert(own.end(), einsum.input_labels()[i].begin(), einsum.input_labels()[i].end());
  }
  Labels out = fresh;
  out.insert(out.end(), einsum.out_axes().begin(), einsum.out_axes().end());
  if (any_symbolic(task.inputs)) {
    std::vector<AxisGroup> groups(all.size());
    for (size_t i = 0; i < labels.size(); ++i)
      for (size_t axis = 0; axis < labels[i].size(); ++axis) groups[labels[i][axis]].push_back({i, axis});
    unify_symbolic(task.inputs, groups);
  }
  return Einsum::make(std::move(task.inputs), std::move(labels), std::move(out), task.naming());
}

NodePtr expand_add(const Task& task) {
  const int64_t rank = task.node->rank();
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    const int64_t missing = rank - task.node->child(i)->rank(), own = task.batch.rank(i);
    if (own == 0 || missing == 0) continue;
    std::vector<int64_t> axes;
    for (int64_t axis = own; axis < own + missing; ++axis) axes.push_back(axis);
    NodePtr& input = task.inputs[i];
    input = Rearrange::make(input, RearrangeSpec::unsqueeze(input->rank(), axes), task.names.above(i, input, " unsq_b_add"));
  }
  if (any_symbolic(task.inputs)) {
    std::vector<AxisGroup> groups;
    for (size_t i = 0; i < task.inputs.size(); ++i) {
      const Shape& shape = task.inputs[i]->shape();
      if (groups.size() < shape.size()) groups.resize(shape.size());
      for (size_t axis = 0; axis < shape.size(); ++axis)
        if (shape[axis] != 1) groups[shape.size() - 1 - axis].push_back({i, axis});
    }
    unify_symbolic(task.inputs, groups);
  }
  return Add::make(std::move(task.inputs), task.naming());
}

NodePtr expand_concat(const Task& task) {
  const auto& concat = *task.node->as<Concat>();
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    if (!task.size_changed(i, concat.axis())) continue;
    const NodePtr& old = concat.child(i);
    fail(ErrorId::ExpandConcatAxis,
         "expanding " + describe(concat) + ": its axis " + std::to_string(concat.axis()) + " is concatenated, so that " + describe(*old) +
             " cannot become " + describe(*task.inputs[i]) + "; only the other axes may change size",
         concat.axis(), old->shape(), task.inputs[i]->shape());
  }
  for (size_t i = 0; i < task.inputs.size(); ++i) task.inputs[i] = task.repeated(i);
  const int64_t axis = concat.axis() + task.batch.rank();
  if (any_symbolic(task.inputs)) {
    std::vector<AxisGroup> groups(concat.rank() + task.batch.rank());
    for (size_t i = 0; i < task.inputs.size(); ++i)
      for (size_t each = 0; each < groups.size(); ++each)
        if (static_cast<int64_t>(each) != axis) groups[each].push_back({i, each});
    unify_symbolic(task.inputs, groups);
  }
  return Concat::make(std::move(task.inputs), axis, task.naming());
}

NodePtr expand_rearrange(const Task& task) {
  const auto& rearrange = *task.node->as<Rearrange>();
  NodePtr input = task.inputs[0];
  const int64_t batch = task.batch.rank();
  const auto own_shape = [&] { return Shape(input->shape().begin() + batch, input->shape().end()); };
  auto relaxed = rearrange.spec().try_expand_to(own_shape());
  const bool forcible = [&] {
    for (size_t axis = 0; axis < relaxed.forced.size(); ++axis)
      if (relaxed.forced[axis] && is_symbolic(input->shape()[batch + axis])) return true;
    return false;
  }();
  if (forcible) {
    std::vector<std::optional<Size>> declared(batch);
    declared.insert(declared.end(), relaxed.forced.begin(), relaxed.forced.end());
    input = SetSymbolicShape::some_set_and_symbolic_neq(input, std::move(declared));
  }
  // Raises where a size is ambiguous and cannot be declared.
  RearrangeSpec spec = rearrange.spec().expand_to(own_shape());
  if (batch > 0) spec = spec.add_batch_dims(batch);
  return Rearrange::make(input, std::move(spec), task.naming());
}

[[noreturn]] void fail_fixed_index(const Node& node, const NodePtr& input, int64_t axis) {
  fail(ErrorId::ExpandFixedIndex,
       "expanding " + describe(node) + " over " + describe(*input) + ": axis " + std::to_string(axis) + " of " + describe(*node.child()) +
           " changes its size, but positions on it are fixed; only an axis indexed by slice(None) may change",
       circuit_payload(NodePtr(&node)), node.child()->shape(), input->shape());
}

NodePtr expand_index(const Task& task) {
  const auto& index = *task.node->as<Index>();
  IndexElements elements(task.batch.rank(), Slice{});
  for (size_t axis = 0; axis < index.index().size(); ++axis) {
    const auto* slice = std::get_if<Slice>(&index.index()[axis]);
    if (task.size_changed(0, axis) && !(slice && slice->is_full())) fail_fixed_index(index, task.inputs[0], axis);
    elements.push_back(index.index()[axis]);
  }
  return Index::make(task.inputs[0], std::move(elements), task.naming());
}

NodePtr expand_scatter(const Task& task) {
  const auto& scatter = *task.node->as<Scatter>();
  IndexElements elements;
  for (const Size size : task.batch.all) elements.push_back(Slice{0, size});
  for (size_t axis = 0; axis < scatter.index().size(); ++axis) {
    if (task.size_changed(0, axis)) fail_fixed_index(scatter, task.inputs[0], axis);
    elements.push_back(scatter.index()[axis]);
  }
  Shape shape = task.batch.all;
  shape.insert(shape.end(), scatter.shape().begin(), scatter.shape().end());
  return Scatter::make(task.inputs[0], std::move(elements), std::move(shape), task.naming());
}

NodePtr expand_general_function(const Task& task) {
  const auto& function = *task.node->as<GeneralFunction>();
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    if (function.input_batchable(i) || task.batch.rank(i) == 0) continue;
    fail(ErrorId::ExpandGeneralFunctionTriedToBatchNonBatchableInput,
         "expanding " + describe(function) + " over " + describe(task.inputs) + ": input " + std::to_string(i) + " gains axes, but " +
             function.spec()->name() + " cannot be batched over it",
         i, circuit_payloads(task.inputs), circuit_payload(task.node));
  }
  for (size_t i = 0; i < task.inputs.size(); ++i)
    if (function.input_batchable(i)) task.inputs[i] = task.repeated(i);
  return GeneralFunction::make(std::move(task.inputs), function.spec(), task.naming());
}

NodePtr expand_cumulant(const Task& task) {
  for (size_t i = 1; i < task.inputs.size(); ++i)
    if (task.batch.rank(i) > 0)
      fail(ErrorId::ExpandCumulantRankChanged,
           "expanding " + describe(*task.node) + " over " + describe(task.inputs) + ": only its first argument may gain axes",
           circuit_payload(task.node));
  return Cumulant::make(std::move(task.inputs), task.naming());
}

NodePtr expand_set_symbolic_shape(const Task& task) {
  const NodePtr& input = task.inputs[0];
  Shape shape = task.batch.all;
  for (int64_t axis = 0; axis < task.node->rank(); ++axis)
    shape.push_back(task.size_changed(0, axis) ? input->shape()[task.batch.rank() + axis] : task.node->shape()[axis]);
  if (shape == input->shape()) return input;
  return SetSymbolicShape::make(input, std::move(shape), task.naming());
}

NodePtr expand_by_class(const Task& task) {
  switch (task.node->kind()) {
    case Kind::Array:
    case Kind::Symbol:
    case Kind::Scalar:
      return task.node;
    case Kind::Einsum:
      return expand_einsum(task);
    case Kind::Add:
      return expand_add(task);
    case Kind::Rearrange:
      return expand_rearrange(task);
    case Kind::Index:
      return expand_index(task);
    case Kind::GeneralFunction:
      return expand_general_function(task);
    case Kind::Concat:
      return expand_concat(task);
    case Kind::Scatter:
      return expand_scatter(task);
    case Kind::SetSymbolicShape:
      return expand_set_symbolic_shape(task);
    case Kind::Tag:
      return Tag::make(task.inputs[0], task.node->as<Tag>()->uuid(), task.naming());
    case Kind::Cumulant:
      return expand_cumulant(task);
    case Kind::Module:  // ModuleExpansion
    case Kind::Conv:
    case Kind::DiscreteVar:
    case Kind::StoredCumulantVar:
      break;
  }
  fail(ErrorId::ExpandNodeUnhandledVariant,
       "expanding " + describe(*task.node) + " over " + describe(task.inputs) + ": the shapes of its children may not change (" +
           describe(task.node->children()) + ")",
       std::string(kind_name(task.node->kind())));
}

bool all_same(const NodePtrs& a, const NodePtrs& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NodePtr& x, const NodePtr& y) { return x.get() == y.get(); });
}

bool same_shapes(const NodePtrs& a, const NodePtrs& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NodePtr& x, const NodePtr& y) { return x->shape() == y->shape(); });
}

std::string expanding(const Node& node, const NodePtrs& inputs) {
  return "while expanding " + describe(node) + " over " + describe(inputs);
}

}  // namespace

Name ExpansionNames::above(size_t, const NodePtr& new_child, std::string_view suffix) const {
  return with_suffix(new_child->name(), suffix);
}

NodePtr expand_over(const NodePtr& node, NodePtrs inputs, const ExpansionNames& names) {
  check_count(*node, inputs);
  if (all_same(inputs, node->children()) && (node->name() || !names.rebuilds_nameless())) return node->rename(names.of(node->name()));
  if (same_shapes(inputs, node->children())) {
    Naming naming = node->kept_naming();
    naming.name = names.of(naming.name);
    return naming.name == node->name() ? node->rebuild(std::move(inputs)) : node->remake(std::move(inputs), std::move(naming));
  }
  const NodePtrs given = inputs;
  return with_context(
      [&] {
        const NewBatch batch = new_batch(*node, inputs);
        return expand_by_class(Task{node, inputs, batch, names});
      },
      [&] { return expanding(*node, given); });
}

// --- Modules (7.3)

ModuleExpansion::ModuleExpansion(Ref<const Module> module, NodePtrs new_children, const ExpansionNames& names)
    : module_(std::move(module)), children_(std::move(new_children)), arg_specs_(module_->arg_specs()) {
  check_count(*module_, children_);
  if (module_->num_arguments() == 0 || same_shapes(children_, module_->children())) return;
  const NodePtrs given = children_;
  with_context([&] { shift(names); }, [&] { return expanding(*module_, given); });
}

void ModuleExpansion::shift(const ExpansionNames& names) {
  NewBatch batch = new_batch(*module_, children_);
  new_batch_ = batch.all;
  std::vector<int64_t> old_ranks;
  for (size_t j = 0; j < arg_specs_.size(); ++j) {
    old_ranks.push_back(module_->argument(j)->rank() - arg_specs_[j].symbol->rank());
    old_batch_rank_ = std::max(old_batch_rank_, old_ranks.back());
  }
  if (any_symbolic(children_)) {
    std::vector<AxisGroup> groups(old_batch_rank_);
    for (size_t j = 0; j < arg_specs_.size(); ++j)
      for (int64_t axis = 0; axis < old_ranks[j]; ++axis)
        groups[old_ranks[j] - 1 - axis].push_back({j + 1, static_cast<size_t>(batch.rank(j + 1) + axis)});
    unify_symbolic(children_, groups);
  }
  inner_axes_ = batch.rank(0);
  for (size_t j = 0; j < arg_specs_.size(); ++j)
    if (old_ranks[j] < old_batch_rank_) inner_axes_ = std::max(inner_axes_, batch.rank(j + 1));
  if (inner_axes_ == 0) return;
  for (size_t j = 0; j < arg_specs_.size(); ++j) {
    const int64_t moved = std::min(inner_axes_, batch.rank(j + 1));
    if (moved == 0) continue;
    const Shape& own = batch.shapes[j + 1];
    Shape shape(own.end() - moved, own.end());
    const SymbolPtr old = arg_specs_[j].symbol;
    shape.insert(shape.end(), old->shape().begin(), old->shape().end());
    arg_specs_[j].symbol = Symbol::make(std::move(shape), old->uuid(), old->name());
    symbols_.emplace_back(old, arg_specs_[j].symbol);
    if (old_ranks[j] == 0) continue;
    NodePtr& argument = children_[j + 1];
    const int64_t kept = batch.rank(j + 1) - moved;
    std::vector<int64_t> permutation;
    const auto axes = [&](int64_t from, int64_t to) {
      for (int64_t axis = from; axis < to; ++axis) permutation.push_back(axis);
    };
    axes(0, kept);
    axes(kept + moved, kept + moved + old_ranks[j]);
    axes(kept, kept + moved);
    axes(kept + moved + old_ranks[j], argument->rank());
    argument = Rearrange::make(argument, RearrangeSpec::new_permute(permutation), names.above(j + 1, argument, " shift_batch"));
  }
}

void ModuleExpansion::set_spec_circuit(const NodePtr& circuit, const ExpansionNames& names) {
  // Where what would have brought the new axes is not used in the body, the body is repeated.
  const int64_t missing = inner_axes_ - (circuit->rank() - module_->spec_circuit()->rank());
  children_[0] = circuit;
  if (missing <= 0) return;
  const Shape leading(new_batch_.end() - inner_axes_, new_batch_.end() - inner_axes_ + missing);
  children_[0] =
      Rearrange::make(circuit, RearrangeSpec::prepend_batch_shape(leading, circuit->rank()), names.above(0, circuit, " rep_batch"));
}

NodePtr ModuleExpansion::permuted(const NodePtr& call, const ExpansionNames& names) const {
  if (!is_shifted()) return call;
  const int64_t outer = static_cast<int64_t>(new_batch_.size()) - inner_axes_;
  std::vector<int64_t> permutation;
  const auto axes = [&](int64_t from, int64_t to) {
    for (int64_t axis = from; axis < to; ++axis) permutation.push_back(axis);
  };
  axes(0, outer);
  axes(outer + old_batch_rank_, outer + old_batch_rank_ + inner_axes_);
  axes(outer, outer + old_batch_rank_);
  axes(outer + old_batch_rank_ + inner_axes_, call->rank());
  Naming naming = module_->kept_naming();
  naming.name = names.of(naming.name);
  return Rearrange::make(call, RearrangeSpec::new_permute(permutation), std::move(naming));
}

NodePtr ModuleExpansion::build(const ExpansionNames& names) const {
  if (all_same(children_, module_->children()) && (module_->name() || !names.rebuilds_nameless()))
    return module_->rename(names.of(module_->name()));
  return with_context(
      [&]() -> NodePtr {
        Naming naming = module_->kept_naming();
        naming.name = names.of(naming.name);
        const NodePtr made = Module::make(spec(), arguments(), std::move(naming));
        if (!is_shifted()) return made;
        const Name& old = module_->name();
        const NodePtr call = made->rename(old ? names.of(with_suffix(old, " shift_batch")) : with_suffix(made->name(), " shift_batch"));
        const NodePtr result = permuted(call, names);
        return old ? result : result->rename(made->name());
      },
      [&] { return expanding(*module_, children_); });
}

NodePtr expand_node(const NodePtr& circuit, const NodePtrs& inputs) {
  const auto module = cast<Module>(circuit);
  if (!module) return expand_over(circuit, inputs);
  const ModuleExpansion expansion(module, inputs, ExpansionNames{});
  if (expansion.inner_axes() > 0)
    fail(ErrorId::RuntimeError,
         "expanding " + describe(*circuit) + " over " + describe(inputs) + ": " + std::to_string(expansion.inner_axes()) +
             " new batch axes have to be handled inside its spec circuit, which expand_node does not walk; use an Expander");
  return expansion.build(ExpansionNames{});
}

}  // namespace pycircuit
