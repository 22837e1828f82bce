// RearrangeSpec: checks, static constructors, queries, sizes (spec 03, sections 2 and 4 to 6).
#include "shape/rearrange_spec.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "shape/permutation.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

using IntGroups = RearrangeSpec::IntGroups;
constexpr int64_t kMaxRank = 255;

PayloadValue spec_payload(const RearrangeSpec& spec) { return opaque(spec, spec.to_string()); }

PayloadValue groups_payload(const IntGroups& groups) {
  PayloadList list;
  for (const Labels& group : groups) list.push_back(int_list(group));
  return list;
}

PayloadValue sizes_payload(const std::vector<OptionalSize>& sizes) {
  PayloadList list;
  for (const OptionalSize& size : sizes) list.emplace_back(size);
  return list;
}

PayloadValue set_payload(const Labels& ints) {
  PayloadSet set;
  for (const Label i : ints) set.items.emplace_back(int64_t{i});
  return set;
}

Labels flat(const IntGroups& groups) {
  Labels ints;
  for (const Labels& group : groups) ints.insert(ints.end(), group.begin(), group.end());
  return ints;
}

LabelSet set_of(const IntGroups& groups) {
  LabelSet set;
  for (const Labels& group : groups) {
    for (const Label i : group) set.set(i);
  }
  return set;
}

Labels ascending(const LabelSet& set) {
  Labels ints;
  for (int i = 0; i < kLabelCount; ++i) {
    if (set[static_cast<size_t>(i)]) ints.push_back(static_cast<Label>(i));
  }
  return ints;
}

Labels all_ints(const IntGroups& groups) {
  Labels ints;
  for (const Labels& group : groups) ints.insert(ints.end(), group.begin(), group.end());
  return ints;
}

void check_unique(const IntGroups& groups, bool is_input) {
  LabelSet seen;
  for (const Labels& group : groups) {
    for (const Label i : group) {
      if (seen[i]) {
        fail(ErrorId::RearrangeSpecIntsNotUnique,
             std::string("int ") + std::to_string(i) + " occurs more than once in the " + (is_input ? "input" : "output") +
                 " of a RearrangeSpec",
             is_input, int_list(all_ints(groups)));
      }
      seen.set(i);
    }
  }
}

// Product of known sizes; nothing where it does not fit a Size.
OptionalSize product(const Shape& sizes) {
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
  Size out = 1;
  for (const Size size : sizes) {
    if (__builtin_mul_overflow(out, size, &out)) return std::nullopt;
  }
  return out;
}

void check_not_negative(int64_t rank) {
  if (rank < 0) fail(ErrorId::OverflowError, "a rank cannot be negative: " + std::to_string(rank));
}

void check_unsigned_rank_fits(int64_t rank) {
  check_not_negative(rank);
  if (rank > kMaxRank) fail(ErrorId::OverflowError, "rank " + std::to_string(rank) + " is too large for a RearrangeSpec: at most 255");
}

[[noreturn]] void fail_rank(int64_t rank) {
  fail(ErrorId::RearrangeSpecLenShapeTooLarge, "rank " + std::to_string(rank) + " is too large for a RearrangeSpec: at most 255", rank);
}

// Of two counts; ranks that are given may be as large as the type.
int64_t saturating_sum(int64_t a, int64_t b) { return a > INT64_MAX - b ? INT64_MAX : a + b; }

// One group per int of first .. first + count - 1.
void append_singles(IntGroups& groups, int64_t first, int64_t count) {
  for (int64_t i = first; i < first + count; ++i) groups.push_back({static_cast<Label>(i)});
}

Labels range(int64_t first, int64_t count) {
  Labels ints;
  for (int64_t i = first; i < first + count; ++i) ints.push_back(static_cast<Label>(i));
  return ints;
}

std::vector<OptionalSize> wildcards(int64_t count) { return std::vector<OptionalSize>(static_cast<size_t>(count)); }

std::vector<OptionalSize> wildcards_then(int64_t count, const Shape& sizes) {
  auto out = wildcards(count);
  out.insert(out.end(), sizes.begin(), sizes.end());
  return out;
}

}  // namespace

