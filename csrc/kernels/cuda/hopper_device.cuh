// What the Hopper kernels ask of the device beyond device.cuh: tensor copies, mbarriers, wgmma (spec 12, section 12).
// tests/cpp/cuda_emulation/ replaces this file by host functions.
#pragma once

#include "kernels/cuda/device.cuh"

#ifndef PYCIRCUIT_CUDA_EMULATION

#include <cuda.h>

// The instructions exist in code for sm_90a only; elsewhere the kernels are empty and never launched.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || !defined(__CUDA_ARCH__)
#define PYCIRCUIT_HOPPER_CODE
#endif

namespace pycircuit::kernels {

// --- Barriers in shared memory. A phase is complete when all arrivals and announced bytes are in; phases alternate between parities 0
// and 1.

PYCIRCUIT_DEVICE void barrier_start(uint64_t* barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
// Makes started barriers visible to the copy engine.
PYCIRCUIT_DEVICE void barriers_started() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

PYCIRCUIT_DEVICE void barrier_arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
// Arrives and announces bytes that copies will bring.
PYCIRCUIT_DEVICE void barrier_arrive_expecting(uint64_t* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}

// Until the phase of that parity is complete, or for `attempts`, so that a mistake of the device code cannot hang the self-test.
PYCIRCUIT_DEVICE void barrier_wait(uint64_t* barrier, int parity, int attempts) {
  uint32_t done = 0;
  while (!done && attempts-- > 0) {
    asm volatile(
        "{\n.reg .pred complete;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 complete, [%1], %2;\n"
        "selp.b32 %0, 1, 0, complete;\n}"
        : "=r"(done)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
  }
}

// --- Tensor copies

// Orders this thread's stores to shared memory before copies that overwrite it.
PYCIRCUIT_DEVICE void shared_stores_before_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

using TensorMap = CUtensorMap;

// The box of `map` at these coordinates, innermost first, into shared memory; its bytes count for the barrier.
PYCIRCUIT_DEVICE void copy_tensor(void* target, const TensorMap* map, const int (&at)[5], uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6, %7}], [%2];" ::"r"(
          shared_address(target)),
      "l"(map), "r"(shared_address(barrier)), "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3]), "r"(at[4])
      : "memory");
}

// --- Warpgroups: four warps that multiply together

