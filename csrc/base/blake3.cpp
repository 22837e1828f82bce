// BLAKE3: compression of one block, of many chunks side by side, and the tree over chunks.
//
// One block is compressed with the four rows of the state in four 4-lane vectors. Whole chunks (and the parents of a level) are compressed
// side by side, one per lane of 8- or 16-lane vectors. Vectors are GCC vector extensions, so the same text serves every machine; on
// x86-64 it is compiled for several instruction sets and the best one is chosen at run time.
#include "base/blake3.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/uuid.h"

// Functions that pass wide vectors are always inlined, so no calling convention is involved.
#pragma GCC diagnostic ignored "-Wpsabi"

#define PYCIRCUIT_INLINE inline __attribute__((always_inline))

namespace pycircuit {
namespace {

using Value = std::array<uint32_t, 8>;

constexpr size_t kBlock = 64;
constexpr size_t kChunkBytes = 1024;
constexpr size_t kBlocksPerChunk = kChunkBytes / kBlock;
constexpr size_t kSubtreeChunks = 64;  // hashed at once where the input is long

constexpr uint32_t kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8;

constexpr Value kIv = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

constexpr std::array<int, 16> kPermutation = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

constexpr auto kSchedule = [] {
  std::array<std::array<int, 16>, 7> schedule{};
  for (int i = 0; i < 16; ++i) schedule[0][static_cast<size_t>(i)] = i;
  for (size_t round = 1; round < 7; ++round) {
    for (size_t i = 0; i < 16; ++i) schedule[round][i] = schedule[round - 1][static_cast<size_t>(kPermutation[i])];
  }
  return schedule;
}();

template <class Vector>
PYCIRCUIT_INLINE Vector rotate_right(const Vector& x, int bits) {
  return (x >> bits) | (x << (32 - bits));
}

template <class Vector>
PYCIRCUIT_INLINE Vector load(const void* from) {
  Vector out;
  std::memcpy(&out, from, sizeof(Vector));
  return out;
}

// --- one block

using Row = uint32_t __attribute__((vector_size(16)));

PYCIRCUIT_INLINE void mix(Row& a, Row& b, Row& c, Row& d, Row x, Row y) {
  a += b + x;
  d = rotate_right(d ^ a, 16);
  c += d;
  b = rotate_right(b ^ c, 12);
  a += b + y;
  d = rotate_right(d ^ a, 8);
  c += d;
  b = rotate_right(b ^ c, 7);
}

// The state after the seven rounds; the first half is the new chaining value.
PYCIRCUIT_INLINE void compress_rows(uint32_t* value, const uint8_t* block, uint32_t block_size, uint64_t counter, uint32_t flags) {
  const Row m0 = load<Row>(block), m1 = load<Row>(block + 16), m2 = load<Row>(block + 32), m3 = load<Row>(block + 48);
  // Words of the columns' halves and of the diagonals' halves.
  Row even = __builtin_shuffle(m0, m1, Row{0, 2, 4, 6}), odd = __builtin_shuffle(m0, m1, Row{1, 3, 5, 7});
  Row high_even = __builtin_shuffle(m2, m3, Row{0, 2, 4, 6}), high_odd = __builtin_shuffle(m2, m3, Row{1, 3, 5, 7});
  Row a = load<Row>(value), b = load<Row>(value + 4);
  Row c = {kIv[0], kIv[1], kIv[2], kIv[3]};
  Row d = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), block_size, flags};
  for (int round = 0; round < 7; ++round) {
    mix(a, b, c, d, even, odd);
    b = __builtin_shuffle(b, Row{1, 2, 3, 0});
    c = __builtin_shuffle(c, Row{2, 3, 0, 1});
    d = __builtin_shuffle(d, Row{3, 0, 1, 2});
    mix(a, b, c, d, high_even, high_odd);
    b = __builtin_shuffle(b, Row{3, 0, 1, 2});
    c = __builtin_shuffle(c, Row{2, 3, 0, 1});
    d = __builtin_shuffle(d, Row{1, 2, 3, 0});
    // The message permutation, for words held as (0 2 4 6), (1 3 5 7), (8 10 12 14), (9 11 13 15).
    const Row next_even = __builtin_shuffle(even, odd, Row{1, 5, 7, 2});
    const Row odd_part = __builtin_shuffle(even, high_even, Row{3, 5, 0, 0});
    const Row next_odd = __builtin_shuffle(odd_part, high_odd, Row{0, 1, 2, 6});
    const Row high_even_part = __builtin_shuffle(odd, high_even, Row{0, 6, 0, 0});
    const Row next_high_even = __builtin_shuffle(high_even_part, high_odd, Row{0, 1, 4, 7});
    const Row high_odd_part = __builtin_shuffle(high_odd, odd, Row{1, 6, 0, 0});
    const Row next_high_odd = __builtin_shuffle(high_odd_part, high_even, Row{0, 1, 7, 4});
    even = next_even;
    odd = next_odd;
    high_even = next_high_even;
    high_odd = next_high_odd;
  }
  a ^= c;
  b ^= d;
  std::memcpy(value, &a, 16);
  std::memcpy(value + 4, &b, 16);
}

