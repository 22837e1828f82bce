// Fibers, barriers and fragment layouts of the emulation (see cuda_emulation.h).
#include "cuda_emulation.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace pycircuit::kernels {
namespace emulation {
namespace {

constexpr size_t kStackBytes = 256 * 1024;
constexpr size_t kMaxSharedBytes = 227 * 1024;

enum class State { ready, at_warp, at_warpgroup, at_block, at_barrier, done };

struct Copy {
  void* target;
  const void* source;
  bool valid;
};

struct Box {
  void* target;
  TensorMap map;
  int at[5];
  uint64_t* barrier;
};

struct Fiber {
  State state = State::ready;
  uint64_t* awaited = nullptr;  // at_barrier
  int awaited_parity = 0;
  bool started = false;
  jmp_buf place;
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  std::vector<Copy> open_copies;
  std::deque<std::vector<Copy>> groups;  // committed, not landed
};

struct Warp {
  int arrived = 0;
  int parity = 0;  // inputs and outputs alternate: a thread may be one operation ahead of another
  Slots inputs[2], outputs[2];
};

// One product of a warpgroup: the parts of its 128 threads.
using WarpgroupProduct = std::vector<Product>;

struct Warpgroup {
  int arrived = 0;
  bool all = true;       // of the values at the meeting under way
  bool last_all = true;  // of the one before
  WarpgroupProduct gathering = WarpgroupProduct(128);
  std::vector<WarpgroupProduct> open;
  std::deque<std::vector<WarpgroupProduct>> groups;  // committed, not run
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  std::deque<Box> boxes;  // under way
  int threads = 0;
  int at_barrier = 0;
  bool all = true;       // of the values at the barrier
  bool last_all = true;  // of the barrier before
  const std::function<void()>* kernel = nullptr;
  jmp_buf scheduler;
  ucontext_t scheduler_context;
  std::string failure;
};
Block block;

Fiber& self() { return block.fibers[position.thread]; }

// Back to the scheduler until this fiber is ready again.
void pause() {
  if (_setjmp(self().place) == 0) _longjmp(block.scheduler, 1);
}

void land(const Copy& copy) {
  if (copy.valid) {
    std::memcpy(copy.target, copy.source, 16);
  } else {
    std::memset(copy.target, 0, 16);
  }
}

void fiber_main() {
  (*block.kernel)();
  self().state = State::done;
  _longjmp(block.scheduler, 1);
}

// Runs a fiber until it pauses.
void resume(int thread) {
  Fiber& fiber = block.fibers[thread];
  position.thread = thread;
  if (_setjmp(block.scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.place, 1);
  fiber.started = true;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
  setcontext(&fiber.context);
}

int count(State state) {
  int number = 0;
  for (int thread = 0; thread < block.threads; ++thread) number += block.fibers[thread].state == state;
  return number;
}

// Threads that have ended count as arrived at a block barrier.
void release_block_if_complete() {
  if (block.at_barrier == 0 || block.at_barrier + count(State::done) < block.threads) return;
  block.last_all = block.all;
  block.all = true;
  block.at_barrier = 0;
  for (int thread = 0; thread < block.threads; ++thread) {
    if (block.fibers[thread].state == State::at_block) block.fibers[thread].state = State::ready;
  }
}

std::vector<int> warp_order(std::mt19937_64& random) {
  std::vector<int> order(block.warps.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  if (policy.warps == WarpOrder::descending) std::reverse(order.begin(), order.end());
  if (policy.warps == WarpOrder::random) std::shuffle(order.begin(), order.end(), random);
  return order;
}

bool phase_complete(const Fiber& fiber) {
  Barrier barrier;
  std::memcpy(&barrier, fiber.awaited, sizeof(barrier));
  return barrier.parity != static_cast<uint64_t>(fiber.awaited_parity);
}

void release_barrier_waits() {
  for (int thread = 0; thread < block.threads; ++thread) {
    Fiber& fiber = block.fibers[thread];
    if (fiber.state == State::at_barrier && phase_complete(fiber)) fiber.state = State::ready;
  }
}

// The phase of a barrier ends when all arrivals and all announced bytes are in.
void finish_phase(uint64_t* at, Barrier barrier) {
  if (barrier.arrivals == barrier.expected_arrivals && barrier.bytes == 0) {
    barrier.arrivals = 0;
    barrier.parity ^= 1;
  }
  std::memcpy(at, &barrier, sizeof(barrier));
}

// 128-byte swizzle: the place of 16 bytes within rows of 128 bytes goes by the address.
uint64_t swizzled(uint64_t address) { return address ^ ((address >> 7 & 7) << 4); }

void land_box(const Box& box) {
  uint64_t base = shared_address(box.target);
  for (uint32_t row = 0; row < box.map.box_rows; ++row) {
    for (int column = 0; column < 64; ++column) {
      bool inside = true;
      const char* from = box.map.data;
      for (int axis = 0; axis < 5; ++axis) {
        int64_t at = box.at[axis] + (axis == 0 ? column : axis == 1 ? static_cast<int>(row) : 0);
        inside = inside && at >= 0 && static_cast<uint64_t>(at) < box.map.sizes[axis];
        from += at * static_cast<int64_t>(axis == 0 ? 2 : box.map.strides[axis - 1]);
      }
      char* to = position.shared + swizzled(base + row * 128 + column * 2);
      if (inside) {
        std::memcpy(to, from, 2);
      } else {
        std::memset(to, 0, 2);
      }
    }
  }
  Barrier barrier;
  std::memcpy(&barrier, box.barrier, sizeof(barrier));
  barrier.bytes -= box.map.box_rows * 128;
  finish_phase(box.barrier, barrier);
}

// Runs every ready thread of one warp, the first in the order that has one.
bool run_one_warp(std::mt19937_64& random) {
  for (int warp : warp_order(random)) {
    bool ran = false;
    for (int thread = 32 * warp; thread < 32 * (warp + 1) && thread < block.threads; ++thread) {
      if (block.fibers[thread].state != State::ready) continue;
      resume(thread);
      if (!block.failure.empty()) throw std::runtime_error(block.failure);
      ran = true;
    }
    if (ran) return true;
  }
  return false;
}

void run_block(std::mt19937_64& random) {
  for (Fiber& fiber : block.fibers) {
    fiber.state = State::ready;
    fiber.started = false;
    fiber.open_copies.clear();
    fiber.groups.clear();
  }
  for (Warp& warp : block.warps) warp.arrived = 0;
  block.warpgroups = std::vector<Warpgroup>((block.threads + 127) / 128);
  block.boxes.clear();
  block.at_barrier = 0;
  block.all = true;
  while (run_one_warp(random) || count(State::done) < block.threads) {
    release_block_if_complete();
    release_barrier_waits();
    // Only copies can help: one lands.
    if (count(State::ready) == 0 && !block.boxes.empty()) {
      land_box(block.boxes.front());
      block.boxes.pop_front();
      release_barrier_waits();
    }
    if (count(State::ready) == 0 && !block.boxes.empty()) continue;
    if (count(State::ready) == 0 && count(State::done) < block.threads) throw std::runtime_error("threads wait for each other for ever");
  }
}

}  // namespace

void check(bool condition, const char* what) {
  if (condition) return;
  block.failure = what;
  // A fiber cannot unwind into the scheduler: it stops, and the scheduler throws.
  pause();
}

void check_shared(const void* address, size_t bytes) {
  const char* at = static_cast<const char*>(address);
  check(at >= position.shared && at + bytes <= position.shared + position.shared_bytes, "address outside shared memory");
  check(reinterpret_cast<uintptr_t>(at) % bytes == 0, "misaligned address of shared memory");
}

const char* meet_warp(const void* input, size_t bytes, Combine combine) {
  int lane = position.thread % 32;
  Warp& warp = block.warps[position.thread / 32];
  int parity = warp.parity;
  if (bytes > 0) std::memcpy(warp.inputs[parity].bytes[lane], input, bytes);
  if (++warp.arrived < 32) {
    self().state = State::at_warp;
    pause();
  } else {
    combine(warp.inputs[parity], warp.outputs[parity]);
    warp.arrived = 0;
    warp.parity ^= 1;
    int first = position.thread / 32 * 32;
    for (int thread = first; thread < first + 32; ++thread) {
      if (thread != position.thread) block.fibers[thread].state = State::ready;
    }
  }
  return warp.outputs[parity].bytes[lane];
}

bool meet_block(bool value) {
  block.all = block.all && value;
  ++block.at_barrier;
  self().state = State::at_block;
  pause();
  return block.last_all;
}

void copy_start(void* target, const void* source, bool valid) {
  check_shared(target, 16);
  check(!valid || reinterpret_cast<uintptr_t>(source) % 16 == 0, "misaligned source of a copy");
  if (policy.copies_land_late) {
    self().open_copies.push_back({target, source, valid});
  } else {
    land({target, source, valid});
  }
}

void copy_commit() { self().groups.push_back(std::move(self().open_copies)), self().open_copies.clear(); }

void copy_wait(int pending) {
  auto& groups = self().groups;
  while (static_cast<int>(groups.size()) > pending) {
    for (const Copy& copy : groups.front()) land(copy);
    groups.pop_front();
  }
}

void copy_box(void* target, const TensorMap& map, const int (&at)[5], uint64_t* barrier) {
  check_shared(barrier, 8);
  check(shared_address(target) % 1024 == 0, "a swizzled box must start at a multiple of 1024 bytes");
  Box box = {target, map, {at[0], at[1], at[2], at[3], at[4]}, barrier};
  if (policy.copies_land_late) {
    block.boxes.push_back(box);
  } else {
    land_box(box);
  }
}

void wait_barrier(uint64_t* barrier, int parity) {
  check_shared(barrier, 8);
  self().awaited = barrier;
  self().awaited_parity = parity;
  if (phase_complete(self())) return;
  self().state = State::at_barrier;
  pause();
}

void arrive_barrier(uint64_t* at, int64_t bytes) {
  check_shared(at, 8);
  Barrier barrier;
  std::memcpy(&barrier, at, sizeof(barrier));
  barrier.arrivals += 1;
  barrier.bytes += bytes;
  finish_phase(at, barrier);
}

namespace {

Warpgroup& warpgroup() { return block.warpgroups[position.thread / 128]; }

// Until all 128 threads are here; the last one does the work.
template <class Work>
void meet_warpgroup_for(const Work& work) {
  Warpgroup& group = warpgroup();
  if (++group.arrived < 128) {
    self().state = State::at_warpgroup;
    pause();
    return;
  }
  group.arrived = 0;
  work(group);
  int first = position.thread / 128 * 128;
  for (int thread = first; thread < first + 128; ++thread) {
    if (thread != position.thread) block.fibers[thread].state = State::ready;
  }
}

uint16_t shared_element(uint64_t descriptor, uint64_t offset) {
  uint64_t address = swizzled(((descriptor & 0x3fff) << 4) + offset);
  check(address + 2 <= position.shared_bytes, "descriptor outside shared memory");
  uint16_t bits;
  std::memcpy(&bits, position.shared + address, 2);
  return bits;
}
uint64_t leading_bytes(uint64_t descriptor) { return (descriptor >> 16 & 0x3fff) << 4; }
uint64_t stride_bytes(uint64_t descriptor) { return (descriptor >> 32 & 0x3fff) << 4; }

// Rows along k: element (row, k) of an operand.
uint16_t along_k(uint64_t descriptor, int row, int k) {
  return shared_element(descriptor, row / 8 * stride_bytes(descriptor) + row % 8 * 128 + k * 2);
}
// Rows along the other axis: element (column, k).
uint16_t across_k(uint64_t descriptor, int column, int k) {
  return shared_element(descriptor,
                        column / 64 * leading_bytes(descriptor) + k / 8 * stride_bytes(descriptor) + k % 8 * 128 + column % 64 * 2);
}

void run_product(const WarpgroupProduct& of) {
  const Product& first = of[0];
  std::vector<float> a(64 * 16), b(16 * first.columns);
  for (int thread = 0; thread < 128; ++thread) {
    int lane = thread % 32, warp = thread / 32;
    for (int i = 0; first.a_registers && i < 8; ++i) {
      int row = 16 * warp + lane / 4 + 8 * (i / 2 % 2), k = lane % 4 * 2 + 8 * (i / 4) + i % 2;
      a[row * 16 + k] = first.decode(static_cast<uint16_t>(of[thread].a_registers[i / 2] >> (i % 2 * 16)));
    }
    check(of[thread].a == first.a && of[thread].b == first.b, "descriptors of a warpgroup differ");
  }
  for (int row = 0; !first.a_registers && row < 64; ++row) {
    for (int k = 0; k < 16; ++k) a[row * 16 + k] = first.decode(along_k(first.a, row, k));
  }
  // The right operand of a left one in registers is stored across k here.
  for (int column = 0; column < first.columns; ++column) {
    for (int k = 0; k < 16; ++k)
      b[k * first.columns + column] = first.decode(first.a_registers ? across_k(first.b, column, k) : along_k(first.b, column, k));
  }
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < first.columns / 2; ++i) {
      int row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + thread % 4 * 2 + i % 2;
      float sum = first.accumulate ? of[thread].c[i] : 0.0f;
      for (int k = 0; k < 16; ++k) sum += a[row * 16 + k] * b[k * first.columns + column];
      of[thread].c[i] = sum;
    }
  }
}

}  // namespace

void start_product(const Product& product) {
  warpgroup().gathering[position.thread % 128] = product;
  meet_warpgroup_for([](Warpgroup& group) {
    if (policy.copies_land_late) {
      group.open.push_back(group.gathering);
    } else {
      run_product(group.gathering);
    }
  });
}

void commit_products() {
  meet_warpgroup_for([](Warpgroup& group) { group.groups.push_back(std::move(group.open)), group.open.clear(); });
}

void wait_products(int pending) {
  meet_warpgroup_for([pending](Warpgroup& group) {
    while (static_cast<int>(group.groups.size()) > pending) {
      for (const WarpgroupProduct& product : group.groups.front()) run_product(product);
      group.groups.pop_front();
    }
  });
}

bool meet_warpgroup(bool value) {
  Warpgroup& group = warpgroup();
  group.all = group.all && value;
  meet_warpgroup_for([](Warpgroup& complete) {
    complete.last_all = complete.all;
    complete.all = true;
  });
  return group.last_all;
}

void run_blocks(int64_t blocks, int threads, size_t shared_bytes, const std::function<void()>& kernel) {
  if (shared_bytes > kMaxSharedBytes) throw std::runtime_error("too much shared memory");
  std::mt19937_64 random(policy.seed);
  std::vector<char> storage(shared_bytes + 1024);
  position.shared = storage.data() + (1024 - reinterpret_cast<uintptr_t>(storage.data()) % 1024) % 1024;
  position.shared_bytes = shared_bytes;
  block.threads = threads;
  if (static_cast<int>(block.fibers.size()) < threads) block.fibers = std::vector<Fiber>(threads);
  block.warps = std::vector<Warp>((threads + 31) / 32);
  block.kernel = &kernel;
  block.failure.clear();
  for (int64_t index = 0; index < blocks; ++index) {
    position.block = index;
    std::memset(position.shared, 0xff, shared_bytes);  // NaN in every element type
    run_block(random);
  }
}

namespace {
float decode_half(uint32_t bits) {
  int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}
}  // namespace

float half_to_float(uint16_t bits) {
  static const std::vector<float> all = [] {
    std::vector<float> values(1 << 16);
    for (uint32_t i = 0; i < values.size(); ++i) values[i] = decode_half(i);
    return values;
  }();
  return all[bits];
}

uint16_t float_to_half(float value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  float magnitude = std::fabs(value);
  if (value != value) return 0x7fff;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  int exponent;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent, -13);
  // In units of the last place; nearbyint rounds to even.
  auto units = static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 11 - exponent)));
  if (units < 1024) return sign | units;
  return static_cast<uint16_t>(sign + ((exponent + 13) << 10) + units);
}

