#include "evaluate/fuse/attention_form.h"

#include <algorithm>

#include "circuit/nodes/add.h"
#include "circuit/nodes/einsum.h"
#include "circuit/nodes/general_function.h"
#include "circuit/nodes/rearrange.h"
#include "kernels/attention.h"
#include "shape/contraction_path.h"

namespace pycircuit {
namespace {

// Searches stay local: what is not found after so many nodes is not worth finding.
constexpr int kMaxPathSearch = 24;
constexpr int kMaxScoreSteps = 64;
constexpr int kMaxAmbiguous = 6;
constexpr int kMaxFlattenings = 3;

// --- from the root down to the softmax

struct Path {
  std::vector<NodePtr> nodes;      // root first, softmax last
  std::vector<size_t> child_used;  // of each node but the last
};

bool is_view_or_product(const Node& node) { return node.kind() == Kind::Einsum || node.kind() == Kind::Rearrange; }

// The only way from the root through private Einsums and Rearranges to a softmax. `candidate`: a softmax that a way leads to, private or
// not.
std::optional<Path> path_to_softmax(const NodePtr& root, const FusionGraph& graph, NodePtr& candidate, bool& direct) {
  struct Visit {
    NodePtr node;
    int parent;
    size_t child;
  };
  std::vector<Visit> visits = {{root, -1, 0}};
  int found = -1;
  for (size_t at = 0; at < visits.size() && at < kMaxPathSearch; ++at) {
    const NodePtr node = visits[at].node;
    for (size_t i = 0; i < node->num_children(); ++i) {
      const NodePtr& child = below_tags(node->child(i));
      if (is_softmax(*child) && graph.is_computed(child)) {
        candidate = child;
        if (found >= 0) return {};
        found = static_cast<int>(visits.size());
        visits.push_back({child, static_cast<int>(at), i});
        continue;
      }
      if (is_view_or_product(*child) && child->device_dtype().dtype == root->device_dtype().dtype && graph.is_private(child))
        visits.push_back({child, static_cast<int>(at), i});
    }
  }
  if (found < 0) return {};
  Path path;
  for (int at = found; at >= 0; at = visits[at].parent) {
    path.nodes.push_back(visits[at].node);
    if (visits[at].parent >= 0) path.child_used.push_back(visits[at].child);
  }
  std::reverse(path.nodes.begin(), path.nodes.end());
  std::reverse(path.child_used.begin(), path.child_used.end());
  direct = std::all_of(path.nodes.begin() + 1, path.nodes.end(), [](const NodePtr& node) { return node->kind() != Kind::Einsum; });
  return path;
}

void add_factor(const FusionGraph& graph, AttentionProduct& product, const NodePtr& child, Axes axes) {
  const NodePtr& node = below_tags(child);
  if (const auto number = graph.number(node)) {
    product.scale *= *number;
    product.constant_axes.insert(product.constant_axes.end(), axes.begin(), axes.end());
  } else {
    product.factors.push_back({node, std::move(axes)});
  }
}

// --- the scores

struct Scores {
  AtomTable atoms;
  NodePtr node;
  Axes axes;                 // of the node
  AttentionProduct product;  // what multiplies it; where `complete`, all of it
  std::vector<AttentionProduct> terms;
  NodePtrs inner;
  bool complete = false;
};

class FormFinder {
 public:
  FormFinder(const NodePtr& root, const FusionGraph& graph) : root_(root), graph_(graph), dtype_(root->device_dtype().dtype) {}

  std::optional<AttentionForm> find(const Path& path, std::string& reason) {
    AttentionForm form;
    form.softmax = path.nodes.back();
    AttentionProduct outer;
    std::optional<Axes> axes = walk_to_softmax(path, form, outer);
    if (!axes) {
      reason = "the axes of the products after the softmax do not fit each other";
      return {};
    }
    form.inner.insert(form.inner.end(), path.nodes.begin() + 1, path.nodes.end());
    reason = "its scores are not a product of queries and keys that only it uses";
    std::vector<Scores> alternatives = {{form.atoms, below_tags(form.softmax->child()), *axes, {}, {}, {}}};
    const Axes scores_axes = *axes;
    if (!descends(form.atoms, alternatives[0].node, scores_axes, scores_axes)) return {};
    alternatives[0].inner.push_back(alternatives[0].node);
    for (int step = 0; !alternatives.empty() && step < kMaxScoreSteps; ++step) {
      Scores scores = std::move(alternatives.back());
      alternatives.pop_back();
      if (!scores.complete) {
        expand(std::move(scores), scores_axes, alternatives);
      } else if (auto found = assign(form, scores_axes, outer, std::move(scores), reason)) {
        return found;
      }
    }
    return {};
  }

