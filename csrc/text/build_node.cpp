#include "text/build_node.h"

#include <algorithm>

#include "base/text.h"
#include "circuit/module_spec.h"
#include "circuit/nodes/all.h"
#include "shape/symbolic.h"
#include "text/number_text.h"
#include "text/quote.h"

namespace pycircuit {
namespace {

PayloadValue kind_payload(Kind kind) { return opaque<Kind>(kind, std::string(kind_name(kind))); }

// --- index text (03, 13.6)

// The pieces between the brackets, without empty ones. ParseInvalidIndex where there are no brackets.
std::vector<std::string_view> index_pieces(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']')
    fail(ErrorId::ParseInvalidIndex, "'" + std::string(text) + "' is not an index: expected '[', elements separated by ',', ']'", text);
  std::vector<std::string_view> pieces;
  for (const std::string_view piece : split(text.substr(1, text.size() - 2), ",")) {
    const std::string_view trimmed = trim_blanks(piece);
    if (!trimmed.empty()) pieces.push_back(trimmed);
  }
  return pieces;
}

// The key prefix of a tensor element "t<prefix> [len]".
std::optional<std::string_view> tensor_prefix(std::string_view piece) {
  if (piece.front() != 't') return std::nullopt;
  return trim_blanks(piece.substr(1, piece.find('[') - 1));
}

std::optional<int64_t> slice_bound(std::string_view text) {
  text = trim_blanks(text);
  if (text.empty()) return std::nullopt;
  return parse_integer(text);
}

IndexElement index_element(std::string_view piece, std::string_view text, const TensorSource& tensors) {
  if (const auto prefix = tensor_prefix(piece)) return tensors(*prefix);
  const size_t colon = piece.find(':');
  if (colon != std::string_view::npos && piece.find(':', colon + 1) == std::string_view::npos)
    return Slice{slice_bound(piece.substr(0, colon)), slice_bound(piece.substr(colon + 1))};
  try {
    if (colon == std::string_view::npos) return parse_integer(piece);
  } catch (const CircuitError&) {
    // told below
  }
  fail(ErrorId::ParseInvalidIndex,
       "'" + std::string(piece) + "' in '" + std::string(text) +
           "' is not an index element: expected a number, a slice start:stop or a tensor t<key>",
       text);
}

IndexElements parse_index(std::string_view text, const TensorSource& tensors) {
  IndexElements elements;
  for (const std::string_view piece : index_pieces(text)) elements.push_back(index_element(piece, text, tensors));
  return elements;
}

// --- UUIDs

Uuid parse_uuid(std::string_view text) {
  constexpr std::string_view urn = "urn:uuid:";
  std::string_view rest = text;
  const bool has_urn = rest.size() > urn.size() &&
                       std::equal(urn.begin(), urn.end(), rest.begin(), [](char a, char b) { return a == (b | 0x20) || a == b; });
  const bool has_braces = rest.size() > 2 && rest.front() == '{' && rest.back() == '}';
  if (has_urn) rest.remove_prefix(urn.size());
  if (has_braces) rest = rest.substr(1, rest.size() - 2);
  const auto uuid = Uuid::parse(rest);
  if (!uuid) {
    constexpr std::string_view why = "expected 32 hex digits, with or without hyphens (8-4-4-4-12), in braces, or after urn:uuid:";
    fail(ErrorId::ParseInvalidUuid, "'" + std::string(text) + "' is not a UUID: " + std::string(why), text, why);
  }
  return *uuid;
}

// --- the node

class NodeBuilder {
 public:
  NodeBuilder(const Definition& definition, NodePtrs children, const std::vector<ArgumentBinding>& bindings, const ParserOptions& options,
              const TensorSource& tensors)
      : definition_(definition), children_(std::move(children)), bindings_(bindings), options_(options), tensors_(tensors) {}

  NodePtr build() {
    NodePtr node = make();
    if (node->is_leaf() && definition_.autoname_disabled) node = node->with_autoname_disabled(true);
    if (definition_.shape) {
      check_shape(*node);
      if (!definition_.shape->axis_names.empty()) node = node->with_named_axes(definition_.shape->axis_names);
    }
    return node;
  }

