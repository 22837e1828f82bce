// A Cumulant moved below one of its arguments (spec 09, section 11): one function per class of the argument.
#include <algorithm>
#include <numeric>

#include "circuit/broadcast.h"
#include "circuit/nodes/add.h"
#include "circuit/nodes/concat.h"
#include "circuit/nodes/einsum.h"
#include "circuit/nodes/index.h"
#include "circuit/nodes/scalar.h"
#include "circuit/nodes/tag.h"
#include "random/cumulants.h"

namespace pycircuit {
namespace {

constexpr std::string_view kWhat = "rewrite_cum_to_circuit_of_cum";

// The cumulant, which argument is expanded, and what becomes of new Cumulants.
struct Expansion {
  const Cumulant& cumulant;
  size_t position;
  int64_t start;  // of the argument's axes in the cumulant's shape
  const SubCumulant& sub;

  const NodePtr& argument() const { return cumulant.child(position); }
  Naming naming() const { return cumulant.name(); }
  NodePtr checked(const NodePtr& q) const { return checked_sub(q, sub, kWhat); }
  // sub(q[child])
  NodePtr with_argument(const NodePtr& child) const {
    NodePtrs arguments = cumulant.children();
    arguments[position] = child;
    return checked(Cumulant::make(std::move(arguments), cumulant.name()));
  }
};

NodePtr below_rearrange(const Expansion& expansion, const Rearrange& argument) {
  const RearrangeSpec& spec = argument.spec();
  const int64_t after = expansion.cumulant.rank() - expansion.start - argument.rank();
  RearrangeSpec::check_rank(static_cast<int64_t>(spec.int_sizes().size()) + expansion.start + after);
  RearrangeSpec::IntGroups input, output;
  std::vector<OptionalSize> sizes = spec.int_sizes();
  const auto pass_through = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      input.push_back({static_cast<Label>(sizes.size())});
      output.push_back(input.back());
      sizes.emplace_back();
    }
  };
  pass_through(expansion.start);
  input.insert(input.end(), spec.input_ints().begin(), spec.input_ints().end());
  output.insert(output.end(), spec.output_ints().begin(), spec.output_ints().end());
  pass_through(after);
  return Rearrange::make(expansion.with_argument(argument.child()), RearrangeSpec(std::move(input), std::move(output), std::move(sizes)),
                         expansion.naming());
}

NodePtr below_index(const Expansion& expansion, const Index& argument) {
  IndexElements elements(expansion.start, Slice{});
  elements.insert(elements.end(), argument.index().begin(), argument.index().end());
  return Index::make(expansion.with_argument(argument.child()), std::move(elements), expansion.naming());
}

NodePtr below_add(const Expansion& expansion, const Add& argument) {
  NodePtrs summands;
  for (const auto& child : argument.children()) summands.push_back(expansion.with_argument(make_broadcast(child, argument.shape())));
  return summands.empty() ? NodePtr(Scalar::make(0.0, expansion.cumulant.shape(), expansion.cumulant.name()))
                          : NodePtr(Add::make(std::move(summands), expansion.naming()));
}

NodePtr below_concat(const Expansion& expansion, const Concat& argument) {
  NodePtrs pieces;
  for (const auto& child : argument.children()) pieces.push_back(expansion.with_argument(child));
  return Concat::make(std::move(pieces), expansion.start + argument.axis(), expansion.naming());
}

// All ways to give each of `count` things another one of `choices`, in lexicographic order.
std::vector<std::vector<size_t>> assignments(size_t count, size_t choices) {
  std::vector<std::vector<size_t>> done = {{}};
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::vector<size_t>> longer;
    for (const auto& chosen : done)
      for (size_t choice = 0; choice < choices; ++choice) {
        if (std::find(chosen.begin(), chosen.end(), choice) != chosen.end()) continue;
        longer.push_back(chosen);
        longer.back().push_back(choice);
      }
    done = std::move(longer);
  }
  return done;
}

// The operands of the Einsum, then the other arguments: what the new Cumulants are made of, with the labels of their axes.
struct EinsumMembers {
  NodePtrs nodes;
  std::vector<Labels> labels;
  Labels output;
};

EinsumMembers members_of(const Expansion& expansion, const Einsum& argument) {
  EinsumMembers members{argument.children(), argument.input_labels(), {}};
  int64_t next = argument.next_axis();
  for (size_t i = 0; i < expansion.cumulant.num_children(); ++i) {
    if (i == expansion.position) {
      members.output.insert(members.output.end(), argument.out_axes().begin(), argument.out_axes().end());
      continue;
    }
    const NodePtr& other = expansion.cumulant.child(i);
    if (next + other->rank() > kLabelCount)
      fail(ErrorId::ConstructNotSupportedYet, std::string(kWhat) + ": " + describe(expansion.cumulant) + " needs more than 256 labels",
           "more than 256 labels");
    Labels labels(other->rank());
    std::iota(labels.begin(), labels.end(), static_cast<Label>(next));
    next += other->rank();
    members.output.insert(members.output.end(), labels.begin(), labels.end());
    members.nodes.push_back(other);
    members.labels.push_back(std::move(labels));
  }
  return members;
}

