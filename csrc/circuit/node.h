// What every node of a circuit is: an immutable, interned object with children, shape, name, flags and identity (spec 01, 02).
//
// A class's own file in `nodes/` holds what is true of it alone; this file holds what all share. Nodes are built by the static `make` of
// their class, which returns the live node of the same identity and payload if there is one (`intern.h`).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blake3.h"
#include "base/error.h"
#include "base/ref.h"
#include "base/shared.h"
#include "shape/shape.h"
#include "shape/symbolic.h"
#include "tensor/device_dtype.h"

namespace pycircuit {

// The order of classes wherever one matters (01, 2.1).
enum class Kind : uint8_t {
  Einsum,
  Array,
  Symbol,
  Scalar,
  Add,
  Rearrange,
  Index,
  GeneralFunction,
  Concat,
  Scatter,
  Conv,
  Module,
  SetSymbolicShape,
  Tag,
  DiscreteVar,
  StoredCumulantVar,
  Cumulant,
};
constexpr int kNumKinds = 17;
std::string_view kind_name(Kind kind);                      // "GeneralFunction"
std::string_view kind_snake_name(Kind kind);                // "general_function"
std::optional<Kind> kind_from_name(std::string_view name);  // of "GeneralFunction"

class Node;
class Symbol;
class IdentityBytes;
using NodePtr = Ref<const Node>;
using NodePtrs = std::vector<NodePtr>;
using SymbolPtr = Ref<const Symbol>;
using SymbolPtrs = std::vector<SymbolPtr>;

using Name = std::optional<std::string>;

// The name of a node under construction: given, or automatic; and whether automatic names are turned off on this very node (02, 4.3).
struct Naming {
  Name name;
  bool autoname_disabled = false;
  bool stay_unnamed = false;  // without a given name: no automatic one either, though the flag stays as it is (text, 05)
  Naming(std::nullopt_t = std::nullopt) {}
  Naming(Name given) : name(std::move(given)) {}
  Naming(std::string given) : name(std::move(given)) {}
  Naming(const char* given) : name(given) {}
  Naming(Name given, bool disabled) : name(std::move(given)), autoname_disabled(disabled) {}
};

// Per child, per child axis: the axis of the node that is that child axis (01, section 3).
using AxisMap = std::vector<std::vector<std::optional<int>>>;
using Constraints = std::vector<SymbolicSizeConstraint>;  // sorted, distinct

struct Flags {
  bool constant = true;
  bool computable = true;
  bool sampleable = true;
  bool autoname = true;
  bool operator==(const Flags&) const = default;
};

// Everything that is a function of class, fields and children. Null pointers stand for empty lists. Nodes share it where it is the same,
// so that a node rebuilt over children that pass on what the old ones did has it without asking any rule.
struct Derived {
  Shape shape;
  DeviceDtypeOp device_dtype;
  Flags flags;
  std::shared_ptr<const Constraints> constraints;
  std::shared_ptr<const NamedAxes> named_axes;
  std::shared_ptr<const SymbolPtrs> free_symbols;  // null for a Symbol, whose only free symbol is itself
  bool operator==(const Derived&) const = default;
};

inline Derived derived_of_leaf(Shape shape, bool computable = true) {
  Derived derived;
  derived.shape = std::move(shape);
  derived.flags.computable = computable;
  return derived;
}

class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Kind kind() const { return kind_; }
  // The identity hash (02, section 3), made when it is first asked for: finding equal nodes takes none.
  const Hash& hash() const {
    if (!is_hashed()) make_hashes();
    return hash_;
  }
  // Equal exactly for equal circuits; the key of every memo. Never reused within a process.
  uint64_t id() const { return id_; }
  const NodePtrs& children() const { return children_; }
  const NodePtr& child(size_t i = 0) const { return children_[i]; }
  size_t num_children() const { return children_.size(); }

  const Shape& shape() const { return derived_->shape; }
  int64_t rank() const { return static_cast<int64_t>(derived_->shape.size()); }
  const Name& name() const { return name_; }
  const std::string& name_or_empty() const;
  const DeviceDtypeOp& device_dtype() const { return derived_->device_dtype; }
  const Flags& flags() const { return derived_->flags; }
  bool is_constant() const { return derived_->flags.constant; }
  bool is_explicitly_computable() const { return derived_->flags.computable; }
  bool can_be_sampled() const { return derived_->flags.sampleable; }
  bool use_autoname() const { return derived_->flags.autoname; }
  const Constraints& constraints() const;
  const NamedAxes& named_axes() const;
  const Derived& derived() const { return *derived_; }

  // Distinct symbols not bound by a Module, in order of first visit (08, 1.1).
  SymbolPtrs free_symbols() const;
  bool has_free_symbols() const { return kind_ == Kind::Symbol || derived_->free_symbols; }
  bool has_free_symbol(const Symbol& symbol) const;

  bool is_leaf() const { return kind_ == Kind::Array || kind_ == Kind::Symbol || kind_ == Kind::Scalar; }
  bool is_irreducible() const { return kind_ == Kind::Array || kind_ == Kind::Symbol; }
  bool is_leaf_constant() const { return kind_ == Kind::Array || kind_ == Kind::Scalar; }
  bool is_var() const { return kind_ == Kind::DiscreteVar || kind_ == Kind::StoredCumulantVar; }

