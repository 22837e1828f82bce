// Completing, hashing, rebuilding, renaming and freeing nodes.
#include "circuit/node.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/spare_blocks.h"
#include "base/text.h"
#include "base/uuid.h"
#include "circuit/identity_bytes.h"
#include "circuit/intern.h"
#include "circuit/nodes/symbol.h"

namespace pycircuit {
namespace {

struct KindRow {
  std::string_view name;
  std::string_view snake;
  Uuid tag;  // class tag of the identity recipe (02, section 3, part (b))
};

constexpr std::array<KindRow, kNumKinds> kKinds = {{
    {"Einsum", "einsum", "ed15422c-7c02-40c2-a3c2-e9224514d063"_uuid},
    {"Array", "array", "b2aac9d5-1bfa-4c2a-9684-e3f9ecbc1b94"_uuid},
    {"Symbol", "symbol", "13c3ee63-76e9-4afb-8057-40309d17b458"_uuid},
    {"Scalar", "scalar", "78a77905-8b3f-4471-bb77-255673941fef"_uuid},
    {"Add", "add", "88fb29e5-c81e-47fe-ae4c-678b22994670"_uuid},
    {"Rearrange", "rearrange", "13204d30-2f12-4edd-8765-34bc8b458ef2"_uuid},
    {"Index", "index", "3c655670-b352-4a5f-891c-0d7160609341"_uuid},
    {"GeneralFunction", "general_function", "8d1a1b0b-6f0c-4b7e-9a65-3b0f5c7d2e14"_uuid},
    {"Concat", "concat", "f2684583-c215-4f67-825e-6e4e51091ca7"_uuid},
    {"Scatter", "scatter", "50cce6d3-457c-4f52-9a23-1903bdc76533"_uuid},
    {"Conv", "conv", "a329465f-a18f-4313-a2a6-51d8ebad7dd6"_uuid},
    {"Module", "module", "6825f723-f178-4dab-b568-cd85eb6d2bf3"_uuid},
    {"SetSymbolicShape", "set_symbolic_shape", "25332a58-39d6-443d-b225-65c810a09aa4"_uuid},
    {"Tag", "tag", "63fdc4ce-2f1b-40b3-b8b6-13991b54cbd7"_uuid},
    {"DiscreteVar", "discrete_var", "1bd791cd-8460-496d-8cf5-303baa3cd226"_uuid},
    {"StoredCumulantVar", "stored_cumulant_var", "f36da959-d160-484d-b6b8-7685ef7521c0"_uuid},
    {"Cumulant", "cumulant", "0954a2b9-e138-480d-b967-305cfc6c5a2b"_uuid},
}};
constexpr int64_t kMaxRank = 255;
constexpr Uuid kNameSeparator = "025e9af4-1366-4211-aa5f-7c28fc6cdf9f"_uuid;
constexpr Uuid kAxisSeparator = "db6b1967-35f7-4571-a69c-82ba3340215d"_uuid;

const KindRow& row(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

// Ids met since the last `clear`, which costs nothing.
class IdSet {
 public:
  void clear() {
    ++round_;
    size_ = 0;
  }
  bool insert(uint64_t id) {
    if (2 * ++size_ > slots_.size()) grow();
    Slot& slot = find(id);
    if (slot.round == round_) {
      --size_;
      return false;
    }
    slot = {id, round_};
    return true;
  }

 private:
  struct Slot {
    uint64_t id = 0, round = 0;
  };
  Slot& find(uint64_t id) {
    const size_t mask = slots_.size() - 1;
    for (size_t i = (id * 0x9e3779b97f4a7c15u) >> 20 & mask;; i = (i + 1) & mask)
      if (slots_[i].round != round_ || slots_[i].id == id) return slots_[i];
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 4);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.round == round_) find(slot.id) = slot;
  }
  std::vector<Slot> slots_;
  uint64_t round_ = 0;
  size_t size_ = 0;
};

// Shares the list of a child that has it whole already.
std::shared_ptr<const SymbolPtrs> shared_free_symbols(const NodePtrs& children) {
  const Node* only = nullptr;
  bool several = false;
  for (const auto& child : children) {
    if (!child->has_free_symbols()) continue;
    if (!only) {
      only = child.get();
    } else if (only != child.get() && !(only->derived().free_symbols && only->derived().free_symbols == child->derived().free_symbols)) {
      several = true;
    }
  }
  if (!only) return nullptr;
  if (!several && only->derived().free_symbols) return only->derived().free_symbols;
  thread_local IdSet met;
  met.clear();
  std::vector<const Symbol*> all;
  const SymbolPtrs* last = nullptr;
  for (const auto& child : children) {
    const SymbolPtrs* list = child->derived().free_symbols.get();
    if (!list) {
      const auto* symbol = child->as<Symbol>();
      if (symbol && met.insert(symbol->id())) all.push_back(symbol);
    } else if (list != last) {
      for (const auto& symbol : *list)
        if (met.insert(symbol->id())) all.push_back(symbol.get());
      last = list;
    }
  }
  const auto is_all = [&](const SymbolPtrs& list) {
    return list.size() == all.size() &&
           std::equal(all.begin(), all.end(), list.begin(), [](const Symbol* a, const SymbolPtr& b) { return a == b.get(); });
  };
  for (const auto& child : children)
    if (child->derived().free_symbols && is_all(*child->derived().free_symbols)) return child->derived().free_symbols;
  SymbolPtrs list;
  list.reserve(all.size());
  for (const Symbol* symbol : all) list.emplace_back(symbol);
  return std::make_shared<const SymbolPtrs>(std::move(list));
}

std::shared_ptr<const Constraints> shared_constraints(const NodePtrs& children, Constraints own) {
  std::shared_ptr<const Constraints> only;
  bool several = !own.empty();
  for (const auto& child : children) {
    const auto& constraints = child->derived().constraints;
    if (!constraints || constraints == only) continue;
    if (only) several = true;
    only = constraints;
  }
  if (!several) return only;
  Constraints all = std::move(own);
  for (const auto& child : children) all.insert(all.end(), child->constraints().begin(), child->constraints().end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (only && *only == all) return only;
  check_satisfiable(all);
  return std::make_shared<const Constraints>(std::move(all));
}

}  // namespace

std::string_view kind_name(Kind kind) { return row(kind).name; }
std::string_view kind_snake_name(Kind kind) { return row(kind).snake; }
std::optional<Kind> kind_from_name(std::string_view name) {
  for (size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i].name == name) return static_cast<Kind>(i);
  return std::nullopt;
}

