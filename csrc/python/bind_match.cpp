// Regex, Matcher and IterativeMatcher (spec 07, sections 2 to 5).
#include "python/bind_match.h"

#include "base/error.h"
#include "match/describe.h"
#include "match/traversal.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

// Python's `re` behind the core's interface.
class PythonRegex final : public CompiledRegex {
 public:
  explicit PythonRegex(py::object search) : search_(shared_object(std::move(search))) {}
  bool search(std::string_view text) const override {
    const py::gil_scoped_acquire lock;
    return !(*search_)(py::str(text.data(), text.size())).is_none();
  }

 private:
  std::shared_ptr<py::object> search_;
};

std::shared_ptr<const CompiledRegex> compile_regex(const std::string& rewritten, const std::string& pattern) {
  const py::gil_scoped_acquire lock;
  const py::module_ re = py::module_::import("re");
  try {
    return std::make_shared<const PythonRegex>(re.attr("compile")(rewritten).attr("search"));
  } catch (py::error_already_set& error) {
    const bool is_refused = error.matches(re.attr("error")) || error.matches(PyExc_OverflowError) || error.matches(PyExc_RecursionError);
    if (!is_refused) throw;
    // Positions in the error are those of the rewritten pattern.
    const std::string read_as = rewritten == pattern ? "" : " (read as '" + rewritten + "', see escape_dot)";
    fail(ErrorId::RuntimeError,
         "cannot compile the regular expression '" + pattern + "'" + read_as + ": " + std::string(py::str(error.value())));
  }
}

template <class Matchers>
std::vector<Matchers> all_from(const py::args& values, Matchers (*convert)(py::handle, std::string_view)) {
  std::vector<Matchers> out;
  for (const py::handle value : values) out.push_back(convert(value, "matcher"));
  return out;
}
std::vector<Matcher> matchers_from(const py::args& values) { return all_from(values, matcher_from); }
std::vector<IterativeMatcher> iterative_matchers_from(const py::args& values) { return all_from(values, iterative_matcher_from); }

// Any or all of these: a Matcher if all are predicates, else an IterativeMatcher.
py::object junction(bool any, const std::vector<py::handle>& values) {
  bool iterative = false;
  for (const py::handle value : values) iterative |= py::isinstance<IterativeMatcher>(value);
  if (iterative) {
    std::vector<IterativeMatcher> matchers;
    for (const py::handle value : values) matchers.push_back(iterative_matcher_from(value));
    return py::cast(any ? IterativeMatcher::any(matchers) : IterativeMatcher::all(matchers));
  }
  std::vector<Matcher> matchers;
  for (const py::handle value : values) matchers.push_back(matcher_from(value));
  return py::cast(any ? Matcher::any(matchers) : Matcher::all(matchers));
}

py::object junction_of(bool any, py::handle self, const py::args& others) {
  std::vector<py::handle> values = {self};
  for (const py::handle other : others) values.push_back(other);
  return junction(any, values);
}

std::set<uint64_t> child_numbers_from(py::handle value) {
  if (!PyAnySet_Check(value.ptr())) fail_expected("child_numbers", "a set of ints", value);
  std::set<uint64_t> numbers;
  for (const py::handle item : value) {
    const int64_t number = int_from(item, "child_numbers");
    if (number < 0) fail(ErrorId::OverflowError, "child_numbers must not be negative, got " + std::to_string(number));
    numbers.insert(static_cast<uint64_t>(number));
  }
  return numbers;
}

std::vector<IterativeMatcher> chain_from(py::handle value) {
  std::vector<IterativeMatcher> members;
  each(value, "chain", "a sequence of matchers", [&](py::handle item) { members.push_back(iterative_matcher_from(item)); });
  return members;
}

IterativeMatcher chain_many_from(const py::args& chains, const std::optional<IterativeMatcher>& first, bool must_be_sub) {
  std::vector<std::vector<IterativeMatcher>> all;
  for (const py::handle chain : chains) {
    all.push_back(chain_from(chain));
    if (first) all.back().insert(all.back().begin(), *first);
  }
  return IterativeMatcher::chain_many(all, must_be_sub);
}

