#include "circuit/nodes/tag.h"

#include "circuit/names.h"

namespace pycircuit {

Ref<const Tag> Tag::make(const NodePtr& node, Uuid uuid, Naming naming) {
  return cast<Tag>(finish(new Tag(node, uuid), std::move(naming)));
}

AxisMap Tag::child_axis_map() const {
  AxisMap map(1);
  for (int axis = 0; axis < rank(); ++axis) map[0].push_back(axis);
  return map;
}

Name Tag::autoname() const { return postfix_autoname(*this, " tag"); }

void Tag::hash_fields(Blake3& hasher, bool with_children) const {
  hasher.update(uuid_.as_bytes());
  hash_children(hasher, with_children);
}

}  // namespace pycircuit