const std::string& Node::name_or_empty() const {
  static const std::string empty;
  return name_ ? *name_ : empty;
}

const Constraints& Node::constraints() const {
  static const Constraints empty;
  return derived_->constraints ? *derived_->constraints : empty;
}

const NamedAxes& Node::named_axes() const {
  static const NamedAxes empty;
  return derived_ && derived_->named_axes ? *derived_->named_axes : empty;
}

SymbolPtrs Node::free_symbols() const {
  if (kind_ == Kind::Symbol) return {SymbolPtr(static_cast<const Symbol*>(this))};
  return derived_->free_symbols ? *derived_->free_symbols : SymbolPtrs{};
}

bool Node::has_free_symbol(const Symbol& symbol) const {
  if (kind_ == Kind::Symbol) return id_ == symbol.id();
  if (!derived_->free_symbols) return false;
  return std::any_of(derived_->free_symbols->begin(), derived_->free_symbols->end(),
                     [&](const auto& free) { return free->id() == symbol.id(); });
}

DeviceDtypeOp Node::compute_device_dtype() const {
  DeviceDtypeOp common;
  bool differ = false;
  for (const auto& child : children_) {
    const DeviceDtypeOp& own = child->device_dtype();
    if (own == DeviceDtypeOp{} || own == common) continue;
    if (common == DeviceDtypeOp{}) {
      common = own;
    } else {
      differ = true;
    }
  }
  if (!differ) return common;
  std::vector<DeviceDtypeOp> parts;
  for (const auto& child : children_) parts.push_back(child->device_dtype());
  return with_context([&] { return unify(parts); },
                      [&] { return "children of " + std::string(kind_name(kind_)) + ": " + describe(children_); });
}

