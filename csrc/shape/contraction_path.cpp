// Contraction paths (spec 03, section 12.2).
#include "shape/contraction_path.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <mutex>
#include <queue>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "shape/einsum_spec.h"
#include "shape/shape.h"

namespace pycircuit {
namespace {

// Components above this size are first brought down to it greedily; the dynamic programming keeps operand subsets in one machine word.
constexpr size_t kMaxDynamicOperands = 48;
static_assert(kMaxDynamicOperands < 64);

// The operands of an einsum while it is being contracted, by id: the original ones, then the products in order of their making. The list
// order of the operands still there is the order of ids, so a position is a rank among them.
class Contraction {
 public:
  explicit Contraction(const EinsumSpec& spec) {
    sizes_.fill(0);
    for (size_t i = 0; i < std::min(spec.int_sizes.size(), sizes_.size()); ++i) {
      sizes_[i] = static_cast<uint64_t>(std::max<Size>(spec.int_sizes[i], 0));
    }
    for (const Label label : spec.output_ints) output_.set(label);
    for (const Labels& labels : spec.input_ints) {
      LabelSet set;
      for (const Label label : labels) set.set(label);
      add(set);
    }
  }

  size_t count() const { return alive_.size(); }
  const std::vector<size_t>& alive() const { return alive_; }
  bool is_alive(size_t id) const { return std::binary_search(alive_.begin(), alive_.end(), id); }
  const LabelSet& labels(size_t id) const { return labels_[id]; }
  const Path& path() const { return path_; }
  Path take_path() { return std::move(path_); }

  uint64_t numel(const LabelSet& set) const {
    uint64_t out = 1;
    for (size_t i = set._Find_first(); i < set.size(); i = set._Find_next(i)) {
      if (sizes_[i] == 0) return 0;
      out = saturating_mul(out, sizes_[i]);
    }
    return out;
  }

  // Labels of x * y that the output or an operand other than x and y needs.
  LabelSet product_labels(size_t x, size_t y) const {
    LabelSet result = labels_[x] | labels_[y];
    for (size_t i = result._Find_first(); i < result.size(); i = result._Find_next(i)) {
      const size_t among_both = size_t{labels_[x][i]} + size_t{labels_[y][i]};
      if (!output_[i] && uses_[i] == among_both) result.reset(i);
    }
    return result;
  }

  // Contracts two operands; the id of the product.
  size_t contract(size_t x, size_t y) {
    const LabelSet result = product_labels(x, y);
    std::vector<int64_t> step = {position(x), position(y)};
    std::sort(step.begin(), step.end());
    path_.push_back(std::move(step));
    remove(x);
    remove(y);
    return add(result);
  }

 private:
  int64_t position(size_t id) const { return std::lower_bound(alive_.begin(), alive_.end(), id) - alive_.begin(); }

  size_t add(const LabelSet& set) {
    labels_.push_back(set);
    alive_.push_back(labels_.size() - 1);
    for (size_t i = set._Find_first(); i < set.size(); i = set._Find_next(i)) ++uses_[i];
    return alive_.back();
  }

  void remove(size_t id) {
    alive_.erase(alive_.begin() + position(id));
    const LabelSet& set = labels_[id];
    for (size_t i = set._Find_first(); i < set.size(); i = set._Find_next(i)) --uses_[i];
  }

