// Reading files of torch.save without Python (spec 02, section 9).
#pragma once

#include <optional>
#include <string>

#include "tensor/tensor.h"

namespace pycircuit {

// The tensor of a file that holds one CPU tensor and is small enough to be read whole; nothing for all others, for torch.load to judge.
std::optional<Tensor> load_small_tensor(const std::string& path);

}  // namespace pycircuit
