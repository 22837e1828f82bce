// Pairs of numbers, such as (node, state), numbered in order of insertion.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace pycircuit {

class PairTable {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  // The pair's number and whether it is new. `a` must not be 0.
  std::pair<uint32_t, bool> insert(uint64_t a, uint64_t b) {
    if (size_ * 2 >= slots_.size()) grow();
    Slot& slot = probe(a, b);
    if (slot.a) return {slot.number, false};
    slot = {a, b, size_};
    return {size_++, true};
  }
  uint32_t find(uint64_t a, uint64_t b) const {
    if (slots_.empty()) return kNone;
    const Slot& slot = const_cast<PairTable*>(this)->probe(a, b);
    return slot.a ? slot.number : kNone;
  }
  uint32_t size() const { return size_; }

 private:
  struct Slot {
    uint64_t a = 0, b = 0;
    uint32_t number = 0;
  };

  Slot& probe(uint64_t a, uint64_t b) {
    const size_t mask = slots_.size() - 1;
    uint64_t mixed = (a * 0x9e3779b97f4a7c15u) ^ (b * 0xc2b2ae3d27d4eb4fu);
    mixed ^= mixed >> 29;
    for (size_t i = mixed & mask;; i = (i + 1) & mask)
      if (Slot& slot = slots_[i]; !slot.a || (slot.a == a && slot.b == b)) return slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 128 : slots_.size() * 4);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.a) probe(slot.a, slot.b) = slot;
  }

  std::vector<Slot> slots_;
  uint32_t size_ = 0;
};

}  // namespace pycircuit