 private:
  std::optional<Axes> walk_to_softmax(const Path& path, AttentionForm& form, AttentionProduct& outer) {
    Axes axes;
    for (const Size size : root_->shape()) axes.push_back(form.atoms.fresh(size));
    form.root_axes = axes;
    for (size_t i = 0; i + 1 < path.nodes.size(); ++i) {
      const Node& node = *path.nodes[i];
      if (node.kind() == Kind::Rearrange) {
        auto input = rearrange_input_axes(form.atoms, node, axes);
        if (!input) return {};
        axes = std::move(*input);
        continue;
      }
      auto operands = einsum_operand_axes(form.atoms, node, axes);
      if (!operands) return {};
      for (size_t child = 0; child < node.num_children(); ++child) {
        if (child == path.child_used[i]) continue;
        if (same(below_tags(node.child(child)), path.nodes[i + 1])) return {};
        add_factor(graph_, outer, node.child(child), (*operands)[child]);
      }
      axes = (*operands)[path.child_used[i]];
    }
    return axes;
  }

  bool inside(const NodePtr& node) const {
    return graph_.is_private(node) && node->device_dtype().dtype == dtype_ &&
           (node->kind() == Kind::Einsum || node->kind() == Kind::Add || node->kind() == Kind::Rearrange);
  }

  // Whether the scores' product may lie below the node: it varies with the keys and with nothing that the scores do not have.
  bool descends(const AtomTable& atoms, const NodePtr& node, const Axes& axes, const Axes& scores) const {
    if (!inside(node)) return false;
    const auto own = distinct_atoms(atoms.resolve(axes));
    return contains_all(distinct_atoms(atoms.resolve(scores)), own) && contains_all(own, distinct_atoms({atoms.resolve(scores.back())}));
  }

  // The alternatives of one step down, the most likely last.
  void expand(Scores scores, const Axes& scores_axes, std::vector<Scores>& alternatives) const {
    const NodePtr node = scores.node;
    if (node->kind() == Kind::Rearrange) {
      auto input = rearrange_input_axes(scores.atoms, *node, scores.axes);
      if (input) descend(scores, scores_axes, node->child(), *input, alternatives);
      return;
    }
    if (node->kind() == Kind::Add) {
      for (size_t i = node->num_children(); i-- > 0;) {
        Scores next = scores;
        for (size_t other = 0; other < node->num_children(); ++other)
          if (other != i) add_term(next, node->child(other), broadcast_operand_axes(*node->child(other), scores.axes, node->shape()));
        descend(next, scores_axes, node->child(i), broadcast_operand_axes(*node->child(i), scores.axes, node->shape()), alternatives);
      }
      return;
    }
    Axes summed;
    const auto operands = einsum_operand_axes(scores.atoms, *node, scores.axes, &summed);
    if (!operands) return;
    Scores here = scores;
    for (size_t i = 0; i < node->num_children(); ++i) add_factor(graph_, here.product, node->child(i), (*operands)[i]);
    here.complete = true;
    const bool contracts = contracts_with_keys(here, summed, scores_axes);
    if (!contracts) alternatives.push_back(here);
    for (size_t i = node->num_children(); i-- > 0;) {
      Scores next = scores;
      for (size_t other = 0; other < node->num_children(); ++other)
        if (other != i) add_factor(graph_, next.product, node->child(other), (*operands)[other]);
      descend(next, scores_axes, node->child(i), (*operands)[i], alternatives);
    }
    if (contracts) alternatives.push_back(std::move(here));
  }

  void descend(Scores next, const Axes& scores_axes, const NodePtr& child, Axes axes, std::vector<Scores>& alternatives) const {
    next.node = below_tags(child);
    if (!descends(next.atoms, next.node, axes, scores_axes)) return;
    next.axes = std::move(axes);
    next.inner.push_back(next.node);
    alternatives.push_back(std::move(next));
  }

