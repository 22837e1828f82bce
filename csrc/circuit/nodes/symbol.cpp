#include "circuit/nodes/symbol.h"

#include <cstring>

#include "circuit/identity_bytes.h"

namespace pycircuit {

Ref<const Symbol> Symbol::make(Shape shape, Uuid uuid, Name name) {
  return cast<Symbol>(finish(new Symbol(std::move(shape), uuid), std::move(name)));
}

NodePtr Symbol::stand_in(const Derived& derived) {
  Blake3 hasher;
  hasher.update("stand-in");
  hasher.update_byte(derived.device_dtype.device ? static_cast<uint8_t>(derived.device_dtype.device->index + 1) : 255);
  hasher.update_byte(derived.device_dtype.dtype ? static_cast<uint8_t>(*derived.device_dtype.dtype) : 255);
  hasher.update_byte(static_cast<uint8_t>(derived.flags.constant | derived.flags.computable << 1 | derived.flags.sampleable << 2 |
                                          derived.flags.autoname << 3));
  if (derived.constraints)
    for (const auto& constraint : *derived.constraints) hasher.update(constraint.to_string() + ";");
  const Hash hash = hasher.finish();
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), hash.bytes.data(), uuid.bytes.size());
  Derived own = derived;
  own.free_symbols = nullptr;
  return finish_derived(new Symbol(std::move(own), uuid));
}

void Symbol::write_fields(IdentityBytes& bytes) const {
  bytes.add(uuid_.as_bytes());
  bytes.add_sizes(shape());
}

}  // namespace pycircuit