RearrangeSpec::RearrangeSpec(IntGroups input_ints, IntGroups output_ints, std::vector<OptionalSize> int_sizes)
    : input_ints_(std::move(input_ints)), output_ints_(std::move(output_ints)), int_sizes_(std::move(int_sizes)) {
  check_unique(input_ints_, true);
  check_unique(output_ints_, false);
  const LabelSet in_inp = set_of(input_ints_);
  const LabelSet in_out = set_of(output_ints_);
  if (const LabelSet missing = in_inp & ~in_out; missing.any()) {
    fail(ErrorId::RearrangeSpecInpNotInOut,
         "every int of the input must occur in the output; to drop an axis of size 1 write it as an empty group ()",
         set_payload(ascending(missing)), set_payload(ascending(in_inp)), set_payload(ascending(in_out)));
  }
  const Labels used = ascending(in_out);
  if (!used.empty() && used.back() >= int_sizes_.size()) {
    fail(ErrorId::RearrangeSpecIntNotInSizes, "every int of a RearrangeSpec needs an entry in int_sizes", int64_t{used.back()},
         int_sizes_.size());
  }
  const Labels only_in_output = ascending(in_out & ~in_inp);
  std::vector<OptionalSize> their_sizes;
  for (const Label i : only_in_output) their_sizes.push_back(int_sizes_[i]);
  if (std::find(their_sizes.begin(), their_sizes.end(), std::nullopt) != their_sizes.end()) {
    fail(ErrorId::RearrangeSpecIntOnlyInOutputWithoutSize, "ints that occur only in the output (repeats) must have a size",
         int_list(only_in_output), sizes_payload(their_sizes), sizes_payload(int_sizes_));
  }
  for (const Labels& group : input_ints_) {
    if (std::count_if(group.begin(), group.end(), [&](Label i) { return !int_sizes_[i]; }) <= 1) continue;
    fail(ErrorId::RearrangeSpecInputAxisHasMultipleWildCards, "an input axis can have at most one int of unknown size",
         groups_payload(input_ints_), sizes_payload(int_sizes_));
  }
  for (const OptionalSize& size : int_sizes_) {
    if (size && *size < 0) fail(ErrorId::ValueError, "a size in a RearrangeSpec cannot be negative: " + std::to_string(*size));
  }
}

// --- static constructors

RearrangeSpec RearrangeSpec::ident(int64_t rank) {
  check_unsigned_rank_fits(rank);
  IntGroups axes;
  append_singles(axes, 0, rank);
  return {axes, axes, wildcards(rank)};
}

RearrangeSpec RearrangeSpec::flatten(int64_t rank) {
  check_unsigned_rank_fits(rank);
  IntGroups axes;
  append_singles(axes, 0, rank);
  return {axes, {range(0, rank)}, wildcards(rank)};
}

RearrangeSpec RearrangeSpec::unflatten(const Shape& shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  check_rank(rank);
  IntGroups axes;
  append_singles(axes, 0, rank);
  return {{range(0, rank)}, axes, wildcards_then(0, shape)};
}

RearrangeSpec RearrangeSpec::unflatten_axis(int64_t ndim, int64_t axis, const Shape& shape) {
  check_not_negative(ndim);
  if (ndim == 0) fail(ErrorId::RearrangeSpecCantUnflattenScalar, "a scalar has no axis to unflatten");
  axis = normalize_axis(axis, ndim, "axis to unflatten out of bounds");
  const auto pieces = static_cast<int64_t>(shape.size());
  const int64_t others = ndim - 1;
  check_rank(saturating_sum(others, pieces));
  IntGroups input, output;
  append_singles(input, 0, axis);
  input.push_back(range(others, pieces));
  append_singles(input, axis, others - axis);
  append_singles(output, 0, axis);
  append_singles(output, others, pieces);
  append_singles(output, axis, others - axis);
  return {std::move(input), std::move(output), wildcards_then(others, shape)};
}