std::optional<uint32_t> depth_from(const py::object& value, std::string_view what) {
  if (value.is_none()) return std::nullopt;
  const int64_t depth = int_from(value, what);
  if (depth < 0 || depth > UINT32_MAX)
    fail(ErrorId::OverflowError, std::string(what) + ": depths are 0 to 2**32 - 1, got " + std::to_string(depth));
  return static_cast<uint32_t>(depth);
}

DepthRange depth_range_from(const py::object& start, const py::object& end) {
  return {depth_from(start, "start_depth"), depth_from(end, "end_depth")};
}

IterativeMatcher restrict_slice(py::handle matcher, bool term_if_matches, const py::slice& slice, py::handle term_early_at) {
  if (!slice.attr("step").is_none()) fail(ErrorId::ValueError, "depth_slice must have no step, got " + shown(slice));
  return restrict(iterative_matcher_from(matcher), term_if_matches, depth_range_from(slice.attr("start"), slice.attr("stop")),
                  matcher_from(term_early_at, "term_early_at"));
}

// --- pickling: a rule's description as tagged fields

py::object field_to_python(const RuleField& field) {
  struct Visitor {
    py::object operator()(bool v) const { return py::bool_(v); }
    py::object operator()(const std::optional<uint32_t>& v) const { return v ? py::object(py::int_(*v)) : py::object(py::none()); }
    py::object operator()(const std::set<uint64_t>& v) const { return py::cast(std::vector<uint64_t>(v.begin(), v.end())); }
    py::object operator()(const std::vector<std::string>& v) const { return py::cast(v); }
    py::object operator()(const std::vector<Kind>& v) const {
      py::list names;
      for (const Kind kind : v) names.append(py::str(std::string(kind_name(kind))));
      return names;
    }
    py::object operator()(const NodePtrs& v) const { return py::cast(v); }
    py::object operator()(const Regex& v) const { return py::cast(v); }
    py::object operator()(const std::shared_ptr<const ForeignFunction>& v) const { return callable_of(*v); }
    py::object operator()(const IterativeMatcher& v) const { return py::cast(v); }
    py::object operator()(const std::vector<Matcher>& v) const { return py::cast(v); }
    py::object operator()(const std::vector<IterativeMatcher>& v) const { return py::cast(v); }
  };
  return std::visit(Visitor{}, field);
}

py::tuple reduce(const StateRule& rule, bool is_matcher) {
  const RuleDescription description = rule.description();
  py::list fields;
  for (const RuleField& field : description.fields) fields.append(py::make_tuple(field.index(), field_to_python(field)));
  const py::object restore = py::module_::import("pycircuit._core").attr("_restore_matcher");
  return py::make_tuple(restore, py::make_tuple(is_matcher, std::string(description.rule), fields));
}

// The field of the alternative with that number in RuleField.
RuleField field_from(std::string_view rule, size_t tag, const py::object& value) {
  switch (tag) {
    case 0:
      return value.cast<bool>();
    case 1:
      return value.cast<std::optional<uint32_t>>();
    case 2: {
      const auto numbers = value.cast<std::vector<uint64_t>>();
      return std::set<uint64_t>(numbers.begin(), numbers.end());
    }
    case 3:
      return value.cast<std::vector<std::string>>();
    case 4: {
      std::vector<Kind> kinds;
      for (const auto& name : value.cast<std::vector<std::string>>())
        if (const auto kind = kind_from_name(name)) kinds.push_back(*kind);
      return kinds;
    }
    case 5:
      return value.cast<NodePtrs>();
    case 6:
      return value.cast<Regex>();
    case 7:
      return rule == "function" ? iteration_function(value) : predicate_function(value);
    case 8:
      return value.cast<IterativeMatcher>();
    case 9:
      return value.cast<std::vector<Matcher>>();
    case 10:
      return value.cast<std::vector<IterativeMatcher>>();
    default:
      throw py::value_error("a pickled matcher has a field of unknown kind " + std::to_string(tag));
  }
}

