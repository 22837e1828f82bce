"""Transforms and updating (spec 07, section 7)."""

import pickle

import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import I, M, k, m2, naive_update, out, p, prime, q, r, x, y, z
from tests.strategies import circuits, iterative_matchers, shared_circuits


def logging(transform=prime):
    calls = []

    def logged(c):
        calls.append(c)
        return transform(c)

    return calls, logged


def test_update_examples():
    xp = prime(x)
    pp, qp = rc.Add(xp, y, name="p"), rc.Add(xp, z, name="q")
    calls, f = logging()
    assert r.update("x", f) == rc.Add(pp, qp, name="r") and calls == [x]
    updated = r.update(M("p").chain("x"), prime)
    assert updated == rc.Add(pp, q, name="r")
    calls, f = logging()
    assert r.update({"x", "p", "r"}, f) == rc.Add(prime(pp), qp, name="r'")
    assert calls == [x, pp, rc.Add(prime(pp), qp, name="r")]
    assert r.update("p", lambda c: z) == rc.Add(z, q, name="r")
    yz = [rc.Add(y, z, name=name) for name in "pq"]
    assert r.update({"x", "y"}, lambda c: y if c.name == "x" else z) == rc.Add(*yz, name="r")
    cut = r.update(rc.restrict({"p", "x"}, term_if_matches=True), prime)
    assert cut == rc.Add(prime(p), qp, name="r")
    assert out.update("k", prime).get("k'") and not out.update("k", prime).get("k")
    first = out.update(M("m1").chain("k"), prime)
    assert first.children[1] == m2 and first.children[0].get("k'") and k in first.get("k")


def test_update_names():
    c = rc.Add(x, y)
    assert c.update("x", prime).name == "x + y"
    unnamed = c.rename(None)
    assert unnamed.update("nope", prime).op_name is None
    assert unnamed.update("x", prime).name == "x' + y"
    assert unnamed.update("x", lambda c: c) == unnamed


def test_renaming_a_symbol_makes_its_binding_idle():
    renamed = out.update("s.in", prime)
    assert [symbol.name for symbol in renamed.get(rc.Symbol)] != []
    assert not renamed.no_unbound_symbols


def test_transform_errors():
    error = KeyError("mine")

    def fails(c):
        raise error

    with pytest.raises(KeyError) as caught:
        r.update("x", fails)
    assert caught.value is error
    for bad in (None, 3, "x"):
        with pytest.raises(TypeError):
            r.update("x", lambda c, bad=bad: bad)
    with pytest.raises(TypeError):
        r.update("x", 3)
    with pytest.raises(TypeError):
        r.update("nope", None)
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.Add(rc.Scalar(1.0, (2,), "a"), rc.Scalar(1.0, (2,), "b")).update("a", lambda c: rc.Scalar(1.0, (3,)))


def test_checks():
    calls, f = logging()
    with pytest.raises(RuntimeError, match="No matches found during update"):
        r.update("nope", f, assert_any_found=True)
    with pytest.raises(RuntimeError, match="Didn't match all names"):
        r.update({"x", "nope"}, f, fancy_validate=True)
    with pytest.raises(RuntimeError, match="Didn't match all names"):
        r.update("nope", f, True, True, True, True)
    assert calls == []
    assert r.update("x", lambda c: c, assert_any_found=True, fancy_validate=True) == r
    for keyword in ("fancy_validate", "assert_any_found", "cache_transform", "cache_update"):
        with pytest.raises(TypeError):
            r.update("x", f, **{keyword: 1})
    assert M("x").update(r, prime) == I("x").update(circuit=r, transform=prime) == r.update(matcher="x", transform=rc.Transform(prime))


def test_transform():
    t = rc.Transform(prime)
    assert t(x) == t.run(x) == prime(x)
    assert t == rc.Transform(prime) == rc.Transform(t) and hash(t) == hash(rc.Transform(prime)) and t != rc.Transform(lambda c: c)
    assert rc.Transform.ident() == rc.Transform.ident() != t and rc.Transform.ident()(x) == x
    assert pickle.loads(pickle.dumps(t)) == t and pickle.loads(pickle.dumps(rc.Transform.ident())) == rc.Transform.ident()
    for bad in (3, None, "x", x):
        with pytest.raises(TypeError):
            rc.Transform(bad)
    with pytest.raises(TypeError):
        rc.Transform(lambda c: 3)(x)
    assert t.updater().update(r, "x") == r.update("x", prime)


def test_updater():
    calls, f = logging()
    updater = rc.Updater(f)
    first = updater(r, {"x", "p"})
    assert first == r.update({"x", "p"}, prime) and len(calls) == 2
    assert updater.update(r, {"x", "p"}) == first and updater(r, "x") == r.update("x", prime) and len(calls) == 2
    assert updater.transform == rc.Transform(f) and updater.cache_transform and updater.cache_update
    with pytest.raises(AttributeError):
        updater.transform = f
    with pytest.raises(RuntimeError):
        updater(r, "nope", assert_any_found=True)
    updater.default_assert_any_found = True
    with pytest.raises(RuntimeError):
        updater(r, "nope")
    assert updater(r, "nope", assert_any_found=False) == r
    bound = updater.bind("x")
    assert bound.updater is updater and bound.matcher == I("x") and bound(r) == bound.update(r) == r.update("x", prime)
    bound.matcher = "y"
    assert bound(r) == r.update("y", prime)
    assert rc.BoundUpdater(updater, "x")(r) == r.update("x", prime)
    assert r.update("p", M("x").updater(prime)) == r.update(M("p").chain("x"), prime)
    assert M("x").updater(prime, default_assert_any_found=True).updater.default_assert_any_found
    with pytest.raises(TypeError):
        rc.Updater(3)
    assert not rc.Updater(f, cache_transform=False).cache_transform


def test_updater_after_an_error():
    fail = [True]

    def sometimes(c):
        if c.name == "y" and fail[0]:
            raise KeyError
        return prime(c)

    updater = rc.Updater(sometimes)
    with pytest.raises(KeyError):
        updater(r, {"x", "y"})
    fail[0] = False
    assert updater(r, {"x", "y"}) == r.update({"x", "y"}, prime)


def test_updater_in_its_own_transform():
    def nested(c):
        return updater(c.children[0], "x'") if c.name == "p" else prime(c)

    updater = rc.Updater(nested)
    assert updater(r, {"p", "x"}) == rc.Add(prime(prime(x)), rc.Add(prime(x), z, name="q"), name="r")


@given(circuits(), iterative_matchers(1))
def test_identity_update_changes_nothing(c, m):
    try:
        assert c.update(m, rc.Transform.ident()) == c
    except (rc.IterativeMatcherExpectedModuleError, rc.IterativeMatcherChildNumbersOutOfBoundsError):
        pass


@given(shared_circuits(), iterative_matchers())
def test_update_equals_naive(c, m):
    calls, f = logging()
    expected_calls, naive_f = logging()
    result = c.update(m, f)
    assert result == naive_update(m, c, naive_f)
    # Once per distinct circuit given to it, in the order of the first time.
    assert calls == list(dict.fromkeys(expected_calls))
    updater = rc.Updater(f)
    assert updater(c, m) == result
    calls.clear()
    assert updater(c, m) == result and calls == []
    if c.get(m):
        c.update(m, prime, assert_any_found=True)
    else:
        assert result == c
        with pytest.raises(RuntimeError):
            c.update(m, prime, assert_any_found=True)
