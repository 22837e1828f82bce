#include "circuit/nodes/scalar.h"

#include <bit>

namespace pycircuit {

Ref<const Scalar> Scalar::make(double value, Shape shape, Name name) {
  return cast<Scalar>(finish(new Scalar(value, std::move(shape)), std::move(name)));
}

void Scalar::hash_fields(Blake3& hasher, bool) const {
  hasher.update_u64(std::bit_cast<uint64_t>(value_));
  for (const Size size : scalar_shape_) hasher.update_u64(static_cast<uint64_t>(size));
}

}  // namespace pycircuit
