// Einsum strings and EinsumSpec (spec 03, sections 11.2 to 11.4 and 12.1).
#include "shape/einsum_spec.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace pycircuit {
namespace {

constexpr std::string_view kFancyPrefix = "fancy: ";

std::pair<std::string_view, std::string_view> split_at_arrow(std::string_view text) {
  const auto sides = split(text, "->");
  if (sides.size() != 2) {
    fail(ErrorId::ParseEinsumStringNoArrow, "the einsum string '" + std::string(text) + "' must contain exactly one `->`", text);
  }
  return {sides[0], sides[1]};
}

// `labels_of` reads one operand; the operands come first, then the output.
template <class LabelsOf>
EinsumLabels parse_operands(std::string_view text, LabelsOf&& labels_of) {
  const auto [operands, output] = split_at_arrow(text);
  EinsumLabels labels;
  for (const std::string_view operand : split(operands, ",")) labels.inputs.push_back(labels_of(operand));
  labels.output = labels_of(output);
  return labels;
}

bool all_letters(const Labels& labels) {
  return std::all_of(labels.begin(), labels.end(), [](Label label) { return label < kLetterCount; });
}

// Operands joined by ", ", words by a space.
template <class Word>
std::string fancy_form(const EinsumLabels& labels, Word&& word) {
  const auto words = [&](const Labels& axes) { return join(axes, " ", word); };
  return std::string(kFancyPrefix) + join(labels.inputs, ", ", words) + " -> " + words(labels.output);
}

bool reads_back(const std::string& fancy, const EinsumLabels& labels) {
  try {
    EinsumLabels read = parse_fancy_einsum_string(std::string_view(fancy).substr(kFancyPrefix.size()));
    drop_lone_scalar(read, labels.inputs.size());
    return read == labels;
  } catch (const CircuitError&) {
    return false;  // an axis name contains an arrow
  }
}

LabelSet set_of(const std::vector<Labels>& inputs) {
  LabelSet set;
  for (const Labels& labels : inputs) {
    for (const Label label : labels) set.set(label);
  }
  return set;
}

}  // namespace

EinsumLabels parse_einsum_string(std::string_view text) {
  return parse_operands(text, [&](std::string_view operand) {
    Labels labels;
    for (size_t i = 0; i < operand.size();) {
      const CodePoint point = decode_utf8(operand, i);
      const std::string_view character = operand.substr(i, point.size);
      i += point.size;
      if (point.value == ' ') continue;
      const auto label = label_of_letter(point.value);
      if (!label) {
        fail(ErrorId::ParseEinsumStringInvalid,
             "the einsum string '" + std::string(text) + "' contains '" + std::string(character) +
                 "', which is not an axis letter (a-z, A-Z, Greek)",
             text, character);
      }
      labels.push_back(*label);
    }
    return labels;
  });
}

EinsumLabels parse_fancy_einsum_string(std::string_view text) {
  std::map<std::string_view, Label> numbers;
  return parse_operands(text, [&](std::string_view operand) {
    Labels labels;
    for (size_t i = 0; i < operand.size();) {
      if (is_ascii_space(operand[i])) {
        ++i;
        continue;
      }
      const size_t start = i;
      while (i < operand.size() && !is_ascii_space(operand[i])) ++i;
      const std::string_view word = operand.substr(start, i - start);
      if (!numbers.contains(word) && numbers.size() >= kLabelCount) {
        fail(ErrorId::ParseEinsumStringInvalid, "the einsum string has more than 256 distinct axis names", text, word);
      }
      labels.push_back(numbers.try_emplace(word, static_cast<Label>(numbers.size())).first->second);
    }
    return labels;
  });
}

void drop_lone_scalar(EinsumLabels& labels, size_t node_count) {
  if (node_count == 0 && labels.inputs.size() == 1 && labels.inputs[0].empty()) labels.inputs.clear();
}

std::optional<std::string> einsum_letters(const EinsumLabels& labels) {
  if (!all_letters(labels.output) || !std::all_of(labels.inputs.begin(), labels.inputs.end(), all_letters)) return std::nullopt;
  const auto letters = [](const Labels& axes) { return join(axes, "", label_text); };
  return join(labels.inputs, ",", letters) + "->" + letters(labels.output);
}

std::string einsum_words(const EinsumLabels& labels) { return fancy_form(labels, label_text); }

std::string einsum_text(const EinsumLabels& labels) {
  auto letters = einsum_letters(labels);
  return letters ? std::move(*letters) : einsum_words(labels);
}