  void add_term(Scores& scores, const NodePtr& child, Axes axes) const {
    AttentionProduct term = scores.product;
    add_factor(graph_, term, child, std::move(axes));
    scores.terms.push_back(std::move(term));
  }

  // A sum over an index that a factor with keys and one without share.
  static bool contracts_with_keys(const Scores& scores, const Axes& summed, const Axes& scores_axes) {
    const auto keys = distinct_atoms({scores.atoms.resolve(scores_axes.back())});
    for (const Atom atom : distinct_atoms(scores.atoms.resolve(summed))) {
      bool with = false, without = false;
      for (const auto& factor : scores.product.factors) {
        const auto own = distinct_atoms(scores.atoms.resolve(factor.axes));
        if (contains(own, atom)) (contains_any(own, keys) ? with : without) = true;
      }
      if (with && without) return true;
    }
    return false;
  }

  // Puts the children of private products in their place; true if there were any. `only_within`: only those over these atoms that sum
  // nothing.
  bool flatten(AtomTable& atoms, AttentionProduct& product, NodePtrs& inner, const std::vector<Atom>* only_within) const {
    AttentionProduct out{{}, product.scale, product.constant_axes};
    bool changed = false;
    for (const auto& factor : product.factors) {
      const auto* einsum = factor.node->as<Einsum>();
      const bool wanted =
          einsum && inside(factor.node) &&
          (!only_within || (einsum->reduced_axes().empty() && contains_all(*only_within, distinct_atoms(atoms.resolve(factor.axes)))));
      const auto operands = wanted ? einsum_operand_axes(atoms, *einsum, factor.axes) : std::nullopt;
      if (!operands) {
        out.factors.push_back(factor);
        continue;
      }
      for (size_t i = 0; i < einsum->num_children(); ++i) add_factor(graph_, out, einsum->child(i), (*operands)[i]);
      inner.push_back(factor.node);
      changed = true;
    }
    product = std::move(out);
    return changed;
  }

  // Roles for all factors; on failure the reason.
  std::optional<AttentionForm> assign(const AttentionForm& base, const Axes& scores_axes, const AttentionProduct& outer, Scores scores,
                                      std::string& reason) const {
    AttentionForm form = base;
    form.atoms = std::move(scores.atoms);
    form.inner.insert(form.inner.end(), scores.inner.begin(), scores.inner.end());
    const auto score_atoms = distinct_atoms(form.atoms.resolve(scores_axes));
    while (flatten(form.atoms, scores.product, form.inner, &score_atoms)) {
    }
    AttentionProduct values = outer;
    for (int attempt = 0; attempt < kMaxFlattenings; ++attempt) {
      AttentionForm candidate = form;
      if (!assign_scores(candidate, scores_axes, scores.product, reason)) {
        if (!flatten(form.atoms, scores.product, form.inner, nullptr)) return {};
      } else if (!assign_values(candidate, values, reason)) {
        if (!flatten(form.atoms, values, form.inner, nullptr)) return {};
      } else if (!assign_terms(candidate, scores.terms, reason)) {
        return {};
      } else {
        finish(candidate);
        return candidate;
      }
    }
    return {};
  }

  // The Scalars of a product. An index that only they have, and that is summed, counts as often as it has values.
  static double scale_of(const AttentionForm& form, const AttentionProduct& product, const std::vector<Atom>& present) {
    double scale = product.scale;
    std::vector<AttentionFactor> factors = product.factors;
    for (auto& factor : factors) factor.axes = form.atoms.resolve(factor.axes);
    for (const Atom atom : without(distinct_atoms(form.atoms.resolve(product.constant_axes)), distinct_atoms(factors)))
      if (!contains(present, atom)) scale *= static_cast<double>(form.atoms.size(atom));
    return scale;
  }

  struct Split {
    std::vector<AttentionFactor> first, second;
    uint64_t cost = 0;
  };

  static std::vector<Atom> atoms_of(const AttentionForm& form, const AttentionFactor& factor) {
    return distinct_atoms(form.atoms.resolve(factor.axes));
  }

