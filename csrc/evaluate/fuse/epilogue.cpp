// Scale, bias and residual as epilogues of matrix products (spec 12, section 5): scale * (a . b), and sums with such products among their
// summands. A product is added to the sum of what stands before it where it is made, with no pass of its own: the sum so far is written
// over if it dies here (a residual stream), else it starts as a copy. Summands keep their order, the first two may be swapped.
#include <algorithm>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/pattern.h"
#include "evaluate/fuse/recognisers.h"
#include "tensor/aten.h"
#include "tensor/operations.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr std::string_view kName = "epilogue";
constexpr size_t kMaxSummands = 32;

int number_in(NodePtrs& operands, const NodePtr& node) {
  const auto found = std::find_if(operands.begin(), operands.end(), [&](const NodePtr& other) { return same(other, node); });
  const auto number = static_cast<int>(found - operands.begin());
  if (found == operands.end()) operands.push_back(node);
  return number;
}

// scale * contraction of two operands, without axes of size 1.
struct ScaledProduct {
  int operand[2];
  AlignedView view[2];
  Contraction contraction;
  Shape shape;
  double scale;

  // `sum` as for Contraction::add_to.
  at::Tensor add_to(const at::Tensor& sum, const std::vector<at::Tensor>& values) const {
    const std::vector<Tensor> factors = {from_aten(view[0](values[operand[0]])), from_aten(view[1](values[operand[1]]))};
    const Tensor flat = sum.defined() ? from_aten(views::reshape(sum, shape)) : Tensor();
    return to_aten(contraction.add_to(flat, factors, scale));
  }
};

std::optional<ScaledProduct> match_product(const NodePtr& node, const FusionGraph& graph, NodePtrs& operands) {
  if (node->kind() != Kind::Einsum || !is_floating_or_open(node) || is_empty(node)) return std::nullopt;
  const auto product = flatten_product(node, graph, Sums::expand);
  if (!product || product->factors.size() != 2 || product->sizes.size() > kLabelCount) return std::nullopt;
  EinsumSpec spec;
  spec.int_sizes = product->sizes;
  std::vector<bool> has(product->sizes.size(), false);
  for (const Factor& factor : product->factors) {
    Labels labels;
    for (const int axis : factor.axes)
      if (axis >= 0) {
        labels.push_back(static_cast<Label>(axis));
        has[axis] = true;
      }
    spec.input_ints.push_back(std::move(labels));
    if (is_empty(factor.node) || !is_floating_or_open(factor.node)) return std::nullopt;
  }
  Shape shape;
  for (int axis = 0; axis < product->rank; ++axis) {
    if (product->sizes[axis] == 1) continue;
    if (!has[axis]) return std::nullopt;  // repeated along it
    spec.output_ints.push_back(static_cast<Label>(axis));
    shape.push_back(product->sizes[axis]);
  }
  Contraction contraction(spec);
  if (!contraction.can_add()) return std::nullopt;
  const auto view = [&](int i) {
    const Labels& labels = spec.input_ints[i];
    return AlignedView(product->factors[i], std::vector<int>(labels.begin(), labels.end()));
  };
  const int first = number_in(operands, product->factors[0].node), second = number_in(operands, product->factors[1].node);
  return ScaledProduct{{first, second}, {view(0), view(1)}, std::move(contraction), std::move(shape), product->coefficient};
}

// One of either.
struct Summand {
  std::optional<ScaledProduct> product;
  int operand = -1;
  NodePtr node;
};

struct Sum {
  std::vector<Summand> summands;
  Shape shape;
  bool may_keep_first = false;  // the first summand has the shape of the sum and is nowhere else in it
};

// The value as the start of the sum: itself where nobody else has it.
at::Tensor as_start(at::Tensor first, const Sum& sum) {
  if (sum.may_keep_first && first.is_contiguous() && is_owned(first)) return first;
  at::Tensor start = views::empty(sum.shape, first);
  start.copy_(first);
  return start;
}

at::Tensor run(const Sum& sum, std::vector<at::Tensor>& values) {
  at::Tensor total;
  for (const Summand& summand : sum.summands) {
    if (summand.product) {
      total = views::reshape(summand.product->add_to(total, values), sum.shape);
    } else if (!total.defined()) {
      total = as_start(sum.may_keep_first ? std::move(values[summand.operand]) : values[summand.operand], sum);
    } else {
      total.add_(values[summand.operand]);
    }
  }
  return total;
}

class EpilogueMatch {
 public:
  EpilogueMatch(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) : root_(root), graph_(graph), refusals_(refusals) {}

  std::optional<Region> operator()() {
    if (root_->kind() == Kind::Einsum) return scaled_product();
    return sum_with_products();
  }

 private:
  std::optional<Region> scaled_product() {
    auto product = match_product(root_, graph_, operands_);
    if (!product || product->scale == 1.0) return std::nullopt;
    sum_.summands.push_back({std::move(product), -1, root_});
    return make({});
  }

