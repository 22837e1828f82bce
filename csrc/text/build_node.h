// A node from its line and its children: the class-specific part of text (spec 05, sections 4 and 6.3).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/node.h"
#include "text/node_line.h"
#include "text/parser.h"

namespace pycircuit {

// What a line says about the node that it defines.
struct Definition {
  Ident ident;
  Name name;  // of the node
  bool autoname_disabled = false;
  std::optional<LineShape> shape;
  Kind kind = Kind::Add;
  std::string_view info;
};

// The symbol that an argument of a Module replaces.
struct ArgumentBinding {
  NodePtr symbol;
  bool batchable = true, expandable = true, ban_non_symbolic_size_expand = true;
};

// Calls visit(prefix) for each tensor that the definition takes from the store.
void visit_stored_tensors(const Definition& definition, const ParserOptions& options, const std::function<void(std::string_view)>& visit);

// `bindings`: one per argument of a Module. `tensors` knows the prefixes visited above.
NodePtr build_node(const Definition& definition, NodePtrs children, const std::vector<ArgumentBinding>& bindings,
                   const ParserOptions& options, const TensorSource& tensors);

}  // namespace pycircuit