// One Cumulant per block of members, contracted.
NodePtr einsum_of_cumulants(const Expansion& expansion, const EinsumMembers& members, const Partition& blocks) {
  NodePtrs cumulants;
  std::vector<Labels> labels;
  for (const auto& block : blocks) {
    NodePtrs arguments;
    labels.emplace_back();
    for (const size_t member : block) {
      arguments.push_back(members.nodes[member]);
      labels.back().insert(labels.back().end(), members.labels[member].begin(), members.labels[member].end());
    }
    cumulants.push_back(expansion.checked(Cumulant::make(std::move(arguments))));
  }
  return Einsum::make(std::move(cumulants), std::move(labels), members.output)->normalize_ints()->rename("perm");
}

NodePtr below_einsum(const Expansion& expansion, const Einsum& argument) {
  const EinsumMembers members = members_of(expansion, argument);
  const size_t operands = argument.num_children();
  NodePtrs summands;
  for (const Partition& other_blocks : set_partitions(members.nodes.size() - operands)) {
    if (other_blocks.size() > operands) continue;
    for (const Partition& operand_blocks : set_partitions(operands)) {
      if (operand_blocks.size() < other_blocks.size()) continue;
      for (const auto& chosen : assignments(other_blocks.size(), operand_blocks.size())) {
        Partition blocks;
        for (size_t i = 0; i < chosen.size(); ++i) {
          blocks.push_back(operand_blocks[chosen[i]]);
          for (const size_t other : other_blocks[i]) blocks.back().push_back(operands + other);
        }
        for (size_t i = 0; i < operand_blocks.size(); ++i)
          if (std::find(chosen.begin(), chosen.end(), i) == chosen.end()) blocks.push_back(operand_blocks[i]);
        summands.push_back(einsum_of_cumulants(expansion, members, blocks));
      }
    }
  }
  return summands.empty() ? NodePtr(Scalar::make(0.0, expansion.cumulant.shape(), expansion.cumulant.name()))
                          : NodePtr(Add::make(std::move(summands), expansion.naming()));
}

// The argument is a number: it is its own expectation, and has no higher cumulant.
NodePtr of_constant(const Expansion& expansion) {
  return expansion.cumulant.num_children() == 1 ? expansion.argument()->rename(expansion.cumulant.name())
                                                : NodePtr(Scalar::make(0.0, expansion.cumulant.shape(), expansion.cumulant.name()));
}

NodePtr below_argument(const Expansion& expansion) {
  const NodePtr& argument = expansion.argument();
  switch (argument->kind()) {
    case Kind::Rearrange:
      return below_rearrange(expansion, *argument->as<Rearrange>());
    case Kind::Index:
      return below_index(expansion, *argument->as<Index>());
    case Kind::Tag:
      return Tag::make(expansion.with_argument(argument->child()), argument->as<Tag>()->uuid(), expansion.naming());
    case Kind::Concat:
      return below_concat(expansion, *argument->as<Concat>());
    case Kind::Add:
      return below_add(expansion, *argument->as<Add>());
    case Kind::Einsum:
      return below_einsum(expansion, *argument->as<Einsum>());
    case Kind::Array:
    case Kind::Scalar:
    case Kind::Cumulant:
      return of_constant(expansion);
    case Kind::GeneralFunction:
    case Kind::Symbol:
      fail(ErrorId::CumulantRewriteUnexpandableType,
           std::string(kWhat) + ": a Cumulant cannot be moved below " + describe(*argument) + "; choose another argument",
           circuit_payload(argument));
    case Kind::Scatter:
    case Kind::Conv:
    case Kind::Module:
    case Kind::SetSymbolicShape:
    case Kind::DiscreteVar:
    case Kind::StoredCumulantVar:
      break;
  }
  fail(ErrorId::CumulantRewriteUnimplementedType,
       std::string(kWhat) + ": moving a Cumulant below " + describe(*argument) + " is not supported; substitute modules first",
       circuit_payload(argument));
}

}  // namespace

NodePtr rewrite_cumulant(const Ref<const Cumulant>& cumulant, const NodePtr& node, const SubCumulant& sub) {
  const NodePtrs& arguments = cumulant->children();
  if (arguments.empty()) return Scalar::make(1.0, {}, cumulant->name());
  const auto found = std::find_if(arguments.begin(), arguments.end(), [&](const NodePtr& child) { return child->id() == node->id(); });
  if (found == arguments.end())
    fail(ErrorId::CumulantRewriteNodeToExpandNotFound,
         std::string(kWhat) + ": " + describe(*node) + " is no argument of " + describe(*cumulant), circuit_payload(NodePtr(cumulant)),
         circuit_payload(node));
  int64_t start = 0;
  for (auto it = arguments.begin(); it != found; ++it) start += (*it)->rank();
  return below_argument({*cumulant, static_cast<size_t>(found - arguments.begin()), start, sub});
}

}  // namespace pycircuit
