// The single step of index push-down, per class (spec 10, section 12.1).
#include <array>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "circuit/names.h"
#include "rewrite/build.h"
#include "rewrite/push_down_index.h"
#include "rewrite/rules.h"

namespace pycircuit {
namespace {

using Request = IndexPush::Request;

bool is_int(const IndexElement& element) { return std::holds_alternative<int64_t>(element); }

PayloadValue element_payload(const IndexElement& element) { return opaque<IndexElement>(element, index_text({element})); }

PayloadList element_payloads(const IndexElements& elements) {
  PayloadList list;
  for (const auto& element : elements) list.push_back(element_payload(element));
  return list;
}

PayloadList bool_payloads(const std::vector<bool>& values) {
  PayloadList list;
  for (const bool value : values) list.emplace_back(value);
  return list;
}

// A step in the making: the Index, the node below it, and the names of 12.1.
class Step {
 public:
  Step(const Index& index, const PushOptions& options) : index_(index), node_(index.child()), elements_(index.index()), options_(options) {}

  IndexPush plan() {
    switch (node_->kind()) {
      case Kind::Add:
        push_add(*node_->as<Add>());
        break;
      case Kind::Concat:
        push_concat(*node_->as<Concat>());
        break;
      case Kind::GeneralFunction:
        push_function(*node_->as<GeneralFunction>());
        break;
      case Kind::Einsum:
        push_einsum(*node_->as<Einsum>());
        break;
      case Kind::Rearrange:
        push_rearrange(*node_->as<Rearrange>());
        break;
      case Kind::Scatter:
        push_scatter(*node_->as<Scatter>());
        break;
      case Kind::Tag:
        push_tag(*node_->as<Tag>());
        break;
      case Kind::DiscreteVar:
        push_discrete_var(*node_->as<DiscreteVar>());
        break;
      case Kind::Scalar:
        push_.build = [merged = index_merge_scalar(index_)](NodePtrs) { return merged; };
        break;
      case Kind::Module:
        push_module(*node_->as<Module>());
        break;
      case Kind::Index:
        fail(ErrorId::PushDownIndexThroughIndex, at() + "it cannot go through another Index; fuse the two first (index_fuse)",
             index_payload(), kind_payload());
      case Kind::Array:
      case Kind::Symbol:
      case Kind::Conv:
      case Kind::Cumulant:
      case Kind::StoredCumulantVar:
      case Kind::SetSymbolicShape:
        fail(ErrorId::PushDownIndexUnimplementedType,
             at() + "an Index cannot go through a " + std::string(kind_name(node_->kind())) + "; end the traversal here or above",
             index_payload(), kind_payload());
    }
    return std::move(push_);
  }

 private:
  // --- names and payloads
  Naming out_naming() const { return options_.suffix ? with_suffix(node_->name(), *options_.suffix) : node_->name(); }
  Naming child_naming(const NodePtr& child) const {
    return options_.suffix ? with_suffix(child->name(), "_idx_" + *options_.suffix) : Name{};
  }
  Naming top_naming() const { return options_.suffix ? with_suffix(node_->name(), "_partial_" + *options_.suffix) : Name{}; }
  std::string at() const { return "push_down_index: " + describe(index_) + " " + index_text(elements_) + " of " + describe(*node_) + ": "; }
  PayloadValue index_payload() const { return circuit_payload(NodePtr(&index_)); }
  PayloadValue kind_payload() const { return opaque<Kind>(node_->kind(), std::string(kind_name(node_->kind()))); }

  // --- parts of plans
  void request(size_t child_number, const NodePtr& child, IndexElements elements) {
    push_.requests.push_back({child_number, child, std::move(elements), child_naming(child)});
  }
  // The node over the results, which stand for all its children.
  void build_remade() {
    push_.build = [node = node_, naming = out_naming()](NodePtrs results) { return node->remake(std::move(results), naming); };
  }
  // The same over some of the children; the others stay.
  void build_with_replaced() {
    std::vector<size_t> numbers;
    for (const Request& request : push_.requests) numbers.push_back(request.child_number);
    push_.build = [node = node_, naming = out_naming(), numbers](NodePtrs results) {
      NodePtrs children = node->children();
      for (size_t i = 0; i < numbers.size(); ++i) children[numbers[i]] = results[i];
      return node->remake(std::move(children), naming);
    };
  }
  // An Index on top of what has been planned so far.
  void put_on_top(IndexElements elements) {
    push_.build = [below = std::move(push_.build), elements = std::move(elements), naming = top_naming()](NodePtrs results) {
      return NodePtr(Index::make(below(std::move(results)), elements, naming));
    };
  }
  Size size(size_t axis) const { return node_->shape()[axis]; }
  bool identity_at(size_t axis) const { return is_identity(elements_[axis], size(axis)); }
  // The elements from `first` on.
  IndexElements from(size_t first) const { return IndexElements(elements_.begin() + first, elements_.end()); }
  bool identity_from(size_t first) const {
    for (size_t axis = first; axis < elements_.size(); ++axis)
      if (!identity_at(axis)) return false;
    return true;
  }
  // Full slices for the axes before `first` that survive, then the elements from `first` on.
  IndexElements on_top_from(size_t first) const {
    IndexElements top;
    for (size_t axis = 0; axis < elements_.size(); ++axis) {
      if (axis >= first) {
        top.push_back(elements_[axis]);
      } else if (!is_int(elements_[axis])) {
        top.push_back(Slice{});
      }
    }
    return top;
  }
  int64_t ints_before(size_t axis) const { return std::count_if(elements_.begin(), elements_.begin() + axis, is_int); }

