#include "circuit/nodes/tag.h"

#include "circuit/identity_bytes.h"
#include "circuit/names.h"

namespace pycircuit {

Ref<const Tag> Tag::make(const NodePtr& node, Uuid uuid, Naming naming) {
  return cast<Tag>(finish(new Tag({node}, uuid), std::move(naming)));
}

AxisMap Tag::child_axis_map() const {
  AxisMap map(1);
  for (int axis = 0; axis < rank(); ++axis) map[0].push_back(axis);
  return map;
}

Name Tag::autoname() const { return postfix_autoname(*this, " tag"); }

void Tag::write_fields(IdentityBytes& bytes) const {
  bytes.add(uuid_.as_bytes());
  bytes.add_children(children());
}

}  // namespace pycircuit