RearrangeSpec RearrangeSpec::expand_at_axes(int64_t orig_ndim, const std::vector<int64_t>& axes, const std::optional<Shape>& counts) {
  check_not_negative(orig_ndim);
  const auto added = static_cast<int64_t>(axes.size());
  check_rank(saturating_sum(orig_ndim, added));
  const int64_t rank = orig_ndim + added;
  if (counts && counts->size() != axes.size()) {
    fail(ErrorId::RearrangeSpecAxesAndCountsDontMatch, "need one count per axis", axes.size(), counts->size());
  }
  const std::vector<int64_t> positions = normalize_axes(axes, rank, "axis to expand at out of bounds");
  std::vector<std::pair<int64_t, Size>> inserted;
  for (size_t i = 0; i < axes.size(); ++i) inserted.emplace_back(positions[i], counts ? (*counts)[i] : 1);
  std::sort(inserted.begin(), inserted.end());
  const auto repeats = std::count_if(inserted.begin(), inserted.end(),
                                     [&](const auto& item) { return &item != inserted.data() && (&item - 1)->first == item.first; });
  if (repeats) {
    fail(ErrorId::RearrangeSpecRepeatedAxes, "axes to expand at must be distinct", int_list(positions), added - repeats, added);
  }
  IntGroups input, output;
  append_singles(input, 0, orig_ndim);
  Shape sizes;
  int64_t next_original = 0;
  for (int64_t position = 0; position < rank; ++position) {
    if (sizes.size() < inserted.size() && inserted[sizes.size()].first == position) {
      append_singles(output, orig_ndim + static_cast<int64_t>(sizes.size()), 1);
      sizes.push_back(inserted[sizes.size()].second);
    } else {
      append_singles(output, next_original++, 1);
    }
  }
  return {std::move(input), std::move(output), wildcards_then(orig_ndim, sizes)};
}

RearrangeSpec RearrangeSpec::prepend_batch_shape(const Shape& new_shape, int64_t old_rank) {
  check_not_negative(old_rank);
  const auto batch = static_cast<int64_t>(new_shape.size());
  check_rank(saturating_sum(batch, old_rank));
  IntGroups input, output;
  append_singles(input, batch, old_rank);
  append_singles(output, 0, batch + old_rank);
  std::vector<OptionalSize> sizes(new_shape.begin(), new_shape.end());
  sizes.resize(new_shape.size() + static_cast<size_t>(old_rank));
  return {std::move(input), std::move(output), std::move(sizes)};
}

RearrangeSpec RearrangeSpec::new_permute(const std::vector<int64_t>& permutation) {
  check_permutation(permutation);
  const auto rank = static_cast<int64_t>(permutation.size());
  check_rank(rank);
  IntGroups input, output;
  append_singles(input, 0, rank);
  for (const int64_t source : permutation) append_singles(output, source, 1);
  return {std::move(input), std::move(output), wildcards(rank)};
}

RearrangeSpec RearrangeSpec::new_permute_combine(const std::vector<std::vector<int64_t>>& permute_combine) {
  std::vector<int64_t> all;
  for (const auto& group : permute_combine) all.insert(all.end(), group.begin(), group.end());
  check_permutation(all);
  const auto rank = static_cast<int64_t>(all.size());
  check_rank(std::max(rank, static_cast<int64_t>(permute_combine.size())));
  IntGroups input, output;
  append_singles(input, 0, rank);
  for (const auto& group : permute_combine) output.emplace_back(group.begin(), group.end());
  return {std::move(input), std::move(output), wildcards(rank)};
}

RearrangeSpec RearrangeSpec::combine_axes_at_end(int64_t n, const std::vector<int64_t>& axes_to_combine) {
  check_rank(n);
  std::array<bool, kLabelCount> combined{};
  for (const int64_t axis : axes_to_combine) {
    if (axis < 0 || axis >= n) {
      fail(ErrorId::RearrangeSpecAxesToCombineNotSubset,
           "axis " + std::to_string(axis) + " to combine is not one of 0 .. " + std::to_string(n - 1), int_list(axes_to_combine), n);
    }
    combined[static_cast<size_t>(axis)] = true;
  }
  IntGroups input, output;
  append_singles(input, 0, n);
  for (int64_t axis = 0; axis < n; ++axis) {
    if (!combined[static_cast<size_t>(axis)]) append_singles(output, axis, 1);
  }
  output.emplace_back(axes_to_combine.begin(), axes_to_combine.end());
  return {std::move(input), std::move(output), wildcards(n)};
}