py::object restore_matcher(bool is_matcher, const std::string& rule, const std::vector<std::pair<size_t, py::object>>& given) {
  std::vector<RuleField> fields;
  for (const auto& [tag, value] : given) fields.push_back(field_from(rule, tag, value));
  const IterativeMatcher restored = from_description(rule, fields);
  const auto* predicate = dynamic_cast<const PredicateRule*>(restored.rule().get());
  if (is_matcher && predicate) return py::cast(Matcher(Ref<const PredicateRule>(predicate)));
  return py::cast(restored);
}

// --- what Matcher and IterativeMatcher share

template <class T>
void add_protocol(py::class_<T>& cls) {
  const auto compare = [](auto less) {
    return [less](const T& self, const py::object& other) -> py::object {
      if (!py::isinstance<T>(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
      return py::bool_(less(self, other.cast<const T&>()));
    };
  };
  cls.def("__eq__", compare([](const T& a, const T& b) { return a == b; }))
      .def("__ne__", compare([](const T& a, const T& b) { return !(a == b); }))
      .def("__lt__", compare([](const T& a, const T& b) { return a < b; }))
      .def("__gt__", compare([](const T& a, const T& b) { return b < a; }))
      .def("__le__", compare([](const T& a, const T& b) { return !(b < a); }))
      .def("__ge__", compare([](const T& a, const T& b) { return !(a < b); }))
      .def("__hash__", [](const T& self) { return static_cast<Py_ssize_t>(self.hash() >> 1); })
      .def(
          "__bool__",
          [](const T&) -> bool {
            throw py::type_error("a matcher has no truth value; combine matchers by & and | (and ~ for a Matcher) instead of and, or, not");
          })
      .def("__copy__", [](const py::object& self) { return self; })
      .def(
          "__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__reduce__", [](const T& self) { return reduce(*self.rule(), std::is_same_v<T, Matcher>); })
      .def("__repr__", [](const T& self) { return self.to_string(); })
      .def("debug_print_to_str", [](const T& self) { return self.to_string(); }, "The matcher as text (spec 07, section 9).");
  const auto operators = [&cls](const char* name, const char* reflected, bool any) {
    cls.def(
        name, [any](const py::object& self, const py::object& other) { return junction(any, {self, other}); }, py::arg("other"),
        py::is_operator());
    cls.def(
        reflected, [any](const py::object& self, const py::object& other) { return junction(any, {other, self}); }, py::arg("other"),
        py::is_operator());
  };
  operators("__or__", "__ror__", true);
  operators("__and__", "__rand__", false);
  cls.def(
      "new_or", [](const py::object& self, const py::args& others) { return junction_of(true, self, others); },
      "Any of this and the others (spec 07, 2.3 and 3.3).");
}

template <class T>
void add_combinators(py::class_<T>& cls) {
  cls.def(
         "chain",
         [](const T& self, const py::args& rest, bool must_be_sub) {
           std::vector<IterativeMatcher> members = iterative_matchers_from(rest);
           members.insert(members.begin(), self);
           return IterativeMatcher::chain(members, must_be_sub);
         },
         py::kw_only(), py::arg("must_be_sub").noconvert() = false,
         "Finds what the last matcher finds below what the one before finds, and so on (spec 07, 4.2).")
      .def(
          "chain_many",
          [](const T& self, const py::args& rest, bool must_be_sub) { return chain_many_from(rest, IterativeMatcher(self), must_be_sub); },
          py::kw_only(), py::arg("must_be_sub").noconvert() = false, "Any of the chains that start with this matcher (spec 07, 4.2).")
      .def(
          "children_matcher",
          [](const T& self, const py::object& numbers) { return IterativeMatcher(self).children_matcher(child_numbers_from(numbers)); },
          py::arg("child_numbers"), "Finds these children of every found node (spec 07, 4.3).")
      .def(
          "module_arg_matcher",
          [](const T& self, const py::object& symbol) {
            return IterativeMatcher(self).module_arg_matcher(matcher_from(symbol, "arg_sym_matcher"));
          },
          py::arg("arg_sym_matcher"), "Finds the arguments, of every found Module, whose Symbol is accepted (spec 07, 4.4).")
      .def(
          "spec_circuit_matcher", [](const T& self) { return IterativeMatcher(self).spec_circuit_matcher(); },
          "Finds the spec circuit of every found Module (spec 07, 4.4).")
      .def(
          "filter_module_spec", [](const T& self, bool enable) { return IterativeMatcher(self).filter_module_spec(enable); },
          py::arg("enable").noconvert() = true, "The same matcher, but spec circuits of Modules are not visited (spec 07, 4.4).")
      .def(
          "validate_matched",
          [](const T& self, const py::object& matched) {
            if (!PyAnySet_Check(matched.ptr())) fail_expected("matched", "a set of circuits", matched);
            self.validate_matched(circuits_from(matched, "matched"));
          },
          py::arg("matched"), "RuntimeError unless each part of the matcher was of use for the found nodes (spec 07, 6.4).")
      .def(
          "traversal_edges", [](const T& self, const NodePtr& circuit) { return traversal_edges(circuit, self); }, py::arg("circuit"),
          "The visited nodes at which the traversal ends, in the order of the walk (spec 07, section 8).")
      .def(
          "apply_in_traversal",
          [](const T& self, const NodePtr& circuit, const py::object& transform) {
            return apply_in_traversal(circuit, self, transform_from(transform));
          },
          py::arg("circuit"), py::arg("transform"), "The transform applied to the traversed region alone (spec 07, section 8).");
}

void bind_regex(py::module_& m) {
  install_regex_compiler(compile_regex);
  py::class_<Regex>(m, "Regex", py::is_final(), "A regular expression on names, in the dialect of Python's re (spec 07, 2.2).")
      .def(py::init<std::string, bool>(), py::arg("pattern"), py::arg("escape_dot").noconvert() = true)
      .def("call", &Regex::found_in, py::arg("s"), "Whether the pattern occurs anywhere in s.")
      .def_property_readonly("pattern", &Regex::pattern, "The pattern as given.")
      .def_property_readonly("escape_dot", &Regex::escape_dot, "Whether `.` and `\\.` were swapped.")
      .def("__eq__",
           [](const Regex& self, const py::object& other) { return py::isinstance<Regex>(other) && self == other.cast<const Regex&>(); })
      .def("__hash__", [](const Regex& self) { return py::hash(py::make_tuple(self.pattern(), self.escape_dot())); })
      .def("__repr__", &Regex::to_string)
      .def("__copy__", [](const py::object& self) { return self; })
      .def(
          "__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"))
      .def("__reduce__", [](const py::object& self) {
        return py::make_tuple(py::type::of(self), py::make_tuple(self.attr("pattern"), self.attr("escape_dot")));
      });
}

void bind_results(py::module_& m) {
  py::class_<Finished>(m, "Finished", py::is_final(), "The class of FINISHED: a child, or all of them, is not visited (spec 07, 3.1).")
      .def("__repr__", [](const Finished&) { return "FINISHED"; })
      .def("__reduce__", [](const Finished&) { return "FINISHED"; })
      .def("__copy__", [](const py::object& self) { return self; })
      .def("__deepcopy__", [](const py::object& self, const py::object&) { return self; }, py::arg("memo"));
  m.attr("FINISHED") = finished_object();

  const auto equal = [](const IterateMatchResults& a, const IterateMatchResults& b) {
    return a.step.found == b.step.found && a.step.next == b.step.next && a.step.for_all == b.step.for_all &&
           a.step.per_child == b.step.per_child;
  };
  py::class_<IterateMatchResults>(m, "IterateMatchResults",
                                  "What an iterative matcher says about a node: found, and the states of the children (spec 07, 3.1).")
      .def(py::init([](const py::object& updated, bool found) {
             IterateMatchResults results;
             next_from(updated, results.step);
             results.step.found = found;
             return results;
           }),
           py::arg("updated") = py::none(), py::arg("found").noconvert() = false)
      .def_property(
          "updated", [](const IterateMatchResults& self) { return updated_to_python(self.step); },
          [](IterateMatchResults& self, const py::object& updated) { next_from(updated, self.step); },
          "None: the same matcher for all children; FINISHED: none is visited; a matcher for all; or a list, one per child.")
      .def_property(
          "found", [](const IterateMatchResults& self) { return self.step.found; },
          [](IterateMatchResults& self, const py::object& found) { self.step.found = bool_from(found, "found"); },
          "Whether the node is found.")
      .def_static(
          "new_finished", [](bool found) { return IterateMatchResults{MatchStep::finish(found)}; }, py::arg("found").noconvert() = false,
          "Found or not, and no child is visited.")
      .def(
          "to_tup", [](const IterateMatchResults& self) { return py::make_tuple(updated_to_python(self.step), self.step.found); },
          "(updated, found).")
      .def(
          "unwrap_or_same",
          [](const IterateMatchResults& self, const py::object& matcher) {
            const bool same = self.step.next == MatchStep::Next::same;
            return py::make_tuple(same ? py::cast(iterative_matcher_from(matcher)) : updated_to_python(self.step), self.step.found);
          },
          py::arg("matcher"), "(updated, or the matcher if that is None, found).")
      .def("__eq__",
           [equal](const IterateMatchResults& self, const py::object& other) {
             return py::isinstance<IterateMatchResults>(other) && equal(self, other.cast<const IterateMatchResults&>());
           })
      .def("__repr__",
           [](const IterateMatchResults& self) {
             return "IterateMatchResults(updated=" + std::string(py::repr(updated_to_python(self.step))) +
                    ", found=" + (self.step.found ? "True" : "False") + ")";
           })
      .def("__reduce__", [](const py::object& self) { return py::make_tuple(py::type::of(self), self.attr("to_tup")()); })
      .attr("__hash__") = py::none();
}

void bind_matcher(py::class_<Matcher>& cls) {
  cls.def(py::init([](const py::args& inps) { return inps.empty() ? Matcher(false) : Matcher::any(matchers_from(inps)); }),
          "Matches what any of the arguments matches; without arguments nothing (spec 07, 2.1).")
      .def_static(
          "true_matcher", [] { return Matcher(true); }, "Matches every node.")
      .def_static(
          "false_matcher", [] { return Matcher(false); }, "Matches no node.")
      .def_static("regex", &Matcher::regex, py::arg("pattern"), py::arg("escape_dot").noconvert() = true,
                  "Matches named nodes in whose name the pattern occurs (spec 07, 2.2).")
      .def_static(
          "types",
          [](const py::args& types) {
            std::vector<Kind> kinds;
            for (const py::handle type : types) {
              const auto kind = kind_of_class(type);
              if (!kind) fail_expected("types", "node classes", type);
              kinds.push_back(*kind);
            }
            return Matcher::kinds(kinds);
          },
          "Matches nodes of these classes.")
      .def_static(
          "circuits", [](const py::args& circuits) { return Matcher::circuits(circuits_from(circuits)); }, "Matches these circuits.")
      .def_static(
          "any", [](const py::args& matchers) { return Matcher::any(matchers_from(matchers)); },
          "Matches what some matcher matches, asked from left to right.")
      .def_static(
          "all", [](const py::args& matchers) { return Matcher::all(matchers_from(matchers)); },
          "Matches what every matcher matches, asked from left to right.")
      .def_static(
          "match_any_found", [](const py::object& finder) { return Matcher::match_any_found(iterative_matcher_from(finder, "finder")); },
          py::arg("finder"), "Matches nodes at or below which the finder, started there, finds something.")
      .def_static(
          "match_any_child_found",
          [](const py::object& finder) { return Matcher::match_any_child_found(iterative_matcher_from(finder, "finder")); },
          py::arg("finder"), "Matches nodes strictly below which the finder, started there, finds something.")
      .def("call", &Matcher::operator(), py::arg("circuit"), "Whether this node is matched.")
      .def("__call__", &Matcher::operator(), py::arg("circuit"), "Whether this node is matched.")
      .def("__invert__", &Matcher::operator!)
      .def(
          "new_and", [](const py::object& self, const py::args& others) { return junction_of(false, self, others); },
          "All of this and the others.")
      .def("new_not", &Matcher::operator!, "Matches what this does not match.")
      .def(
          "to_iterative_matcher", [](const Matcher& self) { return IterativeMatcher(self); },
          "The IterativeMatcher that finds what this matches, everywhere.")
      .def("get_first", &Matcher::get_first, py::arg("circuit"),
           "One matched node, or None: the last one in the walk that does not go below matches (spec 07, 6.3).");
}

void bind_iterative_matcher(py::class_<IterativeMatcher>& cls) {
  cls.def(py::init([](const py::args& inps) {
            return inps.empty() ? IterativeMatcher::term() : IterativeMatcher::any(iterative_matchers_from(inps));
          }),
          "Finds what any of the arguments finds; without arguments nothing is found or visited (spec 07, 3.2).")
      .def_static("noop_traversal", &IterativeMatcher::noop_traversal, "Finds everything, cuts nothing.")
      .def_static("term", &IterativeMatcher::term, py::arg("match_next").noconvert() = false,
                  "Finds exactly the node it is started at (nothing for False), visits nothing below.")
      .def_static(
          "any", [](const py::args& matchers) { return IterativeMatcher::any(iterative_matchers_from(matchers)); },
          "Found iff found by some; each runs independently.")
      .def_static(
          "all", [](const py::args& matchers) { return IterativeMatcher::all(iterative_matchers_from(matchers)); },
          "Found iff found by every one; goes on while every one does.")
      .def_static("new_func", &iteration_from, py::arg("f"), "The matcher whose match_iterate is f(circuit) -> IterateMatchResults.")
      .def_static(
          "new_chain",
          [](const py::object& first, const py::args& rest, bool must_be_sub) {
            std::vector<IterativeMatcher> members = iterative_matchers_from(rest);
            members.insert(members.begin(), iterative_matcher_from(first, "first"));
            return IterativeMatcher::chain(members, must_be_sub);
          },
          py::arg("first"), py::kw_only(), py::arg("must_be_sub").noconvert() = false, "first.chain(*rest) (spec 07, 4.2).")
      .def_static(
          "new_chain_many", [](const py::args& chains, bool must_be_sub) { return chain_many_from(chains, {}, must_be_sub); },
          py::kw_only(), py::arg("must_be_sub").noconvert() = false, "Any of the chains, each a sequence of matchers (spec 07, 4.2).")
      .def_static(
          "new_children_matcher",
          [](const py::object& first, const py::object& numbers) {
            return iterative_matcher_from(first).children_matcher(child_numbers_from(numbers));
          },
          py::arg("first_match"), py::arg("child_numbers"), "first_match.children_matcher(child_numbers) (spec 07, 4.3).")
      .def_static(
          "new_module_arg_matcher",
          [](const py::object& module, const py::object& symbol) {
            return iterative_matcher_from(module, "module_matcher").module_arg_matcher(matcher_from(symbol, "arg_sym_matcher"));
          },
          py::arg("module_matcher"), py::arg("arg_sym_matcher"), "module_matcher.module_arg_matcher(arg_sym_matcher) (spec 07, 4.4).")
      .def_static(
          "new_spec_circuit_matcher",
          [](const py::object& module) { return iterative_matcher_from(module, "module_matcher").spec_circuit_matcher(); },
          py::arg("module_matcher"), "module_matcher.spec_circuit_matcher() (spec 07, 4.4).")
      .def(
          "match_iterate",
          [](const IterativeMatcher& self, const NodePtr& circuit) { return IterateMatchResults{self.match_iterate(circuit)}; },
          py::arg("circuit"), "One step of the walk: whether the node is found, and the children's states (spec 07, 3.1).");
}

void bind_traversals(py::module_& m) {
  m.def(
      "restrict",
      [](const py::object& matcher, bool term_if_matches, const py::object& start, const py::object& end, const py::object& term_early_at) {
        return restrict(iterative_matcher_from(matcher), term_if_matches, depth_range_from(start, end),
                        matcher_from(term_early_at, "term_early_at"));
      },
      py::arg("matcher"), py::arg("term_if_matches").noconvert() = false, py::arg("start_depth") = py::none(),
      py::arg("end_depth") = py::none(), py::arg("term_early_at") = false,
      "The matcher cut by depth, at matches or at other nodes (spec 07, section 5).");
  m.def("restrict_sl", &restrict_slice, py::arg("matcher"), py::arg("term_if_matches").noconvert() = false,
        py::arg("depth_slice") = py::slice(std::nullopt, std::nullopt, std::nullopt), py::arg("term_early_at") = false,
        "restrict with start_depth and end_depth taken from a slice (spec 07, section 5).");
  m.def(
      "new_traversal",
      [](const py::object& start, const py::object& end, const py::object& term_early_at) {
        return new_traversal(depth_range_from(start, end), matcher_from(term_early_at, "term_early_at"));
      },
      py::arg("start_depth") = py::none(), py::arg("end_depth") = py::none(), py::arg("term_early_at") = false,
      "restrict(True, ...): a region of the circuit (spec 07, section 5).");
  m.def(
      "default_var_matcher", [] { return default_var_matcher(); },
      "The DiscreteVars that are not inside a Cumulant, not looking into variables (spec 07, section 8).");
  m.def(
      "replace_outside_traversal_symbols",
      [](const NodePtr& circuit, const py::object& traversal, const py::object& namer) {
        SymbolNamer name;
        check_callable(namer, "namer");
        if (!namer.is_none()) name = [&](const NodePtr& edge) { return name_from(namer(edge), "result of namer"); };
        const OutsideReplaced out = replace_outside_traversal_symbols(circuit, iterative_matcher_from(traversal, "traversal"), name);
        py::dict symbols;
        for (const auto& [symbol, original] : out.symbols) symbols[to_python(symbol)] = to_python(original);
        return py::make_tuple(out.circuit, symbols);
      },
      py::arg("circuit"), py::arg("traversal"), py::arg("namer") = py::none(),
      "The circuit with every edge of the traversal replaced by a new Symbol, and what each Symbol replaced (spec 07, section 8).");
  m.def(
      "apply_in_traversal",
      [](const NodePtr& circuit, const py::object& traversal, const py::object& f) {
        return apply_in_traversal(circuit, iterative_matcher_from(traversal, "traversal"), transform_from(f, "f"));
      },
      py::arg("circuit"), py::arg("traversal"), py::arg("f"), "f applied to the traversed region alone (spec 07, section 8).");
  m.def(
      "append_matchers_to_names",
      [](const NodePtr& circuit, const py::object& matcher, bool discard_old_name) {
        return append_matchers_to_names(circuit, iterative_matcher_from(matcher), discard_old_name);
      },
      py::arg("circuit"), py::arg("matcher"), py::arg("discard_old_name").noconvert() = false,
      "The circuit with the state of the walk in the name of every visited node (spec 07, section 9).");
}

}  // namespace

void bind_match(py::module_& m) {
  register_payload<IterativeMatcher>([](const IterativeMatcher& matcher) { return py::cast(matcher); });
  register_payload<Matcher>([](const Matcher& matcher) { return py::cast(matcher); });
  register_payload<MaybeMatcher>([](const MaybeMatcher& state) { return to_python(state); });
  register_payload<Kind>([](const Kind& kind) { return class_of(kind); });
  bind_regex(m);
  py::class_<Matcher> matcher(m, "Matcher", py::is_final(), "A predicate on one node (spec 07, section 2).");
  py::class_<IterativeMatcher> iterative(m, "IterativeMatcher", py::is_final(),
                                         "A state of an automaton that walks down a circuit (spec 07, section 3).");
  bind_results(m);
  bind_matcher(matcher);
  bind_iterative_matcher(iterative);
  add_protocol(matcher);
  add_protocol(iterative);
  add_combinators(matcher);
  add_combinators(iterative);
  bind_get(m, matcher, iterative);
  bind_update(m, matcher, iterative);
  bind_traversals(m);
  m.def("_restore_matcher", &restore_matcher, py::arg("is_matcher"), py::arg("rule"), py::arg("fields"), "A pickled matcher again.");
}

}  // namespace pycircuit
