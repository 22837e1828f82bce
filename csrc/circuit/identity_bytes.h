// The bytes that say what a node is, in the three forms in which they are needed (spec 02, sections 2 and 3).
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "circuit/node.h"

namespace pycircuit {

class IdentityBytes {
 public:
  enum class Form : uint8_t {
    hash,        // the recipe of section 3: children by their hashes
    numbers,     // children by their numbers: what finds the live node of an identity, without any hash of the recipe
    own_fields,  // children left out (compute_self_hash)
  };
  explicit IdentityBytes(Form form) : form_(form) {}
  IdentityBytes(const IdentityBytes&) = delete;
  IdentityBytes& operator=(const IdentityBytes&) = delete;

  void add(const void* data, size_t size) {
    if (size_ + size > capacity_) grow(size);
    const auto* from = static_cast<const uint8_t*>(data);
    uint8_t* to = data_ + size_;
    size_ += size;
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {  // in line, since most parts are short
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else {
      for (size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }
  void add(std::string_view bytes) { add(bytes.data(), bytes.size()); }
  void add(const Hash& hash) { add(hash.bytes.data(), hash.bytes.size()); }
  void add_byte(uint8_t value) { add(&value, 1); }
  void add_u64(uint64_t value) { add(&value, sizeof value); }
  void add_sizes(const Shape& shape) {
    for (const Size size : shape) add_u64(static_cast<uint64_t>(size));
  }
  // The length of a list that follows. The recipe has none: there the children's hashes keep lists apart.
  void add_length(size_t length) {
    if (form_ != Form::hash) add_u64(length);
  }
  // A part that enters the recipe by its own hash.
  void add_part(std::string_view bytes) {
    if (form_ != Form::numbers) return add(blake3(bytes));
    add_length(bytes.size());
    add(bytes);
  }
  void add_child(const Node& child) {
    if (form_ != Form::own_fields) add_node(child);
  }
  void add_children(const NodePtrs& children) {
    for (const auto& child : children) add_child(*child);
  }
  // A node that is a field.
  void add_node(const Node& node) { form_ == Form::numbers ? add_u64(node.id()) : add(node.hash()); }

  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  void grow(size_t needed) {
    const size_t capacity = std::max(2 * capacity_, size_ + needed);
    std::unique_ptr<uint8_t[]> larger(new uint8_t[capacity]);
    std::memcpy(larger.get(), data_, size_);
    heap_ = std::move(larger);
    data_ = heap_.get();
    capacity_ = capacity;
  }

  static constexpr size_t kInline = 256;
  uint8_t inline_[kInline];
  std::unique_ptr<uint8_t[]> heap_;
  uint8_t* data_ = inline_;
  size_t size_ = 0, capacity_ = kInline;
  Form form_;
};

}  // namespace pycircuit
