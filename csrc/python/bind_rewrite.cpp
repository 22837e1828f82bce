// Rewrites (spec 10): payload types and the order of the topics.
#include "python/bind_rewrite.h"

#include <map>

#include "python/bind.h"
#include "python/shown.h"
#include "shape/rearrange_spec.h"

namespace pycircuit {
namespace {

using IntIndices = std::map<int64_t, std::optional<IndexElement>>;

py::object element_to_python(const IndexElement& element) { return to_python(IndexElements{element})[0]; }

void register_payloads() {
  register_payload<IndexElement>(element_to_python);
  register_payload<IntIndices>([](const IntIndices& indices) {
    py::dict out;
    for (const auto& [label, element] : indices) out[py::int_(label)] = element ? element_to_python(*element) : py::object(py::none());
    return py::object(out);
  });
  register_payload<RearrangeSpec>([](const RearrangeSpec& spec) { return py::cast(spec); });
}

}  // namespace

int64_t count_from(py::handle value, std::string_view what) {
  const int64_t count = int_from(value, what);
  if (count < 0) fail(ErrorId::OverflowError, std::string(what) + " must not be negative, got " + std::to_string(count));
  return count;
}

OptimizationSettings settings_or_default(py::handle value) {
  if (value.is_none()) return {};
  if (!py::isinstance<OptimizationSettings>(value)) fail_expected("settings", "OptimizationSettings", value);
  return value.cast<OptimizationSettings>();
}

std::optional<uint64_t> optional_count_from(py::handle value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  return static_cast<uint64_t>(count_from(value, what));
}

void bind_rewrite(py::module_& m) {
  register_payloads();
  bind_rewrite_rules(m);
  bind_simp(m);
  bind_push_down_index(m);
  bind_distribute(m);
  bind_concat_rewrites(m);
  bind_canonical(m);
  bind_optimizer_helpers(m);
}

}  // namespace pycircuit
