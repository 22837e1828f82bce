// What the attention kernels ask of the device: PTX behind small functions, and launching (spec 12, section 12).
// Nothing else of csrc/kernels/cuda/ holds PTX or CUDA calls; tests/cpp/cuda_emulation/ replaces this file by host functions.
#pragma once

#ifndef PYCIRCUIT_CUDA_EMULATION

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/elements.cuh"

#define PYCIRCUIT_DEVICE __device__ __forceinline__
#define PYCIRCUIT_HOST_DEVICE __host__ __device__ __forceinline__
#define PYCIRCUIT_KERNEL(threads) __global__ void __launch_bounds__(threads)
// One block per multiprocessor: warps may exchange registers.
#define PYCIRCUIT_SOLE_KERNEL(threads) __global__ void __launch_bounds__(threads, 1)
#define PYCIRCUIT_GRID_CONSTANT const __grid_constant__

namespace pycircuit::kernels {

// --- Blocks and warps

PYCIRCUIT_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
PYCIRCUIT_DEVICE int64_t block_index() { return blockIdx.x; }

PYCIRCUIT_DEVICE char* dynamic_shared() {
  extern __shared__ __align__(1024) char shared_bytes[];
  return shared_bytes;
}

PYCIRCUIT_DEVICE void sync_block() { __syncthreads(); }
PYCIRCUIT_DEVICE bool sync_block_and(bool value) { return __syncthreads_and(value) != 0; }
PYCIRCUIT_DEVICE void sync_warp() { __syncwarp(); }
PYCIRCUIT_DEVICE bool warp_any(bool value) { return __any_sync(0xffffffffu, value) != 0; }
PYCIRCUIT_DEVICE float shuffle_xor(float value, int lanes) { return __shfl_xor_sync(0xffffffffu, value, lanes); }

// --- Numbers

PYCIRCUIT_DEVICE float infinity() { return __int_as_float(0x7f800000); }

// A product that is never fused with the addition that follows.
PYCIRCUIT_DEVICE float multiply_rounded(float x, float y) { return __fmul_rn(x, y); }

// 2^x; results below the smallest normal number are 0.
PYCIRCUIT_DEVICE float exp2_approx(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

PYCIRCUIT_DEVICE float exp_accurate(float x) { return expf(x); }

PYCIRCUIT_DEVICE float to_float(float value) { return value; }
PYCIRCUIT_DEVICE float to_float(Half value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}
PYCIRCUIT_DEVICE float to_float(Bfloat16 value) { return __uint_as_float(static_cast<uint32_t>(value.bits) << 16); }

// Two elements in one register, `low` first in memory; rounded to nearest even.
PYCIRCUIT_DEVICE uint32_t pack(float low, float high, Half) {
  uint32_t result;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
  return result;
}
PYCIRCUIT_DEVICE uint32_t pack(float low, float high, Bfloat16) {
  uint32_t result;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
  return result;
}

PYCIRCUIT_DEVICE float from_float(float value, float) { return value; }
template <class Element>
PYCIRCUIT_DEVICE Element from_float(float value, Element tag) {
  return Element{static_cast<uint16_t>(pack(value, 0.0f, tag) & 0xffffu)};
}

// --- Copies from global to shared memory that run beside the computation

PYCIRCUIT_DEVICE uint32_t shared_address(const void* pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); }

// 16 bytes; zeros where not `valid` (nothing is read then, but `source` must be an address of some allocation).
PYCIRCUIT_DEVICE void copy_async_16(void* target, const void* source, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(target)), "l"(source), "r"(valid ? 16 : 0) : "memory");
}
PYCIRCUIT_DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most kPending committed groups of this thread are under way.
template <int kPending>
PYCIRCUIT_DEVICE void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// --- Tensor cores

// Four 8x8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8.
PYCIRCUIT_DEVICE void load_matrices(uint32_t (&result)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(result[0]), "=r"(result[1]), "=r"(result[2]), "=r"(result[3])
               : "r"(shared_address(row))
               : "memory");
}
PYCIRCUIT_DEVICE void load_matrices_transposed(uint32_t (&result)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(result[0]), "=r"(result[1]), "=r"(result[2]), "=r"(result[3])
               : "r"(shared_address(row))
               : "memory");
}

// c += a b, 16x8 += 16x16 times 16x8 (mma.sync.m16n8k16).
PYCIRCUIT_DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Half) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
PYCIRCUIT_DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Bfloat16) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// --- Launching

// Of the current device.
inline int multiprocessor_count() {
  int device = 0, count = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return 132;
  return cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) == cudaSuccess ? count : 132;
}

// Null, or what went wrong.
template <class Params>
const char* launch(void (*kernel)(const Params), int64_t blocks, int threads, size_t shared_bytes, const Params& params, void* stream) {
  if (blocks == 0) return nullptr;
  // Blocks get more than 48 KiB only on request; asking again costs little and is no stream operation, so graphs can be captured.
  if (shared_bytes > 48 * 1024) {
    cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return cudaGetErrorString(error);
  }
  kernel<<<static_cast<unsigned>(blocks), threads, shared_bytes, static_cast<cudaStream_t>(stream)>>>(params);
  cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace pycircuit::kernels

#endif  // PYCIRCUIT_CUDA_EMULATION
