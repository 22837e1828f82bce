// Whether constraints on symbolic sizes have a solution (spec 02, section 7.3).
//
// Which unknowns can be 0: the sets of zeros that make the two sides of every equation zero together are closed under union, so there is a
// largest one, found by propagating "must not be 0". It leaves the fewest equations between positive numbers, all of which also remain for
// every smaller set; so it alone has to be examined. The remaining equations are between monomials and hold exactly if, for every prime,
// the exponents do: one system of linear equations in non-negative integers per prime that occurs in a plain factor.
#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <unordered_map>

#include "shape/factorize.h"
#include "shape/symbolic.h"

namespace pycircuit {
namespace {

using Row = std::vector<int64_t>;

// sum(coefficients[i] * unknown[i]) = constant
struct Equation {
  Row coefficients;
  int64_t constant;
};

// Beyond this an elimination step is not taken, so that nothing overflows.
constexpr int64_t kMaxCoefficient = int64_t{1} << 31;
// Steps of one search. Larger searches need many tangled equations over many unknowns; those count as satisfiable, since a circuit must not
// be refused without proof.
constexpr size_t kMaxSearchSteps = 4'000'000;

// --- linear systems in non-negative integers

enum class Step { unchanged, changed, infeasible };

// Divides by the common factor and makes unknowns zero that a sum of non-negative terms equal to 0 contains.
Step simplify(Equation& equation, std::vector<Equation>& all) {
  int64_t common = 0, lowest = 0, highest = 0;
  for (const int64_t c : equation.coefficients) {
    common = std::gcd(common, c);
    lowest = std::min(lowest, c);
    highest = std::max(highest, c);
  }
  if (common == 0) return equation.constant == 0 ? Step::unchanged : Step::infeasible;
  if (equation.constant % common != 0) return Step::infeasible;
  const int64_t divisor = highest == 0 ? -common : common;
  for (int64_t& c : equation.coefficients) c /= divisor;
  equation.constant /= divisor;
  if (lowest < 0 && highest > 0) return Step::unchanged;
  if (equation.constant < 0) return Step::infeasible;
  if (equation.constant > 0) return Step::unchanged;
  const Row terms = equation.coefficients;
  for (Equation& other : all) {
    for (size_t i = 0; i < terms.size(); ++i) {
      if (terms[i] != 0) other.coefficients[i] = 0;
    }
  }
  return Step::changed;
}

// The position of an unknown that the equation defines as a non-negative sum of the others, with the sign of its coefficient.
std::optional<std::pair<size_t, int64_t>> defined_unknown(const Equation& equation) {
  const Row& row = equation.coefficients;
  const auto positive = std::count_if(row.begin(), row.end(), [](int64_t c) { return c > 0; });
  const auto negative = std::count_if(row.begin(), row.end(), [](int64_t c) { return c < 0; });
  for (const int64_t sign : {1, -1}) {
    if ((sign > 0 ? positive : negative) != 1 || equation.constant * sign < 0) continue;
    const auto found = std::find(row.begin(), row.end(), sign);
    if (found != row.end()) return std::pair(static_cast<size_t>(found - row.begin()), sign);
  }
  return std::nullopt;
}

bool add_multiple(Equation& target, const Equation& source, int64_t factor) {
  Equation sum = target;
  const auto add = [&](int64_t& to, int64_t from) {
    return !__builtin_mul_overflow(from, factor, &from) && !__builtin_add_overflow(to, from, &to) && to <= kMaxCoefficient &&
           to >= -kMaxCoefficient;
  };
  for (size_t i = 0; i < sum.coefficients.size(); ++i) {
    if (!add(sum.coefficients[i], source.coefficients[i])) return false;
  }
  if (!add(sum.constant, source.constant)) return false;
  target = std::move(sum);
  return true;
}

// Removes equations that define an unknown, by putting its definition into the others.
Step eliminate(std::vector<Equation>& equations) {
  for (size_t k = 0; k < equations.size(); ++k) {
    const auto defined = defined_unknown(equations[k]);
    if (!defined) continue;
    std::vector<Equation> others;
    bool fits = true;
    for (size_t j = 0; j < equations.size() && fits; ++j) {
      if (j == k) continue;
      others.push_back(equations[j]);
      fits = add_multiple(others.back(), equations[k], -equations[j].coefficients[defined->first] * defined->second);
    }
    if (!fits) continue;
    equations = std::move(others);
    return Step::changed;
  }
  return Step::unchanged;
}

// Exhaustive search over the binary digits of the unknowns, lowest first: what is left of the constants after subtracting the lowest digits
// and halving stays within the sum of the coefficients, so there are finitely many states.
bool search(const std::vector<Equation>& equations) {
  if (equations.empty()) return true;
  Row start;
  for (const Equation& equation : equations) start.push_back(equation.constant);
  const Row zero(equations.size(), 0);
  std::set<Row> digit_sums = {zero};
  for (size_t i = 0; i < equations[0].coefficients.size(); ++i) {
    Row column;
    for (const Equation& equation : equations) column.push_back(equation.coefficients[i]);
    if (column == zero) continue;
    const std::vector<Row> before(digit_sums.begin(), digit_sums.end());
    for (Row sum : before) {
      for (size_t k = 0; k < sum.size(); ++k) sum[k] += column[k];
      digit_sums.insert(std::move(sum));
    }
    if (digit_sums.size() > kMaxSearchSteps / 64) return true;
  }
  std::set<Row> seen = {start};
  std::vector<Row> open = {start};
  for (size_t steps = 0; !open.empty();) {
    const Row state = std::move(open.back());
    open.pop_back();
    if (state == zero) return true;
    steps += digit_sums.size();
    if (steps > kMaxSearchSteps) return true;
    for (const Row& sum : digit_sums) {
      Row next(state.size());
      bool even = true;
      for (size_t k = 0; k < next.size() && even; ++k) {
        even = ((state[k] - sum[k]) & 1) == 0;
        next[k] = (state[k] - sum[k]) / 2;
      }
      if (even && seen.insert(next).second) open.push_back(std::move(next));
    }
  }
  return false;
}

// Groups of equations that share no unknown.
std::vector<std::vector<Equation>> independent_parts(const std::vector<Equation>& equations) {
  std::vector<std::vector<Equation>> parts;
  std::vector<bool> taken(equations.size());
  const auto shares = [](const Equation& a, const Equation& b) {
    for (size_t i = 0; i < a.coefficients.size(); ++i) {
      if (a.coefficients[i] != 0 && b.coefficients[i] != 0) return true;
    }
    return false;
  };
  for (size_t first = 0; first < equations.size(); ++first) {
    if (taken[first]) continue;
    taken[first] = true;
    std::vector<Equation> part = {equations[first]};
    for (size_t next = 0; next < part.size(); ++next) {
      for (size_t j = first + 1; j < equations.size(); ++j) {
        if (taken[j] || !shares(part[next], equations[j])) continue;
        taken[j] = true;
        part.push_back(equations[j]);
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

bool solvable(std::vector<Equation> equations) {
  for (Step step = Step::changed; step == Step::changed;) {
    step = Step::unchanged;
    for (Equation& equation : equations) {
      const Step simplified = simplify(equation, equations);
      if (simplified == Step::infeasible) return false;
      if (simplified == Step::changed) step = Step::changed;
    }
    std::erase_if(equations, [](const Equation& equation) {
      return equation.constant == 0 &&
             std::all_of(equation.coefficients.begin(), equation.coefficients.end(), [](int64_t c) { return c == 0; });
    });
    if (step == Step::unchanged) step = eliminate(equations);
  }
  const auto parts = independent_parts(equations);
  return std::all_of(parts.begin(), parts.end(), search);
}

// --- from constraints to systems

// Marks the unknowns that are not 0 in any solution; false where an equation has 0 on one side only.
bool propagate_nonzero(const std::vector<SymbolicSizeConstraint>& constraints, std::array<bool, kSymbolicSizeCount>& nonzero) {
  const auto is_nonzero = [&](const SymbolicSizeProduct& side) {
    return side.other_factor != 0 && std::all_of(side.symbolic_sizes.begin(), side.symbolic_sizes.end(),
                                                 [&](int number) { return nonzero[static_cast<size_t>(number)]; });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const SymbolicSizeConstraint& constraint : constraints) {
      const bool left = is_nonzero(constraint.l);
      if (left == is_nonzero(constraint.r)) continue;
      const SymbolicSizeProduct& other = left ? constraint.r : constraint.l;
      if (other.other_factor == 0) return false;
      for (const int number : other.symbolic_sizes) nonzero[static_cast<size_t>(number)] = true;
      changed = true;
    }
  }
  return true;
}

bool decide(const std::vector<SymbolicSizeConstraint>& constraints) {
  std::array<bool, kSymbolicSizeCount> nonzero{};
  if (!propagate_nonzero(constraints, nonzero)) return false;

  std::map<int, size_t> unknowns;  // symbolic number -> column
  std::vector<const SymbolicSizeConstraint*> equations;
  for (const SymbolicSizeConstraint& constraint : constraints) {
    const auto& numbers = constraint.l.symbolic_sizes;
    const bool positive = constraint.l.other_factor != 0 &&
                          std::all_of(numbers.begin(), numbers.end(), [&](int number) { return nonzero[static_cast<size_t>(number)]; });
    if (!positive) continue;
    equations.push_back(&constraint);
    for (const auto* side : {&constraint.l, &constraint.r}) {
      for (const int number : side->symbolic_sizes) unknowns.emplace(number, unknowns.size());
    }
  }

  std::vector<Row> coefficients(equations.size(), Row(unknowns.size(), 0));
  std::map<uint64_t, Row> constants;  // prime -> constant of each equation
  for (size_t k = 0; k < equations.size(); ++k) {
    const auto add = [&](const SymbolicSizeProduct& side, int64_t sign) {
      for (const int number : side.symbolic_sizes) coefficients[k][unknowns.at(number)] += sign;
      for (const uint64_t prime : prime_factors(side.other_factor)) {
        constants.try_emplace(prime, Row(equations.size(), 0)).first->second[k] -= sign;
      }
    };
    add(equations[k]->l, 1);
    add(equations[k]->r, -1);
  }
  std::set<Row> distinct;
  for (const auto& [prime, constant] : constants) distinct.insert(constant);
  return std::all_of(distinct.begin(), distinct.end(), [&](const Row& constant) {
    std::vector<Equation> system;
    for (size_t k = 0; k < equations.size(); ++k) system.push_back({coefficients[k], constant[k]});
    return solvable(std::move(system));
  });
}

// --- memory

struct SetHash {
  size_t operator()(const std::vector<SymbolicSizeConstraint>& constraints) const {
    size_t hash = constraints.size();
    for (const SymbolicSizeConstraint& constraint : constraints) {
      hash = hash * 0x9E3779B97F4A7C15ull + std::hash<SymbolicSizeConstraint>()(constraint);
    }
    return hash;
  }
};

class Answers {
 public:
  std::optional<bool> find(const std::vector<SymbolicSizeConstraint>& constraints) {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(constraints);
    if (found == answers_.end()) return std::nullopt;
    return found->second;
  }

  void insert(const std::vector<SymbolicSizeConstraint>& constraints, bool answer) {
    constexpr size_t kMaxEntries = 4096;
    const std::lock_guard lock(mutex_);
    if (answers_.size() >= kMaxEntries) answers_.clear();
    answers_.emplace(constraints, answer);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::vector<SymbolicSizeConstraint>, bool, SetHash> answers_;
};

// Never destroyed: threads may still ask while the process exits.
Answers& answers() {
  static Answers* const instance = new Answers;
  return *instance;
}

}  // namespace

bool satisfiable(const std::vector<SymbolicSizeConstraint>& constraints) {
  if (constraints.empty()) return true;
  if (const auto known = answers().find(constraints)) return *known;
  const bool answer = decide(constraints);
  answers().insert(constraints, answer);
  return answer;
}

}  // namespace pycircuit