  virtual AxisMap child_axis_map() const = 0;
  // The automatic name the node would get, regardless of its present name and flag; nothing if a needed child name is missing.
  virtual Name autoname() const = 0;
  // The constructor again with the same fields (spec circuit first for a Module) and exactly this naming.
  virtual NodePtr remake(NodePtrs children, Naming naming) const = 0;

  // Rebuilding (02, section 6): fields and name kept, everything else afresh. Leaves return themselves.
  NodePtr rebuild(NodePtrs children) const;
  // The naming that a rebuild passes to the constructor.
  Naming kept_naming() const { return {name_, only_this_node_disables_autoname()}; }
  // Without the rebuild if the children are the same objects.
  NodePtr rebuild_if_changed(NodePtrs children) const;
  NodePtr rename(Name name) const;
  NodePtr add_suffix(const Name& suffix) const;
  NodePtr with_autoname_disabled(bool disabled) const;
  NodePtr with_named_axes(NamedAxes axes) const;  // empty: the propagated names
  // Hash of the fields alone (02, section 2: compute_self_hash).
  Hash self_hash(bool hash_child_count, bool hash_child_shapes, bool hash_name) const;
  // What equal nodes, and no others, share: kind, naming, fields and the children's numbers.
  void write_key(IdentityBytes& bytes, bool autoname) const;

  // The object that stands for the node in another language, which that language's bindings keep here under a lock of their own.
  void* foreign_object() const { return foreign_object_; }
  void set_foreign_object(void* object) const { foreign_object_ = object; }

  template <class T>
  const T* as() const {
    return kind_ == T::kKind ? static_cast<const T*>(this) : nullptr;
  }

  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const;

  virtual ~Node() = default;
  // Rewriting makes and drops nodes by the thousand: a thread keeps some blocks of dropped ones for the next.
  static void* operator new(size_t size);
  static void operator delete(void* block, size_t size);

 protected:
  Node(Kind kind, NodePtrs children) : children_(std::move(children)), kind_(kind) {}

  // Completes a candidate (takes over its allocation) and interns it.
  static NodePtr finish(Node* candidate, Naming naming);
  // For copies and stand-ins whose derived values are set already.
  static NodePtr finish_derived(Node* candidate);
  void copy_common(const Node& other);
  // For a leaf under construction, whose derived values come with its fields.
  void set_leaf_derived(Derived derived);

  // The shape rule with all checks on fields and children.
  virtual Shape compute_shape() const = 0;
  virtual DeviceDtypeOp compute_device_dtype() const;
  virtual void adjust_flags(Flags&) const {}
  virtual void own_constraints(Constraints&) const {}
  // Fills everything; a Module overrides it as a whole. Not asked of nodes that have it already.
  virtual void derive(Derived& derived) const;
  // Fields and children (02, section 3, part (a)).
  virtual void write_fields(IdentityBytes& bytes) const = 0;
  // Whether objects outside the identity (torch tensors, Python specs) are the same too.
  virtual bool same_payload(const Node&) const { return true; }
  // The fields over these children, without name and derived values.
  virtual Node* clone(NodePtrs children) const = 0;
  // Whether children with equal derived values (Symbols apart) make an equal node of this class and these fields.
  virtual bool derives_from_derived() const { return true; }

 private:
  friend class InternTable;
  enum class HashState : uint8_t { none, being_stored, stored };
  bool is_hashed() const { return hash_state_.load(std::memory_order_acquire) == HashState::stored; }
  void make_hashes() const;  // of the node and all below it
  void store_hash(const Hash& hash) const;
  std::shared_ptr<const NamedAxes> propagated_named_axes() const;
  void set_derived(Derived derived);
  bool keeps_derived(const NodePtrs& children) const;
  Node* copy() const;
  bool only_this_node_disables_autoname() const;

  NodePtrs children_;
  Shared<Derived> derived_;  // nothing while the node is under construction
  Name name_;
  mutable Hash hash_{};
  uint64_t id_ = 0;        // 0: not interned
  uint64_t key_hash_ = 0;  // where it stands in the table of live nodes
  mutable void* foreign_object_ = nullptr;
  mutable std::atomic<uint32_t> count_{0};
  mutable std::atomic<HashState> hash_state_{HashState::none};
  Kind kind_;
};

inline bool same(const NodePtr& a, const NodePtr& b) { return a.get() == b.get() || a->id() == b->id(); }
// The order of circuits: unnamed first, names by code points, then the hash (02, 1.1).
bool circuit_less(const Node& a, const Node& b);

// "'name' [2,3] Add", for messages.
std::string describe(const Node& node);
std::string describe(const NodePtrs& nodes);
PayloadValue circuit_payload(const NodePtr& node);
PayloadList circuit_payloads(const NodePtrs& nodes);

template <class T>
Ref<const T> cast(const NodePtr& node) {
  return Ref<const T>(node->as<T>());
}

}  // namespace pycircuit
