#include "match/transform.h"

namespace pycircuit {
namespace {

class FunctionTransform final : public NodeTransform {
 public:
  explicit FunctionTransform(std::function<NodePtr(const NodePtr&)> function) : function_(std::move(function)) {}
  NodePtr run(const NodePtr& node) const override { return function_(node); }

 private:
  std::function<NodePtr(const NodePtr&)> function_;
};

}  // namespace

Transform Transform::function(std::function<NodePtr(const NodePtr&)> function) {
  return Transform(std::make_shared<const FunctionTransform>(std::move(function)));
}

}  // namespace pycircuit