RearrangeSpec RearrangeSpec::squeeze(int64_t orig_ndim, const std::vector<int64_t>& axes) {
  check_rank(orig_ndim);
  IntGroups input(static_cast<size_t>(orig_ndim), {0});
  for (const int64_t axis : normalize_axes(axes, orig_ndim, "axis to squeeze out of bounds")) input[static_cast<size_t>(axis)].clear();
  IntGroups output;
  for (Labels& group : input) {
    if (group.empty()) continue;
    group = {static_cast<Label>(output.size())};
    output.push_back(group);
  }
  const auto kept = static_cast<int64_t>(output.size());
  return {std::move(input), std::move(output), wildcards(kept)};
}

void RearrangeSpec::check_rank(int64_t rank) {
  check_not_negative(rank);
  if (rank > kMaxRank) fail_rank(rank);
}

RearrangeSpec RearrangeSpec::add_batch_dims(int64_t batch_rank) const {
  check_not_negative(batch_rank);
  const auto first = static_cast<int64_t>(int_sizes_.size());
  if (batch_rank > kMaxRank || first + batch_rank > kLabelCount) fail_rank(saturating_sum(first, batch_rank));
  IntGroups input, output;
  append_singles(input, first, batch_rank);
  output = input;
  input.insert(input.end(), input_ints_.begin(), input_ints_.end());
  output.insert(output.end(), output_ints_.begin(), output_ints_.end());
  auto sizes = int_sizes_;
  sizes.resize(sizes.size() + static_cast<size_t>(batch_rank));
  return {std::move(input), std::move(output), std::move(sizes)};
}

// --- queries

bool RearrangeSpec::is_permute() const {
  const auto single = [](const Labels& group) { return group.size() == 1; };
  return input_rank() == output_rank() && std::all_of(input_ints_.begin(), input_ints_.end(), single) &&
         std::all_of(output_ints_.begin(), output_ints_.end(), single);
}

std::optional<std::vector<int64_t>> RearrangeSpec::get_fwd_permutation() const {
  if (!is_permute()) return std::nullopt;
  std::array<int64_t, kLabelCount> position{};
  for (size_t j = 0; j < output_rank(); ++j) position[output_ints_[j][0]] = static_cast<int64_t>(j);
  std::vector<int64_t> permutation;
  for (const Labels& group : input_ints_) permutation.push_back(position[group[0]]);
  return permutation;
}

Labels RearrangeSpec::ints_in_inp() const { return ascending(set_of(input_ints_)); }

Labels RearrangeSpec::ints_in_out() const { return ascending(set_of(output_ints_)); }

int64_t RearrangeSpec::next_axis() const {
  const Labels ints = ints_in_out();  // the input's ints are among them
  return ints.empty() ? 0 : ints.back() + 1;
}

Labels RearrangeSpec::ints_needing_sizes() const {
  LabelSet set;
  for (const Labels& group : input_ints_) {
    if (group.size() < 2) continue;
    for (const Label i : group) set.set(i);
  }
  return ascending(set);
}

std::vector<int64_t> RearrangeSpec::out_broadcast_axes() const {
  const LabelSet in_inp = set_of(input_ints_);
  std::vector<int64_t> axes;
  for (size_t j = 0; j < output_rank(); ++j) {
    const Labels& group = output_ints_[j];
    if (std::none_of(group.begin(), group.end(), [&](Label i) { return in_inp[i]; })) axes.push_back(static_cast<int64_t>(j));
  }
  return axes;
}

bool RearrangeSpec::has_wildcards() const {
  const Labels used = flat(output_ints_);
  return std::any_of(used.begin(), used.end(), [&](Label i) { return !int_sizes_[i]; });
}

