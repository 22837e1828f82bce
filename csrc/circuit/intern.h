// The table of live nodes by identity (DESIGN: interned immutable nodes). Weak: it holds no counts.
#pragma once

#include <cstdint>

#include "circuit/node.h"

namespace pycircuit {

class InternTable {
 public:
  // The live node with the candidate's hash and payload, or null.
  static NodePtr find(const Node& candidate);
  // The same, or the candidate itself after entering it.
  static NodePtr find_or_insert(Ref<Node> candidate);
  static void remove(const Node& node);

 private:
  static bool try_retain(const Node& node);
};

}  // namespace pycircuit