void Node::derive(Derived& derived) const {
  derived.shape = compute_shape();
  derived.device_dtype = compute_device_dtype();
  for (const auto& child : children_) {
    const Flags& flags = child->flags();
    derived.flags.constant &= flags.constant;
    derived.flags.computable &= flags.computable;
    derived.flags.sampleable &= flags.sampleable;
  }
  adjust_flags(derived.flags);
  Constraints own;
  own_constraints(own);
  derived.constraints = shared_constraints(children_, std::move(own));
  derived.free_symbols = shared_free_symbols(children_);
}

std::shared_ptr<const NamedAxes> Node::propagated_named_axes() const {
  bool any = false;
  for (const auto& child : children_) any |= child->derived().named_axes != nullptr;
  if (!any) return nullptr;
  NamedAxes axes;
  const AxisMap map = child_axis_map();
  for (size_t i = 0; i < children_.size(); ++i)
    for (const auto& [axis, name] : children_[i]->named_axes())
      if (static_cast<size_t>(axis) < map[i].size() && map[i][axis]) axes[*map[i][axis]] = name;
  return axes.empty() ? nullptr : std::make_shared<const NamedAxes>(std::move(axes));
}

void Node::set_derived(Derived derived) {
  for (const auto& child : children_)
    if (child->derived() == derived) {
      derived_ = child->derived_;
      return;
    }
  derived_ = Shared(std::move(derived));
}

void Node::set_leaf_derived(Derived derived) {
  thread_local Shared<Derived> last;  // leaves of one shape often come in a row
  if (!last || !(*last == derived)) last = Shared(std::move(derived));
  derived_ = last;
}

void Node::write_key(IdentityBytes& bytes, bool autoname) const {
  const NamedAxes& axes = named_axes();
  bytes.add_byte(static_cast<uint8_t>(kind_));
  bytes.add_byte(static_cast<uint8_t>(name_.has_value() | autoname << 1 | !axes.empty() << 2));
  if (name_) {
    bytes.add_length(name_->size());
    bytes.add(*name_);
  }
  if (!axes.empty()) {
    bytes.add_length(axes.size());
    for (const auto& [axis, name] : axes) {
      bytes.add_u64(static_cast<uint64_t>(axis));
      bytes.add_length(name.size());
      bytes.add(name);
    }
  }
  write_fields(bytes);
}

void Node::make_hashes() const {
  struct Place {
    const Node* node;
    size_t next_child;
  };
  std::vector<Place> stack = {{this, 0}};
  while (!stack.empty()) {
    Place& place = stack.back();
    const Node& node = *place.node;
    if (place.next_child < node.num_children()) {
      const Node* child = node.child(place.next_child++).get();
      if (!child->is_hashed()) stack.push_back({child, 0});
      continue;
    }
    IdentityBytes bytes(IdentityBytes::Form::hash);
    node.write_fields(bytes);
    bytes.add(row(node.kind_).tag.as_bytes());
    bytes.add_byte(node.name_ ? 1 : 0);
    if (node.name_) bytes.add(*node.name_);
    bytes.add(kNameSeparator.as_bytes());
    bytes.add_byte(node.use_autoname() ? 1 : 0);
    for (const auto& [axis, name] : node.named_axes()) {
      bytes.add_byte(static_cast<uint8_t>(axis));
      bytes.add(name);
      bytes.add(kAxisSeparator.as_bytes());
    }
    node.store_hash(blake3(bytes.view()));
    stack.pop_back();
  }
}

// Several threads may come with the same hash; one writes it.
void Node::store_hash(const Hash& hash) const {
  HashState state = HashState::none;
  if (hash_state_.compare_exchange_strong(state, HashState::being_stored, std::memory_order_acquire)) {
    hash_ = hash;
    hash_state_.store(HashState::stored, std::memory_order_release);
  }
  while (!is_hashed()) std::this_thread::yield();
}

Hash Node::self_hash(bool hash_child_count, bool hash_child_shapes, bool hash_name) const {
  IdentityBytes bytes(IdentityBytes::Form::own_fields);
  write_fields(bytes);
  bytes.add(row(kind_).tag.as_bytes());
  const auto add_shape = [&](const Shape& shape) {
    bytes.add_length(shape.size());
    bytes.add_sizes(shape);
  };
  add_shape(shape());
  if (hash_name) {
    bytes.add_length(name_or_empty().size());
    bytes.add(name_or_empty());
  }
  if (hash_child_count) bytes.add_length(children_.size());
  if (hash_child_shapes)
    for (const auto& child : children_) add_shape(child->shape());
  return blake3(bytes.view());
}