template <int kRegisters>
PYCIRCUIT_DEVICE void take_registers() {
#ifdef PYCIRCUIT_HOPPER_CODE
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}
template <int kRegisters>
PYCIRCUIT_DEVICE void give_registers() {
#ifdef PYCIRCUIT_HOPPER_CODE
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

// Among the 128 threads of warpgroup `group`.
PYCIRCUIT_DEVICE void sync_warpgroup(int group) { asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory"); }

PYCIRCUIT_DEVICE bool sync_warpgroup_and(int group, bool value) {
  uint32_t all;
  asm volatile(
      "{\n.reg .pred mine, all;\n"
      "setp.ne.u32 mine, %2, 0;\n"
      "barrier.cta.red.and.pred all, %1, 128, mine;\n"
      "selp.b32 %0, 1, 0, all;\n}"
      : "=r"(all)
      : "r"(1 + group), "r"(static_cast<uint32_t>(value))
      : "memory");
  return all != 0;
}

PYCIRCUIT_DEVICE void multiply_begin() {
#ifdef PYCIRCUIT_HOPPER_CODE
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
PYCIRCUIT_DEVICE void multiply_commit() {
#ifdef PYCIRCUIT_HOPPER_CODE
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
template <int kPending>
PYCIRCUIT_DEVICE void multiply_wait() {
#ifdef PYCIRCUIT_HOPPER_CODE
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

// Keeps the compiler from moving uses of registers across the start or the end of products that read or write them in the background.
template <int kTiles>
PYCIRCUIT_DEVICE void hold_registers(float (&c)[kTiles][4]) {
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
    for (int i = 0; i < 4; ++i) asm volatile("" : "+f"(c[tile][i])::"memory");
  }
}
template <int kSteps>
PYCIRCUIT_DEVICE void hold_registers(uint32_t (&a)[kSteps][4]) {
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int i = 0; i < 4; ++i) asm volatile("" : "+r"(a[step][i])::"memory");
  }
}

// A matrix in shared memory, 128-byte swizzle. Rows of 128 bytes lie in groups of eight, `stride_bytes` apart. If the rows are not along k
// (transposed operands), pieces of 64 columns are `leading_bytes` apart.
PYCIRCUIT_DEVICE uint64_t matrix_descriptor(const void* matrix, int leading_bytes, int stride_bytes) {
  uint64_t address = shared_address(matrix) & 0x3ffff;
  return address >> 4 | static_cast<uint64_t>(leading_bytes >> 4) << 16 | static_cast<uint64_t>(stride_bytes >> 4) << 32 |
         uint64_t{1} << 62;
}

#define PYCIRCUIT_REGISTERS_32                                                                                                     \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, " \
  "%27, %28, %29, %30, %31}"
#define PYCIRCUIT_REGISTERS_64                                                                                                          \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, " \
  "%28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, "  \
  "%54, %55, %56, %57, %58, %59, %60, %61, %62, %63}"
#define PYCIRCUIT_FOUR(d, i) "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define PYCIRCUIT_SIXTEEN(d, i) PYCIRCUIT_FOUR(d, i), PYCIRCUIT_FOUR(d, i + 1), PYCIRCUIT_FOUR(d, i + 2), PYCIRCUIT_FOUR(d, i + 3)

// c = a b^T or c += a b^T, 64 x 128, a [64, 16] and b [128, 16] in shared memory. An accumulator lies as in mma.m16n8k16: 16 rows per warp,
// tiles of 8 columns.
#define PYCIRCUIT_MULTIPLY_SHARED(Element, name)                                                                                  \
  PYCIRCUIT_DEVICE void multiply_shared(float (&c)[16][4], uint64_t a, uint64_t b, bool accumulate, Element) {                    \
    asm volatile(                                                                                                                 \
        "{\n.reg .pred add;\nsetp.ne.b32 add, %66, 0;\n"                                                                          \
        "wgmma.mma_async.sync.aligned.m64n128k16.f32." name "." name " " PYCIRCUIT_REGISTERS_64 ", %64, %65, add, 1, 1, 0, 0;\n}" \
        : PYCIRCUIT_SIXTEEN(c, 0), PYCIRCUIT_SIXTEEN(c, 4), PYCIRCUIT_SIXTEEN(c, 8), PYCIRCUIT_SIXTEEN(c, 12)                     \
        : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)));                                                                     \
  }

// c += a b, 64 x 64 or 64 x 128, a [64, 16] in registers, b [16, columns] in shared memory.
#define PYCIRCUIT_MULTIPLY_REGISTERS(Element, name)                                                           \
  PYCIRCUIT_DEVICE void multiply_registers(float (&c)[8][4], const uint32_t (&a)[4], uint64_t b, Element) {   \
    asm volatile(                                                                                             \
        "{\n.reg .pred add;\nsetp.ne.b32 add, %37, 0;\n"                                                      \
        "wgmma.mma_async.sync.aligned.m64n64k16.f32." name "." name " " PYCIRCUIT_REGISTERS_32                \
        ", {%32, %33, %34, %35}, %36, add, 1, 1, 1;\n}"                                                       \
        : PYCIRCUIT_SIXTEEN(c, 0), PYCIRCUIT_SIXTEEN(c, 4)                                                    \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(1));                                        \
  }                                                                                                           \
  PYCIRCUIT_DEVICE void multiply_registers(float (&c)[16][4], const uint32_t (&a)[4], uint64_t b, Element) {  \
    asm volatile(                                                                                             \
        "{\n.reg .pred add;\nsetp.ne.b32 add, %69, 0;\n"                                                      \
        "wgmma.mma_async.sync.aligned.m64n128k16.f32." name "." name " " PYCIRCUIT_REGISTERS_64               \
        ", {%64, %65, %66, %67}, %68, add, 1, 1, 1;\n}"                                                       \
        : PYCIRCUIT_SIXTEEN(c, 0), PYCIRCUIT_SIXTEEN(c, 4), PYCIRCUIT_SIXTEEN(c, 8), PYCIRCUIT_SIXTEEN(c, 12) \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(1));                                        \
  }

