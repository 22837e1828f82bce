// Transforms: functions from circuit to circuit with an identity (spec 07, 7.1).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "circuit/node.h"
#include "match/matcher.h"

namespace pycircuit {

class NodeTransform : public ForeignFunction {
 public:
  virtual NodePtr run(const NodePtr& node) const = 0;
};

class Transform {
 public:
  explicit Transform(std::shared_ptr<const NodeTransform> function) : function_(std::move(function)) {}
  // Equal only to copies of itself.
  static Transform function(std::function<NodePtr(const NodePtr&)> function);
  static Transform ident() { return Transform(nullptr); }

  NodePtr operator()(const NodePtr& node) const { return function_ ? function_->run(node) : node; }
  bool is_ident() const { return function_ == nullptr; }
  const std::shared_ptr<const NodeTransform>& foreign() const { return function_; }  // null for ident
  const void* identity() const { return function_ ? function_->identity() : nullptr; }
  bool operator==(const Transform& other) const { return identity() == other.identity(); }
  std::string to_string() const { return function_ ? function_->text() : "Ident"; }

 private:
  std::shared_ptr<const NodeTransform> function_;
};

}  // namespace pycircuit