std::pair<Shape, Shape> RearrangeSpec::shapes() const {
  if (has_wildcards()) {
    fail(ErrorId::RearrangeSpecHasWildcardSizes, "the shapes of " + to_string() + " are unknown: some sizes are missing",
         spec_payload(*this));
  }
  const auto shape_of = [&](const IntGroups& groups) {
    Shape shape;
    for (const Labels& group : groups) {
      Shape sizes;
      for (const Label i : group) sizes.push_back(*int_sizes_[i]);
      const OptionalSize size = product(sizes);
      if (!size) fail(ErrorId::OverflowError, "an axis of " + to_string() + " does not fit 63 bits");
      shape.push_back(*size);
    }
    return shape;
  };
  return {shape_of(input_ints_), shape_of(output_ints_)};
}

std::vector<std::optional<int64_t>> RearrangeSpec::child_axis_map() const {
  std::array<std::optional<int64_t>, kLabelCount> alone_at{};
  for (size_t j = 0; j < output_rank(); ++j) {
    if (output_ints_[j].size() == 1) alone_at[output_ints_[j][0]] = static_cast<int64_t>(j);
  }
  std::vector<std::optional<int64_t>> map;
  for (const Labels& group : input_ints_) map.push_back(group.size() == 1 ? alone_at[group[0]] : std::nullopt);
  return map;
}

// --- sizes

namespace {

// The known part of one axis and its wildcards.
struct Axis {
  Shape known;
  Labels unknown;
};

Axis axis_of(const Labels& group, const std::vector<OptionalSize>& sizes) {
  Axis axis;
  for (const Label i : group) {
    if (sizes[i]) {
      axis.known.push_back(*sizes[i]);
    } else {
      axis.unknown.push_back(i);
    }
  }
  return axis;
}

RearrangeSpec conform(const RearrangeSpec& spec, const IntGroups& groups, const Shape& shape, const char* side) {
  const auto fail_to_conform = [&](const std::string& reason) {
    fail(ErrorId::RearrangeSpecNotConformable,
         "the " + std::string(side) + " of " + spec.to_string() + " does not fit the shape " + to_text(shape) + ": " + reason,
         spec_payload(spec), shape);
  };
  if (groups.size() != shape.size()) {
    fail_to_conform("rank " + std::to_string(groups.size()) + " expected, got " + std::to_string(shape.size()));
  }
  std::vector<OptionalSize> sizes = spec.int_sizes();
  for (size_t i = 0; i < groups.size(); ++i) {
    const Axis axis = axis_of(groups[i], spec.int_sizes());
    const OptionalSize known = product(axis.known);
    const bool fits = axis.unknown.empty() ? known == shape[i] : known && *known != 0 && shape[i] >= 0 && shape[i] % *known == 0;
    if (!fits) {
      fail_to_conform("axis " + std::to_string(i) + " has size " + size_text(shape[i]) +
                      (axis.unknown.empty() ? ", expected " : ", not a multiple of ") +
                      (known ? size_text(*known) : "a size beyond 63 bits"));
    }
    if (axis.unknown.size() > 1) {
      fail(ErrorId::RearrangeSpecTooManyWildcardSizes,
           "axis " + std::to_string(i) + " of the " + side + " of " + spec.to_string() + " has several ints of unknown size",
           spec_payload(spec));
    }
    if (!axis.unknown.empty()) sizes[axis.unknown[0]] = shape[i] / *known;
  }
  return {spec.input_ints(), spec.output_ints(), std::move(sizes)};
}

enum class Relaxed { yes, ambiguous };

// Relaxes one input axis of int sizes `sizes` to accept `target` (6.3); the choice depends on the original sizes of this axis only.
Relaxed relax_axis(const Labels& group, Size target, std::vector<OptionalSize>& sizes) {
  const Axis axis = axis_of(group, sizes);
  if (!axis.unknown.empty() || product(axis.known) == target) return Relaxed::yes;
  Labels failing;
  for (const Label i : group) {
    if (group.size() == 1 || *sizes[i] == 0 || target % *sizes[i] != 0) failing.push_back(i);
  }
  if (failing.size() != 1) return Relaxed::ambiguous;
  sizes[failing[0]] = std::nullopt;
  return Relaxed::yes;
}

void check_expandable_rank(const RearrangeSpec& spec, const Shape& shape) {
  if (spec.input_rank() == shape.size()) return;
  fail(ErrorId::RearrangeSpecNotConformable,
       "the input of " + spec.to_string() + " has rank " + std::to_string(spec.input_rank()) + ", cannot expand to " + to_text(shape),
       spec_payload(spec), shape);
}

[[noreturn]] void fail_ambiguous(const RearrangeSpec& spec, const Shape& shape, size_t dim) {
  const Labels& group = spec.input_ints()[dim];
  Shape sizes;
  PayloadList divides;
  int64_t failing = 0;
  for (const Label i : group) {
    const Size size = *spec.int_sizes()[i];
    const bool divides_size = size != 0 && shape[dim] % size == 0;
    sizes.push_back(size);
    divides.emplace_back(divides_size);
    failing += !divides_size;
  }
  const OptionalSize current = product(sizes);
  fail(ErrorId::RearrangeSpecAmbiguousExpand,
       "cannot expand axis " + std::to_string(dim) + " of " + spec.to_string() + " from " + (current ? size_text(*current) : "?") + " to " +
           size_text(shape[dim]) + ": an axis split into sizes " + to_text(sizes) +
           " can be expanded only if exactly one of these sizes does not divide the new one (then that one changes), but " +
           std::to_string(failing) + " do not",
       shape[dim], current, int_list(group), int_list(sizes), std::move(divides), failing, dim, shape, spec_payload(spec));
}

}  // namespace

