// Einsum labels, their text (spec 03, sections 11.2 to 11.4) and EinsumSpec (section 12.1).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shape/alphabet.h"
#include "shape/big.h"
#include "shape/contraction_path.h"
#include "shape/shape.h"

namespace pycircuit {

struct EinsumLabels {
  std::vector<Labels> inputs;
  Labels output;

  friend bool operator==(const EinsumLabels&, const EinsumLabels&) = default;
};

// Reads "ab,bc->ac". "->x" gives one scalar operand; use `drop_lone_scalar` where no nodes are passed. ParseEinsumStringNoArrow,
// ParseEinsumStringInvalid.
EinsumLabels parse_einsum_string(std::string_view text);
// Reads "batch q, batch k q -> batch k": labels by first appearance.
EinsumLabels parse_fancy_einsum_string(std::string_view text);
// One scalar operand and no nodes means no operands (11.2).
void drop_lone_scalar(EinsumLabels& labels, size_t node_count);

// "ab,bc->ac"; nothing where a label has no letter.
std::optional<std::string> einsum_letters(const EinsumLabels& labels);
// "fancy: a x80, x80 b -> a b": the words of the alphabet, for labels without letters.
std::string einsum_words(const EinsumLabels& labels);
// The letters where all labels have one, else the words.
std::string einsum_text(const EinsumLabels& labels);
// "fancy: rows small, large small -> small large" (11.4), with the output's and the operands' axis names; nothing where a name is missing
// or would be ambiguous.
std::optional<std::string> fancy_einsum_text(const EinsumLabels& labels, const NamedAxes& output_names,
                                             const std::vector<NamedAxes>& input_names);
// Text of a node line: the fancy form where the node itself has named axes and the form exists, else einsum_text. With `bijective` the
// fancy form is used only if reading it back gives the same labels.
std::string einsum_line_text(const EinsumLabels& labels, const NamedAxes& output_names, const std::vector<NamedAxes>& input_names,
                             bool bijective);

// Labels with sizes, apart from any circuit.
struct EinsumSpec {
  std::vector<Labels> input_ints;
  Labels output_ints;
  std::vector<Size> int_sizes;  // by label, 0 where unused

  Labels ints_in_input() const;  // ascending
  // All output labels occur in the inputs; all labels have a size > 0.
  bool validate() const;
  // Operand shapes and output shape.
  std::pair<std::vector<Shape>, Shape> shapes() const;
  // Labels renumbered by first appearance in the inputs.
  EinsumSpec normalize() const;
  std::string to_einsum_string() const;
  std::optional<std::string> to_fancy_einsum_string(const NamedAxes& self_named_axes,
                                                    const std::vector<NamedAxes>& children_named_axes) const;
  std::string to_maybe_fancy_string(const NamedAxes& self_named_axes, const std::vector<NamedAxes>& children_named_axes) const;
  // Multiplications and additions of the one-step evaluation.
  BigUint flops() const;
  // A contraction path (12.2); see contraction_path.h.
  Path optimize(const PathOptions& options = {}) const;
  Path optimize_dp(const PathOptions& options = {}) const;
  PreContraction optimize_pre_contract_subsets(const std::vector<int64_t>& dont_contract_subsets_into = {}) const;

  Size size_of(Label label) const { return label < int_sizes.size() ? int_sizes[label] : 0; }
  EinsumLabels labels() const { return {input_ints, output_ints}; }
  friend bool operator==(const EinsumSpec&, const EinsumSpec&) = default;
};

}  // namespace pycircuit

template <>
struct std::hash<pycircuit::EinsumSpec> {
  size_t operator()(const pycircuit::EinsumSpec& spec) const noexcept;
};
