// Depth-first orders by decreasing need, optimal merging of trees, exact search where few nodes remain after merging chains and
// views, and a bounded random search.
#include "evaluate/order.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <unordered_map>

#include "base/interrupt.h"
#include "shape/shape.h"

namespace pycircuit {
namespace {

constexpr size_t kExactNodes = 16;  // after merging
constexpr size_t kExactStates = 300'000, kTriedStates = 20'000;
constexpr size_t kMaxExactSize = 1'000;

class Deadline {
 public:
  explicit Deadline(int64_t milliseconds) : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds)) {}
  bool passed() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

// --- trees: Liu's algorithm. An order of a subtree is a list of segments, each climbing to `hill` bytes live and falling back to `valley`;
// merging the children's segments by decreasing hill - valley gives a minimal peak (J. W. H. Liu, "An application of generalized tree
// pebbling to sparse matrix factorization", 1987).
struct Segment {
  uint64_t hill = 0;   // above the live bytes before the segment
  int64_t valley = 0;  // change of the live bytes by the segment
  std::vector<int> nodes;
};

// Segments in which hills fall and valleys rise: neighbours that do not are joined.
void append_segment(std::vector<Segment>& segments, Segment next) {
  while (!segments.empty()) {
    Segment& last = segments.back();
    const int64_t next_hill = last.valley + static_cast<int64_t>(next.hill);
    const bool climbs = next_hill >= static_cast<int64_t>(last.hill);
    const bool falls = next.valley <= 0;
    if (!climbs && !falls) break;
    Segment joined;
    joined.hill = static_cast<uint64_t>(std::max<int64_t>(static_cast<int64_t>(last.hill), next_hill));
    joined.valley = last.valley + next.valley;
    joined.nodes = std::move(last.nodes);
    joined.nodes.insert(joined.nodes.end(), next.nodes.begin(), next.nodes.end());
    segments.pop_back();
    next = std::move(joined);
  }
  segments.push_back(std::move(next));
}

std::vector<Segment> merge_segments(std::vector<std::vector<Segment>> lists) {
  if (lists.size() == 1) return std::move(lists[0]);
  struct Entry {
    Segment segment;
    size_t list, position;
  };
  std::vector<Entry> entries;
  for (size_t i = 0; i < lists.size(); ++i)
    for (size_t j = 0; j < lists[i].size(); ++j) entries.push_back({std::move(lists[i][j]), i, j});
  // Within a list hill - valley falls, so that sorting keeps each list's order.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const int64_t x = static_cast<int64_t>(a.segment.hill) - a.segment.valley, y = static_cast<int64_t>(b.segment.hill) - b.segment.valley;
    if (x != y) return x > y;
    return a.list != b.list ? a.list < b.list : a.position < b.position;
  });
  std::vector<Segment> merged;
  for (auto& entry : entries) append_segment(merged, std::move(entry.segment));
  return merged;
}

bool is_forest(const OrderProblem& problem) {
  for (size_t i = 0; i < problem.size(); ++i)
    if (problem.users[i].size() > 1) return false;
  return true;
}

std::vector<int> forest_order(const OrderProblem& problem) {
  std::vector<std::vector<Segment>> of(problem.size());
  std::vector<std::vector<Segment>> roots;
  // The naive order is children first.
  for (size_t node = 0; node < problem.size(); ++node) {
    std::vector<std::vector<Segment>> children;
    int64_t freed = 0;
    for (const int operand : problem.operands[node]) {
      children.push_back(std::move(of[operand]));
      if (!problem.is_output[operand]) freed += static_cast<int64_t>(problem.bytes[operand]);
    }
    std::vector<Segment> segments = merge_segments(std::move(children));
    const auto bytes = static_cast<int64_t>(problem.bytes[node]);
    append_segment(segments, {problem.bytes[node], bytes - freed, {static_cast<int>(node)}});
    if (problem.users[node].empty()) {
      roots.push_back(std::move(segments));
    } else {
      of[node] = std::move(segments);
    }
  }
  std::vector<int> order;
  for (auto& segment : merge_segments(std::move(roots))) order.insert(order.end(), segment.nodes.begin(), segment.nodes.end());
  return order;
}