  std::optional<Region> sum_with_products() {
    const NodePtrs nodes = summands_of(root_);
    if (nodes.size() < 2 || nodes.size() > kMaxSummands) return std::nullopt;
    NodePtrs products;
    for (const auto& node : nodes) {
      Summand summand{std::nullopt, -1, node};
      if (node->shape() == root_->shape() && graph_.is_private(node)) summand.product = match_product(node, graph_, operands_);
      if (summand.product) products.push_back(node);
      sum_.summands.push_back(std::move(summand));
    }
    if (products.empty()) return std::nullopt;
    for (auto& summand : sum_.summands) {
      if (summand.product) continue;
      if (!is_floating_or_open(summand.node)) return std::nullopt;
      summand.operand = number_in(operands_, summand.node);
    }
    // a + b is b + a: the product is added to the other.
    if (sum_.summands[0].product && !sum_.summands[1].product) std::swap(sum_.summands[0], sum_.summands[1]);
    if (!pays())
      return refuse(refusals_, root_, kName,
                    "passes over its summands would cost more than one elementwise pass over them and the product");
    sum_.may_keep_first = may_keep_first();
    return make(products);
  }

  // Of Add(Add(Add(a, b), c), d): a, b, c, d. That is the order in which they are added.
  NodePtrs summands_of(const NodePtr& root) const {
    NodePtrs last_to_first;
    NodePtr node = root;
    while (true) {
      for (size_t i = node->num_children(); i-- > 1;) last_to_first.push_back(below_tags(node->child(i)));
      if (node->num_children() == 0) return {};
      const NodePtr first = below_tags(node->child(0));
      const bool opens = first->kind() == Kind::Add && first->shape() == root->shape() && graph_.is_private(first) &&
                         !graph_.number(first) && last_to_first.size() < kMaxSummands;
      if (!opens) {
        last_to_first.push_back(first);
        return {last_to_first.rbegin(), last_to_first.rend()};
      }
      node = first;
    }
  }

  bool is_whole(const Summand& summand) const { return summand.product || summand.node->shape() == root_->shape(); }

  // Reads and writes of memory of the sum's size beside the products' own. Here a start that does not die is copied, and each summand after
  // it that is no product is a pass; so it is without this fusion where no elementwise kernel takes the sum. Such a kernel reads every
  // summand and writes, in one pass; what follows elementwise reads the sum, or takes it in.
  bool pays() const {
    const Summand& first = sum_.summands[0];
    if (!is_elementwise(root_)) return true;
    int whole = 0;
    for (const auto& summand : sum_.summands) whole += is_whole(summand);
    const bool dies = !first.product && is_whole(first) && graph_.is_computed(first.node);
    int fused = first.product || dies ? 0 : is_whole(first) ? 2 : 1;
    for (size_t i = 1; i < sum_.summands.size(); ++i)
      if (!sum_.summands[i].product) fused += is_whole(sum_.summands[i]) ? 3 : 2;
    if (!is_taken_in()) return fused < whole + 1;
    return fused + 1 < whole;
  }

  // Whether an elementwise kernel would compute the sum together with its only user.
  bool is_taken_in() const {
    if (!graph_.is_private(root_)) return false;
    const NodePtr& user = graph_.users(root_)[0];
    return numel_saturating(user->shape()) == numel_saturating(root_->shape()) && is_elementwise(user);
  }

  bool may_keep_first() const {
    const Summand& first = sum_.summands[0];
    if (first.product || !is_whole(first)) return false;
    int uses = 0;
    for (const auto& summand : sum_.summands) {
      uses += summand.operand == first.operand;
      if (summand.product) uses += (summand.product->operand[0] == first.operand) + (summand.product->operand[1] == first.operand);
    }
    return uses == 1;
  }

  std::optional<Region> make(NodePtrs products) {
    sum_.shape = root_->shape();
    RegionParts parts{kName, root_, operands_, operands_.size(), std::move(products), {}, workspace(), {}};
    parts.kernel = [sum = sum_](std::vector<at::Tensor>& values, const auto&) { return run(sum, values); };
    return make_region(std::move(parts), graph_, refusals_);
  }

  // Copies of operands and of the sum, in float32 where they are of half precision.
  uint64_t workspace() const {
    const auto bytes = [](const NodePtr& node) {
      const DType dtype = node->device_dtype().filled().dtype;
      return saturating_mul(numel_saturating(node->shape()), static_cast<uint64_t>(std::max<int64_t>(element_size(dtype), 4)));
    };
    uint64_t most = 0;
    for (const auto& summand : sum_.summands)
      if (summand.product)
        most = std::max(most, saturating_add(bytes(operands_[summand.product->operand[0]]), bytes(operands_[summand.product->operand[1]])));
    return saturating_mul(2, saturating_add(most, bytes(root_)));
  }

  const NodePtr root_;
  const FusionGraph& graph_;
  Refusals* refusals_;
  NodePtrs operands_;
  Sum sum_;
};

}  // namespace

std::optional<Region> recognise_epilogue(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  const bool fits = (root->kind() == Kind::Add || root->kind() == Kind::Einsum) && root->rank() > 0 && !is_empty(root);
  if (!fits || !is_floating_or_open(root) || graph.number(root)) return std::nullopt;
  return EpilogueMatch(root, graph, refusals)();
}

}  // namespace pycircuit