  std::array<uint64_t, kLabelCount> sizes_;
  std::array<size_t, kLabelCount> uses_{};  // operands there that have the label
  LabelSet output_;
  std::vector<LabelSet> labels_;  // by id
  std::vector<size_t> alive_;     // ids, ascending
  Path path_;
};

// --- phase 1: operands whose labels are a subset of another's

void absorb_subsets(Contraction& contraction, const std::vector<int64_t>& dont_contract_into) {
  const size_t original = contraction.count();
  std::vector<bool> protected_id(original, false);
  for (const int64_t position : dont_contract_into) {
    if (position < 0 || position >= static_cast<int64_t>(original)) {
      fail(ErrorId::MiscInputItemOutOfBounds, "dont_contract_subsets_into names an operand that does not exist", position, original);
    }
    protected_id[static_cast<size_t>(position)] = true;
  }
  using Candidate = std::tuple<uint64_t, size_t, size_t>;  // elements of the larger operand, larger, smaller
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto offer = [&](size_t larger, size_t smaller) {
    if (larger < original && protected_id[larger]) return;
    const LabelSet& set = contraction.labels(larger);
    if ((contraction.labels(smaller) & ~set).none()) candidates.emplace(contraction.numel(set), larger, smaller);
  };
  for (const size_t larger : contraction.alive()) {
    for (const size_t smaller : contraction.alive()) {
      if (larger != smaller) offer(larger, smaller);
    }
  }
  while (!candidates.empty()) {
    const auto [elements, larger, smaller] = candidates.top();
    candidates.pop();
    if (!contraction.is_alive(larger) || !contraction.is_alive(smaller)) continue;
    const size_t product = contraction.contract(larger, smaller);
    for (const size_t other : contraction.alive()) {
      if (other == product) continue;
      offer(product, other);
      offer(other, product);
    }
  }
}

// --- phase 2

std::vector<std::vector<size_t>> components(const Contraction& contraction) {
  std::vector<std::vector<size_t>> out;
  std::vector<size_t> open = contraction.alive();
  while (!open.empty()) {
    std::vector<size_t> component = {open.front()};
    LabelSet reached = contraction.labels(open.front());
    open.erase(open.begin());
    for (bool grown = true; grown;) {
      grown = false;
      std::vector<size_t> apart;
      for (const size_t id : open) {
        if ((contraction.labels(id) & reached).none()) {
          apart.push_back(id);
          continue;
        }
        component.push_back(id);
        reached |= contraction.labels(id);
        grown = true;
      }
      open = std::move(apart);
    }
    std::sort(component.begin(), component.end());
    out.push_back(std::move(component));
  }
  return out;
}

[[noreturn]] void fail_no_solution() { fail(ErrorId::RuntimeError, "couldn't find solution within cost cap"); }

// Contracts operands of a component pairwise, those first whose product adds the fewest elements, down to `target` operands.
void contract_greedily(Contraction& contraction, std::vector<size_t>& component, size_t target, const PathOptions& options) {
  struct Pair {
    __int128 growth;
    size_t x, y;
    bool operator>(const Pair& other) const { return std::tie(growth, x, y) > std::tie(other.growth, other.x, other.y); }
  };
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> pairs;
  const auto offer = [&](size_t x, size_t y) {
    if ((contraction.labels(x) & contraction.labels(y)).none()) return;
    const uint64_t elements = contraction.numel(contraction.product_labels(x, y));
    if (options.mem_cap && elements >= *options.mem_cap) return;
    const __int128 growth =
        static_cast<__int128>(elements) - contraction.numel(contraction.labels(x)) - contraction.numel(contraction.labels(y));
    pairs.push({growth, x, y});
  };
  for (size_t i = 0; i < component.size(); ++i) {
    for (size_t j = i + 1; j < component.size(); ++j) offer(component[i], component[j]);
  }
  while (component.size() > target && !pairs.empty()) {
    const Pair best = pairs.top();
    pairs.pop();
    if (!contraction.is_alive(best.x) || !contraction.is_alive(best.y)) continue;
    const size_t product = contraction.contract(best.x, best.y);
    std::erase_if(component, [&](size_t id) { return id == best.x || id == best.y; });
    for (const size_t other : component) offer(other, product);
    component.push_back(product);
  }
  if (component.size() > target) fail_no_solution();
}

// Dynamic programming over subsets of one component.
class SubsetSearch {
 public:
  SubsetSearch(const Contraction& contraction, const std::vector<size_t>& component, const LabelSet& output, const PathOptions& options)
      : contraction_(contraction), component_(component), output_(output), options_(options), by_size_(component.size() + 1) {
    for (size_t k = 0; k < component.size(); ++k) by_size_[1].push_back({0, uint64_t{1} << k, 0, contraction.labels(component[k])});
  }

  // The pairs of operand subsets to contract, in order.
  std::vector<std::pair<uint64_t, uint64_t>> run() {
    for (size_t size = 2; size <= component_.size(); ++size) combine_to(size);
    if (by_size_.back().empty()) fail_no_solution();
    return steps();
  }

