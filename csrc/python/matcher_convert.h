// What converts to matchers and transforms (spec 07, 2.1, 3.1, 7.1), for every binding file that takes them.
#pragma once

#include <functional>
#include <string_view>

#include "match/any_found.h"
#include "match/matcher.h"
#include "match/regex.h"
#include "match/transform.h"
#include "python/convert.h"

namespace pycircuit {

// TypeError for what is not a MatcherIn, an IterativeMatcher included.
Matcher matcher_from(py::handle value, std::string_view what = "matcher");
IterativeMatcher iterative_matcher_from(py::handle value, std::string_view what = "matcher");
// A Transform or a callable.
Transform transform_from(py::handle value, std::string_view what = "transform");
// Any callable circuit -> circuit as a C++ function that takes the interpreter lock while it runs.
std::function<NodePtr(const NodePtr&)> circuit_function_from(py::handle value, std::string_view what = "fn");

// The Python callable behind a user's function; TypeError for functions of the core.
py::object callable_of(const ForeignFunction& function);
std::shared_ptr<const ForeignFunction> predicate_function(py::handle callable);
std::shared_ptr<const ForeignFunction> iteration_function(py::handle callable);
// A user's match_iterate.
IterativeMatcher iteration_from(py::handle callable);

// The value of a bool (or numpy.bool_), TypeError otherwise.
bool bool_from(py::handle value, std::string_view what);

// Lets other threads run Python while the core works, unless the matcher calls back.
class ReleaseLockFor {
 public:
  explicit ReleaseLockFor(const IterativeMatcher& matcher) {
    if (!matcher.calls_users()) release_.emplace();
  }

 private:
  std::optional<py::gil_scoped_release> release_;
};

// The Python class IterateMatchResults.
struct IterateMatchResults {
  MatchStep step;
};
MatchStep::Next next_from(py::handle updated, MatchStep& step);  // sets step.next and the states
py::object updated_to_python(const MatchStep& step);
py::object to_python(const MaybeMatcher& state);  // nothing is FINISHED

struct Finished {};
py::object finished_object();

// What AnyFound and BoundAnyFound hold.
struct BoundAnyFound {
  std::shared_ptr<AnyFoundMemo> any_found;
  IterativeMatcher matcher;
  bool are_any_found(const NodePtr& circuit) const;
};

}  // namespace pycircuit
