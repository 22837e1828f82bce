"""Regex, MatcherIn, Matcher (spec 07, sections 2, 3.4 and 9)."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import I, M, names, out, p, prime, q, r, x, y, z
from tests.strategies import matchers, shared_circuits


@pytest.mark.parametrize(
    "pattern, escape_dot, text, result",
    [
        ("a.b", True, "a.b", True),
        ("a.b", True, "axb", False),
        (r"a\.b", True, "axb", True),
        (r"a\.*c", True, "abbc", True),
        (".*", True, "x", True),
        ("[.]", True, ".", True),
        ("[.]", True, "\\", False),
        ("a", True, "xay", True),
        ("^a$", True, "xay", False),
        (".", False, "q", True),
        (r"\.", False, "q", False),
        ("(?i)A", True, "a", True),
        (r"^\d+\.\w$", True, "12 é", True),
        (r"^\d+\.\w$", True, "12é-", False),
    ],
)
def test_regex(pattern, escape_dot, text, result):
    regex = rc.Regex(pattern, escape_dot)
    assert regex.call(text) is result
    assert (regex.pattern, regex.escape_dot) == (pattern, escape_dot)
    assert M(regex)(rc.Scalar(1.0, (), text)) is result
    assert M.regex(pattern, escape_dot) == M(regex)


def test_regex_object():
    assert repr(rc.Regex("a.b")) == r'Regex("a\\.b", escape_dot=True)'
    assert repr(rc.Regex('"', False)) == r'Regex("\"", escape_dot=False)'
    assert repr(rc.Regex(r"a\\.b")) == r'Regex("a\\.b", escape_dot=True)'
    assert rc.Regex("a") == rc.Regex("a") != rc.Regex("a", False)
    assert hash(rc.Regex("a")) == hash(rc.Regex("a"))
    assert pickle.loads(pickle.dumps(rc.Regex("a.b", False))) == rc.Regex("a.b", False)
    assert not callable(rc.Regex("a"))
    with pytest.raises(RuntimeError, match=r"\(unclosed"):
        rc.Regex("(unclosed")
    # The user's pattern, and what positions count in.
    with pytest.raises(RuntimeError, match=r"""expression 'a\.b\(' \(read as 'a\\\.b\(', see escape_dot\): missing \), .* at position 4"""):
        M.regex("a.b(")
    with pytest.raises(AttributeError):
        rc.Regex("a").pattern = "b"
    assert not M.regex("")(rc.Scalar(1.0))


@pytest.mark.parametrize(
    "value, found",
    [
        (True, "p q r x y z"),
        (False, ""),
        ("x", "x"),
        ({"x", "p"}, "p x"),
        (frozenset({"x"}), "x"),
        (set(), ""),
        (rc.Add, "p q r"),
        ({rc.Add, rc.Scalar}, "p q r x y z"),
        (p, "p"),
        ({p, x}, "p x"),
        (rc.Regex("[xy]"), "x y"),
        (M("x").any_found(), "p q r x"),
        (M("x"), "x"),
        (lambda c: c.name > "q", "r x y z"),
        (lambda c: np.bool_(c.name == "x"), "x"),
    ],
)
def test_what_converts(value, found):
    assert names(r.get(value)) == found
    assert names(M(value).get(r)) == found
    assert names(I(value).get(r)) == found
    assert {c for c in rc.all_children(r) if M(value)(c)} == r.get(value)
    assert M(value).call(r) is M(value)(r)


@pytest.mark.parametrize(
    "value", [1, 0, None, 1.0, ["x"], ("x",), {"x", rc.Add}, {1}, {"x", p}, rc.Circuit, int, np.True_, {int}], ids=lambda _: "value"
)
def test_what_does_not_convert(value):
    for use in (M, I, M.any, I.any, r.get, lambda v: rc.restrict("x", term_early_at=v), lambda v: r.update(v, prime)):
        with pytest.raises(TypeError):
            use(value)


def test_iterative_matcher_is_no_matcher():
    for use in (M, M.any, lambda m: rc.restrict("x", term_early_at=m), lambda m: I(rc.Module).module_arg_matcher(m)):
        with pytest.raises(TypeError):
            use(I("x"))


def test_unnamed_never_matches_a_name():
    unnamed = rc.Scalar(1.0)
    assert not M("")(unnamed) and not M({""})(unnamed)
    assert M("")(rc.Scalar(1.0, (), ""))


@pytest.mark.parametrize("bad", [1, None, "x", []])
def test_predicate_must_return_bool(bad):
    with pytest.raises(TypeError):
        r.get(lambda c: bad)


def test_predicate_errors_are_unchanged():
    error = KeyError("mine")

    def predicate(c):
        raise error

    for call in (
        lambda: r.get(predicate),
        lambda: M(predicate)(r),
        lambda: r.update(predicate, prime),
        lambda: r.are_any_found(predicate),
        lambda: M.match_any_found(predicate)(r),
        lambda: r.get_paths(M("r").chain(predicate)),
        lambda: M(predicate).get_first(r),
        lambda: I.new_func(predicate).get(r),
    ):
        with pytest.raises(KeyError) as caught:
            call()
        assert caught.value is error


def test_constructors():
    assert M() == M(False) == M.false_matcher()
    assert M(True) == M.true_matcher()
    assert not M.any()(r) and M.all()(r)
    assert M.types(rc.Add, rc.Scalar) == M({rc.Scalar, rc.Add})
    assert M.circuits(x, y) == M({y, x})
    assert M.types() == M.types(*[]) and not M.types()(r) and not M.circuits()(r)
    assert names(r.get(M("x", rc.Add))) == "p q r x"
    with pytest.raises(TypeError):
        M.types(rc.Circuit)
    with pytest.raises(TypeError):
        M.circuits("x")
    with pytest.raises(TypeError):
        type("Sub", (M,), {})


def test_match_any_found():
    assert names(r.get(M.match_any_found("y"))) == "p r y"
    assert names(r.get(M.match_any_child_found("y"))) == "p r"
    assert names(r.get(M.match_any_found(rc.restrict("y", end_depth=2)))) == "p y"
    calls = []
    remembering = M.match_any_found(lambda c: bool(calls.append(c.name)))
    for _ in range(2):
        assert r.get(remembering) == set()
    assert sorted(calls) == list("pqrxyz")


def test_match_any_found_in_its_own_predicate():
    def predicate(c):
        return c.name == "x" or any(matcher(child) for child in c.children)

    matcher = M.match_any_found(predicate)
    assert names(r.get(matcher)) == "p q r x"


def test_operators():
    assert names(r.get("x" | M("y"))) == "x y" == names(r.get(M("x") | "y"))
    assert names(r.get(rc.Add & M(lambda c: c.name < "q"))) == "p"
    assert names(r.get(M(rc.Add) & {"p", "x"})) == "p"
    assert names(r.get({"p"} | M("q"))) == "p q"
    assert names(r.get(~M(rc.Scalar))) == "p q r"
    assert isinstance(M("x") | "y", M)
    assert isinstance(M("x") | I("y"), I) and isinstance(I("x") & M("y"), I) and isinstance("x" | I("y"), I)
    assert M("x").new_or("y", "z") == M.any("x", "y", "z")
    assert M("x").new_and("y") == M.all("x", "y") and M("x").new_not() == ~M("x")
    assert I("x").new_or("y") == I("y", "x")
    for m in (M("x"), I("x")):
        for use in (bool, lambda m: m and m, lambda m: not m, lambda m: m | 3, lambda m: m & None, lambda m: [] | m):
            with pytest.raises(TypeError):
                use(m)
    with pytest.raises(TypeError, match="&"):
        bool(M("x"))
    with pytest.raises(TypeError):
        ~I("x")
    assert not callable(I("x"))


def test_any_and_all_stop_early():
    calls = []

    def logged(name, answer):
        return M(lambda c: bool(calls.append(name)) or answer)

    M.any(logged("a", True), logged("b", True))(x)
    M.all(logged("c", True), logged("d", False), logged("e", True))(x)
    assert calls == list("acd")
    calls.clear()
    I.any(logged("a", True), logged("b", True)).match_iterate(x)
    I.all(logged("c", False), logged("d", True)).match_iterate(x)
    assert calls == list("abcd")


def test_equality():
    def f(c):
        return True

    assert M({"a"}) == M("a") and M({x}) == M(x) and M({rc.Add}) == M(rc.Add)
    assert M({"a", "b"}) == M({"b", "a"}) and M(rc.Regex("s")) == M.regex("s")
    assert M.match_any_found("a") == M.match_any_found(M("a")) != M.match_any_found("b")
    assert M(f) == M(f) and hash(M(f)) == hash(M(f)) and M(f) != M(lambda c: True)
    assert M("a") != I("a") and I("a") == M("a").to_iterative_matcher()
    assert M("a") != "a" and M("a") != 3
    assert I("a", "b", "b") == I("b", "a") and I("a") | "b" == I("b") | "a"
    assert hash(I("a", "b")) == hash(I("b", "a"))
    assert M.any("a", "b") != M.any("b", "a") and M("a", "b") != M({"a", "b"})
    assert M.all("a", "b") != M.all("b", "a") and I.all("a", "b") != I.all("b", "a")
    assert len({rc.restrict("a", start_depth=0), rc.restrict("a"), I("a")}) == 3
    assert I("a").filter_module_spec(enable=False) == I("a") == M("a").filter_module_spec(False)
    assert rc.restrict_sl("a", True, slice(1, 3), "b") == rc.restrict("a", True, 1, 3, "b")
    assert len({M("a"), M("a"), M("b"), I("a"), I("b", "a"), I("a", "b")}) == 4


def test_order():
    many = [M("a"), M("b"), M(rc.Add), M(True), M.any("a", "b"), M.regex("a")]
    assert sorted(many) == sorted(reversed(many))
    assert all((a < b) + (a > b) + (a == b) == 1 for a in many for b in many)
    with pytest.raises(TypeError):
        sorted([M("a"), I("a")])


def named_predicate(c):
    return c.name == "x"


def named_iteration(c):
    return rc.IterateMatchResults(None, c.name == "x")


def all_kinds():
    restricted = rc.restrict("a", True, 1, 3, "b")
    return [
        *[M(value) for value in (True, False, "a", {"a", "b"}, set(), rc.Add, {rc.Add, rc.Module}, rc.Regex("a.b"), named_predicate)],
        *[M.any("a", "b"), M.all("a", rc.Add), ~M("a"), M.match_any_found(I("a").chain("b")), M.match_any_child_found("a")],
        *[I("a"), I("a", "b"), I.all("a", "b"), I.term(True), I.term(), I.new_func(named_iteration)],
        *[restricted, rc.new_traversal(), rc.new_traversal(end_depth=3).match_iterate(r).updated],
        *[I("a").chain("b", "c"), I("a").chain_many(["b"], ["c", "d"]), I("a").children_matcher({0, 2})],
        *[I("a").module_arg_matcher("b"), I("a").spec_circuit_matcher(), I("a").filter_module_spec()],
    ]


@pytest.mark.parametrize("matcher", all_kinds(), ids=lambda _: "value")
def test_copies(matcher):
    restored = pickle.loads(pickle.dumps(matcher))
    assert restored == matcher and type(restored) is type(matcher)
    assert copy.copy(matcher) is matcher and copy.deepcopy(matcher) is matcher


@pytest.mark.parametrize(
    "matcher, text",
    [
        (M(True), "Always"),
        (M(False), "Never"),
        (M("a"), '"a"'),
        (I("a"), '"a"'),
        (M({"b", "a"}), '{"a", "b"}'),
        (M(rc.Scalar), "Scalar"),
        (M({rc.Scalar, rc.Einsum}), "{Einsum, Scalar}"),
        (M(x), "'x' Scalar d2d47c"),
        (M(rc.Scalar(1.0)), "None Scalar e93dc1"),
        (M({y, x}), "{'x' Scalar d2d47c, 'y' Scalar 5a7f10}"),
        (M.regex("^.$"), "re-escdot'^.$'"),
        (M.regex("^.$", escape_dot=False), "re'^.$'"),
        (M(prime), str(prime)),
        (I.new_func(prime), f"PyIterativeMatcher({prime})"),
        (~M("a"), 'Not "a"'),
        (M.any("a", "b"), 'Any("a", "b")'),
        (M.all("a", "b"), 'All("a", "b")'),
        (I.all("a", "b"), 'All("a", "b")'),
        (I("a").chain("b"), '["a" -> "b"]'),
        (I("a").chain_many(["b"], ["c"]), 'Any(["a" -> "b"], ["a" -> "c"])'),
        (I("a", "b"), 'Any("a", "b")'),
        (I("a").children_matcher({0, 1}), 'Children("a", [0,1])'),
        (I("a").module_arg_matcher("b"), 'ModuleArg("a", "b")'),
        (I("a").spec_circuit_matcher(), 'SpecCircuit("a")'),
        (I("a").filter_module_spec(), 'NoModuleSpec("a")'),
        (rc.restrict("a", True, 1, 3, "b"), 'Restrict{depth_range: 1:3, matcher: "a", term_at: "b", term_if_matches: true}'),
        (rc.new_traversal(), "Restrict{}"),
        (rc.new_traversal(end_depth=3), "Restrict{depth_range: :3}"),
        (rc.new_traversal(end_depth=3).match_iterate(r).updated, "Restrict{depth_range: :3, cur_depth:1}"),
        (rc.new_traversal(start_depth=2), "Restrict{depth_range: 2:}"),
        (I.term(True), "Term"),
        (I.term(), "term next"),
        (M.match_any_found("a"), 'AnyFound("a")'),
        (rc.default_var_matcher(), "Restrict{matcher: DiscreteVar, term_at: Cumulant, term_if_matches: true}"),
    ],
    ids=lambda _: "value",
)
def test_text(matcher, text):
    assert repr(matcher) == str(matcher) == text


def test_long_lists_take_lines(monkeypatch):
    long = M.any("a" * 30, "b" * 30, "c" * 30)
    assert repr(long).count("\n") == 4
    monkeypatch.setenv("MATCHER_PRINT_SELF_WIDTH", "200")
    assert "\n" not in repr(long)
    monkeypatch.setenv("MATCHER_PRINT_SELF_WIDTH", "5")
    assert "\n" in repr(M.any("a", "b"))


def test_deep_nesting_is_refused_not_fatal():
    m = M("a")
    with pytest.raises(RuntimeError, match="nested"):
        for _ in range(100_000):
            m = m | "b"
    m = I("a")
    for i in range(300):
        m = m | str(i)
    assert names(r.get(m | "x")) == "x"


@given(shared_circuits(), matchers(), matchers())
def test_set_algebra(c, a, b):
    everything = rc.all_children(c)
    got = {m: c.get(m) for m in (a, b)}
    assert got[a] == {n for n in everything if a(n)}
    assert c.get(a | b) == got[a] | got[b]
    assert c.get(a & b) == got[a] & got[b]
    assert c.get(~a) == everything - got[a]
    assert I(a).get(c) == got[a]


def test_get_first():
    assert M(rc.Scalar).get_first(p) == y
    assert M(True).get_first(r) == r
    assert M({"p", "q"}).get_first(r) == q
    assert M({"p", "x"}).get_first(r) == x
    assert M("nope").get_first(r) is None
    assert names({M("z").get_first(r), M("k").get_first(out)}) == "k z"
    assert M(z).get_first(z) == z