// --- many inputs side by side

template <size_t N>
struct Lanes;
template <>
struct Lanes<4> {
  using Vector = uint32_t __attribute__((vector_size(16)));
};
template <>
struct Lanes<8> {
  using Vector = uint32_t __attribute__((vector_size(32)));
};
template <>
struct Lanes<16> {
  using Vector = uint32_t __attribute__((vector_size(64)));
};

template <size_t N>
struct Wide {
  using Vector = typename Lanes<N>::Vector;
  using Inputs = const uint8_t* const*;

  // Swaps the off-diagonal kStep x kStep squares of rows a, b.
  template <size_t kStep, size_t... kLanes>
  static PYCIRCUIT_INLINE void exchange(Vector& a, Vector& b, std::index_sequence<kLanes...>) {
    const Vector first = __builtin_shuffle(a, b, Vector{static_cast<uint32_t>(kLanes & kStep ? N + kLanes - kStep : kLanes)...});
    b = __builtin_shuffle(a, b, Vector{static_cast<uint32_t>(kLanes & kStep ? N + kLanes : kLanes + kStep)...});
    a = first;
  }

  template <size_t kStep>
  static PYCIRCUIT_INLINE void transpose(Vector* rows) {
    if constexpr (kStep < N) {
#pragma GCC unroll 16
      for (size_t i = 0; i < N; ++i) {
        if ((i & kStep) == 0) exchange<kStep>(rows[i], rows[i + kStep], std::make_index_sequence<N>());
      }
      transpose<2 * kStep>(rows);
    }
  }

  // Message words of one block of each input: word w of input i goes to lane i of words[w].
  static PYCIRCUIT_INLINE void load_words(Vector* words, Inputs inputs, size_t offset) {
#pragma GCC unroll 4
    for (size_t part = 0; part < 16; part += N) {
#pragma GCC unroll 16
      for (size_t i = 0; i < N; ++i) words[part + i] = load<Vector>(inputs[i] + offset + part * 4);
      transpose<1>(words + part);
    }
  }

  static PYCIRCUIT_INLINE void mix(Vector& a, Vector& b, Vector& c, Vector& d, const Vector& x, const Vector& y) {
    a += b + x;
    d = rotate_right(d ^ a, 16);
    c += d;
    b = rotate_right(b ^ c, 12);
    a += b + y;
    d = rotate_right(d ^ a, 8);
    c += d;
    b = rotate_right(b ^ c, 7);
  }

  template <size_t kRound>
  static PYCIRCUIT_INLINE void round(Vector* v, const Vector* m) {
    constexpr auto& s = kSchedule[kRound];
    mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
    mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
    mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
    mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
    mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
    mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
    mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
    mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
  }

