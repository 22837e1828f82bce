#include "tensor/tensor_file.h"

#include <torch/csrc/jit/serialization/pickle.h>

#include <fstream>

#include "tensor/aten.h"

namespace pycircuit {

// Above this, one copy more costs what torch.load's Python costs.
constexpr std::streamoff kMaxBytes = 4 << 20;

std::optional<Tensor> load_small_tensor(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size <= 0 || size > kMaxBytes) return std::nullopt;
  std::vector<char> bytes(static_cast<size_t>(size));
  file.seekg(0);
  if (!file.read(bytes.data(), size)) return std::nullopt;
  try {
    const c10::IValue value = torch::jit::pickle_load(bytes);
    if (!value.isTensor() || !value.toTensor().is_cpu() || value.toTensor().requires_grad()) return std::nullopt;
    return from_aten(value.toTensor());
  } catch (const std::exception&) {
    return std::nullopt;  // torch.load says what is wrong with it
  }
}

}  // namespace pycircuit