  // --- classes
  void push_add(const Add& add) {
    for (size_t i = 0; i < add.num_children(); ++i) {
      const NodePtr& child = add.child(i);
      const size_t offset = add.rank() - child->rank();
      IndexElements own;
      for (size_t axis = offset; axis < elements_.size(); ++axis) {
        const IndexElement& element = elements_[axis];
        if (child->shape()[axis - offset] == size(axis)) {
          own.push_back(element);
        } else if (is_int(element)) {
          own.push_back(int64_t{0});
        } else {
          // No size but 0 broadcasts with 0.
          own.push_back(indexed_shape({element}, {size(axis)})[0] == 0 ? slice_of(0, 0) : Slice{});
        }
      }
      request(i, child, std::move(own));
    }
    build_remade();
  }

  void push_concat(const Concat& concat) {
    const size_t axis = concat.axis();
    const IndexElement here = canonical(elements_[axis], size(axis));
    const auto with = [&](IndexElement local) {
      IndexElements own = elements_;
      own[axis] = std::move(local);
      return own;
    };
    const std::vector<Size> sizes = concat.sizes_at_axis();
    if (const auto* position = std::get_if<int64_t>(&here)) {
      Size start = 0;
      size_t i = 0;
      while (*position >= start + sizes[i]) start += sizes[i++];
      push_.requests.push_back({i, concat.child(i), with(*position - start), out_naming()});
      push_.build = [](NodePtrs results) { return results.at(0); };
      return;
    }
    if (const auto* slice = std::get_if<Slice>(&here)) {
      push_concat_slice(concat, sizes, *slice->start, *slice->stop, with);
    } else {
      push_concat_tensor(concat, std::get<Tensor>(here), with);
    }
    const int64_t out_axis = concat.axis() - ints_before(axis);
    push_.build = [naming = out_naming(), out_axis](NodePtrs results) {
      return NodePtr(Concat::make(std::move(results), out_axis, naming));
    };
    if (std::holds_alternative<Tensor>(here)) {
      IndexElements top = full_index(indexed_shape(with(Slice{}), node_->shape()).size());
      top[out_axis] = here;
      put_on_top(std::move(top));
    }
  }

  template <class With>
  void push_concat_slice(const Concat& concat, const std::vector<Size>& sizes, Size start, Size stop, const With& with) {
    if (sizes.size() == 1) return request(0, concat.child(), with(slice_of(start, stop)));
    if (start == stop) return push_concat_empty(concat, sizes, start, with);
    Size position = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const Size end = position + sizes[i];
      const bool kept = sizes[i] > 0 ? position < stop && end > start : start < position && position < stop - 1;
      if (kept) request(i, concat.child(i), with(slice_of(std::max(start, position) - position, std::min(stop, end) - position)));
      position = end;
    }
  }

  template <class With>
  void push_concat_empty(const Concat& concat, const std::vector<Size>& sizes, Size at_position, const With& with) {
    Size total = 0;
    for (const Size size : sizes) total += size;
    if (at_position == 0) return request(0, concat.child(), with(slice_of(0, 0)));
    if (at_position == total) return request(sizes.size() - 1, concat.children().back(), with(slice_of(0, 0)));
    Size position = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (position < at_position && at_position < position + sizes[i]) {
        const Size local = at_position - position;
        return request(i, concat.child(i), with(slice_of(local, local)));
      }
      position += sizes[i];
    }
    fail(ErrorId::PushDownIndexZeroLengthIndexAmbiguous,
         at() + "the empty slice lies between two pieces of the Concat, either of which could take it; use a slice inside one piece");
  }