  static uint64_t cost(const AttentionForm& form, const std::vector<AttentionFactor>& factors, const std::vector<Atom>& out) {
    if (factors.size() < 2) return 0;
    std::vector<std::vector<Atom>> atoms;
    for (const auto& factor : factors) atoms.push_back(distinct_atoms(factor.axes));
    const EinsumSpec spec = product_spec(form.atoms, atoms, out);
    return path_cost(spec, spec.optimize());
  }

  static uint64_t volume(const AttentionForm& form, const std::vector<Atom>& atoms) {
    uint64_t out = 1;
    for (const Atom atom : atoms) out = saturating_mul(out, static_cast<uint64_t>(form.atoms.size(atom)));
    return out;
  }

  static std::vector<Atom> both(const std::vector<Atom>& a, const std::vector<Atom>& b) {
    std::vector<Atom> out;
    std::copy_if(a.begin(), a.end(), std::back_inserter(out), [&](Atom atom) { return contains(b, atom); });
    return out;
  }

  static std::vector<Atom> without(const std::vector<Atom>& a, const std::vector<Atom>& b) {
    std::vector<Atom> out;
    std::copy_if(a.begin(), a.end(), std::back_inserter(out), [&](Atom atom) { return !contains(b, atom); });
    return out;
  }

  // Splits ambiguous factors between the two sides as it is cheapest. `measure(first, second)`: the cost, or nothing where impossible.
  template <class Measure>
  static std::optional<Split> cheapest(const std::vector<AttentionFactor>& first, const std::vector<AttentionFactor>& second,
                                       const std::vector<AttentionFactor>& ambiguous, Measure&& measure) {
    if (ambiguous.size() > kMaxAmbiguous) return {};
    std::optional<Split> best;
    for (unsigned choice = 0; choice < 1u << ambiguous.size(); ++choice) {
      Split split{first, second, 0};
      for (size_t i = 0; i < ambiguous.size(); ++i) (choice >> i & 1 ? split.second : split.first).push_back(ambiguous[i]);
      const std::optional<uint64_t> measured = measure(split.first, split.second);
      if (!measured || (best && best->cost <= *measured)) continue;
      split.cost = *measured;
      best = std::move(split);
    }
    return best;
  }

  bool assign_scores(AttentionForm& form, const Axes& scores_axes, const AttentionProduct& product, std::string& reason) const {
    const Axes resolved = form.atoms.resolve(scores_axes);
    const auto all = distinct_atoms(resolved);
    size_t count = 0;
    for (const auto& axis : resolved) count += axis.size();
    form.keys = resolved.back();
    if (count != all.size() || form.keys.empty()) {
      reason = form.keys.empty() ? "there is only one key" : "its scores are used along a diagonal";
      return false;
    }
    form.scale = scale_of(form, product, all);
    std::vector<AttentionFactor> with_features, with_keys, queries, ambiguous, plain;
    bool features = false;
    for (const auto& factor : product.factors) features |= !without(atoms_of(form, factor), all).empty();
    std::vector<Atom> key_atoms;
    for (auto factor : product.factors) {
      factor.axes = form.atoms.resolve(factor.axes);
      const auto own = distinct_atoms(factor.axes);
      if (!contains_any(own, form.keys)) {
        (without(own, all).empty() ? plain : ambiguous).push_back(factor);
      } else if (features ? !without(own, all).empty() : with_features.empty()) {
        with_features.push_back(factor);
        key_atoms.insert(key_atoms.end(), own.begin(), own.end());
      } else {
        with_keys.push_back(factor);
      }
    }
    if (with_features.empty()) {
      reason = "no factor of its scores depends on the keys and on what is summed over";
      return false;
    }
    for (const auto& factor : plain) {
      const bool batch_only = contains_all(key_atoms, distinct_atoms(factor.axes));
      (batch_only && features ? form.batch_scale : queries).push_back(factor);
    }
    std::vector<AttentionFactor> open;
    for (const auto& factor : ambiguous) {
      const bool has_rows = !contains_all(key_atoms, both(distinct_atoms(factor.axes), all));
      (has_rows ? queries : open).push_back(factor);
    }
    if (queries.empty() && open.empty()) {
      reason = "no factor of its scores is a query";
      return false;
    }
    const auto split = cheapest(queries, with_features, open, [&](const auto& first, const auto& second) -> std::optional<uint64_t> {
      if (first.empty()) return {};
      const auto q = distinct_atoms(first), k = distinct_atoms(second);
      const auto c = without(both(q, k), all);
      if (volume(form, c) > kernels::kMaxHeadSize) return {};
      std::vector<Atom> q_out = both(q, all), k_out = both(k, all);
      q_out.insert(q_out.end(), c.begin(), c.end());
      k_out.insert(k_out.end(), c.begin(), c.end());
      return saturating_add(saturating_add(cost(form, first, q_out), cost(form, second, k_out)),
                            saturating_mul(volume(form, all), volume(form, c)));
    });
    if (!split) {
      reason = "queries and keys have more than " + std::to_string(kernels::kMaxHeadSize) + " features";
      return false;
    }
    form.query = split->first;
    form.key = split->second;
    form.mask = with_keys;
    form.key_features = without(both(distinct_atoms(form.query), distinct_atoms(form.key)), all);
    form.batch = without(all, form.keys);
    return true;
  }

