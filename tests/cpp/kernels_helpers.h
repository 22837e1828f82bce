// What the tests of csrc/kernels/ share: buffers of each element type, poisoned; threads; random choices.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <random>
#include <thread>
#include <vector>

#include "kernels/convert.h"
#include "kernels/element.h"

namespace pycircuit::kernels {

struct Random {
  explicit Random(int seed) : engine(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine); }
  double normal() { return std::normal_distribution<double>()(engine); }
  template <typename T>
  T pick(const std::vector<T>& choices) {
    return choices[below(int(choices.size()))];
  }
  template <typename T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(int(choices.size()))];
  }
  std::mt19937 engine;
};

class Buffer {
 public:
  Buffer() = default;
  Buffer(Element element, int64_t size) : element_(element), size_(size), bytes_(size * pycircuit::kernels::element_size(element)) {
    poison();
  }

  void* data() { return bytes_.data(); }
  int64_t size() const { return size_; }
  Element element() const { return element_; }
  int64_t element_size() const { return pycircuit::kernels::element_size(element_); }
  double get(int64_t i) const { return load_element(bytes_.data(), element_, i); }
  void set(int64_t i, double value) { store_element(bytes_.data(), element_, i, float(value)); }
  // Every bit is set: a NaN that no operation gives.
  void poison() { std::fill(bytes_.begin(), bytes_.end(), uint8_t(0xff)); }
  bool is_poison(int64_t i) const {
    for (int64_t k = i * element_size(); k < (i + 1) * element_size(); ++k) {
      if (bytes_[k] != 0xff) return false;
    }
    return true;
  }
  bool operator==(const Buffer& other) const { return bytes_ == other.bytes_; }

 private:
  Element element_ = Element::float32;
  int64_t size_ = 0;
  std::vector<uint8_t> bytes_;
};

inline int& threads() {
  static int count = 1;
  return count;
}
inline void set_threads(int count) { threads() = count; }

inline void parallel_for(int64_t parts, void (*work)(void* context, int64_t part), void* context) {
  std::atomic<int64_t> next{0};
  const auto loop = [&] {
    for (int64_t part = next++; part < parts; part = next++) work(context, part);
  };
  std::vector<std::thread> others;
  for (int k = 1; k < threads(); ++k) others.emplace_back(loop);
  loop();
  for (std::thread& thread : others) thread.join();
}

}  // namespace pycircuit::kernels