namespace {

struct Row {
  const uint16_t* elements;
};
struct Registers {
  uint32_t value[4];
};

void count_bank_conflicts(const Slots& inputs) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    unsigned groups = 0;
    for (int row = 0; row < 8; ++row) {
      Row at;
      std::memcpy(&at, inputs.bytes[8 * matrix + row], sizeof(at));
      groups |= 1u << (reinterpret_cast<uintptr_t>(at.elements) / 16 % 8);
    }
    bank_conflicts += groups != 0xff;
  }
}

uint16_t matrix_element(const Slots& inputs, int matrix, int row, int column) {
  Row at;
  std::memcpy(&at, inputs.bytes[8 * matrix + row], sizeof(at));
  return at.elements[column];
}

// Register i of lane l: elements (row l / 4, columns 2 (l % 4) + 0..1) of matrix i, or of its transpose.
template <bool kTransposed>
void load(const Slots& inputs, Slots& outputs) {
  count_bank_conflicts(inputs);
  for (int lane = 0; lane < 32; ++lane) {
    Registers registers;
    int row = lane / 4, column = lane % 4 * 2;
    for (int matrix = 0; matrix < 4; ++matrix) {
      uint32_t low = kTransposed ? matrix_element(inputs, matrix, column, row) : matrix_element(inputs, matrix, row, column);
      uint32_t high = kTransposed ? matrix_element(inputs, matrix, column + 1, row) : matrix_element(inputs, matrix, row, column + 1);
      registers.value[matrix] = low | high << 16;
    }
    std::memcpy(outputs.bytes[lane], &registers, sizeof(registers));
  }
}