  bool assign_values(AttentionForm& form, const AttentionProduct& outer, std::string& reason) const {
    form.root_axes = form.atoms.resolve(form.root_axes);
    const auto root_atoms = distinct_atoms(form.root_axes);
    if (contains_any(root_atoms, form.keys)) {
      reason = "the product after the softmax is not summed over the keys";
      return false;
    }
    std::vector<Atom> present = root_atoms;
    present.insert(present.end(), form.batch.begin(), form.batch.end());
    present.insert(present.end(), form.keys.begin(), form.keys.end());
    form.result_scale = scale_of(form, outer, present);
    std::vector<AttentionFactor> with_keys, others;
    for (auto factor : outer.factors) {
      factor.axes = form.atoms.resolve(factor.axes);
      (contains_any(distinct_atoms(factor.axes), form.keys) ? with_keys : others).push_back(factor);
    }
    if (with_keys.empty()) {
      reason = "no factor of the product after the softmax depends on the keys";
      return false;
    }
    if (contains_any(distinct_atoms(with_keys), form.key_features)) {
      reason = "an index is summed over both before and after the softmax";
      return false;
    }
    const std::vector<Atom> rows_at_most = without(without(form.batch, distinct_atoms(form.key)), distinct_atoms(with_keys));
    // A weight per query and key, after the softmax, would make values larger than the scores.
    uint64_t largest = 0;
    for (const auto& factor : with_keys) largest = std::max(largest, volume(form, distinct_atoms(factor.axes)));
    if (rows_at_most.empty() && volume(form, distinct_atoms(with_keys)) > largest) {
      reason = "values depend on the queries";
      return false;
    }
    const auto all = form.batch;
    const auto score_volume = saturating_mul(volume(form, form.batch), volume(form, form.keys));
    const auto split = cheapest(with_keys, {}, others, [&](const auto& first, const auto& second) -> std::optional<uint64_t> {
      const auto v = distinct_atoms(first), rest = distinct_atoms(second);
      if (contains_any(v, rows_at_most)) return {};
      std::vector<Atom> f;
      for (const Atom atom : v)
        if (!contains(all, atom) && !contains(form.keys, atom) && (contains(root_atoms, atom) || contains(rest, atom))) f.push_back(atom);
      if (volume(form, f) > kernels::kMaxHeadSize) return {};
      std::vector<Atom> v_out = both(v, all);
      v_out.insert(v_out.end(), form.keys.begin(), form.keys.end());
      v_out.insert(v_out.end(), f.begin(), f.end());
      uint64_t total = saturating_add(cost(form, first, v_out), saturating_mul(score_volume, volume(form, f)));
      if (!second.empty()) {
        AttentionFactor result{{}, {all, f}};
        std::vector<AttentionFactor> post = second;
        post.insert(post.begin(), result);
        total = saturating_add(total, cost(form, post, both(root_atoms, distinct_atoms(post))));
      }
      return total;
    });
    if (!split) {
      reason = "values have more than " + std::to_string(kernels::kMaxHeadSize) + " features";
      return false;
    }
    form.value = split->first;
    form.post = split->second;
    for (const Atom atom : distinct_atoms(form.value))
      if (!contains(all, atom) && !contains(form.keys, atom) && (contains(root_atoms, atom) || contains(distinct_atoms(form.post), atom)))
        form.value_features.push_back(atom);
    return true;
  }