 private:
  struct Entry {
    uint64_t cost;
    uint64_t members;  // of the component, one bit each
    uint64_t left;     // one half of the last contraction; 0 for a single operand
    LabelSet labels;
  };

  void combine_to(size_t size) {
    std::unordered_map<uint64_t, Entry> found;
    for (size_t part = 1; 2 * part <= size; ++part) {
      for (const Entry& a : by_size_[part]) {
        for (const Entry& b : by_size_[size - part]) consider(a, b, found);
      }
    }
    std::vector<Entry>& kept = by_size_[size];
    for (auto& [members, entry] : found) kept.push_back(entry);
    std::sort(kept.begin(), kept.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.cost, a.members) < std::tie(b.cost, b.members); });
    const uint64_t cap = std::max<uint64_t>(options_.hash_map_cap, 1);
    if (kept.size() > cap) kept.resize(cap);
  }

  void consider(const Entry& a, const Entry& b, std::unordered_map<uint64_t, Entry>& found) {
    if (a.members & b.members) return;
    if (!options_.check_outer && (a.labels & b.labels).none()) return;
    const LabelSet united = a.labels | b.labels;
    const uint64_t cost = saturating_add(saturating_add(a.cost, b.cost), contraction_.numel(united));
    const uint64_t members = a.members | b.members;
    const auto known = found.find(members);
    if (known != found.end()) {
      Entry& entry = known->second;
      const uint64_t left = std::min(a.members, b.members);
      if (std::tie(cost, left) < std::tie(entry.cost, entry.left)) {
        entry.cost = cost;
        entry.left = left;
      }
      return;
    }
    const LabelSet labels = united & (output_ | labels_of_others(members));
    if (options_.mem_cap && contraction_.numel(labels) >= *options_.mem_cap) return;
    found.emplace(members, Entry{cost, members, std::min(a.members, b.members), labels});
  }

  // Operands outside the component share no label with it.
  LabelSet labels_of_others(uint64_t members) const {
    LabelSet set;
    for (size_t k = 0; k < component_.size(); ++k) {
      if (!(members >> k & 1)) set |= contraction_.labels(component_[k]);
    }
    return set;
  }

  // Both halves of a subset come before the subset itself.
  std::vector<std::pair<uint64_t, uint64_t>> steps() const {
    std::unordered_map<uint64_t, uint64_t> left_of;
    for (const auto& entries : by_size_) {
      for (const Entry& entry : entries) left_of[entry.members] = entry.left;
    }
    std::vector<std::pair<uint64_t, uint64_t>> reversed;
    std::vector<uint64_t> open = {by_size_.back()[0].members};
    while (!open.empty()) {
      const uint64_t members = open.back();
      open.pop_back();
      const uint64_t left = left_of.at(members);
      if (left == 0) continue;
      reversed.emplace_back(left, members ^ left);
      open.push_back(left);
      open.push_back(members ^ left);
    }
    return {reversed.rbegin(), reversed.rend()};
  }

  const Contraction& contraction_;
  const std::vector<size_t>& component_;
  const LabelSet& output_;
  const PathOptions& options_;
  std::vector<std::vector<Entry>> by_size_;  // subsets kept, by number of operands
};

// The id of the component's product.
size_t contract_component(Contraction& contraction, std::vector<size_t> component, const LabelSet& output, const PathOptions& options) {
  if (component.size() > kMaxDynamicOperands) contract_greedily(contraction, component, kMaxDynamicOperands, options);
  std::sort(component.begin(), component.end());
  if (component.size() == 1) return component[0];
  std::unordered_map<uint64_t, size_t> id_of;
  for (size_t k = 0; k < component.size(); ++k) id_of[uint64_t{1} << k] = component[k];
  size_t product = 0;
  for (const auto& [left, right] : SubsetSearch(contraction, component, output, options).run()) {
    product = contraction.contract(id_of.at(left), id_of.at(right));
    id_of[left | right] = product;
  }
  return product;
}

void contract_all(Contraction& contraction, const EinsumSpec& spec, const PathOptions& options) {
  LabelSet output;
  for (const Label label : spec.output_ints) output.set(label);
  using Result = std::pair<uint64_t, size_t>;  // elements, id
  std::priority_queue<Result, std::vector<Result>, std::greater<>> results;
  const auto offer = [&](size_t id) { results.emplace(contraction.numel(contraction.labels(id)), id); };
  for (const auto& component : components(contraction)) offer(contract_component(contraction, component, output, options));
  while (results.size() > 1) {
    const size_t x = results.top().second;
    results.pop();
    const size_t y = results.top().second;
    results.pop();
    offer(contraction.contract(x, y));
  }
}