// --- depth first, the child with the largest need above its own result first
std::vector<int> depth_first(const OrderProblem& problem, const std::vector<std::vector<int>>& operand_order) {
  std::vector<int> order;
  std::vector<bool> seen(problem.size(), false);
  std::vector<std::pair<int, size_t>> stack;
  for (size_t root = 0; root < problem.size(); ++root) {
    if (!problem.users[root].empty() || seen[root]) continue;
    seen[root] = true;
    stack.emplace_back(static_cast<int>(root), 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == operand_order[node].size()) {
        order.push_back(node);
        stack.pop_back();
      } else if (const int operand = operand_order[node][next++]; !seen[operand]) {
        seen[operand] = true;
        stack.emplace_back(operand, 0);
      }
    }
  }
  return order;
}

std::vector<std::vector<int>> by_need(const OrderProblem& problem) {
  std::vector<uint64_t> need(problem.size());
  std::vector<std::vector<int>> sorted = problem.operands;
  for (size_t node = 0; node < problem.size(); ++node) {
    auto& operands = sorted[node];
    const auto surplus = [&](int operand) { return static_cast<int64_t>(need[operand]) - static_cast<int64_t>(problem.bytes[operand]); };
    std::stable_sort(operands.begin(), operands.end(), [&](int a, int b) { return surplus(a) > surplus(b); });
    uint64_t live = 0, peak = 0;
    for (const int operand : operands) {
      peak = std::max(peak, saturating_add(live, need[operand]));
      live = saturating_add(live, problem.bytes[operand]);
    }
    need[node] = std::max(peak, saturating_add(live, problem.bytes[node]));
  }
  return sorted;
}

// --- exact: best-first over sets of computed nodes, by the peak so far.
//
// A node that frees nothing can be put off until its value is needed without raising the peak. So it suffices to go from one set to the
// next by a block: the nodes still missing until some value can be freed. In between nothing is freed, so that the order within a block
// does not matter. A block that ends with no more live bytes than before and stays within the peak so far is taken at once: whatever
// follows is no worse for it. Chains and views are such blocks, or wait inside one; a graph has few others.
class ExactSearch {
 public:
  // Only orders with a peak below `bound` are of interest.
  ExactSearch(const OrderProblem& problem, uint64_t bound, size_t max_states, const Deadline& deadline)
      : problem_(problem), bound_(bound), max_states_(max_states), deadline_(deadline), marks_(problem.size(), 0) {}

  struct Result {
    bool finished = false;   // otherwise too many sets, or too little time
    std::vector<int> order;  // empty: none below the bound
  };

  Result operator()() {
    push({Set((problem_.size() + 63) / 64, 0), 0, 0, -1, 0, {}});
    while (!queue_.empty()) {
      const int state = queue_.top().state;
      queue_.pop();
      if (states_[state].done == problem_.size()) return {true, order_of(state)};
      if (states_[state].peak > reached_.at(states_[state].computed)) continue;
      if (states_.size() > max_states_ || deadline_.passed()) return {};
      poll_interrupt();
      expand(state);
    }
    return {true, {}};
  }

 private:
  using Set = std::vector<uint64_t>;
  struct State {
    Set computed;
    uint64_t live, peak;
    int previous;
    size_t done;
    std::vector<int> block;  // computed since `previous`
  };
  struct SetHash {
    size_t operator()(const Set& set) const {
      uint64_t hash = 0;
      for (const uint64_t word : set) hash = (hash ^ word) * 0x9e3779b97f4a7c15u, hash ^= hash >> 32;
      return hash;
    }
  };
  struct Entry {
    uint64_t peak;
    size_t done;
    int state;
    bool operator<(const Entry& other) const {  // smallest peak first, then the most done, then the oldest
      if (peak != other.peak) return peak > other.peak;
      return done != other.done ? done < other.done : state > other.state;
    }
  };

  static bool contains(const Set& set, int node) { return set[node / 64] >> (node % 64) & 1; }

  void push(State state) {
    if (state.peak >= bound_) return;
    const auto [reached, first] = reached_.emplace(state.computed, state.peak);
    if (!first) {
      if (reached->second <= state.peak) return;
      reached->second = state.peak;
    }
    queue_.push({state.peak, state.done, static_cast<int>(states_.size())});
    states_.push_back(std::move(state));
  }

