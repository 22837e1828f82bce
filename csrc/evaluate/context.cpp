#include "evaluate/context.h"

#include <cstdio>
#include <mutex>
#include <vector>

#include "base/output.h"
#include "base/text.h"
#include "text/json.h"

namespace pycircuit {
namespace {

constexpr double kSlowSeconds = 0.01;

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string slow_einsum_json(const Einsum& einsum, double seconds) {
  const std::string inputs = join(einsum.children(), ", ", [](const NodePtr& child) { return "[" + join(child->shape(), ", ") + "]"; });
  char number[32];
  std::snprintf(number, sizeof number, "%.6f", seconds);
  return "{\"inputs\": [" + inputs + "], \"spec\": " + json_string(einsum.spec().to_einsum_string()) + ", \"seconds\": " + number + "}";
}

}  // namespace

struct OptimizationContext::Logs {
  std::mutex mutex;
  std::vector<std::string> simplifications, slow_einsums;  // as JSON
};

OptimizationContext::OptimizationContext(OptimizationSettings settings) : settings_(std::move(settings)), logs_(std::make_shared<Logs>()) {}

bool OptimizationContext::is_watched() const {
  return settings_.verbose >= 2 || settings_.log_simplifications || settings_.log_slow_einsums || settings_.save_circ;
}

void OptimizationContext::rule_fired(std::string_view name) const {
  if (!settings_.log_simplifications) return;
  if (settings_.verbose >= 3) print_line("  " + std::string(name));
  const std::lock_guard lock(logs_->mutex);
  logs_->simplifications.push_back(json_string(name));
}

void OptimizationContext::path_found(const Einsum& einsum, double seconds) const {
  if (!settings_.log_slow_einsums || seconds < kSlowSeconds) return;
  const std::lock_guard lock(logs_->mutex);
  logs_->slow_einsums.push_back(slow_einsum_json(einsum, seconds));
}

std::string OptimizationContext::stringify_logs() const {
  const std::lock_guard lock(logs_->mutex);
  return "{\"simplifications\": [" + join(logs_->simplifications, ", ") + "], \"slow_einsums\": [" + join(logs_->slow_einsums, ", ") + "]}";
}

}  // namespace pycircuit
