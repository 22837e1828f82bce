// Sharded open-addressing table of node pointers.
#include "circuit/intern.h"

#include <array>
#include <mutex>
#include <new>
#include <thread>

#include "base/fast_hash.h"

namespace pycircuit {
namespace {

constexpr size_t kShards = 64, kLeastSlots = 256;
std::atomic<uint64_t> next_id{1};

const Node* const kTombstone = reinterpret_cast<const Node*>(alignof(Node));

// Held for some dozen instructions: cheaper than a mutex, which may sleep.
class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire))
      while (locked_.load(std::memory_order_relaxed)) std::this_thread::yield();
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

// The key's hash stands beside the pointer, so that probing touches only nodes that match.
struct Slot {
  uint64_t hash = 0;
  const Node* node = nullptr;
};

struct alignas(64) Shard {
  SpinLock lock;
  std::vector<Slot> slots = std::vector<Slot>(kLeastSlots);
  size_t used = 0;  // nodes and tombstones
  size_t live = 0;

  // Calls visit(node) for every node of that hash; stops when it returns true. Returns that slot, or the first free one of the probe
  // sequence.
  template <class Visit>
  Slot* probe(uint64_t hash, Visit&& visit) {
    const size_t mask = slots.size() - 1;
    Slot* free_slot = nullptr;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      Slot& slot = slots[i];
      if (!slot.node) return free_slot ? free_slot : &slot;
      if (slot.node == kTombstone) {
        if (!free_slot) free_slot = &slot;
      } else if (slot.hash == hash && visit(slot.node)) {
        return &slot;
      }
    }
  }

  void grow_if_full() {
    if (used * 2 >= slots.size()) resize(live * 4 > slots.size() ? slots.size() * 2 : slots.size());
  }

  // A run of tombstones that ends at an empty slot is no way to anywhere.
  void free(Slot* slot) {
    const size_t mask = slots.size() - 1;
    auto i = static_cast<size_t>(slot - slots.data());
    slot->node = kTombstone;
    --live;
    if (slots[(i + 1) & mask].node) return;
    for (; slots[i].node == kTombstone; i = (i - 1) & mask, --used) slots[i] = {};
  }

  // After many nodes have gone a large table would only make looking up the others miss the caches.
  void shrink_if_empty() noexcept {
    if (slots.size() <= kLeastSlots || live * 16 >= slots.size()) return;
    try {
      resize(slots.size() / 4);
    } catch (const std::bad_alloc&) {  // it stays large
    }
  }

 private:
  void resize(size_t size) {
    std::vector<Slot> old(size);
    old.swap(slots);
    used = live;
    for (const Slot& slot : old)
      if (slot.node && slot.node != kTombstone) *probe(slot.hash, [](const Node*) { return false; }) = slot;
  }
};

// Never destroyed: nodes may outlive static destruction.
Shard& shard_of(uint64_t hash) {
  static auto& shards = *new std::array<Shard, kShards>;
  return shards[hash >> 58];
}
static_assert(kShards == 1 << (64 - 58));

}  // namespace

InternKey::InternKey(const Node& node, bool autoname) : bytes_(IdentityBytes::Form::numbers) {
  node.write_key(bytes_, autoname);
  hash_ = fast_hash(bytes_.view().data(), bytes_.view().size());
}

bool InternKey::is_key_of(const Node& node) const {
  IdentityBytes bytes(IdentityBytes::Form::numbers);
  node.write_key(bytes, node.use_autoname());
  return bytes.view() == bytes_.view();
}

// Whether the node, whose key is the candidate's, can stand for it. Takes a count then, unless it is zero: then another thread is freeing
// the node.
bool InternTable::is_live_twin(const Node& node, const Node& candidate) {
  if (node.children_ != candidate.children_ || !node.same_payload(candidate)) return false;
  for (uint32_t count = node.count_.load(std::memory_order_relaxed); count != 0;)
    if (node.count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
  return false;
}

NodePtr InternTable::find(const Node& candidate, const InternKey& key) {
  Shard& shard = shard_of(key.hash());
  const Node* found = nullptr;
  const std::lock_guard lock(shard.lock);
  shard.probe(key.hash(), [&](const Node* node) {
    if (!key.is_key_of(*node) || !is_live_twin(*node, candidate)) return false;
    found = node;
    return true;
  });
  return NodePtr::adopt(found);
}

NodePtr InternTable::find_or_insert(Ref<Node> candidate, const InternKey& key) {
  Shard& shard = shard_of(key.hash());
  const std::lock_guard lock(shard.lock);
  shard.grow_if_full();
  uint64_t id = 0;
  const Node* found = nullptr;
  Slot* slot = shard.probe(key.hash(), [&](const Node* node) {
    if (!key.is_key_of(*node)) return false;
    id = node->id_;
    if (!is_live_twin(*node, *candidate)) return false;
    found = node;
    return true;
  });
  if (found) return NodePtr::adopt(found);
  candidate->id_ = id ? id : next_id.fetch_add(1, std::memory_order_relaxed);
  candidate->key_hash_ = key.hash();
  if (slot->node != kTombstone) ++shard.used;
  *slot = {key.hash(), candidate.get()};
  ++shard.live;
  return candidate;
}

void InternTable::remove(const Node& node) {
  Shard& shard = shard_of(node.key_hash_);
  const std::lock_guard lock(shard.lock);
  Slot* slot = shard.probe(node.key_hash_, [&](const Node* other) { return other == &node; });
  if (slot->node != &node) return;
  shard.free(slot);
  shard.shrink_if_empty();
}

}  // namespace pycircuit
