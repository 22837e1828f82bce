#include "circuit/nodes/rearrange.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Rearrange> Rearrange::make(const NodePtr& node, RearrangeSpec spec, Naming naming) {
  std::string identity = spec.identity_bytes();
  return make(node, Shared(Fields{std::move(spec), std::move(identity)}), std::move(naming));
}

Ref<const Rearrange> Rearrange::make(const NodePtr& node, Shared<Fields> spec, Naming naming) {
  return cast<Rearrange>(finish(new Rearrange({node}, std::move(spec)), std::move(naming)));
}

Ref<const Rearrange> Rearrange::reshape(const NodePtr& node, const Shape& shape) {
  return make(make(node, RearrangeSpec::flatten(node->rank())), RearrangeSpec::unflatten(shape));
}

Shape Rearrange::compute_shape() const {
  return with_context(
      [&] { return conformed_spec().output_shape(); },
      [&] { return "while constructing Rearrange '" + name_or_empty() + "' " + spec().to_string() + " of " + describe(*child()); });
}

AxisMap Rearrange::child_axis_map() const {
  AxisMap map(1);
  for (const auto& axis : spec().child_axis_map()) map[0].push_back(axis ? std::optional<int>(static_cast<int>(*axis)) : std::nullopt);
  return map;
}

Name Rearrange::autoname() const { return postfix_autoname(*this, " rearrange"); }

void Rearrange::write_fields(IdentityBytes& bytes) const {
  bytes.add_part(spec_->identity);
  bytes.add_children(children());
}

}  // namespace pycircuit
