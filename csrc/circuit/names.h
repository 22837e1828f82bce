// Automatic names: parentheses by the classes of parent and child, and shortening (spec 02, section 4.2).
#pragma once

#include <string>
#include <string_view>

#include "circuit/node.h"

namespace pycircuit {

// Names joined by `separator`, each in parentheses where the table says so; children longer than 100 characters are cut.
Name infix_autoname(const Node& parent, std::string_view separator);
// The first child's name (in parentheses where the table says so) and a suffix such as " rearrange".
Name postfix_autoname(const Node& parent, std::string_view suffix);
// head(name, name, ...) over children from `first` on.
Name function_autoname(const Node& parent, std::string_view head, bool shorten, size_t first = 0);

// A child's name, cut to 100 characters; nothing if it has none.
Name shortened_name(const Node& child);

// "<base><suffix>" if there is a base name.
Name with_suffix(const Name& base, std::string_view suffix);
Name with_prefix(std::string_view prefix, const Name& base);

}  // namespace pycircuit
