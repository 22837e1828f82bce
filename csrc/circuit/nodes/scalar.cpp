#include "circuit/nodes/scalar.h"

#include <bit>

#include "circuit/identity_bytes.h"

namespace pycircuit {

Ref<const Scalar> Scalar::make(double value, Shape shape, Name name) {
  return cast<Scalar>(finish(new Scalar(value, std::move(shape)), std::move(name)));
}

void Scalar::write_fields(IdentityBytes& bytes) const {
  bytes.add_u64(std::bit_cast<uint64_t>(value_));
  bytes.add_sizes(shape());
}

}  // namespace pycircuit