NodePtr Node::finish(Node* raw, Naming naming) {
  Ref<Node> candidate(raw);
  Node& node = *candidate;
  bool children_autoname = true, named_axes = false;
  for (const auto& child : node.children_) {
    children_autoname &= child->use_autoname();
    named_axes |= child->derived().named_axes != nullptr;
  }
  const auto set_name = [&](bool autoname) {
    if (naming.name) {
      node.name_ = std::move(naming.name);
    } else if (autoname && !naming.stay_unnamed && !node.is_leaf()) {
      node.name_ = node.autoname();
      if (node.name_ && node.name_->empty()) node.name_.reset();  // an automatic name is never empty
    }
  };
  const auto check_rank = [&](const Shape& shape) {
    if (static_cast<int64_t>(shape.size()) > kMaxRank)
      fail(ErrorId::RuntimeError, std::string(kind_name(node.kind_)) + " of " + describe(node.children_) + " would have " +
                                      std::to_string(shape.size()) + " axes; at most " + std::to_string(kMaxRank) + " are supported");
  };
  Derived derived;
  // Without axis names (and outside Modules) the identity does not need the derived values: a node that is alive already costs no checks.
  if (!named_axes && node.kind_ != Kind::Module) {
    const bool autoname = children_autoname && !naming.autoname_disabled;
    set_name(autoname);
    const InternKey key(node, autoname);
    if (NodePtr found = InternTable::find(node, key)) return found;
    if (!node.derived_) {
      derived.flags.autoname = autoname;
      node.derive(derived);
      check_rank(derived.shape);
      node.set_derived(std::move(derived));
    } else {
      check_rank(node.shape());
    }
    return InternTable::find_or_insert(std::move(candidate), key);
  }
  node.derive(derived);
  check_rank(derived.shape);
  if (node.kind_ != Kind::Module) derived.flags.autoname = children_autoname;
  if (naming.autoname_disabled) derived.flags.autoname = false;
  set_name(derived.flags.autoname);
  node.derived_ = Shared(derived);
  if (node.kind_ != Kind::Module)
    if (auto axes = node.propagated_named_axes()) {
      derived.named_axes = std::move(axes);
      node.derived_ = Shared(std::move(derived));
    }
  return InternTable::find_or_insert(std::move(candidate), InternKey(node, node.use_autoname()));
}

NodePtr Node::finish_derived(Node* raw) {
  Ref<Node> candidate(raw);
  const InternKey key(*raw, raw->use_autoname());
  return InternTable::find_or_insert(std::move(candidate), key);
}

void Node::copy_common(const Node& other) {
  derived_ = other.derived_;
  name_ = other.name_;
}

Node* Node::copy() const {
  Node* copy = clone(children_);
  copy->copy_common(*this);
  return copy;
}

bool Node::only_this_node_disables_autoname() const {
  return !use_autoname() && std::all_of(children_.begin(), children_.end(), [](const NodePtr& child) { return child->use_autoname(); });
}

NodePtr Node::rebuild(NodePtrs children) const {
  if (is_leaf()) return NodePtr(this);
  if (!name_ || !keeps_derived(children)) return remake(std::move(children), kept_naming());
  Node* rebuilt = clone(std::move(children));
  rebuilt->copy_common(*this);
  return finish_derived(rebuilt);
}

bool Node::keeps_derived(const NodePtrs& children) const {
  if (derived_->named_axes || children.size() != children_.size() || !derives_from_derived()) return false;
  for (size_t i = 0; i < children.size(); ++i) {
    const Node &now = *children[i], &before = *children_[i];
    if (&now == &before) continue;
    if (now.kind_ == Kind::Symbol || before.kind_ == Kind::Symbol) return false;  // each brings itself as a free symbol
    if (!now.derived_.is_same_object(before.derived_) && !(now.derived() == before.derived())) return false;
  }
  return true;
}

