// An immutable value on the heap that several objects hold, behind one pointer.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/ref.h"

namespace pycircuit {

template <class T>
class SharedValue {
 public:
  explicit SharedValue(T value) : value_(std::move(value)) {}
  const T& value() const { return value_; }
  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  const T value_;
  mutable std::atomic<uint32_t> count_{0};
};

template <class T>
class Shared {
 public:
  Shared() = default;  // nothing
  explicit Shared(T value) : ref_(new const SharedValue<T>(std::move(value))) {}
  explicit operator bool() const { return static_cast<bool>(ref_); }
  const T& operator*() const { return ref_->value(); }
  const T* operator->() const { return &ref_->value(); }
  bool is_same_object(const Shared& other) const { return ref_ == other.ref_; }

 private:
  Ref<const SharedValue<T>> ref_;
};

}  // namespace pycircuit