  void expand(int from) {
    const Set& computed = states_[from].computed;
    count_waiting(computed);
    std::vector<std::vector<int>> blocks(problem_.size());
    for (size_t value = 0; value < problem_.size(); ++value)
      if (!problem_.is_output[value] && waiting_[value] > 0) blocks[value] = needed_to_free(computed, static_cast<int>(value));
    std::vector<State> next;
    for (size_t value = 0; value < blocks.size(); ++value) {
      if (blocks[value].empty()) continue;
      std::optional<State> state = after(from, blocks[value], blocks);
      if (!state) continue;
      if (waiting_[value] == 1) follow_chain(states_[from], *state);
      if (state->live <= states_[from].live && state->peak <= states_[from].peak) return push(std::move(*state));
      next.push_back(std::move(*state));
    }
    if (next.empty()) next.push_back(after_rest(from));  // nothing can be freed any more
    for (auto& state : next) push(std::move(state));
  }

  // By value: how many of its users are not computed.
  void count_waiting(const Set& computed) {
    waiting_.assign(problem_.size(), 0);
    for (size_t user = 0; user < problem_.size(); ++user)
      if (!contains(computed, static_cast<int>(user)))
        for (const int operand : problem_.operands[user]) ++waiting_[operand];
  }

  bool frees(int node) const {
    const auto& operands = problem_.operands[node];
    return std::any_of(operands.begin(), operands.end(),
                       [&](int operand) { return waiting_[operand] == 1 && !problem_.is_output[operand]; });
  }

  // What is missing until the value can be freed; empty where another value is freed on the way.
  std::vector<int> needed_to_free(const Set& computed, int value) {
    std::vector<int> block;
    ++mark_;
    for (const int user : problem_.users[value])
      if (!contains(computed, user)) {
        marks_[user] = mark_;
        block.push_back(user);
      }
    for (size_t i = 0; i < block.size(); ++i)
      for (const int operand : problem_.operands[block[i]]) {
        if (contains(computed, operand) || marks_[operand] == mark_) continue;
        if (frees(operand)) return {};
        marks_[operand] = mark_;
        block.push_back(operand);
      }
    std::sort(block.begin(), block.end());
    return block;
  }

  // Nothing where the block contains a smaller one.
  std::optional<State> after(int from, const std::vector<int>& block, const std::vector<std::vector<int>>& blocks) {
    uint64_t live = states_[from].live, peak = states_[from].peak;
    bool smallest = true;
    for (const int node : block) {
      live = saturating_add(live, problem_.bytes[node]);
      peak = std::max(peak, live);
      for (const int operand : problem_.operands[node])
        if (--waiting_[operand] == 0 && !problem_.is_output[operand]) {
          live -= problem_.bytes[operand];
          smallest &= blocks[operand].size() == block.size();
        }
    }
    for (const int node : block)
      for (const int operand : problem_.operands[node]) ++waiting_[operand];
    if (!smallest) return std::nullopt;
    State state{states_[from].computed, live, peak, from, states_[from].done + block.size(), block};
    for (const int node : block) state.computed[node / 64] |= uint64_t{1} << (node % 64);
    return state;
  }

  // From the block's last node, which needed all others, along nodes that only have each other, if that falls back to where it started.
  void follow_chain(const State& start, State& state) const {
    State end = state;
    int top = end.block.back();
    while (end.live > start.live && problem_.users[top].size() == 1 && problem_.operands[problem_.users[top][0]].size() == 1) {
      const int next = problem_.users[top][0];
      end.live = saturating_add(end.live, problem_.bytes[next]);
      end.peak = std::max(end.peak, end.live);
      if (end.peak > start.peak) return;
      if (!problem_.is_output[top]) end.live -= problem_.bytes[top];
      end.block.push_back(next);
      end.computed[next / 64] |= uint64_t{1} << (next % 64);
      ++end.done;
      top = next;
    }
    if (end.live <= start.live) state = std::move(end);
  }