NodePtr Node::rebuild_if_changed(NodePtrs children) const {
  if (children == children_) return NodePtr(this);
  return rebuild(std::move(children));
}

NodePtr Node::rename(Name name) const {
  if (name == name_) return NodePtr(this);
  Node* renamed = copy();
  renamed->name_ = std::move(name);
  return finish_derived(renamed);
}

NodePtr Node::add_suffix(const Name& suffix) const {
  if (!suffix || !name_) return NodePtr(this);
  return rename(*name_ + "_" + *suffix);
}

NodePtr Node::with_autoname_disabled(bool disabled) const {
  const bool children_autoname =
      std::all_of(children_.begin(), children_.end(), [](const NodePtr& child) { return child->use_autoname(); });
  const bool flag = !disabled && children_autoname;
  if (flag == use_autoname()) return NodePtr(this);
  Derived changed = derived();
  changed.flags.autoname = flag;
  Node* result = copy();
  result->derived_ = Shared(std::move(changed));
  return finish_derived(result);
}

NodePtr Node::with_named_axes(NamedAxes axes) const {
  for (const auto& [axis, name] : axes) {
    if (axis < 0) fail(ErrorId::OverflowError, "axis " + std::to_string(axis) + " of a named axis is negative");
    if (axis >= rank())
      fail(ErrorId::ConstructNamedAxisAboveRank,
           "axis " + std::to_string(axis) + " is named '" + name + "' but " + describe(*this) + " has rank " + std::to_string(rank()));
    for (const char c : name)
      if (c == '[' || c == ']' || c == ':' || is_ascii_space(c))
        fail(ErrorId::NamedAxesForbiddenCharacter,
             "axis names must not contain white space, '[', ']' or ':', got '" + name + "' on " + describe(*this), name);
  }
  if (axes == named_axes() && !axes.empty()) return NodePtr(this);
  Derived changed = derived();
  if (!axes.empty()) {
    changed.named_axes = std::make_shared<const NamedAxes>(std::move(axes));
  } else if (kind_ == Kind::Module) {
    Derived afresh;
    derive(afresh);
    changed.named_axes = afresh.named_axes;
  } else {
    changed.named_axes = propagated_named_axes();
  }
  Node* result = copy();
  result->derived_ = Shared(std::move(changed));
  return finish_derived(result);
}

void* Node::operator new(size_t size) { return take_block(size); }

void Node::operator delete(void* block, size_t size) { give_block(block, size); }

void Node::release() const {
  if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (id_) InternTable::remove(*this);
  // Freed from a list, so that deep graphs do not recurse through destructors of children.
  struct Freeing {
    std::vector<const Node*> waiting;
    bool active = false;
  };
  thread_local Freeing* freeing = new Freeing;  // never destroyed: nodes may die during thread exit
  freeing->waiting.push_back(this);
  if (freeing->active) return;
  freeing->active = true;
  while (!freeing->waiting.empty()) {
    const Node* node = freeing->waiting.back();
    freeing->waiting.pop_back();
    delete node;
  }
  freeing->active = false;
}

bool circuit_less(const Node& a, const Node& b) {
  if (a.name().has_value() != b.name().has_value()) return !a.name();
  if (a.name() != b.name()) return *a.name() < *b.name();
  return a.hash() < b.hash();
}

std::string describe(const Node& node) {
  std::string out = node.name() ? "'" + *node.name() + "' " : "";
  return out + to_text(node.shape()) + " " + std::string(kind_name(node.kind()));
}

std::string describe(const NodePtrs& nodes) {
  constexpr size_t shown = 20;
  std::string out;
  for (size_t i = 0; i < nodes.size() && i < shown; ++i) out += (i ? ", " : "") + describe(*nodes[i]);
  if (nodes.size() > shown) out += ", ... (" + std::to_string(nodes.size()) + " in all)";
  return out.empty() ? "none" : out;
}

PayloadValue circuit_payload(const NodePtr& node) { return opaque<NodePtr>(node, describe(*node)); }

PayloadList circuit_payloads(const NodePtrs& nodes) {
  PayloadList list;
  for (const auto& node : nodes) list.push_back(circuit_payload(node));
  return list;
}

}  // namespace pycircuit