std::optional<std::string> fancy_einsum_text(const EinsumLabels& labels, const NamedAxes& output_names,
                                             const std::vector<NamedAxes>& input_names) {
  std::array<const std::string*, kLabelCount> names{};
  for (size_t j = 0; j < labels.output.size(); ++j) {
    const auto name = output_names.find(static_cast<int64_t>(j));
    if (name != output_names.end()) names[labels.output[j]] = &name->second;
  }
  if (input_names.size() != labels.inputs.size()) return std::nullopt;
  for (size_t k = 0; k < labels.inputs.size(); ++k) {
    const Labels& axes = labels.inputs[k];
    if (input_names[k].size() < axes.size()) return std::nullopt;
    for (size_t i = 0; i < axes.size(); ++i) {
      if (names[axes[i]]) continue;
      const auto name = input_names[k].find(static_cast<int64_t>(i));
      if (name == input_names[k].end()) return std::nullopt;
      names[axes[i]] = &name->second;
    }
  }
  std::set<std::string_view> distinct;
  for (const std::string* name : names) {
    if (name && !distinct.insert(*name).second) return std::nullopt;
  }
  // Output labels are among the operands' in a valid einsum.
  for (const Label label : labels.output) {
    if (!names[label]) return std::nullopt;
  }
  return fancy_form(labels, [&](Label label) -> std::string_view { return *names[label]; });
}

std::string einsum_line_text(const EinsumLabels& labels, const NamedAxes& output_names, const std::vector<NamedAxes>& input_names,
                             bool bijective) {
  if (output_names.empty()) return einsum_text(labels);
  auto fancy = fancy_einsum_text(labels, output_names, input_names);
  if (!fancy || (bijective && !reads_back(*fancy, labels))) return einsum_text(labels);
  return std::move(*fancy);
}

Labels EinsumSpec::ints_in_input() const {
  const LabelSet set = set_of(input_ints);
  Labels ints;
  for (size_t i = 0; i < set.size(); ++i) {
    if (set[i]) ints.push_back(static_cast<Label>(i));
  }
  return ints;
}

bool EinsumSpec::validate() const {
  const LabelSet in_input = set_of(input_ints);
  for (size_t i = 0; i < in_input.size(); ++i) {
    if (in_input[i] && size_of(static_cast<Label>(i)) <= 0) return false;
  }
  return std::all_of(output_ints.begin(), output_ints.end(), [&](Label label) { return in_input[label]; });
}

std::pair<std::vector<Shape>, Shape> EinsumSpec::shapes() const {
  const auto shape_of = [&](const Labels& labels) {
    Shape shape;
    for (const Label label : labels) shape.push_back(size_of(label));
    return shape;
  };
  std::vector<Shape> inputs;
  for (const Labels& labels : input_ints) inputs.push_back(shape_of(labels));
  return {std::move(inputs), shape_of(output_ints)};
}

EinsumSpec EinsumSpec::normalize() const {
  std::array<int, kLabelCount> number;
  number.fill(-1);
  EinsumSpec spec;
  const auto renumber = [&](const Labels& labels) {
    Labels out;
    for (const Label label : labels) {
      if (number[label] < 0) {
        number[label] = static_cast<int>(spec.int_sizes.size());
        spec.int_sizes.push_back(size_of(label));
      }
      out.push_back(static_cast<Label>(number[label]));
    }
    return out;
  };
  for (const Labels& labels : input_ints) spec.input_ints.push_back(renumber(labels));
  spec.output_ints = renumber(output_ints);
  return spec;
}

std::string EinsumSpec::to_einsum_string() const { return einsum_text(labels()); }

std::optional<std::string> EinsumSpec::to_fancy_einsum_string(const NamedAxes& self_named_axes,
                                                              const std::vector<NamedAxes>& children_named_axes) const {
  return fancy_einsum_text(labels(), self_named_axes, children_named_axes);
}

std::string EinsumSpec::to_maybe_fancy_string(const NamedAxes& self_named_axes, const std::vector<NamedAxes>& children_named_axes) const {
  return einsum_line_text(labels(), self_named_axes, children_named_axes, false);
}

BigUint EinsumSpec::flops() const {
  if (input_ints.empty()) return 0;
  LabelSet in_output;
  BigUint output_size = 1;
  for (const Label label : output_ints) {
    in_output.set(label);
    output_size *= static_cast<uint64_t>(size_of(label));
  }
  BigUint product_size = 1, reduced_size = 1;
  for (const Label label : ints_in_input()) {
    const auto size = static_cast<uint64_t>(size_of(label));
    product_size *= size;
    if (!in_output[label]) reduced_size *= size;
  }
  return product_size * static_cast<uint64_t>(input_ints.size() - 1) + output_size * saturating_sub(reduced_size, 1);
}

Path EinsumSpec::optimize(const PathOptions& options) const { return optimize_path(*this, options); }

Path EinsumSpec::optimize_dp(const PathOptions& options) const { return optimize_path_dp(*this, options); }

PreContraction EinsumSpec::optimize_pre_contract_subsets(const std::vector<int64_t>& dont_contract_subsets_into) const {
  return pre_contract_subsets(*this, dont_contract_subsets_into);
}

}  // namespace pycircuit

size_t std::hash<pycircuit::EinsumSpec>::operator()(const pycircuit::EinsumSpec& spec) const noexcept {
  uint64_t hash = spec.input_ints.size();
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15ull + 1; };
  const auto add_labels = [&](const pycircuit::Labels& labels) {
    add(labels.size());
    for (const auto label : labels) add(label);
  };
  for (const auto& labels : spec.input_ints) add_labels(labels);
  add_labels(spec.output_ints);
  for (const auto size : spec.int_sizes) add(static_cast<uint64_t>(size));
  return static_cast<size_t>(hash ^ (hash >> 32));
}
