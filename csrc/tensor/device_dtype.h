// Devices and dtypes of tensors and circuits (spec 01, section 6).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pycircuit {

enum class DType : uint8_t { float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8, boolean };
constexpr int kNumDTypes = 10;

bool is_floating(DType dtype);
int64_t element_size(DType dtype);
std::string_view to_text(DType dtype);     // "float32", ..., "bool"
DType parse_dtype(std::string_view text);  // RuntimeError naming the text

struct Device {
  int8_t index = -1;  // -1: cpu; i: cuda:i
  bool is_cpu() const { return index < 0; }
  auto operator<=>(const Device&) const = default;
};
constexpr int kMaxCudaDevices = 16;

std::string to_text(Device device);          // "cpu", "cuda:0"
Device parse_device(std::string_view text);  // accepts "cuda" for "cuda:0"; RuntimeError naming the text

struct DeviceDtype {
  Device device;
  DType dtype;
  auto operator<=>(const DeviceDtype&) const = default;
};

// Each part may be unspecified.
struct DeviceDtypeOp {
  std::optional<Device> device;
  std::optional<DType> dtype;
  auto operator<=>(const DeviceDtypeOp&) const = default;
  DeviceDtype filled() const { return {device.value_or(Device{}), dtype.value_or(DType::float64)}; }
};

std::string to_text(const DeviceDtypeOp& value);  // "{device:cpu,dtype:None}", as in messages and cast names

// Unifies part by part, left to right (01, section 6): unspecified gives way to specified, integer and bool dtypes to floating ones;
// anything else that differs raises MiscInputChildrenMultipleDevices / ...Dtypes. Device is checked first.
DeviceDtypeOp unify(const std::vector<DeviceDtypeOp>& parts);

}  // namespace pycircuit
