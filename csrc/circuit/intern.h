// The table of live nodes by identity (DESIGN: interned immutable nodes). Weak: it holds no counts.
#pragma once

#include <cstdint>

#include "circuit/identity_bytes.h"
#include "circuit/node.h"

namespace pycircuit {

// What two nodes of this process share exactly if they are equal. It names children by their numbers, so that no identity hash is needed.
class InternKey {
 public:
  InternKey(const Node& node, bool autoname);
  uint64_t hash() const { return hash_; }
  bool is_key_of(const Node& node) const;

 private:
  IdentityBytes bytes_;
  uint64_t hash_;
};

class InternTable {
 public:
  // The live node with the candidate's key and payload, or null.
  static NodePtr find(const Node& candidate, const InternKey& key);
  // The same, or the candidate itself after entering it.
  static NodePtr find_or_insert(Ref<Node> candidate, const InternKey& key);
  static void remove(const Node& node);

 private:
  static bool is_live_twin(const Node& node, const Node& candidate);
};

}  // namespace pycircuit
