#include "circuit/nodes/einsum.h"

#include <algorithm>
#include <array>

#include "circuit/identity_bytes.h"
#include "circuit/names.h"
#include "circuit/nodes/scalar.h"

namespace pycircuit {
namespace {

constexpr size_t kLabels = 256;

[[noreturn]] void fail_counts(size_t nodes, size_t labels, const Name& name) {
  fail(ErrorId::ConstructEinsumWrongNumChildren,
       "Einsum '" + name.value_or("") + "' got " + std::to_string(nodes) + " circuits for " + std::to_string(labels) +
           " operands; pass one circuit per operand",
       nodes, labels, PayloadValue(name));
}

}  // namespace

Labels iota_labels(int64_t rank) {
  if (rank > static_cast<int64_t>(kLabels))
    fail(ErrorId::ConstructNotSupportedYet, "an Einsum with more than 256 labels is not supported", "more than 256 labels");
  Labels labels(rank);
  for (int64_t i = 0; i < rank; ++i) labels[i] = static_cast<Label>(i);
  return labels;
}

Ref<const Einsum> Einsum::make(NodePtrs nodes, std::vector<Labels> input_labels, Labels out_axes, Naming naming) {
  return make(std::move(nodes), Shared(EinsumLabels{std::move(input_labels), std::move(out_axes)}), std::move(naming));
}

Ref<const Einsum> Einsum::make(NodePtrs nodes, Shared<EinsumLabels> labels, Naming naming) {
  if (nodes.size() != labels->inputs.size()) fail_counts(nodes.size(), labels->inputs.size(), naming.name);
  return cast<Einsum>(finish(new Einsum(std::move(nodes), std::move(labels)), std::move(naming)));
}

Ref<const Einsum> Einsum::from_string(std::string_view text, NodePtrs nodes, Name name) {
  EinsumLabels labels = parse_einsum_string(text);
  drop_lone_scalar(labels, nodes.size());
  return make(std::move(nodes), std::move(labels.inputs), std::move(labels.output), std::move(name));
}

Ref<const Einsum> Einsum::from_fancy_string(std::string_view text, NodePtrs nodes, Name name) {
  EinsumLabels labels = parse_fancy_einsum_string(text);
  drop_lone_scalar(labels, nodes.size());
  return make(std::move(nodes), std::move(labels.inputs), std::move(labels.output), std::move(name));
}

Ref<const Einsum> Einsum::elementwise_broadcasted(NodePtrs nodes, Name name) {
  std::vector<Shape> shapes;
  for (const auto& node : nodes) shapes.push_back(node->shape());
  const Shape shape =
      with_context([&] { return broadcast_shapes(shapes); }, [&] { return "failed to broadcast for einsum mul: " + describe(nodes); });
  int64_t fresh = static_cast<int64_t>(shape.size());
  std::vector<Labels> labels;
  for (const auto& own : shapes) {
    Labels& operand = labels.emplace_back();
    for (size_t i = 0; i < own.size(); ++i) {
      const size_t axis = i + shape.size() - own.size();
      const int64_t label = own[i] == shape[axis] ? static_cast<int64_t>(axis) : fresh++;
      if (label >= static_cast<int64_t>(kLabels)) iota_labels(label + 1);
      operand.push_back(static_cast<Label>(label));
    }
  }
  return make(std::move(nodes), std::move(labels), iota_labels(shape.size()), std::move(name));
}

Ref<const Einsum> Einsum::scalar_mul(const NodePtr& node, double scalar, Name name, Name scalar_name) {
  const Labels labels = iota_labels(node->rank());
  return make({node, Scalar::make(scalar, {}, std::move(scalar_name))}, {labels, {}}, labels, std::move(name));
}

Ref<const Einsum> Einsum::identity(const NodePtr& node, Name name) {
  const Labels labels = iota_labels(node->rank());
  return make({node}, {labels}, labels, std::move(name));
}

Ref<const Einsum> Einsum::outer_product(NodePtrs nodes, Name name, const std::optional<std::vector<int64_t>>& permutation) {
  std::vector<Labels> labels;
  int64_t next = 0;
  for (const auto& node : nodes) {
    const Labels all = iota_labels(next + node->rank());
    labels.emplace_back(all.begin() + next, all.end());
    next += node->rank();
  }
  Labels out = iota_labels(next);
  if (permutation) {
    out.clear();
    for (const int64_t position : *permutation)
      out.push_back(static_cast<Label>(normalize_axis(position, next, "out_axes()permutation of an outer product")));
  }
  return make(std::move(nodes), std::move(labels), std::move(out), std::move(name));
}

Labels Einsum::reduced_axes() const {
  Labels reduced;
  for (const auto& operand : input_labels())
    for (const Label label : operand)
      if (std::find(out_axes().begin(), out_axes().end(), label) == out_axes().end()) reduced.push_back(label);
  std::sort(reduced.begin(), reduced.end());
  reduced.erase(std::unique(reduced.begin(), reduced.end()), reduced.end());
  return reduced;
}

int64_t Einsum::next_axis() const {
  int64_t next = 0;
  for (const auto& operand : input_labels())
    for (const Label label : operand) next = std::max<int64_t>(next, label + 1);
  return next;
}

EinsumSpec Einsum::spec() const {
  EinsumSpec spec{input_labels(), out_axes(), std::vector<Size>(next_axis(), 0)};
  for (size_t i = 0; i < num_children(); ++i)
    for (size_t axis = 0; axis < input_labels()[i].size(); ++axis) spec.int_sizes[input_labels()[i][axis]] = child(i)->shape()[axis];
  return spec;
}

Ref<const Einsum> Einsum::normalize_ints() const {
  std::array<int, kLabels> renamed;
  renamed.fill(-1);
  int next = 0;
  std::vector<Labels> inputs = input_labels();
  for (auto& operand : inputs)
    for (Label& label : operand) {
      if (renamed[label] < 0) renamed[label] = next++;
      label = static_cast<Label>(renamed[label]);
    }
  Labels out = out_axes();
  for (Label& label : out) label = static_cast<Label>(renamed[label]);
  return make(children(), std::move(inputs), std::move(out), name());
}

Shape Einsum::compute_shape() const {
  std::array<Size, kLabels> sizes;  // -1: not met; only labels that occur are looked at
  for (const auto& operand : input_labels())
    for (const Label label : operand) sizes[label] = -1;
  for (const Label label : out_axes()) sizes[label] = -1;
  const std::string& name = name_or_empty();
  for (size_t i = 0; i < num_children(); ++i) {
    const Labels& labels = input_labels()[i];
    const Shape& shape = child(i)->shape();
    if (labels.size() != shape.size())
      fail(ErrorId::ConstructEinsumLenShapeDifferentFromAxes,
           "Einsum '" + name + "': operand " + std::to_string(i) + ", " + describe(*child(i)) + ", has rank " +
               std::to_string(shape.size()) + " but " + std::to_string(labels.size()) + " labels; give one label per axis",
           labels.size(), shape.size(), name, circuit_payload(child(i)));
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      Size& size = sizes[labels[axis]];
      if (size >= 0 && size != shape[axis])
        fail(ErrorId::ConstructEinsumAxisSizeDifferent,
             "Einsum '" + name + "' " + einsum_text(this->labels()) + ": label " + std::to_string(labels[axis]) + " has size " +
                 size_text(size) + " in an earlier axis but " + size_text(shape[axis]) + " on axis " + std::to_string(axis) + " of " +
                 describe(*child(i)) + "; axes with one label must have one size",
             opaque(SymbolicSizeProduct::decompose(shape[axis]), size_text(shape[axis])),
             opaque(SymbolicSizeProduct::decompose(size), size_text(size)), static_cast<int64_t>(labels[axis]), name,
             circuit_payload(child(i)));
      size = shape[axis];
    }
  }
  Shape shape;
  shape.reserve(out_axes().size());
  for (const Label label : out_axes()) {
    if (sizes[label] < 0) {
      PayloadList inputs;
      for (const auto& operand : input_labels()) inputs.push_back(int_list(operand));
      fail(ErrorId::ConstructEinsumOutputNotSubset,
           "Einsum '" + name + "': output label " + std::to_string(label) +
               " occurs in no operand; every output label must come from an operand",
           name, std::move(inputs), int_list(out_axes()));
    }
    shape.push_back(sizes[label]);
  }
  return shape;
}

AxisMap Einsum::child_axis_map() const {
  AxisMap map;
  for (const auto& operand : input_labels()) {
    auto& axes = map.emplace_back();
    for (const Label label : operand) {
      const auto position = std::find(out_axes().begin(), out_axes().end(), label);
      const bool once =
          std::count(operand.begin(), operand.end(), label) == 1 && std::count(out_axes().begin(), out_axes().end(), label) == 1;
      axes.push_back(once ? std::optional<int>(static_cast<int>(position - out_axes().begin())) : std::nullopt);
    }
  }
  return map;
}

Name Einsum::autoname() const { return infix_autoname(*this, " * "); }

void Einsum::write_fields(IdentityBytes& bytes) const {
  const auto add_labels = [&](const Labels& labels) {
    bytes.add_length(labels.size());
    bytes.add(labels.data(), labels.size());
  };
  add_labels(out_axes());
  for (size_t i = 0; i < input_labels().size(); ++i) {
    bytes.add_child(*child(i));
    add_labels(input_labels()[i]);
  }
}

}  // namespace pycircuit
