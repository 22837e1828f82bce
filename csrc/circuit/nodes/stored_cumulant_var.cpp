#include "circuit/nodes/stored_cumulant_var.h"

#include <algorithm>

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const StoredCumulantVar> StoredCumulantVar::make(std::vector<std::pair<int64_t, NodePtr>> cumulants, Uuid uuid, Naming naming) {
  std::sort(cumulants.begin(), cumulants.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto has = [&](int64_t number) {
    return std::any_of(cumulants.begin(), cumulants.end(), [&](const auto& entry) { return entry.first == number; });
  };
  if (!has(1) || !has(2))
    fail(ErrorId::ConstructStoredCumulantVarNeedsMeanVariance, "StoredCumulantVar needs the cumulants 1 (mean) and 2 (covariance)");
  if (cumulants.front().first < 1)
    fail(ErrorId::ConstructStoredCumulantVarInvalidCumulantNumber, "StoredCumulantVar: cumulant numbers start at 1",
         cumulants.front().first);
  NodePtrs nodes;
  std::vector<int64_t> numbers;
  for (auto& [number, node] : cumulants) {
    numbers.push_back(number);
    nodes.push_back(std::move(node));
  }
  return cast<StoredCumulantVar>(finish(new StoredCumulantVar(std::move(nodes), std::move(numbers), uuid), std::move(naming)));
}

NodePtr StoredCumulantVar::remake(NodePtrs children, Naming naming) const {
  std::vector<std::pair<int64_t, NodePtr>> cumulants;
  for (size_t i = 0; i < numbers_.size(); ++i) cumulants.emplace_back(numbers_[i], children.at(i));
  return make(std::move(cumulants), uuid_, std::move(naming));
}

Shape StoredCumulantVar::compute_shape() const {
  const Shape& base = child()->shape();
  for (size_t i = 0; i < numbers_.size(); ++i) {
    const Shape& shape = child(i)->shape();
    // Compare axis by axis: repeating the base shape could be huge for a large number.
    bool fits =
        base.empty() ? shape.empty() : shape.size() % base.size() == 0 && static_cast<int64_t>(shape.size() / base.size()) == numbers_[i];
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) fits = shape[axis] == base[axis % base.size()];
    if (!fits)
      fail(ErrorId::ConstructStoredCumulantVarCumulantWrongShape,
           "StoredCumulantVar: cumulant " + std::to_string(numbers_[i]) + ", " + describe(*child(i)) + ", needs the shape of the mean, " +
               to_text(base) + ", repeated " + std::to_string(numbers_[i]) + " times",
           base, shape, numbers_[i]);
  }
  return base;
}

void StoredCumulantVar::adjust_flags(Flags& flags) const {
  flags.constant = false;
  flags.computable = false;
  flags.sampleable = numbers_.back() <= 2;
}

AxisMap StoredCumulantVar::child_axis_map() const {
  AxisMap map;
  for (const auto& child : children()) map.emplace_back(child->rank());
  return map;
}

Name StoredCumulantVar::autoname() const {
  std::string out = "StoredCumulantVar(";
  for (size_t i = 0; i < numbers_.size(); ++i) {
    const Name name = shortened_name(*child(i));
    if (!name) return std::nullopt;
    out += (i ? ", " : "") + std::to_string(numbers_[i]) + ": " + *name;
  }
  return out + ")";
}

void StoredCumulantVar::write_fields(IdentityBytes& bytes) const {
  for (const int64_t number : numbers_) bytes.add_u64(static_cast<uint64_t>(number));
  bytes.add(uuid_.as_bytes());
  bytes.add_children(children());
}

}  // namespace pycircuit