  template <class With>
  void push_concat_tensor(const Concat& concat, const Tensor& tensor, const With& with) {
    if (!options_.allow_partial_pushdown)
      fail(ErrorId::PushDownIndexConcatSplitSectionsTensorUnsupported,
           at() + "a tensor on the concatenated axis cannot be split over the pieces; allow_partial_pushdown leaves it on top",
           opaque<Tensor>(tensor, "tensor" + to_text(tensor.shape())));
    bool noop = true;
    for (size_t axis = 0; axis < elements_.size(); ++axis) noop &= static_cast<int64_t>(axis) == concat.axis() || identity_at(axis);
    if (noop)
      fail(ErrorId::PushDownIndexNoopOnConcat, at() + "only the concatenated axis is indexed, by a tensor, so nothing can be pushed down",
           index_payload(), element_payloads(without_axes(elements_, {concat.axis()})), element_payloads(elements_));
    for (size_t i = 0; i < concat.num_children(); ++i) request(i, concat.child(i), with(Slice{}));
  }

  void push_function(const GeneralFunction& function) {
    const size_t batch_rank = function.rank() - function.num_non_batchable_output_dims();
    std::vector<bool> batchable;
    for (size_t i = 0; i < function.num_children(); ++i) batchable.push_back(function.input_batchable(i));
    const auto payload_and_fail = [&](ErrorId id, const std::string& why, auto&&... more) {
      fail(id, at() + why, index_payload(), bool_payloads(batchable), function.num_non_batchable_output_dims(), function.rank(),
           std::move(more)...);
    };
    if (batch_rank == 0 || !contains(batchable, true))
      payload_and_fail(ErrorId::PushDownIndexNoopOnGeneralFunction,
                       function.spec()->name() + " has no batch axes to push an index through");
    if (!identity_from(batch_rank) && !options_.allow_partial_pushdown)
      payload_and_fail(ErrorId::PushDownIndexGeneralFunctionSomeAxesNotPossible,
                       "the last " + std::to_string(function.num_non_batchable_output_dims()) + " axes of " + function.spec()->name() +
                           " cannot be indexed below it; allow_partial_pushdown leaves their elements on top",
                       element_payloads(from(batch_rank)));
    for (size_t i = 0; i < function.num_children(); ++i) {
      if (!batchable[i]) continue;
      IndexElements own(elements_.begin(), elements_.begin() + batch_rank);
      own.resize(function.child(i)->rank(), Slice{});
      request(i, function.child(i), std::move(own));
    }
    build_with_replaced();
    if (!identity_from(batch_rank)) put_on_top(on_top_from(batch_rank));
  }

  void push_einsum(const Einsum& einsum) {
    const Labels& out = einsum.out_axes();
    std::array<std::optional<IndexElement>, kLabelCount> by_label;
    IndexElements top;  // what remains for repeated output labels
    bool rest = false;
    Labels new_out;
    for (size_t axis = 0; axis < out.size(); ++axis) {
      const bool repeated = std::count(out.begin(), out.end(), out[axis]) > 1;
      by_label[out[axis]] = repeated ? IndexElement(Slice{}) : elements_[axis];
      rest |= repeated && !identity_at(axis);
      if (repeated || !is_int(elements_[axis])) {
        new_out.push_back(out[axis]);
        top.push_back(repeated ? elements_[axis] : IndexElement(Slice{}));
      }
    }
    std::vector<Labels> new_labels;
    bool noop = true;
    for (size_t i = 0; i < einsum.num_children(); ++i) {
      IndexElements own;
      Labels& kept = new_labels.emplace_back();
      for (const Label label : einsum.input_labels()[i]) {
        own.push_back(by_label[label].value_or(Slice{}));
        if (!is_int(own.back())) kept.push_back(label);
      }
      noop &= is_identity(own, einsum.child(i)->shape());
      request(i, einsum.child(i), std::move(own));
    }
    if (noop) fail(ErrorId::PushDownIndexEinsumNoop, at() + "nothing can be pushed to an operand", index_payload());
    if (rest && !options_.allow_partial_pushdown) {
      std::map<int64_t, std::optional<IndexElement>> int_indices;
      for (const Label label : out)
        int_indices[label] = std::count(out.begin(), out.end(), label) > 1 ? std::optional<IndexElement>() : by_label[label];
      fail(ErrorId::PushDownIndexEinsumSomeAxesNotPossible,
           at() + "output labels that repeat cannot be indexed below the Einsum; allow_partial_pushdown leaves their elements on top",
           index_payload(), element_payloads(elements_), int_list(out), opaque(int_indices, index_text(elements_)));
    }
    push_.build = [new_labels, new_out, naming = out_naming()](NodePtrs results) {
      return NodePtr(Einsum::make(std::move(results), new_labels, new_out, naming));
    };
    if (rest) put_on_top(std::move(top));
  }

