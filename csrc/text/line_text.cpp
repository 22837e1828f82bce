#include "text/line_text.h"

#include "base/text.h"
#include "circuit/nodes/all.h"
#include "shape/symbolic.h"
#include "tensor/tensor_store.h"
#include "text/number_text.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

constexpr size_t kArrayKeyDigits = 24;
constexpr size_t kIndexKeyDigits = 10;

void save_tensor(const Tensor& tensor, const PrintOptions& options) {
  if (options.tensor_save_dir) {
    tensor_store().save_below(tensor, *options.tensor_save_dir);
  } else {
    tensor_store().save(tensor, false);
  }
}

// Whether info with axis names in it is read back as it is.
bool keeps_its_form(std::string_view info) { return info.find_first_of("!#") == std::string_view::npos && trim_blanks(info) == info; }

std::string einsum_info(const Einsum& einsum, bool bijection) {
  if (einsum.named_axes().empty()) return einsum_text(einsum.labels());
  std::vector<NamedAxes> input_names;
  for (const auto& child : einsum.children()) input_names.push_back(child->named_axes());
  std::string text = einsum_line_text(einsum.labels(), einsum.named_axes(), input_names, bijection);
  return bijection && !keeps_its_form(text) ? einsum_text(einsum.labels()) : text;
}

std::string rearrange_info(const Rearrange& rearrange, bool bijection) {
  const NamedAxes& child_names = rearrange.child()->named_axes();
  if (child_names.empty() && rearrange.named_axes().empty()) return rearrange.spec().to_string();
  const auto fancy = rearrange.spec().to_fancy_einops_string(child_names, rearrange.named_axes());
  if (!fancy || (bijection && !(keeps_its_form(*fancy) && rearrange.spec().is_text_of_this(*fancy)))) return rearrange.spec().to_string();
  return *fancy;
}

std::string index_info(const IndexElements& index, const PrintOptions& options) {
  return index_text(index, [&](const Tensor& tensor) -> std::string {
    if (options.tensor_index_literal) return literal_text(tensor);
    const std::string length = "[" + std::to_string(tensor.numel()) + "]";
    if (!options.bijection) return length;
    save_tensor(tensor, options);
    return "t" + to_hex(tensor.content_key()).substr(0, kIndexKeyDigits) + " " + length;
  });
}

std::string array_info(const Array& array, const PrintOptions& options) {
  if (options.bijection) save_tensor(array.value(), options);
  if (options.sync_tensors) tensor_store().save(array.value(), true);
  return options.bijection ? to_hex(array.value().content_key()).substr(0, kArrayKeyDigits) : "";
}

std::string function_info(const GeneralFunction& function, bool bijection) {
  const std::string name = function.spec()->name();
  if (!bijection) {
    std::string out;
    append_free(out, name);
    return out;
  }
  std::string text = function.spec()->text();
  if (function.spec()->kind() != FunctionKind::User) return text;
  // What the parser makes of it: blanks at the ends go, an empty name leaves "at <locator>", and the first " at " stands before the
  // locator.
  constexpr std::string_view at = " at ";
  const std::string_view locator = std::string_view(text).substr(name.size() + at.size());
  std::string read(trim_blanks(text));
  if (read.substr(0, 3) == at.substr(1)) read.insert(0, " ");
  if (text.find_first_of("!#\n\r") != std::string::npos || read.substr(read.find(at) + at.size()) != locator)
    fail(ErrorId::RuntimeError,
         "the function '" + text +
             "' cannot be written in text that is to be read back: its name and path must not contain '!', '#', line breaks or \" at \"");
  return text;
}

std::string stored_cumulant_info(const StoredCumulantVar& var) { return join(var.cumulant_numbers(), ", ") + "|" + var.uuid().to_string(); }

bool needs_shape(const Node& node, const PrintOptions& options) {
  if (!options.shape_only_when_necessary) return true;
  switch (node.kind()) {
    case Kind::Scalar:
    case Kind::Array:
    case Kind::Symbol:
    case Kind::Index:
    case Kind::Scatter:
    case Kind::SetSymbolicShape:
      return true;
    default:
      break;
  }
  // A node to which its children pass names has at least one itself.
  if (node.named_axes().empty()) return false;
  return options.show_all_named_axes || node.with_named_axes({})->named_axes() != node.named_axes();
}

}  // namespace

std::string info_text(const NodePtr& node, const PrintOptions& options) {
  switch (node->kind()) {
    case Kind::Einsum:
      return einsum_info(*node->as<Einsum>(), options.bijection);
    case Kind::Array:
      return array_info(*node->as<Array>(), options);
    case Kind::Symbol: {
      const Uuid& uuid = node->as<Symbol>()->uuid();
      return uuid == Uuid{} ? "" : uuid.to_string();
    }
    case Kind::Scalar:
      return scalar_text(node->as<Scalar>()->value());
    case Kind::Rearrange:
      return rearrange_info(*node->as<Rearrange>(), options.bijection);
    case Kind::Index:
      return index_info(node->as<Index>()->index(), options);
    case Kind::GeneralFunction:
      return function_info(*node->as<GeneralFunction>(), options.bijection);
    case Kind::Concat:
      return std::to_string(node->as<Concat>()->axis());
    case Kind::Scatter:
      return index_info(node->as<Scatter>()->index(), options);
    case Kind::Tag:
      return node->as<Tag>()->uuid().to_string();
    case Kind::StoredCumulantVar:
      return stored_cumulant_info(*node->as<StoredCumulantVar>());
    case Kind::Add:
    case Kind::Conv:
    case Kind::Module:
    case Kind::SetSymbolicShape:
    case Kind::DiscreteVar:
    case Kind::Cumulant:
      return "";
  }
  return "";
}

void append_shape(std::string& out, const Node& node, bool bijection) {
  out += '[';
  for (int64_t axis = 0; axis < node.rank(); ++axis) {
    if (axis) out += ',';
    const auto name = node.named_axes().find(axis);
    if (name != node.named_axes().end()) {
      const std::string& text = name->second;
      bool readable = text.find_first_of(",\n\r") == std::string::npos;
      for (size_t i = 0; i < text.size(); ++i) readable &= white_space_at(text, i) == 0;
      if (bijection && !readable)
        fail(ErrorId::NamedAxesForbiddenCharacter,
             "the axis name '" + text + "' of " + describe(node) +
                 " cannot be written in text that is to be read back: it contains a comma or white space",
             text);
      out += text;
      out += ':';
    }
    out += size_text(node.shape()[axis]);
  }
  out += ']';
}

void append_line_info(std::string& out, const NodePtr& node, const PrintOptions& options) {
  if (options.bijection && !node->use_autoname()) out += " AD";
  if (needs_shape(*node, options)) {
    out += ' ';
    append_shape(out, *node, options.bijection);
  }
  out += ' ';
  out += kind_name(node->kind());
  const std::string info = info_text(node, options);
  if (info.empty()) return;
  out += ' ';
  out += info;
  while (out.back() == ' ') out.pop_back();
}

}  // namespace pycircuit