struct Operands {
  float c[4];
  uint32_t a[4];
  uint32_t b[2];
};
struct Accumulators {
  float c[4];
};

template <class Element>
float part(uint32_t bits, int which) {
  return to_float(Element{static_cast<uint16_t>(bits >> (16 * which))});
}

// A: register i of lane l holds row l / 4 + 8 (i % 2), columns 2 (l % 4) + 8 (i / 2) + 0..1. B: register i holds rows
// 2 (l % 4) + 8 i + 0..1 of column l / 4. C: element i in row l / 4 + 8 (i / 2), column 2 (l % 4) + i % 2.
template <class Element>
void multiply(const Slots& inputs, Slots& outputs) {
  float a[16][16], b[16][8];
  Operands of[32];
  for (int lane = 0; lane < 32; ++lane) {
    std::memcpy(&of[lane], inputs.bytes[lane], sizeof(Operands));
    int group = lane / 4, pair = lane % 4 * 2;
    for (int which = 0; which < 2; ++which) {
      for (int i = 0; i < 4; ++i) a[group + 8 * (i % 2)][pair + 8 * (i / 2) + which] = part<Element>(of[lane].a[i], which);
      for (int i = 0; i < 2; ++i) b[pair + 8 * i + which][group] = part<Element>(of[lane].b[i], which);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    Accumulators result;
    for (int i = 0; i < 4; ++i) {
      int row = lane / 4 + 8 * (i / 2), column = lane % 4 * 2 + i % 2;
      float sum = of[lane].c[i];
      for (int k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
      result.c[i] = sum;
    }
    std::memcpy(outputs.bytes[lane], &result, sizeof(result));
  }
}

template <class Element>
void multiply_add_of(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  Operands operands = {{c[0], c[1], c[2], c[3]}, {a[0], a[1], a[2], a[3]}, {b0, b1}};
  auto result = warp_operation<Accumulators>(operands, multiply<Element>);
  std::memcpy(c, result.c, sizeof(result.c));
}

void load_matrices_of(uint32_t (&result)[4], const void* row, Combine combine) {
  check_shared(row, 16);
  auto registers = warp_operation<Registers>(Row{static_cast<const uint16_t*>(row)}, combine);
  std::memcpy(result, registers.value, sizeof(registers.value));
}

}  // namespace
}  // namespace emulation

