// Tables in one block of memory: what a pass over a large circuit looks up and remembers, without an allocation per entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <utility>
#include <vector>

namespace pycircuit {

// Spreads numbers given out in a row.
struct NumberHash {
  size_t operator()(uint64_t number) const noexcept {
    const uint64_t product = number * 0x9e3779b97f4a7c15u;
    return product ^ (product >> 32);
  }
};

// Like std::unordered_map where nothing is erased, except that entries move when it grows, and that `Key{}` is no key.
template <class Key, class Value, class Hash = NumberHash>
class FlatMap {
 public:
  using Entry = std::pair<Key, Value>;

  template <class Place>
  class Iterator {
   public:
    Iterator(Place* at, Place* end) : at_(at), end_(end) { skip(); }
    Place& operator*() const { return *at_; }
    Place* operator->() const { return at_; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void skip() {
      while (at_ != end_ && at_->first == Key{}) ++at_;
    }
    Place *at_, *end_;
  };
  using iterator = Iterator<Entry>;
  using const_iterator = Iterator<const Entry>;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  iterator begin() { return {data(), data() + entries_.size()}; }
  iterator end() { return {data() + entries_.size(), data() + entries_.size()}; }
  const_iterator begin() const { return {data(), data() + entries_.size()}; }
  const_iterator end() const { return {data() + entries_.size(), data() + entries_.size()}; }

  iterator find(const Key& key) {
    Entry* entry = entries_.empty() ? nullptr : &entries_[place_of(key)];
    return entry && entry->first == key ? iterator(entry, data() + entries_.size()) : end();
  }
  const_iterator find(const Key& key) const {
    const Entry* entry = entries_.empty() ? nullptr : &entries_[place_of(key)];
    return entry && entry->first == key ? const_iterator(entry, data() + entries_.size()) : end();
  }
  bool contains(const Key& key) const { return find(key) != end(); }
  Value& at(const Key& key) { return checked(find(key), end())->second; }
  const Value& at(const Key& key) const { return checked(find(key), end())->second; }

  // Nothing changes where the key is there already.
  template <class... Arguments>
  std::pair<iterator, bool> emplace(const Key& key, Arguments&&... arguments) {
    reserve(size_ + 1);
    Entry& entry = entries_[place_of(key)];
    const bool fresh = entry.first == Key{};
    if (fresh) {
      entry.second = Value(std::forward<Arguments>(arguments)...);
      entry.first = key;
      ++size_;
    }
    return {iterator(&entry, data() + entries_.size()), fresh};
  }
  Value& operator[](const Key& key) { return emplace(key).first->second; }

  void reserve(size_t size) {
    if (size * 8 <= entries_.size() * 5) return;
    size_t places = entries_.empty() ? 16 : entries_.size() * 2;
    while (size * 8 > places * 5) places *= 2;
    std::vector<Entry> old(places);
    old.swap(entries_);
    for (Entry& entry : old)
      if (!(entry.first == Key{})) entries_[place_of(entry.first)] = std::move(entry);
  }

 private:
  template <class Found>
  static Found checked(Found found, Found end) {
    if (found == end) throw std::out_of_range("FlatMap::at");
    return found;
  }
  Entry* data() { return entries_.data(); }
  const Entry* data() const { return entries_.data(); }
  // Of the key, or free for it.
  size_t place_of(const Key& key) const {
    const size_t mask = entries_.size() - 1;
    size_t place = Hash()(key) & mask;
    while (!(entries_[place].first == key) && !(entries_[place].first == Key{})) place = (place + 1) & mask;
    return place;
  }

  std::vector<Entry> entries_;  // a power of two, at most five eighths full
  size_t size_ = 0;
};

// Like std::unordered_set where nothing is erased; 0 is no member.
class NumberSet {
 public:
  NumberSet() = default;
  NumberSet(std::initializer_list<uint64_t> numbers) {
    for (const uint64_t number : numbers) insert(number);
  }
  // Whether it is new.
  bool insert(uint64_t number) { return members_.emplace(number).second; }
  bool contains(uint64_t number) const { return members_.contains(number); }
  size_t size() const { return members_.size(); }

 private:
  struct Nothing {};
  FlatMap<uint64_t, Nothing> members_;
};

}  // namespace pycircuit