  void push_rearrange(const Rearrange& rearrange) {
    const RearrangeSpec spec = rearrange.conformed_spec().canonicalize(true);
    std::array<IndexElement, kLabelCount> by_int;
    by_int.fill(Slice{});
    const auto size_of = [&](Label label) { return *spec.int_sizes()[label]; };
    RearrangeSpec::IntGroups input, output;
    for (size_t axis = 0; axis < elements_.size(); ++axis) {
      const Labels& group = spec.output_ints()[axis];
      const IndexElement element = canonical(elements_[axis], size(axis));
      if (group.size() == 1) {
        by_int[group[0]] = identity_at(axis) ? whole_axis(size(axis)) : element;
      } else if (const auto* position = std::get_if<int64_t>(&element)) {
        int64_t rest = *position;
        for (auto label = group.rbegin(); label != group.rend(); ++label) {
          by_int[*label] = rest % size_of(*label);
          rest /= size_of(*label);
        }
      } else if (!identity_at(axis)) {
        fail(ErrorId::PushDownIndexRearrangeNotPossible,
             at() + "output axis " + std::to_string(axis) + " of " + rearrange.spec().to_string() +
                 " is merged, so only an int or the whole axis can pass",
             index_payload(), opaque<RearrangeSpec>(rearrange.spec(), rearrange.spec().to_string()));
      }
      if (!is_int(element)) output.push_back(without_int_elements(group, by_int));
    }
    IndexElements own;
    for (const Labels& group : spec.input_ints()) {
      own.push_back(element_of_group(group, by_int, size_of));
      if (!is_int(own.back())) input.push_back(without_int_elements(group, by_int));
    }
    std::vector<OptionalSize> sizes = spec.int_sizes();
    for (size_t label = 0; label < sizes.size(); ++label)
      if (!is_int(by_int[label])) sizes[label] = indexed_shape({by_int[label]}, {*sizes[label]})[0];
    RearrangeSpec new_spec = RearrangeSpec(std::move(input), std::move(output), std::move(sizes)).renumbered();
    request(0, rearrange.child(), std::move(own));
    push_.build = [new_spec = std::move(new_spec), naming = out_naming()](NodePtrs results) {
      return new_spec.is_identity() ? results.at(0) : NodePtr(Rearrange::make(results.at(0), new_spec, naming));
    };
  }

  // Written out, unless that would fix a size that is still to be filled in.
  static IndexElement whole_axis(Size size) { return is_symbolic(size) ? Slice{} : slice_of(0, size); }

  static Labels without_int_elements(const Labels& group, const std::array<IndexElement, kLabelCount>& by_int) {
    Labels kept;
    for (const Label label : group)
      if (!is_int(by_int[label])) kept.push_back(label);
    return kept;
  }

  // The row-major positions in a merged axis that the elements of its ints select.
  template <class SizeOf>
  IndexElement element_of_group(const Labels& group, const std::array<IndexElement, kLabelCount>& by_int, const SizeOf& size_of) const {
    if (group.empty()) return int64_t{0};
    if (group.size() == 1) return by_int[group[0]];
    Size total = 1;
    bool all_ints = true, whole = true;
    std::vector<int64_t> positions = {0};
    for (const Label label : group) {
      all_ints &= is_int(by_int[label]);
      whole &= is_identity(by_int[label], size_of(label));
      total *= size_of(label);
    }
    if (whole) return whole_axis(total);
    for (const Label label : group) {
      std::vector<int64_t> chosen;
      if (const auto* number = std::get_if<int64_t>(&by_int[label])) {
        chosen = {*number};
      } else if (const auto* slice = std::get_if<Slice>(&by_int[label])) {
        const auto [start, stop] = slice_bounds(*slice, size_of(label));
        for (Size position = start; position < stop; ++position) chosen.push_back(position);
      } else {
        chosen = int_values(std::get<Tensor>(by_int[label]));
      }
      std::vector<int64_t> longer;
      longer.reserve(positions.size() * chosen.size());
      for (const int64_t position : positions)
        for (const int64_t digit : chosen) longer.push_back(position * size_of(label) + digit);
      positions = std::move(longer);
    }
    if (all_ints) return positions[0];
    Tensor tensor = int_tensor(positions);
    const IndexElement simplest = canonical(IndexElement(tensor), total);
    if (std::holds_alternative<Slice>(simplest)) return simplest;
    if (const auto& device = index_.device_dtype().device) return to_device_dtype(tensor, {device, std::nullopt});
    return tensor;
  }