  // Chaining values of N inputs of `blocks` blocks each. Lane i counts `counter` + i where `counting`, else `counter`.
  static PYCIRCUIT_INLINE void hash(Inputs inputs, size_t blocks, uint64_t counter, bool counting, uint32_t flags, uint32_t first_flags,
                                    uint32_t last_flags, Value* out) {
    Vector value[8], low_counter, high_counter;
    for (size_t lane = 0; lane < N; ++lane) {
      const uint64_t lane_counter = counter + (counting ? lane : 0);
      low_counter[lane] = static_cast<uint32_t>(lane_counter);
      high_counter[lane] = static_cast<uint32_t>(lane_counter >> 32);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; ++i) value[i] = Vector{} + kIv[i];
    for (size_t block = 0; block < blocks; ++block) {
      const uint32_t block_flags = flags | (block == 0 ? first_flags : 0) | (block + 1 == blocks ? last_flags : 0);
      Vector m[16];
      load_words(m, inputs, block * kBlock);
      constexpr Vector kZero{};
      Vector v[16] = {value[0],           value[1],       value[2],    value[3],       value[4],
                      value[5],           value[6],       value[7],    kZero + kIv[0], kZero + kIv[1],
                      kZero + kIv[2],     kZero + kIv[3], low_counter, high_counter,   kZero + static_cast<uint32_t>(kBlock),
                      kZero + block_flags};
      round<0>(v, m);
      round<1>(v, m);
      round<2>(v, m);
      round<3>(v, m);
      round<4>(v, m);
      round<5>(v, m);
      round<6>(v, m);
#pragma GCC unroll 8
      for (size_t i = 0; i < 8; ++i) value[i] = v[i] ^ v[i + 8];
    }
    for (size_t lane = 0; lane < N; ++lane) {
      for (size_t i = 0; i < 8; ++i) out[lane][i] = value[i][lane];
    }
  }
};

// --- choice of the instruction set

constexpr size_t kMaxLanes = 16;

using CompressFunction = void (*)(uint32_t*, const uint8_t*, uint32_t, uint64_t, uint32_t);
using WideFunction = void (*)(const uint8_t* const*, size_t, uint64_t, bool, uint32_t, uint32_t, uint32_t, Value*);

struct Kernels {
  CompressFunction compress;
  WideFunction wide;
  size_t lanes;
};

#define PYCIRCUIT_KERNELS(suffix, lanes, attribute)                                                                                \
  attribute void compress_##suffix(uint32_t* value, const uint8_t* block, uint32_t block_size, uint64_t counter, uint32_t flags) { \
    compress_rows(value, block, block_size, counter, flags);                                                                       \
  }                                                                                                                                \
  attribute void wide_##suffix(const uint8_t* const* inputs, size_t blocks, uint64_t counter, bool counting, uint32_t flags,       \
                               uint32_t first, uint32_t last, Value* out) {                                                        \
    Wide<lanes>::hash(inputs, blocks, counter, counting, flags, first, last, out);                                                 \
  }                                                                                                                                \
  constexpr Kernels k_##suffix = {compress_##suffix, wide_##suffix, lanes};

PYCIRCUIT_KERNELS(portable, 4, )
#ifdef __x86_64__
PYCIRCUIT_KERNELS(sse41, 4, __attribute__((target("sse4.1"))))
PYCIRCUIT_KERNELS(avx2, 8, __attribute__((target("avx2"))))
PYCIRCUIT_KERNELS(avx512, 16, __attribute__((target("avx512f,avx512vl,avx512bw,prefer-vector-width=512"))))
#endif
#undef PYCIRCUIT_KERNELS

Kernels choose_kernels() {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) return k_avx512;
  if (__builtin_cpu_supports("avx2")) return k_avx2;
  if (__builtin_cpu_supports("sse4.1")) return k_sse41;
#endif
  return k_portable;
}

const Kernels& kernels() {
  static const Kernels chosen = choose_kernels();
  return chosen;
}

// --- subtrees

// Chaining values of `count` inputs; counters as in Wide::hash.
void hash_inputs(const uint8_t* const* inputs, size_t count, size_t blocks, uint64_t counter, bool counting, uint32_t flags,
                 uint32_t first_flags, uint32_t last_flags, Value* out) {
  const Kernels& k = kernels();
  while (count >= k.lanes) {
    k.wide(inputs, blocks, counter, counting, flags, first_flags, last_flags, out);
    inputs += k.lanes;
    out += k.lanes;
    count -= k.lanes;
    if (counting) counter += k.lanes;
  }
  if (count > 2) {  // cheaper with idle lanes than one by one
    const uint8_t* padded[kMaxLanes];
    Value values[kMaxLanes];
    for (size_t i = 0; i < k.lanes; ++i) padded[i] = inputs[std::min(i, count - 1)];
    k.wide(padded, blocks, counter, counting, flags, first_flags, last_flags, values);
    std::copy_n(values, count, out);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    Value value = kIv;
    for (size_t block = 0; block < blocks; ++block) {
      const uint32_t block_flags = flags | (block == 0 ? first_flags : 0) | (block + 1 == blocks ? last_flags : 0);
      k.compress(value.data(), inputs[i] + block * kBlock, kBlock, counter + (counting ? i : 0), block_flags);
    }
    out[i] = value;
  }
}

