#include "circuit/nodes/array.h"

#include "circuit/identity_bytes.h"

namespace pycircuit {

Ref<const Array> Array::make(Tensor value, Name name) {
  check_supported(value);
  return cast<Array>(finish(new Array(std::move(value)), std::move(name)));
}

Shape Array::compute_shape() const {
  Shape shape = value_.shape();
  for (const Size size : shape)
    if (is_symbolic(size))
      fail(ErrorId::ConstructArrayHasReservedSymbolicShape,
           "an Array of shape " + to_text(shape) + " has the size " + std::to_string(size) +
               ", a multiple of a prime that is reserved for symbolic sizes; pad or slice the tensor to another size",
           size, size_text(size));
  return shape;
}

void Array::write_fields(IdentityBytes& bytes) const { bytes.add(content_key_); }

}  // namespace pycircuit