  void push_scatter(const Scatter& scatter) {
    IndexElements own, rest, new_index;
    Shape new_shape;
    bool any = false;
    for (size_t axis = 0; axis < elements_.size(); ++axis) {
      const IndexElement element = canonical(elements_[axis], size(axis));
      const auto* position = std::get_if<int64_t>(&element);
      const bool pushed = position && *position == 0 && std::get<Slice>(scatter.index()[axis]) == slice_of(0, 1);
      any |= pushed;
      own.push_back(pushed ? element : IndexElement(Slice{}));
      if (pushed) continue;
      rest.push_back(elements_[axis]);
      new_index.push_back(scatter.index()[axis]);
      new_shape.push_back(size(axis));
    }
    if (!any)
      fail(ErrorId::PushDownIndexScatterNoop,
           at() + "only position 0 of an axis scattered to 0:1 can pass a Scatter, and no such axis is indexed by 0", index_payload());
    const bool done = is_identity(rest, new_shape);
    if (!done && !options_.allow_partial_pushdown)
      fail(ErrorId::PushDownIndexScatterSomeAxesNotPossible,
           at() + "elements other than 0 on axes scattered to 0:1 cannot pass; allow_partial_pushdown leaves them on top", index_payload(),
           element_payloads(elements_));
    request(0, scatter.child(), std::move(own));
    push_.build = [new_index, new_shape, naming = out_naming()](NodePtrs results) {
      return NodePtr(Scatter::make(results.at(0), new_index, new_shape, naming));
    };
    if (!done) put_on_top(std::move(rest));
  }

  void push_tag(const Tag& tag) {
    request(0, tag.child(), elements_);
    build_remade();
  }

  void push_discrete_var(const DiscreteVar& var) {
    IndexElements own = {Slice{}};
    own.insert(own.end(), elements_.begin(), elements_.end());
    request(0, var.values(), std::move(own));
    build_with_replaced();
  }

  void push_module(const Module& module) {
    const size_t batch_rank = module.aligned_batch_shape().size();
    const bool done = identity_from(batch_rank);
    if (!done && !options_.into_module_spec && !options_.allow_partial_pushdown)
      fail(
          ErrorId::PushDownIndexModuleSomeAxesNotPossible,
          at() + "only the " + std::to_string(batch_rank) +
              " batch axes of a Module can be indexed in its arguments; consider substituting the module (substitute_all_modules), or pass "
              "into_module_spec or allow_partial_pushdown",
          index_payload(), static_cast<int64_t>(module.rank() - batch_rank), module.rank(), element_payloads(from(batch_rank)));
    if (!done && options_.into_module_spec) request(0, module.spec_circuit(), elements_for_spec(module, batch_rank));
    for (size_t i = 0; i < module.num_arguments(); ++i) {
      const NodePtr& argument = module.argument(i);
      const size_t own_batch_rank = argument->rank() - module.arg_specs()[i].symbol->rank();
      IndexElements own(elements_.begin() + (batch_rank - own_batch_rank), elements_.begin() + batch_rank);
      own.resize(argument->rank(), Slice{});
      request(i + 1, argument, std::move(own));
    }
    build_with_replaced();
    if (!done && !options_.into_module_spec) put_on_top(on_top_from(batch_rank));
  }

  // Where the spec circuit's size differs from the Module's (it is symbolic), what counts from the end is made to count from the start.
  IndexElements elements_for_spec(const Module& module, size_t batch_rank) const {
    IndexElements own = from(batch_rank);
    for (size_t i = 0; i < own.size(); ++i) {
      const Size here = size(batch_rank + i);
      if (here == module.spec_circuit()->shape()[i]) continue;
      own[i] = is_identity(own[i], here) ? IndexElement(Slice{}) : canonical(own[i], here);
    }
    return own;
  }

  const Index& index_;
  NodePtr node_;
  const IndexElements& elements_;
  const PushOptions& options_;
  IndexPush push_;
};

}  // namespace

IndexPush plan_index_push(const Index& index, const PushOptions& options) { return Step(index, options).plan(); }

NodePtr push_down_index_once(const Index& index, bool allow_partial_pushdown, const Name& suffix) {
  IndexPush push = plan_index_push(index, {allow_partial_pushdown, suffix, false});
  NodePtrs results;
  for (auto& request : push.requests) results.push_back(Index::make(request.child, std::move(request.elements), std::move(request.naming)));
  return push.build(std::move(results));
}

}  // namespace pycircuit