RearrangeSpec RearrangeSpec::conform_to_input_shape(const Shape& shape) const { return conform(*this, input_ints_, shape, "input"); }

RearrangeSpec RearrangeSpec::conform_to_output_shape(const Shape& shape) const { return conform(*this, output_ints_, shape, "output"); }

RearrangeSpec RearrangeSpec::expand_to(const Shape& shape) const {
  check_expandable_rank(*this, shape);
  std::vector<OptionalSize> sizes = int_sizes_;
  for (size_t i = 0; i < input_rank(); ++i) {
    if (relax_axis(input_ints_[i], shape[i], sizes) == Relaxed::ambiguous) fail_ambiguous(*this, shape, i);
  }
  return {input_ints_, output_ints_, std::move(sizes)};
}

RearrangeExpansion RearrangeSpec::try_expand_to(const Shape& shape) const {
  check_expandable_rank(*this, shape);
  std::vector<OptionalSize> sizes = int_sizes_;
  std::vector<OptionalSize> forced(input_rank());
  bool any_forced = false;
  for (size_t i = 0; i < input_rank(); ++i) {
    if (relax_axis(input_ints_[i], shape[i], sizes) == Relaxed::yes) continue;
    forced[i] = product(axis_of(input_ints_[i], int_sizes_).known);
    any_forced = true;
  }
  if (any_forced) return {std::nullopt, std::move(forced)};
  return {RearrangeSpec(input_ints_, output_ints_, std::move(sizes)), {}};
}

RearrangeSpec RearrangeSpec::fill_empty_ints() const {
  IntGroups input = input_ints_, output = output_ints_;
  int64_t next = next_axis();
  const auto fill = [&](IntGroups& groups) {
    Labels fresh;
    for (Labels& group : groups) {
      if (!group.empty()) continue;
      if (next >= kLabelCount) fail_rank(next + 1);
      group.push_back(static_cast<Label>(next++));
      fresh.push_back(group[0]);
    }
    return fresh;
  };
  const Labels from_input = fill(input);
  const Labels from_output = fill(output);
  if (!from_input.empty()) {
    if (output.empty()) {
      fail(ErrorId::RearrangeSpecNotConvertable, "the size-1 axes () of " + to_string() + " have no output axis that could take them",
           spec_payload(*this));
    }
    output[0].insert(output[0].end(), from_input.begin(), from_input.end());
  }
  std::vector<OptionalSize> sizes = int_sizes_;
  if (sizes.size() < static_cast<size_t>(next)) sizes.resize(static_cast<size_t>(next));
  for (const Labels* fresh : {&from_input, &from_output}) {
    for (const Label i : *fresh) sizes[i] = 1;
  }
  return {std::move(input), std::move(output), std::move(sizes)};
}

}  // namespace pycircuit
