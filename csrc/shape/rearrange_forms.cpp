// Forms of RearrangeSpec: renumbering, canonical form, fusing, the steps of applying (spec 03, sections 2 and 7 to 9).
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {
namespace {

// A spec under construction: any number of ints, all with an entry in `sizes`.
using WideGroups = std::vector<std::vector<int>>;
struct Draft {
  WideGroups input;
  WideGroups output;
  std::vector<OptionalSize> sizes;
};

WideGroups widen(const RearrangeSpec::IntGroups& groups) {
  WideGroups out;
  for (const Labels& group : groups) out.emplace_back(group.begin(), group.end());
  return out;
}

void drop_ones(Draft& draft) {
  for (WideGroups* side : {&draft.input, &draft.output}) {
    for (auto& group : *side) {
      std::erase_if(group, [&](int i) { return draft.sizes[static_cast<size_t>(i)] == 1; });
    }
  }
}

// Where an int stands on one side: the int that follows it in its group.
constexpr int kAbsent = -2, kLast = -1;

std::vector<int> followers(const WideGroups& groups, size_t count) {
  std::vector<int> next(count, kAbsent);
  for (const auto& group : groups) {
    for (size_t k = 0; k < group.size(); ++k) next[static_cast<size_t>(group[k])] = k + 1 < group.size() ? group[k + 1] : kLast;
  }
  return next;
}

// Merges maximal runs of ints that stand next to each other wherever they stand.
void merge_runs(Draft& draft) {
  const size_t count = draft.sizes.size();
  const std::vector<int> next_in = followers(draft.input, count), next_out = followers(draft.output, count);
  std::vector<bool> merged(count, false);
  // Every int stands in the output, so runs are found there, from left to right.
  for (const auto& group : draft.output) {
    for (size_t k = 0; k < group.size();) {
      const auto head = static_cast<size_t>(group[k]);
      size_t last = head;
      for (++k; k < group.size(); ++k) {
        const auto candidate = static_cast<size_t>(group[k]);
        const bool together = next_in[last] == kAbsent ? next_in[candidate] == kAbsent : next_in[last] == group[k];
        OptionalSize& size = draft.sizes[head];
        const OptionalSize& more = draft.sizes[candidate];
        if (!together || size.has_value() != more.has_value()) break;
        Size product = 0;
        if (size && __builtin_mul_overflow(*size, *more, &product)) break;
        if (size) size = product;
        merged[candidate] = true;
        last = candidate;
      }
    }
  }
  for (WideGroups* side : {&draft.input, &draft.output}) {
    for (auto& group : *side) {
      std::erase_if(group, [&](int i) { return merged[static_cast<size_t>(i)]; });
    }
  }
}

// The draft with ints numbered by first appearance; nothing where there are more than 256.
std::optional<RearrangeSpec> finish(const Draft& draft) {
  std::vector<int> number(draft.sizes.size(), -1);
  std::vector<OptionalSize> sizes;
  const auto renumber = [&](const WideGroups& groups) {
    RearrangeSpec::IntGroups out;
    for (const auto& group : groups) {
      Labels ints;
      for (const int i : group) {
        int& n = number[static_cast<size_t>(i)];
        if (n < 0) {
          n = static_cast<int>(sizes.size());
          sizes.push_back(draft.sizes[static_cast<size_t>(i)]);
        }
        ints.push_back(static_cast<Label>(n));
      }
      out.push_back(std::move(ints));
    }
    return out;
  };
  auto input = renumber(draft.input);
  auto output = renumber(draft.output);
  if (sizes.size() > kLabelCount) return std::nullopt;
  return RearrangeSpec(std::move(input), std::move(output), std::move(sizes));
}

// --- fusing

// Matches the factors of the middle axes of two specs. Every int of either spec becomes a list of atoms, which are ints of the fused spec.
class Fuser {
 public:
  Fuser(const RearrangeSpec& inner, const RearrangeSpec& outer)
      : inner_(inner), outer_(outer), inner_atoms_(kLabelCount), outer_atoms_(kLabelCount) {}

  std::optional<RearrangeSpec> run() {
    if (inner_.output_rank() != outer_.input_rank()) return std::nullopt;
    for (size_t axis = 0; axis < inner_.output_rank(); ++axis) {
      if (!match(inner_.output_ints()[axis], outer_.input_ints()[axis])) return std::nullopt;
    }
    add_repeats_of_outer();
    Draft draft{replace(inner_.input_ints(), inner_atoms_), replace(outer_.output_ints(), outer_atoms_), std::move(sizes_)};
    merge_runs(draft);
    return finish(draft);
  }

 private:
  // Atoms of size 1 are dropped at once, as the canonical form does.
  void add_atom(Label inner_int, Label outer_int, Size size) {
    if (size == 1) return;
    const auto atom = static_cast<int>(sizes_.size());
    inner_atoms_[inner_int].push_back(atom);
    outer_atoms_[outer_int].push_back(atom);
    sizes_.emplace_back(size);
  }

  bool match(const Labels& inner_ints, const Labels& outer_ints) {
    size_t i = 0, o = 0;
    Size inner_left = 1, outer_left = 1;  // what is left of the current ints
    const auto begin = [](const Labels& ints, size_t at, const RearrangeSpec& spec) {
      return at < ints.size() ? *spec.int_sizes()[ints[at]] : 1;
    };
    inner_left = begin(inner_ints, i, inner_);
    outer_left = begin(outer_ints, o, outer_);
    while (i < inner_ints.size() && o < outer_ints.size()) {
      const Size larger = std::max(inner_left, outer_left), part = std::min(inner_left, outer_left);
      if (larger != part && (part == 0 || larger % part != 0)) return false;
      add_atom(inner_ints[i], outer_ints[o], part);
      const bool inner_done = inner_left == part, outer_done = outer_left == part;
      inner_left = inner_done ? begin(inner_ints, ++i, inner_) : inner_left / part;
      outer_left = outer_done ? begin(outer_ints, ++o, outer_) : outer_left / part;
    }
    for (; i < inner_ints.size(); inner_left = begin(inner_ints, ++i, inner_)) {
      if (inner_left != 1) return false;
    }
    for (; o < outer_ints.size(); outer_left = begin(outer_ints, ++o, outer_)) {
      if (outer_left != 1) return false;
    }
    return true;
  }

  void add_repeats_of_outer() {
    LabelSet in_input;
    for (const Labels& group : outer_.input_ints()) {
      for (const Label i : group) in_input.set(i);
    }
    for (const Labels& group : outer_.output_ints()) {
      for (const Label i : group) {
        if (in_input[i] || *outer_.int_sizes()[i] == 1) continue;
        outer_atoms_[i].push_back(static_cast<int>(sizes_.size()));
        sizes_.push_back(outer_.int_sizes()[i]);
      }
    }
  }

  static WideGroups replace(const RearrangeSpec::IntGroups& groups, const std::vector<std::vector<int>>& atoms) {
    WideGroups out;
    for (const Labels& group : groups) {
      std::vector<int>& ints = out.emplace_back();
      for (const Label i : group) ints.insert(ints.end(), atoms[i].begin(), atoms[i].end());
    }
    return out;
  }

  const RearrangeSpec& inner_;
  const RearrangeSpec& outer_;
  std::vector<std::vector<int>> inner_atoms_, outer_atoms_;
  std::vector<OptionalSize> sizes_;  // of the atoms
};

void check_known_sizes(const RearrangeSpec& spec) {
  if (!spec.has_wildcards()) return;
  fail(ErrorId::RearrangeSpecHasWildcardSizes, "cannot fuse " + spec.to_string() + ": some of its sizes are unknown; conform it first",
       opaque(spec, spec.to_string()));
}

bool is_ascending_from_zero(const std::vector<int64_t>& permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

}  // namespace

RearrangeSpec RearrangeSpec::canonicalize(bool special_case_ones) const {
  Draft draft{widen(input_ints_), widen(output_ints_), int_sizes_};
  if (special_case_ones) drop_ones(draft);
  merge_runs(draft);
  return *finish(draft);
}

RearrangeSpec RearrangeSpec::renumbered() const { return *finish({widen(input_ints_), widen(output_ints_), int_sizes_}); }

RearrangeSpec RearrangeSpec::fuse(const RearrangeSpec& inner, const RearrangeSpec& outer) {
  check_known_sizes(inner);
  check_known_sizes(outer);
  auto fused = Fuser(inner, outer).run();
  if (!fused) {
    fail(ErrorId::RearrangeSpecNotFusable,
         "cannot fuse " + inner.to_string() + " (first) and " + outer.to_string() +
             " (second): the sizes that the first merges are not those that the second splits",
         opaque(inner, inner.to_string()), opaque(outer, outer.to_string()));
  }
  return std::move(*fused);
}

std::string RearrangeSpec::identity_bytes() const {
  // Without building renumbered(): this runs for every Rearrange node.
  std::string bytes = "pycircuit RearrangeSpec";
  std::string sizes;
  const auto add_number = [](std::string& to, uint64_t number, int count) {
    for (int i = 0; i < count; ++i) to += static_cast<char>(number >> (8 * i));
  };
  std::array<int, kLabelCount> number;
  number.fill(-1);
  int next = 0;
  for (const IntGroups* side : {&input_ints_, &output_ints_}) {
    add_number(bytes, side->size(), 8);
    for (const Labels& group : *side) {
      add_number(bytes, group.size(), 2);
      for (const Label i : group) {
        if (number[i] < 0) {
          number[i] = next++;
          add_number(sizes, int_sizes_[i].has_value(), 1);
          add_number(sizes, static_cast<uint64_t>(int_sizes_[i].value_or(0)), 8);
        }
        bytes += static_cast<char>(number[i]);
      }
    }
  }
  return bytes + sizes;
}

RearrangePlan RearrangeSpec::plan(const Shape& input_shape) const {
  const RearrangeSpec conformed = conform_to_input_shape(input_shape);
  // Fewer axes make cheaper views.
  const RearrangeSpec spec = conformed.canonicalize(true);
  RearrangePlan plan;
  std::vector<std::optional<int64_t>> source(spec.int_sizes_.size());
  for (const Labels& group : spec.input_ints_) {
    for (const Label i : group) {
      source[i] = static_cast<int64_t>(plan.split_shape.size());
      plan.split_shape.push_back(*spec.int_sizes_[i]);
    }
  }
  for (const Labels& group : spec.output_ints_) {
    for (const Label i : group) {
      const Size size = *spec.int_sizes_[i];
      if (source[i]) plan.permutation.push_back(*source[i]);
      plan.needs_expand |= !source[i];
      plan.unsqueezed_shape.push_back(source[i] ? size : 1);
      plan.expanded_shape.push_back(size);
    }
  }
  plan.output_shape = conformed.output_shape();
  plan.needs_split = plan.split_shape != input_shape;
  plan.needs_permute = !is_ascending_from_zero(plan.permutation);
  plan.needs_merge = plan.expanded_shape != plan.output_shape;
  return plan;
}

}  // namespace pycircuit

size_t std::hash<pycircuit::RearrangeSpec>::operator()(const pycircuit::RearrangeSpec& spec) const noexcept {
  uint64_t hash = 0;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15ull + 1; };
  for (const auto* side : {&spec.input_ints(), &spec.output_ints()}) {
    add(side->size());
    for (const auto& group : *side) {
      add(group.size());
      for (const auto i : group) add(i);
    }
  }
  for (const auto& size : spec.int_sizes()) add(size ? static_cast<uint64_t>(*size) + 1 : 0);
  return static_cast<size_t>(hash ^ (hash >> 32));
}
