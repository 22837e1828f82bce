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

struct Shard {
  std::mutex mutex;
  std::vector<const Node*> slots = std::vector<const Node*>(64, nullptr);
  size_t used = 0;  // nodes and tombstones
  size_t live = 0;

  // Calls visit(slot) for every node of that hash; stops when it returns true. Returns the first free slot of the probe sequence.
  template <class Visit>
  const Node** probe(const Hash& hash, Visit&& visit) {
    const size_t mask = slots.size() - 1;
    const Node** free_slot = nullptr;
    for (size_t i = word(hash, 1) & mask;; i = (i + 1) & mask) {
      const Node*& slot = slots[i];
      if (!slot) return free_slot ? free_slot : &slot;
      if (slot == kTombstone) {
        if (!free_slot) free_slot = &slot;
      } else if (slot->hash() == hash && visit(slot)) {
        return &slot;
      }
    }
  }

  void grow_if_full() {
    if (used * 2 < slots.size()) return;
    std::vector<const Node*> old(live * 4 > slots.size() ? slots.size() * 2 : slots.size(), nullptr);
    old.swap(slots);
    used = live;
    for (const Node* node : old)
      if (node && node != kTombstone) *probe(node->hash(), [](const Node*) { return false; }) = node;
  }
};

// Never destroyed: nodes may outlive static destruction.
Shard& shard_of(const Hash& hash) {
  static auto& shards = *new std::array<Shard, kShards>;
  return shards[word(hash, 0) % kShards];
}

}  // namespace

NodePtr InternTable::find(const Node& candidate) {
  Shard& shard = shard_of(candidate.hash_);
  const Node* found = nullptr;
  const std::lock_guard lock(shard.mutex);
  shard.probe(candidate.hash_, [&](const Node* node) {
    if (node->children_ != candidate.children_ || !node->same_payload(candidate)) return false;
    // A count of zero means that the node is being freed by another thread.
    for (uint32_t count = node->count_.load(std::memory_order_relaxed); count != 0;)
      if (node->count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) {
        found = node;
        return true;
      }
    return false;
  });
  return NodePtr::adopt(found);
}

NodePtr InternTable::find_or_insert(Ref<Node> candidate) {
  if (NodePtr found = find(*candidate)) return found;
  Shard& shard = shard_of(candidate->hash_);
  {
    const std::lock_guard lock(shard.mutex);
    shard.grow_if_full();
    uint64_t id = 0;
    const Node* raced = nullptr;
    const Node** slot = shard.probe(candidate->hash_, [&](const Node* node) {
      id = node->id_;
      if (node->children_ != candidate->children_ || !node->same_payload(*candidate)) return false;
      for (uint32_t count = node->count_.load(std::memory_order_relaxed); count != 0;)
        if (node->count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) {
          raced = node;
          return true;
        }
      return false;
    });
    if (raced) return NodePtr::adopt(raced);
    candidate->id_ = id ? id : next_id.fetch_add(1, std::memory_order_relaxed);
    candidate->interned_ = true;
    if (*slot != kTombstone) ++shard.used;
    *slot = candidate.get();
    ++shard.live;
  }
  return candidate;
}

void InternTable::remove(const Node& node) {
  Shard& shard = shard_of(node.hash_);
  const std::lock_guard lock(shard.mutex);
  const Node** slot = shard.probe(node.hash_, [&](const Node* other) { return other == &node; });
  if (*slot != &node) return;
  *slot = kTombstone;
  --shard.live;
}

uint64_t InternTable::size() {
  uint64_t total = 0;
  for (size_t i = 0; i < kShards; ++i) {
    Hash hash{};
    hash.bytes[0] = static_cast<uint8_t>(i);
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    total += shard.live;
  }
  return total;
}

}  // namespace pycircuit