// The paths of fewer than three operands leave no choice.
std::optional<Path> trivial_path(const EinsumSpec& spec) {
  switch (spec.input_ints.size()) {
    case 0:
      return Path{{}};
    case 1:
      return Path{{0}};
    case 2:
      return Path{{0, 1}};
    default:
      return std::nullopt;
  }
}

// --- memory

struct Question {
  EinsumSpec spec;
  PathOptions options;
  friend bool operator==(const Question&, const Question&) = default;
};

struct QuestionHash {
  size_t operator()(const Question& question) const {
    size_t hash = std::hash<EinsumSpec>()(question.spec);
    const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15ull + 1; };
    add(question.options.check_outer);
    add(question.options.mem_cap ? *question.options.mem_cap + 1 : 0);
    add(question.options.hash_map_cap);
    for (const int64_t position : question.options.dont_contract_subsets_into) add(static_cast<uint64_t>(position));
    return hash;
  }
};

class KnownPaths {
 public:
  std::optional<Path> find(const Question& question) {
    const std::lock_guard lock(mutex_);
    const auto found = paths_.find(question);
    if (found == paths_.end()) return std::nullopt;
    return found->second;
  }

  void insert(Question question, const Path& path) {
    constexpr size_t kMaxEntries = 4096;
    const std::lock_guard lock(mutex_);
    if (paths_.size() >= kMaxEntries) paths_.clear();
    paths_.emplace(std::move(question), path);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Question, Path, QuestionHash> paths_;
};

// Never destroyed: threads may still ask while the process exits.
KnownPaths& known_paths() {
  static KnownPaths* const instance = new KnownPaths;
  return *instance;
}

}  // namespace

PreContraction pre_contract_subsets(const EinsumSpec& spec, const std::vector<int64_t>& dont_contract_subsets_into) {
  Contraction contraction(spec);
  absorb_subsets(contraction, dont_contract_subsets_into);
  PreContraction out{contraction.path(), {}};
  for (const size_t id : contraction.alive()) out.remaining.push_back(contraction.labels(id));
  return out;
}

Path optimize_path_dp(const EinsumSpec& spec, const PathOptions& options) {
  if (auto trivial = trivial_path(spec)) return std::move(*trivial);
  Contraction contraction(spec);
  contract_all(contraction, spec, options);
  return contraction.take_path();
}

Path optimize_path(const EinsumSpec& spec, const PathOptions& options) {
  if (auto trivial = trivial_path(spec)) return std::move(*trivial);
  Question question{spec, options};
  if (auto known = known_paths().find(question)) return std::move(*known);
  Contraction contraction(spec);
  absorb_subsets(contraction, options.dont_contract_subsets_into);
  contract_all(contraction, spec, options);
  Path path = contraction.take_path();
  known_paths().insert(std::move(question), path);
  return path;
}

uint64_t path_cost(const EinsumSpec& spec, const Path& path) {
  Contraction contraction(spec);
  uint64_t cost = 0;
  for (const auto& step : path) {
    const auto count = static_cast<int64_t>(contraction.count());
    const bool valid = std::all_of(step.begin(), step.end(), [&](int64_t position) { return position >= 0 && position < count; });
    if (!valid || (step.size() == 2 && step[0] == step[1]) || step.size() > 2) {
      fail(ErrorId::ValueError, "not a pairwise contraction path of this einsum: a step does not name one or two operands of the list");
    }
    if (step.size() != 2) continue;
    const size_t x = contraction.alive()[static_cast<size_t>(step[0])];
    const size_t y = contraction.alive()[static_cast<size_t>(step[1])];
    cost = saturating_add(cost, contraction.numel(contraction.labels(x) | contraction.labels(y)));
    contraction.contract(x, y);
  }
  if (contraction.count() > 1) fail(ErrorId::ValueError, "the contraction path leaves more than one operand");
  return cost;
}

}  // namespace pycircuit