  State after_rest(int from) const {
    State state = states_[from];
    state.previous = from;
    state.block.clear();
    for (size_t node = 0; node < problem_.size(); ++node) {
      if (contains(state.computed, static_cast<int>(node))) continue;
      state.block.push_back(static_cast<int>(node));
      state.computed[node / 64] |= uint64_t{1} << (node % 64);
      state.live = saturating_add(state.live, problem_.bytes[node]);
    }
    state.done = problem_.size();
    state.peak = std::max(state.peak, state.live);
    return state;
  }

  std::vector<int> order_of(int state) const {
    std::vector<int> path, order;
    for (; state >= 0; state = states_[state].previous) path.push_back(state);
    for (auto each = path.rbegin(); each != path.rend(); ++each)
      order.insert(order.end(), states_[*each].block.begin(), states_[*each].block.end());
    return order;
  }

  const OrderProblem& problem_;
  const uint64_t bound_;
  const size_t max_states_;
  const Deadline& deadline_;
  std::deque<State> states_;
  std::priority_queue<Entry> queue_;
  std::unordered_map<Set, uint64_t, SetHash> reached_;  // least peak by set
  std::vector<size_t> waiting_;
  std::vector<int> marks_;
  int mark_ = 0;
};

// How many nodes remain when each with a single operand counts as part of that operand.
size_t merged_size(const OrderProblem& problem) {
  return static_cast<size_t>(
      std::count_if(problem.operands.begin(), problem.operands.end(), [](const auto& operands) { return operands.size() != 1; }));
}

class Best {
 public:
  explicit Best(const OrderProblem& problem) : problem_(problem) {}
  void offer(std::vector<int> order) {
    const uint64_t peak = peak_of(problem_, order);
    if (best_.nodes.empty() || peak < best_.peak) best_ = {std::move(order), peak};
  }
  Order& order() { return best_; }

 private:
  const OrderProblem& problem_;
  Order best_;
};

}  // namespace

OrderProblem make_order_problem(std::vector<std::vector<int>> operands, std::vector<uint64_t> bytes, std::vector<bool> is_output) {
  OrderProblem problem{std::move(operands), {}, std::move(bytes), std::move(is_output)};
  problem.users.resize(problem.size());
  for (size_t user = 0; user < problem.size(); ++user)
    for (const int operand : problem.operands[user]) problem.users[operand].push_back(static_cast<int>(user));
  return problem;
}

uint64_t peak_of(const OrderProblem& problem, const std::vector<int>& order) {
  std::vector<size_t> waiting(problem.size());
  for (size_t i = 0; i < problem.size(); ++i) waiting[i] = problem.users[i].size();
  uint64_t live = 0, peak = 0;
  for (const int node : order) {
    live = saturating_add(live, problem.bytes[node]);
    peak = std::max(peak, live);
    for (const int operand : problem.operands[node])
      if (--waiting[operand] == 0 && !problem.is_output[operand]) live -= problem.bytes[operand];
  }
  return peak;
}

Order find_order(const OrderProblem& problem, const OrderSearch& search) {
  Best best(problem);
  std::vector<int> naive(problem.size());
  std::iota(naive.begin(), naive.end(), 0);
  best.offer(naive);
  if (problem.size() == 0) return best.order();
  if (is_forest(problem)) {
    best.offer(forest_order(problem));
    return best.order();
  }
  auto operand_order = by_need(problem);
  best.offer(depth_first(problem, operand_order));
  const Deadline deadline(search.timeout_milliseconds);
  const bool small = merged_size(problem) <= kExactNodes;
  if (problem.size() <= kMaxExactSize && (small || best.order().peak > search.good_enough)) {
    ExactSearch::Result exact = ExactSearch(problem, best.order().peak, small ? kExactStates : kTriedStates, deadline)();
    if (!exact.order.empty()) best.offer(std::move(exact.order));
    if (exact.finished) return best.order();
  }
  std::mt19937_64 random(0);  // the same search every time
  while (best.order().peak > search.good_enough && !deadline.passed()) {
    poll_interrupt();
    auto& operands = operand_order[random() % operand_order.size()];
    if (operands.size() < 2) continue;
    const auto kept = operands;
    std::shuffle(operands.begin(), operands.end(), random);
    const auto order = depth_first(problem, operand_order);
    if (peak_of(problem, order) <= best.order().peak) {
      best.offer(order);
    } else {
      operands = kept;
    }
  }
  return best.order();
}

}  // namespace pycircuit