  bool assign_terms(AttentionForm& form, const std::vector<AttentionProduct>& terms, std::string& reason) const {
    for (AttentionProduct term : terms) {
      // A constant changes nothing.
      if (term.factors.empty() && std::abs(term.scale) <= 1e30) continue;
      if (term.factors.empty()) {
        reason = "an infinite constant is added to its scores";
        return false;
      }
      for (auto& factor : term.factors) factor.axes = form.atoms.resolve(factor.axes);
      form.bias.push_back(std::move(term));
    }
    return true;
  }

  // Rows, and indices that no operand has.
  static void finish(AttentionForm& form) {
    std::vector<AttentionFactor> everything = form.query;
    for (const auto* list : {&form.key, &form.value, &form.mask, &form.batch_scale})
      everything.insert(everything.end(), list->begin(), list->end());
    for (const auto& term : form.bias) everything.insert(everything.end(), term.factors.begin(), term.factors.end());
    const auto key = distinct_atoms(form.key), value = distinct_atoms(form.value), used = distinct_atoms(everything);
    const auto root = distinct_atoms(form.root_axes), post = distinct_atoms(form.post);
    std::vector<Atom> batch;
    for (const Atom atom : form.batch) {
      if (!contains(used, atom)) {
        if (!contains(root, atom) && !contains(post, atom)) form.result_scale *= static_cast<double>(form.atoms.size(atom));
        continue;
      }
      (contains(key, atom) || contains(value, atom) ? batch : form.rows).push_back(atom);
    }
    form.batch = std::move(batch);
  }

  const NodePtr& root_;
  const FusionGraph& graph_;
  const std::optional<DType> dtype_;
};

}  // namespace

bool is_softmax(const Node& node) {
  const auto* function = node.as<GeneralFunction>();
  return function && function->spec()->kind() == FunctionKind::Simple && function->spec()->name() == "softmax";
}

EinsumSpec product_spec(const AtomTable& atoms, const std::vector<std::vector<Atom>>& factors, const std::vector<Atom>& out) {
  EinsumSpec spec;
  std::vector<Atom> order;
  const auto labels = [&](const std::vector<Atom>& list) {
    Labels result;
    for (const Atom atom : list) {
      const auto found = std::find(order.begin(), order.end(), atom);
      result.push_back(static_cast<Label>(found - order.begin()));
      if (found == order.end()) {
        order.push_back(atom);
        spec.int_sizes.push_back(atoms.size(atom));
      }
    }
    return result;
  };
  for (const auto& factor : factors) spec.input_ints.push_back(labels(factor));
  spec.output_ints = labels(out);
  return spec;
}

std::vector<Atom> distinct_atoms(const std::vector<AttentionFactor>& factors) {
  std::vector<Atom> out;
  for (const auto& factor : factors)
    for (const auto& axis : factor.axes)
      for (const Atom atom : axis)
        if (!contains(out, atom)) out.push_back(atom);
  return out;
}

std::optional<AttentionForm> attention_form(const NodePtr& root, const FusionGraph& graph, std::string& reason, NodePtr& softmax) {
  if (root->kind() != Kind::Einsum) return {};
  bool direct = false;
  const auto path = path_to_softmax(root, graph, softmax, direct);
  if (!path) {
    if (softmax) reason = "it is used several times in one product";
    return {};
  }
  std::optional<AttentionForm> form;
  const auto dtype = root->device_dtype().dtype;
  if (!graph.is_private(softmax)) {
    reason = "it is an output or used elsewhere";
  } else if (!dtype || (*dtype != DType::float32 && *dtype != DType::float16 && *dtype != DType::bfloat16) ||
             softmax->device_dtype().dtype != dtype) {
    reason = "its dtype is not float32, float16 or bfloat16";
  } else if (softmax->rank() == 0) {
    reason = "it has no axes";
  } else {
    form = FormFinder(root, graph).find(*path, reason);
  }
  if (!form && !direct) reason.clear();
  return form;
}

}  // namespace pycircuit
