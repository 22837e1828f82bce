// RearrangeSpec: splitting, permuting, merging, inserting and repeating axes (spec 03, sections 2 to 9).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blake3.h"
#include "shape/alphabet.h"
#include "shape/shape.h"

namespace pycircuit {

using OptionalSize = std::optional<Size>;

// How to carry a rearrangement out on a tensor of a fixed shape, as four steps; each step is skipped where its flag is false. All but the
// last are views for every layout but the first's (which may have to copy a tensor whose split axes are not contiguous).
struct RearrangePlan {
  bool needs_split = false;    // 1. reshape to split_shape
  bool needs_permute = false;  // 2. permute: axis k comes from permutation[k]
  bool needs_expand = false;   // 3. view as unsqueezed_shape (size 1 at new axes), expand to expanded_shape
  bool needs_merge = false;    // 4. reshape to output_shape
  Shape split_shape;
  std::vector<int64_t> permutation;
  Shape unsqueezed_shape;
  Shape expanded_shape;
  Shape output_shape;
};

struct RearrangeExpansion;

// An immutable value; every constructor leaves a valid spec or throws.
class RearrangeSpec {
 public:
  using IntGroups = std::vector<Labels>;  // per axis the ints it is the row-major product of

  // The checks of section 2, in its order: RearrangeSpecIntsNotUnique, InpNotInOut, IntNotInSizes, IntOnlyInOutputWithoutSize,
  // InputAxisHasMultipleWildCards. A negative size: ValueError.
  RearrangeSpec(IntGroups input_ints, IntGroups output_ints, std::vector<OptionalSize> int_sizes);

  const IntGroups& input_ints() const { return input_ints_; }
  const IntGroups& output_ints() const { return output_ints_; }
  const std::vector<OptionalSize>& int_sizes() const { return int_sizes_; }
  size_t input_rank() const { return input_ints_.size(); }
  size_t output_rank() const { return output_ints_.size(); }

  // --- text (section 3)
  // RearrangeParse..., Parse... errors, and the constructor's with context.
  static RearrangeSpec from_string(std::string_view text);
  std::string to_string(bool size_on_letter = true, bool use_symbolic = true, bool show_size_if_present = true) const;
  std::string to_einops_string() const { return to_string(false, false, false); }
  std::optional<std::string> to_fancy_einops_string(const NamedAxes& node_named_axes, const NamedAxes& self_named_axes) const;
  std::string to_maybe_fancy_einops_string(const NamedAxes& node_named_axes, const NamedAxes& self_named_axes) const;
  // Whether `text` parses to a spec equal to this one up to renumbering: what bijective printing asks about a fancy string.
  bool is_text_of_this(std::string_view text) const;

  // --- constructors (section 4)
  static RearrangeSpec ident(int64_t rank);
  static RearrangeSpec flatten(int64_t rank);
  static RearrangeSpec unflatten(const Shape& shape);
  static RearrangeSpec unflatten_axis(int64_t ndim, int64_t axis, const Shape& shape);
  static RearrangeSpec expand_at_axes(int64_t orig_ndim, const std::vector<int64_t>& axes, const std::optional<Shape>& counts = {});
  static RearrangeSpec unsqueeze(int64_t orig_ndim, const std::vector<int64_t>& axes) { return expand_at_axes(orig_ndim, axes); }
  static RearrangeSpec prepend_batch_shape(const Shape& new_shape, int64_t old_rank);
  static RearrangeSpec new_permute(const std::vector<int64_t>& permutation);
  static RearrangeSpec new_permute_combine(const std::vector<std::vector<int64_t>>& permute_combine);
  static RearrangeSpec combine_axes_at_end(int64_t n, const std::vector<int64_t>& axes_to_combine);
  // Drops the size-1 axes at the given positions of a rank-`orig_ndim` shape (empty input groups), the rest unchanged.
  static RearrangeSpec squeeze(int64_t orig_ndim, const std::vector<int64_t>& axes);
  // RearrangeSpecLenShapeTooLarge where rank > 255.
  static void check_rank(int64_t rank);
  RearrangeSpec add_batch_dims(int64_t batch_rank) const;

  // --- queries (section 5)
  bool is_valid() const { return true; }
  bool is_identity() const { return input_ints_ == output_ints_; }
  bool is_permute() const;
  std::optional<std::vector<int64_t>> get_fwd_permutation() const;
  Labels ints_in_inp() const;  // ascending
  Labels ints_in_out() const;  // ascending
  int64_t next_axis() const;
  Labels ints_needing_sizes() const;  // ascending
  std::vector<int64_t> out_broadcast_axes() const;
  bool has_wildcards() const;  // among the used ints
  // (input shape, output shape). RearrangeSpecHasWildcardSizes; OverflowError where a merged axis does not fit a Size.
  std::pair<Shape, Shape> shapes() const;
  Shape output_shape() const { return shapes().second; }
  // Per input axis the output axis that is exactly its single int (9.1).
  std::vector<std::optional<int64_t>> child_axis_map() const;

  // --- sizes (section 6)
  RearrangeSpec conform_to_input_shape(const Shape& shape) const;
  RearrangeSpec conform_to_output_shape(const Shape& shape) const;
  RearrangeSpec expand_to(const Shape& shape) const;
  // The variant of batched expansion (6.3, last paragraph), which does not raise on ambiguity.
  RearrangeExpansion try_expand_to(const Shape& shape) const;
  RearrangeSpec fill_empty_ints() const;

  // --- forms (sections 2, 7, 8)
  RearrangeSpec canonicalize(bool special_case_ones = true) const;
  // First `inner`, then `outer`, in canonical form. RearrangeSpecNotFusable, RearrangeSpecHasWildcardSizes.
  static RearrangeSpec fuse(const RearrangeSpec& inner, const RearrangeSpec& outer);
  // Ints numbered by first appearance, unused sizes dropped.
  RearrangeSpec renumbered() const;
  // renumbered() as bytes that no other has: the spec's part of a Rearrange node's identity.
  std::string identity_bytes() const;

  // --- applying (section 9)
  // Conforms to `input_shape` and lays out the steps. RearrangeSpecNotConformable.
  RearrangePlan plan(const Shape& input_shape) const;

  // Exact comparison of the three fields.
  friend bool operator==(const RearrangeSpec&, const RearrangeSpec&) = default;

 private:
  IntGroups input_ints_;
  IntGroups output_ints_;
  std::vector<OptionalSize> int_sizes_;
};

// Either the relaxed spec, or per input axis the current size that the child must be forced to (nothing: leave that axis).
struct RearrangeExpansion {
  std::optional<RearrangeSpec> spec;
  std::vector<OptionalSize> forced;  // empty where `spec` is given
};

}  // namespace pycircuit

template <>
struct std::hash<pycircuit::RearrangeSpec> {
  size_t operator()(const pycircuit::RearrangeSpec& spec) const noexcept;
};
