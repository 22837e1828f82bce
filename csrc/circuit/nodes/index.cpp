#include "circuit/nodes/index.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Index> Index::make(const NodePtr& node, IndexElements index, Naming naming) {
  IndexElements checked = with_context([&] { return checked_index(std::move(index), node->shape(), "Index"); },
                                       [&] { return "while constructing Index '" + naming.name.value_or("") + "' of " + describe(*node); });
  std::string identity = identity_bytes(checked);
  return cast<Index>(finish(new Index({node}, Shared(Fields{std::move(checked), std::move(identity)})), std::move(naming)));
}

DeviceDtypeOp Index::compute_device_dtype() const {
  if (!has_tensor(index())) return child()->device_dtype();
  std::vector<DeviceDtypeOp> parts = {child()->device_dtype()};
  for (const auto& element : index())
    if (const auto* tensor = std::get_if<Tensor>(&element)) parts.push_back({tensor->device(), std::nullopt});
  return with_context([&] { return unify(parts); }, [&] { return "index tensors on another device than the child " + describe(*child()); });
}

AxisMap Index::axis_map(bool including_slices) const {
  AxisMap map(1);
  int out = 0;
  for (size_t axis = 0; axis < index().size(); ++axis) {
    const auto& element = index()[axis];
    const bool kept = is_identity(element, child()->shape()[axis]) || (including_slices && std::holds_alternative<Slice>(element));
    map[0].push_back(kept ? std::optional<int>(out) : std::nullopt);
    if (!std::holds_alternative<int64_t>(element)) ++out;
  }
  return map;
}

Name Index::autoname() const { return postfix_autoname(*this, " idx"); }

void Index::write_fields(IdentityBytes& bytes) const {
  bytes.add_part(index_->identity);
  bytes.add_children(children());
}

}  // namespace pycircuit