 private:
  NodePtr make() {
    switch (definition_.kind) {
      case Kind::Scalar: {
        need_children(0);
        const double value = parse_scalar(definition_.info);
        return Scalar::make(value, needed_shape(), definition_.name);
      }
      case Kind::Array:
        need_children(0);
        return make_array();
      case Kind::Symbol: {
        need_children(0);
        Shape shape = needed_shape();
        const Uuid uuid = definition_.info.empty() ? Uuid{} : definition_.info == "rand" ? Uuid::random() : parse_uuid(definition_.info);
        return Symbol::make(std::move(shape), uuid, definition_.name);
      }
      case Kind::Add:
        need_no_info();
        return Add::make(std::move(children_), naming());
      case Kind::Cumulant:
        need_no_info();
        return Cumulant::make(std::move(children_), naming());
      case Kind::Einsum:
        return make_einsum();
      case Kind::Rearrange:
        need_children(1);
        return Rearrange::make(children_[0], RearrangeSpec::from_string(definition_.info), naming());
      case Kind::Index:
        need_children(1);
        return Index::make(children_[0], parse_index(definition_.info, tensors_), naming());
      case Kind::Scatter: {
        need_children(1);
        IndexElements index = parse_index(definition_.info, tensors_);
        return Scatter::make(children_[0], std::move(index), needed_shape(), naming());
      }
      case Kind::GeneralFunction:
        return make_general_function();
      case Kind::Concat:
        if (children_.empty()) fail(ErrorId::ConstructConcatZeroNodes, "a Concat needs at least one child");
        return Concat::make(std::move(children_), parse_integer(definition_.info), naming());
      case Kind::Module:
        need_no_info();
        return make_module();
      case Kind::SetSymbolicShape:
        need_children(1);
        need_no_info();
        return SetSymbolicShape::make(children_[0], needed_shape(), naming());
      case Kind::Tag:
        need_children(1);
        return Tag::make(children_[0], parse_uuid(definition_.info), naming());
      case Kind::DiscreteVar:
        need_children(2);
        need_no_info();
        return DiscreteVar::make(children_[0], children_[1], naming());
      case Kind::StoredCumulantVar:
        return make_stored_cumulant_var();
      case Kind::Conv:
        break;  // refused when its line was read
    }
    fail(ErrorId::ParseCircuitInvalidVariant, "a Conv cannot be read from text", kind_name(definition_.kind));
  }

  // A node written without a name stays unnamed.
  Naming naming() const {
    Naming naming(definition_.name, definition_.autoname_disabled);
    naming.stay_unnamed = true;
    return naming;
  }

  void need_children(size_t expected) const {
    if (children_.size() == expected) return;
    fail(ErrorId::ParseCircuitWrongNumberChildren,
         "the " + std::string(kind_name(definition_.kind)) + " " + to_text(definition_.ident) + " must have " + std::to_string(expected) +
             " children, but " + std::to_string(children_.size()) + " lines stand below it",
         expected, children_.size(), ident_payload(definition_.ident));
  }

  void need_no_info() const {
    if (definition_.info.empty()) return;
    fail(ErrorId::ParseCircuitExpectedNoExtraInfo,
         "nothing may follow the class of the " + std::string(kind_name(definition_.kind)) + " " + to_text(definition_.ident) + ", got '" +
             std::string(definition_.info) + "'",
         definition_.info, kind_payload(definition_.kind));
  }

  const Shape& needed_shape() const {
    if (!definition_.shape)
      fail(ErrorId::ParseCircuitShapeNeeded,
           "the " + std::string(kind_name(definition_.kind)) + " " + to_text(definition_.ident) +
               " needs a shape before its class, such as [2,3]",
           kind_payload(definition_.kind));
    return definition_.shape->sizes;
  }

  void check_shape(const Node& node) const {
    const Shape& provided = definition_.shape->sizes;
    if (node.shape() == provided) return;
    const bool loaded = definition_.kind == Kind::Array;
    fail(loaded ? ErrorId::ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShape
                : ErrorId::ParseCircuitPassedInShapeDoesntMatchComputedShape,
         std::string(loaded ? "the tensor of the Array " : "the ") + (loaded ? "" : std::string(kind_name(definition_.kind)) + " ") +
             to_text(definition_.ident) + " has shape " + to_text(node.shape()) + ", but the text says " + to_text(provided),
         node.shape(), provided);
  }

  NodePtr make_array() const {
    const bool random = definition_.info == "rand" || options_.tensors_as_random;
    if (!random) return Array::make(tensors_(definition_.info), definition_.name);
    if (definition_.info != "rand" && !definition_.info.empty() && !options_.allow_hash_with_random)
      fail(ErrorId::ParseCircuitExpectedNoExtraInfo,
           "the Array " + to_text(definition_.ident) + " names a tensor (" + std::string(definition_.info) +
               ") but arrays are read as random; pass allow_hash_with_random=True to ignore that",
           definition_.info, kind_payload(Kind::Array));
    const Shape& shape = needed_shape();
    for (const Size size : shape)
      if (is_symbolic(size))
        fail(ErrorId::ConstructArrayHasReservedSymbolicShape,
             "the Array " + to_text(definition_.ident) + " has the symbolic size " + size_text(size), size, size_text(size));
    if (!options_.random_tensor) fail(ErrorId::RuntimeError, "random arrays need a source of random numbers");
    return Array::make(options_.random_tensor(shape, options_.tensors_as_random_device_dtype), definition_.name);
  }

