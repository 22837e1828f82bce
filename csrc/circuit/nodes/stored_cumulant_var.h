// StoredCumulantVar: a random tensor known only through its cumulants (spec 01, 9.4).
#pragma once

#include "base/uuid.h"
#include "circuit/node.h"

namespace pycircuit {

class StoredCumulantVar final : public Node {
 public:
  static constexpr Kind kKind = Kind::StoredCumulantVar;
  // (number, cumulant) pairs in any order; distinct numbers.
  static Ref<const StoredCumulantVar> make(std::vector<std::pair<int64_t, NodePtr>> cumulants, Uuid uuid, Naming naming = {});
  const std::vector<int64_t>& cumulant_numbers() const { return numbers_; }  // ascending, one per child
  const Uuid& uuid() const { return uuid_; }

  AxisMap child_axis_map() const override;
  Name autoname() const override;
  NodePtr remake(NodePtrs children, Naming naming) const override;

 protected:
  Shape compute_shape() const override;
  void adjust_flags(Flags& flags) const override;
  void write_fields(IdentityBytes& bytes) const override;
  Node* clone(NodePtrs children) const override { return new StoredCumulantVar(std::move(children), numbers_, uuid_); }

 private:
  StoredCumulantVar(NodePtrs cumulants, std::vector<int64_t> numbers, Uuid uuid)
      : Node(kKind, std::move(cumulants)), numbers_(std::move(numbers)), uuid_(uuid) {}
  std::vector<int64_t> numbers_;
  Uuid uuid_;
};

}  // namespace pycircuit
