// Text forms and unification of devices and dtypes.
#include "tensor/device_dtype.h"

#include <array>
#include <charconv>

#include "base/error.h"

namespace pycircuit {
namespace {

constexpr std::array<std::string_view, kNumDTypes> kNames = {"float16", "bfloat16", "float32", "float64", "int8",
                                                             "int16",   "int32",    "int64",   "uint8",   "bool"};
constexpr std::array<int64_t, kNumDTypes> kSizes = {2, 2, 4, 8, 1, 2, 4, 8, 1, 1};

}  // namespace

bool is_floating(DType dtype) { return dtype <= DType::float64; }
int64_t element_size(DType dtype) { return kSizes[static_cast<size_t>(dtype)]; }
std::string_view to_text(DType dtype) { return kNames[static_cast<size_t>(dtype)]; }

DType parse_dtype(std::string_view text) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<DType>(i);
  fail(ErrorId::RuntimeError,
       "dtype '" + std::string(text) +
           "' is not supported: use one of float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8, bool");
}

std::string to_text(Device device) { return device.is_cpu() ? "cpu" : "cuda:" + std::to_string(device.index); }

Device parse_device(std::string_view text) {
  if (text == "cpu") return {};
  if (text == "cuda") return {0};
  constexpr std::string_view prefix = "cuda:";
  if (text.starts_with(prefix)) {
    int index = -1;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, index);
    const bool plain = error == std::errc() && stop == end && text == "cuda:" + std::to_string(index);  // no leading zeros
    if (plain && index >= 0 && index < kMaxCudaDevices) return {static_cast<int8_t>(index)};
  }
  fail(ErrorId::RuntimeError, "device '" + std::string(text) + "' is not supported: use cpu or cuda:0 to cuda:15");
}

std::string to_text(const DeviceDtypeOp& value) {
  return "{device:" + (value.device ? to_text(*value.device) : "None") +
         ",dtype:" + (value.dtype ? std::string(to_text(*value.dtype)) : "None") + "}";
}

DeviceDtypeOp unify(const std::vector<DeviceDtypeOp>& parts) {
  DeviceDtypeOp result;
  const auto list = [&] {
    std::string text = "children have ";
    for (size_t i = 0; i < parts.size(); ++i) text += (i ? ", " : "") + to_text(parts[i]);
    return text;
  };
  for (const auto& part : parts) {
    if (!part.device) continue;
    if (result.device && *result.device != *part.device)
      fail(ErrorId::MiscInputChildrenMultipleDevices, "children live on different devices; move them to one device first: " + list(),
           to_text(*result.device), to_text(*part.device));
    result.device = part.device;
  }
  std::optional<DType> floating, other;
  for (const auto& part : parts) {
    if (!part.dtype) continue;
    auto& known = is_floating(*part.dtype) ? floating : other;
    if (known && *known != *part.dtype)
      fail(ErrorId::MiscInputChildrenMultipleDtypes,
           "children have different dtypes; cast them (cast_circuit, enforce_dtype_device): " + list(), std::string(to_text(*known)),
           std::string(to_text(*part.dtype)));
    known = part.dtype;
  }
  result.dtype = floating ? floating : other;
  return result;
}

}  // namespace pycircuit
