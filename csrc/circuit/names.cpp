// The parenthesis table and the cut to 100 characters.
#include "circuit/names.h"

#include "base/text.h"

namespace pycircuit {
namespace {

enum class Form { Function, Postfix, Concat, Einsum, Add };

Form form_of(Kind kind) {
  switch (kind) {
    case Kind::Rearrange:
    case Kind::Index:
    case Kind::Scatter:
    case Kind::SetSymbolicShape:
    case Kind::Tag:
    case Kind::DiscreteVar:
      return Form::Postfix;
    case Kind::Concat:
      return Form::Concat;
    case Kind::Einsum:
      return Form::Einsum;
    case Kind::Add:
      return Form::Add;
    case Kind::Array:
    case Kind::Symbol:
    case Kind::Scalar:
    case Kind::GeneralFunction:
    case Kind::Conv:
    case Kind::Module:
    case Kind::StoredCumulantVar:
    case Kind::Cumulant:
      return Form::Function;  // leaves are atoms, as the function classes are
  }
  return Form::Function;
}

bool needs_parentheses(Form parent, Form child) {
  if (child == Form::Function || child == Form::Postfix || parent == Form::Function) return false;
  if (parent == Form::Einsum) return child != Form::Einsum;
  if (parent == Form::Add) return child == Form::Concat;
  return true;
}

constexpr size_t kMaxCharacters = 100;

std::string shortened(std::string text) {
  // Characters are code points: skip UTF-8 continuation bytes when counting.
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (characters++ == kMaxCharacters) return text.substr(0, i) + "...";
  }
  return text;
}

std::string child_text(const Node& parent, const Node& child) {
  const std::string& name = *child.name();
  return needs_parentheses(form_of(parent.kind()), form_of(child.kind())) ? "(" + name + ")" : name;
}

}  // namespace

Name infix_autoname(const Node& parent, std::string_view separator) {
  if (parent.num_children() == 0) return std::nullopt;
  for (const auto& child : parent.children())
    if (!child->name()) return std::nullopt;
  if (parent.num_children() == 1)
    return parent.kind() == Kind::Concat ? shortened(child_text(parent, *parent.child())) : *parent.child()->name();
  std::string out;
  for (size_t i = 0; i < parent.num_children(); ++i) {
    if (i) out += separator;
    out += shortened(child_text(parent, *parent.child(i)));
  }
  return out;
}

Name postfix_autoname(const Node& parent, std::string_view suffix) {
  if (!parent.child()->name()) return std::nullopt;
  return child_text(parent, *parent.child()) + std::string(suffix);
}

Name function_autoname(const Node& parent, std::string_view head, bool shorten, size_t first) {
  std::string out(head);
  out += "(";
  for (size_t i = first; i < parent.num_children(); ++i) {
    const Name& name = parent.child(i)->name();
    if (!name) return std::nullopt;
    if (i > first) out += ", ";
    out += shorten ? shortened(*name) : *name;
  }
  return out + ")";
}

Name shortened_name(const Node& child) {
  if (!child.name()) return std::nullopt;
  return shortened(*child.name());
}

Name with_suffix(const Name& base, std::string_view suffix) {
  if (!base) return std::nullopt;
  return *base + std::string(suffix);
}

Name with_prefix(std::string_view prefix, const Name& base) {
  if (!base) return std::nullopt;
  return std::string(prefix) + *base;
}

}  // namespace pycircuit
