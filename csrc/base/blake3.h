// BLAKE3 in hash mode (spec 02, sections 3 and 8): node identities and content keys of tensors.
//
// Written from the BLAKE3 specification (https://github.com/BLAKE3-team/BLAKE3-specs). Results are the first 32 output bytes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pycircuit {

// A 32-byte hash value. Ordered by its bytes.
struct Hash {
  std::array<uint8_t, 32> bytes{};

  friend bool operator==(const Hash&, const Hash&) = default;
  friend auto operator<=>(const Hash&, const Hash&) = default;
  // The first 8 bytes as a little-endian number: a ready-made hash-table key, and the source of default seeds.
  uint64_t first_u64() const;
};

// Lower-case hex, 64 digits.
std::string to_hex(const Hash& hash);
// The inverse; upper case is accepted; nothing unless `hex` is exactly 64 hex digits.
std::optional<Hash> hash_from_hex(std::string_view hex);

// Incremental hasher on the calling thread. `finish` does not change the state: more may be added afterwards.
class Blake3 {
 public:
  Blake3();
  void update(const void* data, size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  void update(const Hash& hash) { update(hash.bytes.data(), hash.bytes.size()); }
  void update_u64(uint64_t value);  // 8 bytes, little-endian
  void update_byte(uint8_t value);
  // As `update`, with several threads where the buffer is large (some MiB).
  void update_threaded(const void* data, size_t size);
  Hash finish() const;

 private:
  static constexpr size_t kMaxDepth = 54;  // a tree over 2**64 bytes of 1024-byte chunks
  using ChainingValue = std::array<uint32_t, 8>;

  void push_subtree(ChainingValue value, uint64_t chunks);
  void close_chunk();
  void compress_block_of_chunk();

  ChainingValue chunk_value_;      // chaining value within the current chunk
  uint64_t chunk_index_ = 0;       // index of the current chunk
  std::array<uint8_t, 64> block_;  // bytes of the current block
  uint8_t block_size_ = 0;
  uint8_t blocks_compressed_ = 0;               // of the current chunk
  uint8_t depth_ = 0;                           // entries used in stack_
  std::array<ChainingValue, kMaxDepth> stack_;  // finished subtrees, largest first; left uninitialised above depth_
};

// The hash of `prefix` followed by the `size` bytes at `data`: the same value as two updates of a Blake3. Large buffers are hashed by
// several threads at memory bandwidth.
Hash blake3_parallel(std::string_view prefix, const void* data, size_t size);
// One call for a buffer at hand.
Hash blake3(const void* data, size_t size);
inline Hash blake3(std::string_view bytes) { return blake3(bytes.data(), bytes.size()); }

}  // namespace pycircuit

template <>
struct std::hash<pycircuit::Hash> {
  size_t operator()(const pycircuit::Hash& hash) const noexcept { return static_cast<size_t>(hash.first_u64()); }
};
