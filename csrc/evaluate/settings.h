// OptimizationSettings (spec 12, section 5).
#pragma once

#include <cstdint>
#include <optional>

#include "rewrite/simp.h"

namespace pycircuit {

struct OptimizationSettings {
  int64_t verbose = 0;
  int64_t max_memory = 9'000'000'000;
  int64_t max_single_tensor_memory = 9'000'000'000;
  std::optional<int64_t> max_memory_fallback;
  int64_t scheduling_num_mem_chunks = 200;
  std::optional<int64_t> distribute_min_size;
  bool scheduling_naive = false;
  int64_t scheduling_timeout = 5000;  // milliseconds
  bool scheduling_simplify = true;
  bool adjust_numerical_scale = false;
  double numerical_scale_min = 1e-8;
  double numerical_scale_max = 1e8;
  bool capture_and_print = false;
  bool create_tests = false;
  bool log_simplifications = false;
  bool log_slow_einsums = false;
  bool save_circ = false;
  std::optional<int64_t> optimization_parallelism;
  bool keep_all_names = false;
  bool push_down_index = true;
  bool deep_maybe_distribute = true;
  SimpFnSubset simp_fn_subset = SimpFnSubset::compiler_default();
  bool fuse_attention = true;
  bool stream_concat = true;
  bool group_matmuls = true;
  bool fuse = true;
  bool cuda_graphs = false;  // until they have been measured on devices

  bool operator==(const OptimizationSettings&) const = default;
};

}  // namespace pycircuit
