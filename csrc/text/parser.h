// Parser: circuits from text (spec 05).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "circuit/node.h"
#include "tensor/tensor.h"

namespace pycircuit {

struct ParserOptions {
  // In the order given; keys are distinct.
  std::vector<std::pair<std::string, NodePtr>> reference_circuits;
  bool tensors_as_random = false;
  DeviceDtypeOp tensors_as_random_device_dtype{Device{}, DType::float32};
  bool allow_hash_with_random = false;
  bool on_repeat_check_info_same = true;
  bool module_check_all_inputs_used = true;
  bool module_check_unique_arg_names = false;
  // Standard normal values for `Array rand` (python/ asks torch); RuntimeError where it is needed and missing.
  std::function<Tensor(const Shape&, const DeviceDtypeOp&)> random_tensor;
};

// A tensor by key or prefix: from a cache or from the store.
using TensorSource = std::function<Tensor(std::string_view prefix)>;

// The top-level circuits in order. `tensors` defaults to the process's tensor store.
NodePtrs parse_circuits(std::string_view text, const ParserOptions& options = {}, const TensorSource& tensors = {});
// The only one; ParseCircuitExpectedOneCircuitGotMultiple otherwise.
NodePtr parse_circuit(std::string_view text, const ParserOptions& options = {}, const TensorSource& tensors = {});

}  // namespace pycircuit
