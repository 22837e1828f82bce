// Host functions in place of csrc/kernels/cuda/hopper_device.cuh: tensor copies, mbarriers and wgmma as the PTX ISA documents them.
//
// Copies and products are under way until somebody waits for them: a product runs when its warpgroup waits for it (or at once), a copy
// lands at once or when no thread can go on otherwise.
#pragma once

#include "cuda_emulation.h"

#define PYCIRCUIT_HOPPER_CODE
#define PYCIRCUIT_SOLE_KERNEL(threads) void

namespace pycircuit::kernels {

// Strides in bytes; see make_tensor_map.
struct TensorMap {
  const char* data = nullptr;
  uint64_t sizes[5];
  uint64_t strides[4];
  uint32_t box_rows = 0;
};

namespace emulation {

// Lies in the 8 bytes of a barrier in shared memory.
struct Barrier {
  uint64_t expected_arrivals : 8, arrivals : 8, parity : 1;  // of the phase under way
  int64_t bytes : 24;                                        // announced less arrived
};
static_assert(sizeof(Barrier) == 8);

void copy_box(void* target, const TensorMap& map, const int (&at)[5], uint64_t* barrier);
void wait_barrier(uint64_t* barrier, int parity);
void arrive_barrier(uint64_t* barrier, int64_t bytes);

// One thread's part of a warpgroup product; the accumulators and left registers stay where they are until it has run.
struct Product {
  float* c;
  const uint32_t* a_registers;  // null: `a` describes shared memory
  uint64_t a, b;
  bool accumulate;
  int columns;
  float (*decode)(uint16_t bits);
};
void start_product(const Product& product);
void commit_products();
void wait_products(int pending);
bool meet_warpgroup(bool value = true);  // whether all threads said so

template <class Element>
float decode(uint16_t bits) {
  return to_float(Element{bits});
}

}  // namespace emulation

inline uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(static_cast<const char*>(pointer) - emulation::position.shared);
}

inline void barrier_start(uint64_t* barrier, int arrivals) {
  emulation::check_shared(barrier, 8);
  emulation::Barrier fresh = {static_cast<uint64_t>(arrivals), 0, 0, 0};
  std::memcpy(barrier, &fresh, sizeof(fresh));
}
inline void barriers_started() {}
inline void barrier_arrive(uint64_t* barrier) { emulation::arrive_barrier(barrier, 0); }
inline void barrier_arrive_expecting(uint64_t* barrier, int bytes) { emulation::arrive_barrier(barrier, bytes); }
inline void barrier_wait(uint64_t* barrier, int parity, int) { emulation::wait_barrier(barrier, parity); }

inline void shared_stores_before_copies() {}
inline void copy_tensor(void* target, const TensorMap* map, const int (&at)[5], uint64_t* barrier) {
  emulation::copy_box(target, *map, at, barrier);
}

template <int kRegisters>
void take_registers() {}
template <int kRegisters>
void give_registers() {}
inline void sync_warpgroup(int) { emulation::meet_warpgroup(); }

inline bool sync_warpgroup_and(int, bool value) { return emulation::meet_warpgroup(value); }

template <class Register, int kTiles>
void hold_registers(Register (&)[kTiles][4]) {}
inline void multiply_begin() {}
inline void multiply_commit() { emulation::commit_products(); }
template <int kPending>
void multiply_wait() {
  emulation::wait_products(kPending);
}

inline uint64_t matrix_descriptor(const void* matrix, int leading_bytes, int stride_bytes) {
  uint64_t address = shared_address(matrix) & 0x3ffff;
  return address >> 4 | static_cast<uint64_t>(leading_bytes >> 4) << 16 | static_cast<uint64_t>(stride_bytes >> 4) << 32 |
         uint64_t{1} << 62;
}

template <class Element>
void multiply_shared(float (&c)[16][4], uint64_t a, uint64_t b, bool accumulate, Element) {
  emulation::start_product({c[0], nullptr, a, b, accumulate, 128, emulation::decode<Element>});
}
template <int kTiles, class Element>
void multiply_registers(float (&c)[kTiles][4], const uint32_t (&a)[4], uint64_t b, Element) {
  emulation::start_product({c[0], a, 0, b, true, 8 * kTiles, emulation::decode<Element>});
}

inline bool make_tensor_map(TensorMap* map, const void* data, const uint64_t (&sizes)[5], const uint64_t (&strides)[4], uint32_t box_rows) {
  map->data = static_cast<const char*>(data);
  std::memcpy(map->sizes, sizes, sizeof(sizes));
  std::memcpy(map->strides, strides, sizeof(strides));
  map->box_rows = box_rows;
  bool good = reinterpret_cast<uintptr_t>(data) % 16 == 0 && box_rows <= 256;
  for (uint64_t size : sizes) good = good && size > 0 && size <= uint64_t{1} << 32;
  for (uint64_t stride : strides) good = good && stride > 0 && stride % 16 == 0 && stride < uint64_t{1} << 40;
  return good;
}

inline int current_device() { return 0; }
inline bool is_capturing(void*) { return false; }

class Sidetrack {
 public:
  char* allocate(size_t bytes) { return data_ = static_cast<char*>(std::aligned_alloc(256, (bytes + 255) / 256 * 256)); }
  ~Sidetrack() { std::free(data_); }
  void upload(void* target, const void* source, size_t bytes) { std::memcpy(target, source, bytes); }
  void download(void* target, const void* source, size_t bytes) { std::memcpy(target, source, bytes); }
  void* stream() const { return nullptr; }
  bool good() const { return true; }

 private:
  char* data_ = nullptr;
};

}  // namespace pycircuit::kernels
