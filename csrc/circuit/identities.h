// A set of identity hashes: bookkeeping of circuits without keeping them alive (spec 10, section 17).
#pragma once

#include <unordered_set>

#include "base/blake3.h"

namespace pycircuit {

class CircuitIdentities {
 public:
  void insert(const Hash& hash) { hashes_.insert(hash); }
  bool contains(const Hash& hash) const { return hashes_.contains(hash); }
  size_t size() const { return hashes_.size(); }
  const std::unordered_set<Hash>& hashes() const { return hashes_; }
  void extend(const CircuitIdentities& other) { hashes_.insert(other.hashes_.begin(), other.hashes_.end()); }
  CircuitIdentities union_with(const CircuitIdentities& other) const {
    CircuitIdentities out = *this;
    out.extend(other);
    return out;
  }
  CircuitIdentities intersection_with(const CircuitIdentities& other) const {
    CircuitIdentities out;
    for (const Hash& hash : hashes_)
      if (other.contains(hash)) out.insert(hash);
    return out;
  }
  bool operator==(const CircuitIdentities&) const = default;

 private:
  std::unordered_set<Hash> hashes_;
};

}  // namespace pycircuit
