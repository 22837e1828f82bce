#include "transformer.h"

#include <string>

#include "circuit/nodes/all.h"
#include "tensor/operations.h"

namespace pycircuit::bench {
namespace {

constexpr int64_t kSeq = 4, kWidth = 16, kHead = 8;

NodePtr array(const std::string& name, const Shape& shape) { return Array::make(zeros(shape, {Device{}, DType::float32}), name); }

NodePtr einsum(const std::string& name, std::string_view text, NodePtrs nodes) { return Einsum::from_string(text, std::move(nodes), name); }

NodePtr head(const std::string& name, const NodePtr& input) {
  NodePtrs read;
  for (const char* part : {"q", "k", "v"})
    read.push_back(einsum(name + "." + part, "sd,cd->sc", {input, array(name + ".w." + part, {kHead, kWidth})}));
  const NodePtr scores = einsum(name + ".scores", "qc,kc->qk", {read[0], read[1]});
  const NodePtr pattern = GeneralFunction::by_name({scores}, "softmax", name + ".pattern");
  const NodePtr mixed = einsum(name + ".z", "qk,kc->qc", {pattern, read[2]});
  return einsum(name, "qc,dc->qd", {mixed, array(name + ".w.o", {kWidth, kHead})});
}

NodePtr mlp(const std::string& name, const NodePtr& input) {
  const NodePtr pre = einsum(name + ".pre", "sd,hd->sh", {input, array(name + ".w.proj_in", {4 * kWidth, kWidth})});
  const NodePtr act = GeneralFunction::by_name({pre}, "gelu", name + ".act");
  return einsum(name, "sh,dh->sd", {act, array(name + ".w.proj_out", {kWidth, 4 * kWidth})});
}

}  // namespace

NodePtr transformer(int layers, int heads) {
  NodePtr residual = array("embeds", {kSeq, kWidth});
  for (int layer = 0; layer < layers; ++layer) {
    const std::string number = std::to_string(layer);
    NodePtrs outputs;
    for (int i = 0; i < heads; ++i) outputs.push_back(head("a" + number + ".h" + std::to_string(i), residual));
    const NodePtr middle = Add::make({Add::make(outputs, "b" + number + ".a"), residual}, "b" + number + ".resid.a");
    residual = Add::make({mlp("m" + number, middle), middle}, "b" + number);
  }
  return residual;
}

}  // namespace pycircuit::bench