#ifdef PYCIRCUIT_HOPPER_CODE
PYCIRCUIT_MULTIPLY_SHARED(Half, "f16")
PYCIRCUIT_MULTIPLY_SHARED(Bfloat16, "bf16")
PYCIRCUIT_MULTIPLY_REGISTERS(Half, "f16")
PYCIRCUIT_MULTIPLY_REGISTERS(Bfloat16, "bf16")
#endif

#undef PYCIRCUIT_MULTIPLY_SHARED
#undef PYCIRCUIT_MULTIPLY_REGISTERS
#undef PYCIRCUIT_REGISTERS_32
#undef PYCIRCUIT_REGISTERS_64
#undef PYCIRCUIT_SIXTEEN
#undef PYCIRCUIT_FOUR

// --- Host: tensor maps and what the self-test needs

// A tensor of 16-bit elements, innermost axis first, strides in bytes (that of the innermost axis left out), read in boxes of 64 x box_rows
// with 128-byte swizzle. False where the driver cannot or will not.
inline bool make_tensor_map(TensorMap* map, const void* data, const uint64_t (&sizes)[5], const uint64_t (&strides)[4], uint32_t box_rows) {
  using Encode =
      CUresult (*)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*, const cuuint32_t*,
                   const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
  static const Encode encode = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult status;
    cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &status);
    return error == cudaSuccess && status == cudaDriverEntryPointSuccess ? reinterpret_cast<Encode>(found) : nullptr;
  }();
  if (!encode) return false;
  cuuint64_t all_sizes[5], all_strides[4];
  for (int axis = 0; axis < 5; ++axis) all_sizes[axis] = sizes[axis];
  for (int axis = 0; axis < 4; ++axis) all_strides[axis] = strides[axis];
  const cuuint32_t box[5] = {64, box_rows, 1, 1, 1}, steps[5] = {1, 1, 1, 1, 1};
  // Bits are copied as they are: the type matters for filling with NaN only.
  return encode(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 5, const_cast<void*>(data), all_sizes, all_strides, box, steps,
                CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

inline int current_device() {
  int device = 0;
  return cudaGetDevice(&device) == cudaSuccess ? device : 0;
}

inline bool is_capturing(void* stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  return cudaStreamIsCapturing(static_cast<cudaStream_t>(stream), &status) != cudaSuccess || status != cudaStreamCaptureStatusNone;
}

// A stream and device memory beside whatever else is going on, graph capture on other threads included.
class Sidetrack {
 public:
  Sidetrack() {
    cudaThreadExchangeStreamCaptureMode(&mode_);
    good_ = cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking) == cudaSuccess;
  }
  ~Sidetrack() {
    if (good_) cudaStreamSynchronize(stream_), cudaStreamDestroy(stream_);
    cudaFree(data_);
    cudaGetLastError();
    cudaThreadExchangeStreamCaptureMode(&mode_);
  }
  Sidetrack(const Sidetrack&) = delete;
  Sidetrack& operator=(const Sidetrack&) = delete;

  char* allocate(size_t bytes) {
    good_ = good_ && cudaMalloc(&data_, bytes) == cudaSuccess;
    return static_cast<char*>(data_);
  }
  void upload(void* target, const void* source, size_t bytes) {
    good_ = good_ && cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, stream_) == cudaSuccess;
  }
  void download(void* target, const void* source, size_t bytes) {
    good_ = good_ && cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, stream_) == cudaSuccess;
    good_ = good_ && cudaStreamSynchronize(stream_) == cudaSuccess;
  }
  void* stream() const { return stream_; }
  bool good() const { return good_; }

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
  cudaStream_t stream_ = nullptr;
  void* data_ = nullptr;
  bool good_ = false;
};

}  // namespace pycircuit::kernels

#endif  // PYCIRCUIT_CUDA_EMULATION