  NodePtr make_einsum() {
    constexpr std::string_view fancy = "fancy:";
    const bool is_fancy = definition_.info.substr(0, fancy.size()) == fancy;
    EinsumLabels labels =
        is_fancy ? parse_fancy_einsum_string(definition_.info.substr(fancy.size())) : parse_einsum_string(definition_.info);
    drop_lone_scalar(labels, children_.size());
    return Einsum::make(std::move(children_), std::move(labels.inputs), std::move(labels.output), naming());
  }

  NodePtr make_general_function() {
    // An empty function name leaves "at <path>" once the blanks before it are gone.
    const bool nameless = definition_.info.substr(0, 3) == "at ";
    FunctionSpecPtr spec = spec_from_text(nameless ? " " + std::string(definition_.info) : std::string(definition_.info));
    return GeneralFunction::make(std::move(children_), std::move(spec), naming());
  }

  NodePtr make_module() {
    if (children_.empty())
      fail(ErrorId::ParseCircuitModuleNoSpecCircuit,
           "the Module " + to_text(definition_.ident) + " needs its spec circuit as first line below it", definition_.name);
    ModuleSpec spec{children_[0], {}};
    for (const auto& binding : bindings_) {
      if (binding.symbol->kind() != Kind::Symbol)
        fail(ErrorId::ConstructModuleExpectedSymbol,
             "an argument of the Module " + to_text(definition_.ident) + " can replace a Symbol only, not " + describe(*binding.symbol),
             circuit_payload(binding.symbol));
      spec.arg_specs.push_back({cast<Symbol>(binding.symbol), binding.batchable, binding.expandable, binding.ban_non_symbolic_size_expand});
    }
    if (options_.module_check_all_inputs_used) check_all_inputs_used(spec);
    if (options_.module_check_unique_arg_names) check_unique_arg_names(spec);
    children_.erase(children_.begin());
    return Module::make(spec, std::move(children_), naming());
  }

  NodePtr make_stored_cumulant_var() {
    const std::vector<std::string_view> parts = split(definition_.info, "|");
    if (parts.size() != 2)
      fail(ErrorId::ParseCircuitStoredCumulantVarExtraInvalid,
           "the StoredCumulantVar " + to_text(definition_.ident) + " needs its cumulant numbers, one '|' and a UUID, got '" +
               std::string(definition_.info) + "'",
           definition_.info);
    const std::vector<std::string_view> numbers = split(parts[0], ",");
    need_children(numbers.size());
    std::vector<std::pair<int64_t, NodePtr>> cumulants;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const int64_t number = parse_integer(trim_blanks(numbers[i]));
      for (const auto& [other, node] : cumulants)
        if (other == number)
          fail(ErrorId::ConstructStoredCumulantVarInvalidCumulantNumber,
               "the cumulant number " + std::to_string(number) + " is given twice", number);
      cumulants.emplace_back(number, children_[i]);
    }
    return StoredCumulantVar::make(std::move(cumulants), parse_uuid(trim_blanks(parts[1])), naming());
  }

  const Definition& definition_;
  NodePtrs children_;
  const std::vector<ArgumentBinding>& bindings_;
  const ParserOptions& options_;
  const TensorSource& tensors_;
};

}  // namespace

void visit_stored_tensors(const Definition& definition, const ParserOptions& options, const std::function<void(std::string_view)>& visit) {
  if (definition.kind == Kind::Array && definition.info != "rand" && !options.tensors_as_random) visit(definition.info);
  if (definition.kind != Kind::Index && definition.kind != Kind::Scatter) return;
  if (definition.info.find('t') == std::string_view::npos || definition.info.front() != '[' || definition.info.back() != ']') return;
  for (const std::string_view piece : index_pieces(definition.info))
    if (const auto prefix = tensor_prefix(piece)) visit(*prefix);
}

NodePtr build_node(const Definition& definition, NodePtrs children, const std::vector<ArgumentBinding>& bindings,
                   const ParserOptions& options, const TensorSource& tensors) {
  return NodeBuilder(definition, std::move(children), bindings, options, tensors).build();
}

}  // namespace pycircuit
