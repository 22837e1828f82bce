// A bounded, thread-safe table that forgets what was used least recently.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace pycircuit {

template <class Key, class Value, class Hasher = std::hash<Key>>
class LruTable {
 public:
  explicit LruTable(size_t capacity) : capacity_(capacity) {}

  std::optional<Value> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  // Keeps the value that is there already, if any. What is forgotten is released outside the lock: it may call anything.
  void insert(Key key, Value value) {
    Entries dropped;
    const std::lock_guard lock(mutex_);  // declared after `dropped`, so released before it
    if (places_.contains(key)) return;
    entries_.emplace_front(std::move(key), std::move(value));
    places_.emplace(entries_.front().first, entries_.begin());
    if (entries_.size() <= capacity_) return;
    places_.erase(entries_.back().first);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }

  void erase(const Key& key) {
    Entries dropped;
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    dropped.splice(dropped.begin(), entries_, found->second);
    places_.erase(found);
  }

  void clear() {
    Entries dropped;
    const std::lock_guard lock(mutex_);
    places_.clear();
    dropped.swap(entries_);
  }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  std::mutex mutex_;
  const size_t capacity_;
  Entries entries_;  // most recently used first
  std::unordered_map<Key, typename Entries::iterator, Hasher> places_;
};

}  // namespace pycircuit
