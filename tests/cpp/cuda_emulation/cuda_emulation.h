// Host functions in place of csrc/kernels/cuda/device.cuh: the attention kernels compile as plain C++ and run here without a GPU.
//
// The threads of a block are fibers that run until they meet a barrier or a warp-wide operation. Fragments lie in registers as the PTX ISA
// documents them (ldmatrix; mma.m16n8k16). The emulation is stricter than a device: shared memory starts out as NaN, addresses of matrix
// loads and copies are checked for alignment and range, bank conflicts of matrix loads are counted, threads that can never go on are an
// error, and background copies land either at once or as late as they may.
#pragma once

#ifndef PYCIRCUIT_CUDA_EMULATION
#define PYCIRCUIT_CUDA_EMULATION
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>

#include "kernels/cuda/elements.cuh"

#define PYCIRCUIT_DEVICE inline
#define PYCIRCUIT_HOST_DEVICE inline
#define PYCIRCUIT_KERNEL(threads) void
#define PYCIRCUIT_GRID_CONSTANT const

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};

namespace pycircuit::kernels {

namespace emulation {

// In which order warps run that could all go on, and when background copies land.
enum class WarpOrder { ascending, descending, random };
struct Policy {
  WarpOrder warps = WarpOrder::ascending;
  bool copies_land_late = true;
  uint64_t seed = 1;
};
inline Policy policy;

// Matrix loads whose rows fell into the same banks, since the start.
inline int64_t bank_conflicts = 0;

// Of the running thread and block.
struct Position {
  int thread = 0;
  int64_t block = 0;
  char* shared = nullptr;
  size_t shared_bytes = 0;
};
inline Position position;

// Stops the calling fiber until all threads of its warp (block) have called with their `input`; `combine` runs once, on the inputs of all,
// and fills the outputs. Inputs and outputs are at most kSlotBytes.
constexpr size_t kSlotBytes = 64;
struct Slots {
  alignas(16) char bytes[32][kSlotBytes];
};
using Combine = void (*)(const Slots& inputs, Slots& outputs);
const char* meet_warp(const void* input, size_t bytes, Combine combine);
bool meet_block(bool value);

void check(bool condition, const char* what);
void check_shared(const void* address, size_t bytes);

void copy_start(void* target, const void* source, bool valid);
void copy_commit();
void copy_wait(int pending);

// Runs `kernel` for every block.
void run_blocks(int64_t blocks, int threads, size_t shared_bytes, const std::function<void()>& kernel);

float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);

template <class Output, class Input>
Output warp_operation(const Input& input, Combine combine) {
  static_assert(sizeof(Input) <= kSlotBytes && sizeof(Output) <= kSlotBytes);
  Output output;
  std::memcpy(&output, meet_warp(&input, sizeof(Input), combine), sizeof(Output));
  return output;
}

}  // namespace emulation

// --- Blocks and warps

inline int thread_index() { return emulation::position.thread; }
inline int64_t block_index() { return emulation::position.block; }
inline char* dynamic_shared() { return emulation::position.shared; }

inline void sync_block() { emulation::meet_block(true); }
inline bool sync_block_and(bool value) { return emulation::meet_block(value); }
inline void sync_warp() {
  emulation::meet_warp(nullptr, 0, [](const emulation::Slots&, emulation::Slots&) {});
}

bool warp_any(bool value);
float shuffle_xor(float value, int lanes);

// --- Numbers

inline float infinity() { return std::numeric_limits<float>::infinity(); }
inline float multiply_rounded(float x, float y) { return x * y; }
inline float exp2_approx(float x) {
  float result = std::exp2(x);
  return result < std::numeric_limits<float>::min() ? 0.0f : result;
}
inline float exp_accurate(float x) { return std::exp(x); }

inline float to_float(float value) { return value; }
inline float to_float(Half value) { return emulation::half_to_float(value.bits); }
inline float to_float(Bfloat16 value) {
  uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

inline float from_float(float value, float) { return value; }
inline Half from_float(float value, Half) { return {emulation::float_to_half(value)}; }
inline Bfloat16 from_float(float value, Bfloat16) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (value != value) return {0x7fff};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <class Element>
uint32_t pack(float low, float high, Element tag) {
  return from_float(low, tag).bits | static_cast<uint32_t>(from_float(high, tag).bits) << 16;
}

// --- Copies from global to shared memory

inline void copy_async_16(void* target, const void* source, bool valid) { emulation::copy_start(target, source, valid); }
inline void copy_async_commit() { emulation::copy_commit(); }
template <int kPending>
void copy_async_wait() {
  emulation::copy_wait(kPending);
}

// --- Tensor cores

void load_matrices(uint32_t (&result)[4], const void* row);
void load_matrices_transposed(uint32_t (&result)[4], const void* row);
void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Half);
void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Bfloat16);

// --- Launching

// Few, so that test problems have more blocks than that.
inline int multiprocessor_count() { return 2; }

template <class Params>
const char* launch(void (*kernel)(const Params), int64_t blocks, int threads, size_t shared_bytes, const Params& params, void*) {
  emulation::run_blocks(blocks, threads, shared_bytes, [&] { kernel(params); });
  return nullptr;
}

}  // namespace pycircuit::kernels

#include "hopper_emulation.h"