Value parent_value(const Value& left, const Value& right, uint32_t flags) {
  static_assert(std::endian::native == std::endian::little, "words are read and written in memory order");
  Value both[2] = {left, right};
  Value value = kIv;
  kernels().compress(value.data(), reinterpret_cast<const uint8_t*>(both), kBlock, 0, kParent | flags);
  return value;
}

// Chaining value of a subtree of `chunks` (a power of two, at most kSubtreeChunks) full chunks.
Value small_subtree_value(const uint8_t* data, size_t chunks, uint64_t chunk_index) {
  const uint8_t* inputs[kSubtreeChunks] = {};
  Value values[kSubtreeChunks];
  for (size_t i = 0; i < chunks; ++i) inputs[i] = data + i * kChunkBytes;
  hash_inputs(inputs, chunks, kBlocksPerChunk, chunk_index, true, 0, kChunkStart, kChunkEnd, values);
  for (size_t count = chunks; count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; ++i) inputs[i] = reinterpret_cast<const uint8_t*>(values + 2 * i);
    Value parents[kSubtreeChunks / 2];
    hash_inputs(inputs, count / 2, 1, 0, false, kParent, 0, 0, parents);
    std::copy_n(parents, count / 2, values);
  }
  return values[0];
}

constexpr size_t kTaskChunks = 1024;  // one unit of work of a thread

// Chaining value of a subtree of kTaskChunks full chunks.
Value task_value(const uint8_t* data, uint64_t chunk_index) {
  constexpr size_t kParts = kTaskChunks / kSubtreeChunks;
  Value values[kParts];
  for (size_t i = 0; i < kParts; ++i) {
    values[i] = small_subtree_value(data + i * kSubtreeChunks * kChunkBytes, kSubtreeChunks, chunk_index + i * kSubtreeChunks);
  }
  for (size_t count = kParts; count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; ++i) values[i] = parent_value(values[2 * i], values[2 * i + 1], 0);
  }
  return values[0];
}

// Values of `tasks` consecutive task subtrees, by as many threads as are worth starting.
std::vector<Value> task_values(const uint8_t* data, size_t tasks, uint64_t chunk_index) {
  constexpr size_t kMaxThreads = 32;
  std::vector<Value> values(tasks);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
      values[i] = task_value(data + i * kTaskChunks * kChunkBytes, chunk_index + i * kTaskChunks);
    }
  };
  const size_t threads = std::min({static_cast<size_t>(std::max(1u, std::thread::hardware_concurrency())), kMaxThreads, tasks});
  std::vector<std::thread> helpers;
  helpers.reserve(threads - 1);
  try {
    while (helpers.size() + 1 < threads) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // The system has no more threads to give; those there are do all the work.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  return values;
}

}  // namespace

