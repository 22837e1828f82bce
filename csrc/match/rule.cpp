// The table of live rules, and what all rules share.
#include "match/rule.h"

#include <array>
#include <mutex>
#include <typeinfo>
#include <unordered_map>

#include "base/error.h"
#include "match/matcher.h"
#include "match/rule_table.h"

namespace pycircuit {
namespace {

// Rules call their parts by recursion.
constexpr uint32_t kMaxNesting = 4000;
constexpr size_t kShards = 16;
std::atomic<uint64_t> next_id{1};

struct Shard {
  std::mutex mutex;
  std::unordered_multimap<uint64_t, const StateRule*> rules;
};

// Never destroyed: rules may outlive static destruction.
Shard& shard_of(uint64_t hash) {
  static auto& shards = *new std::array<Shard, kShards>;
  return shards[(hash >> 32) % kShards];
}

}  // namespace

StateRule::StateRule(uint64_t hash, bool calls_users, uint32_t nesting, bool is_predicate)
    : hash_(hash), nesting_(nesting), calls_users_(calls_users), is_predicate_(is_predicate) {
  if (nesting > kMaxNesting)
    fail(ErrorId::RuntimeError, "matcher nested more than " + std::to_string(kMaxNesting) +
                                    " deep; combine many matchers in one call, such as Matcher.any(*matchers) or a set of names");
}

void StateRule::release() const {
  if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (interned_) RuleTable::remove(*this);
  delete this;
}

Ref<const StateRule> RuleTable::intern(std::unique_ptr<StateRule> candidate) {
  Shard& shard = shard_of(candidate->hash_);
  const std::lock_guard lock(shard.mutex);
  const auto [begin, end] = shard.rules.equal_range(candidate->hash_);
  for (auto entry = begin; entry != end; ++entry) {
    const StateRule& rule = *entry->second;
    if (typeid(rule) != typeid(*candidate) || !rule.same_fields(*candidate)) continue;
    // A count of zero means that another thread is freeing the rule.
    for (uint32_t count = rule.count_.load(std::memory_order_relaxed); count != 0;)
      if (rule.count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return Ref<const StateRule>::adopt(&rule);
  }
  candidate->id_ = next_id.fetch_add(1, std::memory_order_relaxed);
  candidate->interned_ = true;
  shard.rules.emplace(candidate->hash_, candidate.get());
  return Ref<const StateRule>(candidate.release());
}

void RuleTable::remove(const StateRule& rule) {
  Shard& shard = shard_of(rule.hash_);
  const std::lock_guard lock(shard.mutex);
  const auto [begin, end] = shard.rules.equal_range(rule.hash_);
  for (auto entry = begin; entry != end; ++entry)
    if (entry->second == &rule) {
      shard.rules.erase(entry);
      return;
    }
}

MatchStep PredicateRule::advance(const NodePtr& node, MatchContext& context) const { return MatchStep::same(accepts(node, context)); }

}  // namespace pycircuit
