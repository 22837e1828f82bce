// Results by (node, state number): the memo of passes that walk with a traversal.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "circuit/node.h"

namespace pycircuit {

class PairMemo {
 public:
  // The result, or null.
  NodePtr find(const Node& node, uint64_t state) const {
    const auto found = results_.find({node.id(), state});
    return found == results_.end() ? nullptr : found->second;
  }
  void insert(const Node& node, uint64_t state, NodePtr result) { results_.emplace(Key{node.id(), state}, std::move(result)); }

 private:
  struct Key {
    uint64_t node, state;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept { return key.node * 0x9E3779B97F4A7C15ull ^ key.state * 0xC2B2AE3D27D4EB4Full; }
  };
  std::unordered_map<Key, NodePtr, KeyHash> results_;
};

}  // namespace pycircuit
