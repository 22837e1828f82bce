"""Costs and caching: call counts, depth, sharing, threads, re-entrance (spec 07, section 10)."""

import threading
import time

import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import I, M, prime, r, x
from tests.strategies import iterative_matchers, matchers, shared_circuits


def logged_predicate(name=None):
    asked = []

    def predicate(c):
        asked.append(c.name)
        return c.name == name

    return asked, predicate


@pytest.mark.parametrize(
    "use",
    [
        lambda f: r.get(f),
        lambda f: r.get_paths(f),
        lambda f: r.get_all_paths(f),
        lambda f: r.update(f, prime),
        lambda f: rc.Updater(prime)(r, f),
        lambda f: rc.Getter()(r, f),
        lambda f: I(f).traversal_edges(r),
    ],
)
def test_called_once_per_node_in_preorder(use):
    asked, f = logged_predicate()
    use(f)
    assert asked == list("rpxyqz")


@pytest.mark.parametrize(
    "combine",
    [
        lambda f: M(f).chain(f, f),
        lambda f: rc.restrict(f, end_depth=3),
        lambda f: I.any(rc.restrict(f, end_depth=2), rc.restrict(f, end_depth=4), f),
        lambda f: I(f).chain(rc.restrict(f, end_depth=2)) | f,
        lambda f: M.any(f, ~M(f)),
        lambda f: M.match_any_found(M(f).chain(f)),
        lambda f: rc.restrict(f, term_early_at=f),
    ],
)
def test_called_at_most_once_per_node_in_combinations(combine):
    for name in ("x", "p", None):
        for use in (lambda m: r.get(m), lambda m: r.update(m, prime), lambda m: r.are_any_found(m)):
            asked, f = logged_predicate(name)
            use(combine(f))
            assert len(asked) == len(set(asked))


def test_new_func_is_called_once_per_pair():
    asked = []

    def f(c):
        asked.append(c.name)
        return rc.IterateMatchResults(None, c.name in "px")

    r.get(I.new_func(f).chain(I.new_func(f)))
    assert len(asked) == len(set(asked)) == 6


def test_shared_graph():
    c = x
    for _ in range(60):
        c = rc.Add(c, c)
    asked, f = logged_predicate("x")
    assert c.get(f) == {x} and len(asked) == 61
    assert len(c.get_paths("x")[x]) == 61
    assert len(c.get_all_circuits_in_paths("x")) == 61
    assert c.update("x", prime).get("x'") == {prime(x)}
    assert c.get(rc.restrict("x", end_depth=61)) == {x} and c.get(rc.restrict("x", end_depth=60)) == set()
    assert M.match_any_found("x")(c) and not M.match_any_found("nope")(c)
    assert rc.new_traversal(end_depth=30).traversal_edges(c) != []
    assert rc.count_nodes(rc.apply_in_traversal(c, rc.new_traversal(end_depth=30), lambda k: k)) == 61


def chain(length):
    c = x
    for i in range(length):
        c = rc.Add(c, name=f"n{i % 10}")
    return c


def test_deep_chain():
    c = chain(200_000)
    assert c.get("x") == {x}
    assert len(c.get_paths("x")[x]) == 200_001 == len(c.get_all_paths("x")[x][0])
    assert c.are_any_found("x") and M.match_any_found("x")(c) and M.match_any_child_found("x")(c)
    assert len(c.get(M("n3").chain("n4").chain("x"))) == 1
    assert c.get(rc.restrict("x", end_depth=300_000)) == {x}
    updated = c.update("x", prime)
    assert updated.get("x'") == {prime(x)}
    assert updated.update("x'", lambda _: x) == c
    assert rc.new_traversal(term_early_at="x").traversal_edges(c) == [x]
    assert rc.apply_in_traversal(c, rc.new_traversal(term_early_at="x"), lambda k: k) == c
    assert rc.append_matchers_to_names(c, "x", True).name == '"x"'
    assert M("x").get_first(c) == x
    assert len(c.get_all_circuits_in_paths("x")) == 200_001


def test_deep_edits():
    c = chain(100_000)
    assert rc.deep_map(c, lambda n: n) == c == rc.deep_map_preorder(c, lambda n: n) == rc.replace_nodes(c, {})
    assert len(rc.toposort_circuit(c)) == rc.count_nodes(c) == 100_001 == len(rc.all_children(c))
    assert rc.path_get(c, [0] * 100_000) == x
    assert rc.update_path(c, [0] * 100_000, prime) == c.update("x", prime)
    assert rc.prefix_all_names(c, "k").name == "k" + c.name


def test_linear_in_merging():
    c = chain(3000)
    start = time.perf_counter()
    assert len(c.get(True)) == 3001 and len(c.get_all_circuits_in_paths(True)) == 3001
    assert time.perf_counter() - start < 0.5
    start = time.perf_counter()
    assert len(c.get_paths(True)) == 3001
    assert time.perf_counter() - start < 5


def run_in_threads(work, count=8):
    errors = []

    def run(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_threads():
    c = rc.Add(chain(300), r, name="top")
    getter = rc.Getter()
    updater = rc.Updater(prime)
    any_found = rc.AnyFound()

    def predicate(n):
        return n.name == "x"

    remembering = M.match_any_found(predicate)
    m = M("n3").chain(predicate) | M("p").chain("x")
    got, updated, found = c.get(m), c.update(m, prime), c.get(M.match_any_found("x"))

    def work(i):
        for _ in range(5):
            assert getter(c, m) == got and updater(c, m) == updated and any_found(c, m) and c.get(remembering) == found
            assert x in getter.get_paths(c, {"x", f"n{i}"})

    run_in_threads(work)


def test_own_getter_in_a_predicate():
    getter = rc.Getter()
    any_found = rc.AnyFound()

    def predicate(c):
        return c in getter(c, "x") or (c.name == "p" and getter(r, bound) == set() and any_found(r, "y"))

    bound = M(lambda c: False)
    assert {c.name for c in getter(r, predicate)} == {"x", "p"}

    def asks_itself(c):
        return c.num_children == 0 or all(any_found(child, asks_itself) for child in c.children)

    assert any_found(r, asks_itself)


def test_errors_leave_objects_usable():
    fail = [True]

    def predicate(c):
        if fail[0] and c.name == "q":
            raise KeyError
        return c.name == "z"

    getter = rc.Getter()
    any_found = rc.AnyFound()
    remembering = M.match_any_found(predicate)
    for call in (lambda: getter(r, predicate), lambda: any_found(r, predicate), lambda: remembering(r)):
        fail[0] = True
        with pytest.raises(KeyError):
            call()
        fail[0] = False
        assert call()


@given(shared_circuits(), matchers(), iterative_matchers())
def test_equal_matchers_share_nothing_but_their_meaning(c, m, t):
    # Matchers made again, or used while others come and go, give the same answers.
    for matcher in (m, t):
        assert c.get(matcher) == c.get(matcher | False) == c.get(I.any(matcher, matcher)) == c.get(rc.restrict(matcher))