bool warp_any(bool value) {
  return emulation::warp_operation<bool>(value, [](const emulation::Slots& inputs, emulation::Slots& outputs) {
    char any = 0;
    for (int lane = 0; lane < 32; ++lane) any |= inputs.bytes[lane][0];
    for (int lane = 0; lane < 32; ++lane) outputs.bytes[lane][0] = any;
  });
}

float shuffle_xor(float value, int lanes) {
  struct Input {
    float value;
    int lanes;
  };
  return emulation::warp_operation<float>(Input{value, lanes}, [](const emulation::Slots& inputs, emulation::Slots& outputs) {
    for (int lane = 0; lane < 32; ++lane) {
      Input input;
      std::memcpy(&input, inputs.bytes[lane], sizeof(input));
      std::memcpy(outputs.bytes[lane], inputs.bytes[lane ^ input.lanes], sizeof(float));
    }
  });
}

void load_matrices(uint32_t (&result)[4], const void* row) { emulation::load_matrices_of(result, row, emulation::load<false>); }
void load_matrices_transposed(uint32_t (&result)[4], const void* row) { emulation::load_matrices_of(result, row, emulation::load<true>); }
void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Half) { emulation::multiply_add_of<Half>(c, a, b0, b1); }
void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Bfloat16) {
  emulation::multiply_add_of<Bfloat16>(c, a, b0, b1);
}

}  // namespace pycircuit::kernels