uint64_t Hash::first_u64() const {
  uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string to_hex(const Hash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const uint8_t byte : hash.bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<Hash> hash_from_hex(std::string_view hex) {
  Hash hash;
  if (hex.size() != 2 * hash.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < hash.bytes.size(); ++i) {
    const int high = uuid_detail::hex_value(hex[2 * i]);
    const int low = uuid_detail::hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return hash;
}

Blake3::Blake3() : chunk_value_(kIv) {}

void Blake3::compress_block_of_chunk() {
  const uint32_t flags = blocks_compressed_ == 0 ? kChunkStart : 0;
  kernels().compress(chunk_value_.data(), block_.data(), kBlock, chunk_index_, flags);
  ++blocks_compressed_;
  block_size_ = 0;
}

void Blake3::push_subtree(ChainingValue value, uint64_t chunks) {
  chunk_index_ += chunks;
  // Every completed pair of equal subtrees becomes a parent; more input follows, so none of them is the root.
  for (uint64_t subtrees = chunk_index_ / chunks; (subtrees & 1) == 0; subtrees /= 2) value = parent_value(stack_[--depth_], value, 0);
  stack_[depth_++] = value;
}

void Blake3::close_chunk() {
  const uint32_t flags = kChunkEnd | (blocks_compressed_ == 0 ? kChunkStart : 0);
  kernels().compress(chunk_value_.data(), block_.data(), kBlock, chunk_index_, flags);
  push_subtree(chunk_value_, 1);
  chunk_value_ = kIv;
  block_size_ = 0;
  blocks_compressed_ = 0;
}

void Blake3::update(const void* data, size_t size) {
  const uint8_t* from = static_cast<const uint8_t*>(data);
  while (size > 0) {
    if (block_size_ == kBlock) {
      // More input follows this block.
      if (blocks_compressed_ + size_t{1} == kBlocksPerChunk) {
        close_chunk();
      } else {
        compress_block_of_chunk();
      }
    }
    const bool at_chunk_start = block_size_ == 0 && blocks_compressed_ == 0;
    if (at_chunk_start && size > 2 * kChunkBytes) {
      // The largest aligned subtree after which there is more input.
      size_t chunks = std::min(kSubtreeChunks, std::bit_floor((size - 1) / kChunkBytes));
      if (chunk_index_ != 0) chunks = static_cast<size_t>(std::min<uint64_t>(chunks, chunk_index_ & -chunk_index_));
      push_subtree(small_subtree_value(from, chunks, chunk_index_), chunks);
      from += chunks * kChunkBytes;
      size -= chunks * kChunkBytes;
      continue;
    }
    const size_t taken = std::min(size, kBlock - block_size_);
    std::memcpy(block_.data() + block_size_, from, taken);
    block_size_ = static_cast<uint8_t>(block_size_ + taken);
    from += taken;
    size -= taken;
  }
}

void Blake3::update_u64(uint64_t value) { update(&value, sizeof value); }

void Blake3::update_byte(uint8_t value) { update(&value, 1); }

Hash Blake3::finish() const {
  std::array<uint8_t, kBlock> last{};
  std::memcpy(last.data(), block_.data(), block_size_);
  const uint32_t flags = kChunkEnd | (blocks_compressed_ == 0 ? kChunkStart : 0) | (depth_ == 0 ? kRoot : 0);
  Value value = chunk_value_;
  kernels().compress(value.data(), last.data(), block_size_, chunk_index_, flags);
  for (size_t i = depth_; i-- > 0;) value = parent_value(stack_[i], value, i == 0 ? kRoot : 0);
  Hash hash;
  std::memcpy(hash.bytes.data(), value.data(), hash.bytes.size());
  return hash;
}

void Blake3::update_threaded(const void* data, size_t size) {
  constexpr size_t kTaskBytes = kTaskChunks * kChunkBytes;
  const uint8_t* from = static_cast<const uint8_t*>(data);
  // Up to the next boundary of a task subtree in the hashed stream.
  const uint64_t position = chunk_index_ * kChunkBytes + blocks_compressed_ * kBlock + block_size_;
  const size_t head = static_cast<size_t>((kTaskBytes - position % kTaskBytes) % kTaskBytes);
  if (size < head + 2 * kTaskBytes) return update(data, size);
  update(from, head);
  from += head;
  size -= head;
  if (block_size_ == kBlock) close_chunk();  // more input follows
  const size_t tasks = (size - 1) / kTaskBytes;
  for (const Value& value : task_values(from, tasks, chunk_index_)) push_subtree(value, kTaskChunks);
  update(from + tasks * kTaskBytes, size - tasks * kTaskBytes);
}

Hash blake3_parallel(std::string_view prefix, const void* data, size_t size) {
  Blake3 hasher;
  hasher.update(prefix);
  hasher.update_threaded(data, size);
  return hasher.finish();
}

Hash blake3(const void* data, size_t size) {
  Blake3 hasher;
  hasher.update(data, size);
  return hasher.finish();
}

}  // namespace pycircuit
