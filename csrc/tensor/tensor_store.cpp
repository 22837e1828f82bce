// Which tensor store the process uses.
#include "tensor/tensor_store.h"

#include "base/error.h"

namespace pycircuit {
namespace {

TensorStore* installed = nullptr;

}  // namespace

TensorStore& tensor_store() {
  if (!installed) fail(ErrorId::RuntimeError, "no tensor store is installed: tensors cannot be saved or loaded by hash");
  return *installed;
}

void install_tensor_store(TensorStore* store) { installed = store; }

}  // namespace pycircuit
