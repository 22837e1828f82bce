// Sharded open-addressing table of node pointers; the hash sits in the node.
#include "circuit/intern.h"

#include <array>
#include <cstring>
#include <mutex>

namespace pycircuit {
namespace {

constexpr size_t kShards = 64;
std::atomic<uint64_t> next_id{1};

uint64_t word(const Hash& hash, size_t i) {
  uint64_t value;
  std::memcpy(&value, hash.bytes.data() + 8 * i, 8);
  return value;
}

const Node* const kTombstone = reinterpret_cast<const Node*>(alignof(Node));

// The hash word stands beside the pointer, so that probing touches only nodes that match.
struct Slot {
  uint64_t word = 0;
  const Node* node = nullptr;
};

struct Shard {
  std::mutex mutex;
  std::vector<Slot> slots = std::vector<Slot>(64);
  size_t used = 0;  // nodes and tombstones
  size_t live = 0;

  // Calls visit(node) for every node of that hash; stops when it returns true. Returns that slot, or the first free one of the probe
  // sequence.
  template <class Visit>
  Slot* probe(const Hash& hash, Visit&& visit) {
    const size_t mask = slots.size() - 1;
    const uint64_t wanted = word(hash, 1);
    Slot* free_slot = nullptr;
    for (size_t i = wanted & mask;; i = (i + 1) & mask) {
      Slot& slot = slots[i];
      if (!slot.node) return free_slot ? free_slot : &slot;
      if (slot.node == kTombstone) {
        if (!free_slot) free_slot = &slot;
      } else if (slot.word == wanted && slot.node->hash() == hash && visit(slot.node)) {
        return &slot;
      }
    }
  }

  void grow_if_full() {
    if (used * 2 < slots.size()) return;
    std::vector<Slot> old(live * 4 > slots.size() ? slots.size() * 2 : slots.size());
    old.swap(slots);
    used = live;
    for (const Slot& slot : old)
      if (slot.node && slot.node != kTombstone) *probe(slot.node->hash(), [](const Node*) { return false; }) = slot;
  }
};

// Never destroyed: nodes may outlive static destruction.
Shard& shard_of(const Hash& hash) {
  static auto& shards = *new std::array<Shard, kShards>;
  return shards[word(hash, 0) % kShards];
}

}  // namespace

// Takes a count unless it is zero: then another thread is freeing the node.
bool InternTable::try_retain(const Node& node) {
  for (uint32_t count = node.count_.load(std::memory_order_relaxed); count != 0;)
    if (node.count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
  return false;
}

NodePtr InternTable::find(const Node& candidate) {
  Shard& shard = shard_of(candidate.hash_);
  const Node* found = nullptr;
  const std::lock_guard lock(shard.mutex);
  shard.probe(candidate.hash_, [&](const Node* node) {
    if (node->children_ != candidate.children_ || !node->same_payload(candidate) || !try_retain(*node)) return false;
    found = node;
    return true;
  });
  return NodePtr::adopt(found);
}

NodePtr InternTable::find_or_insert(Ref<Node> candidate) {
  Shard& shard = shard_of(candidate->hash_);
  const std::lock_guard lock(shard.mutex);
  shard.grow_if_full();
  uint64_t id = 0;
  const Node* found = nullptr;
  Slot* slot = shard.probe(candidate->hash_, [&](const Node* node) {
    id = node->id_;
    if (node->children_ != candidate->children_ || !node->same_payload(*candidate) || !try_retain(*node)) return false;
    found = node;
    return true;
  });
  if (found) return NodePtr::adopt(found);
  candidate->id_ = id ? id : next_id.fetch_add(1, std::memory_order_relaxed);
  candidate->interned_ = true;
  if (slot->node != kTombstone) ++shard.used;
  *slot = {word(candidate->hash_, 1), candidate.get()};
  ++shard.live;
  return candidate;
}

void InternTable::remove(const Node& node) {
  Shard& shard = shard_of(node.hash_);
  const std::lock_guard lock(shard.mutex);
  Slot* slot = shard.probe(node.hash_, [&](const Node* other) { return other == &node; });
  if (slot->node != &node) return;
  slot->node = kTombstone;
  --shard.live;
}

}  // namespace pycircuit
