// Depth-first orders by decreasing need, optimal merging of trees, exact search for few nodes, and a bounded random search.
#include "evaluate/order.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>

#include "base/interrupt.h"
#include "shape/shape.h"

namespace pycircuit {
namespace {

constexpr size_t kExactNodes = 16;

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

// --- exact: best peak over all sets of computed nodes
std::vector<int> exact_order(const OrderProblem& problem) {
  const size_t n = problem.size();
  const uint32_t all = (uint32_t{1} << n) - 1;
  std::vector<uint64_t> best(size_t{1} << n, UINT64_MAX);
  std::vector<int8_t> last(size_t{1} << n, -1);
  std::vector<uint32_t> needs(n, 0), users(n, 0);
  for (size_t i = 0; i < n; ++i) {
    for (const int operand : problem.operands[i]) needs[i] |= uint32_t{1} << operand;
    for (const int user : problem.users[i]) users[i] |= uint32_t{1} << user;
  }
  const auto live_bytes = [&](uint32_t done) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; ++i)
      if ((done >> i & 1) && (problem.is_output[i] || (users[i] & ~done))) bytes = saturating_add(bytes, problem.bytes[i]);
    return bytes;
  };
  best[0] = 0;
  for (uint32_t done = 0; done < all; ++done) {
    if (best[done] == UINT64_MAX) continue;
    const uint64_t live = live_bytes(done);
    for (size_t i = 0; i < n; ++i) {
      if ((done >> i & 1) || (needs[i] & ~done)) continue;
      const uint64_t peak = std::max(best[done], saturating_add(live, problem.bytes[i]));
      const uint32_t next = done | uint32_t{1} << i;
      if (peak >= best[next]) continue;
      best[next] = peak;
      last[next] = static_cast<int8_t>(i);
    }
  }
  std::vector<int> order;
  for (uint32_t done = all; done; done &= ~(uint32_t{1} << last[done])) order.push_back(last[done]);
  std::reverse(order.begin(), order.end());
  return order;
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
  if (problem.size() <= kExactNodes) {
    best.offer(exact_order(problem));
    return best.order();
  }
  auto operand_order = by_need(problem);
  best.offer(depth_first(problem, operand_order));
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  };
  std::mt19937_64 random(0);  // the same search every time
  while (best.order().peak > search.good_enough && elapsed() < search.timeout_milliseconds) {
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
