"""Matchers, getting and updating against rust_circuit 0.4.6, as far as it does what the specification says."""

import pytest
from hypothesis import HealthCheck, assume, given, settings

import pycircuit as rc
from tests.match.circuits import I, M, out, r
from tests.peer import needs_peer, peer
from tests.strategies import circuits

pytestmark = needs_peer

# Expressions in terms of rc, M, I that mean the same in both libraries.
MATCHERS = [
    '"x"',
    '{"x", "a.b", "w"}',
    "rc.Add",
    "{rc.Add, rc.Einsum, rc.Array}",
    'rc.Regex("^[a-x]")',
    'rc.Regex(r"a.b")',
    "lambda c: c.num_children == 0",
    "M(rc.Array) | rc.Scalar",
    '~M(rc.Array) & M.regex("a")',
    "M.match_any_found(rc.Scalar)",
    'M.match_any_child_found("x")',
    'M(rc.Add).chain("x")',
    "M(rc.Add).chain(rc.Array, must_be_sub=True)",
    "I(rc.Module).spec_circuit_matcher()",
    "I(rc.Module).module_arg_matcher(True)",
    "I(rc.Module).module_arg_matcher(rc.Regex('in'))",
    "I(True).filter_module_spec()",
    "I.term(True)",
    "I.term(True).children_matcher(set())",
    "rc.new_traversal(end_depth=2)",
    "rc.new_traversal(1, 3, rc.Add)",
    "rc.restrict(rc.Array, True, 1, 4)",
    "rc.restrict({rc.Add, rc.Einsum}, term_if_matches=True)",
    "rc.restrict(True, term_early_at=rc.Rearrange)",
    "I.all(rc.new_traversal(2), rc.new_traversal(end_depth=4))",
    "I.any(rc.restrict(rc.Add, end_depth=2), 'x').chain(rc.restrict(True, end_depth=2))",
]
SETUP = "M, I = rc.Matcher, rc.IterativeMatcher\n"


def same_nodes(c, matcher):
    m = eval(matcher, {"rc": rc, "M": M, "I": I})
    theirs = peer().run(
        SETUP + f"m = {matcher}\nresult = [sorted(n.hash_base16 for n in c.get(m)), "
        "{k.hash_base16: [n.hash_base16 for n in path] for k, path in c.get_paths(m).items()}, c.are_any_found(m)]",
        c=c,
    )
    paths = {key.hash_base16: [node.hash_base16 for node in path] for key, path in c.get_paths(m).items()}
    return theirs, [sorted(n.hash_base16 for n in c.get(m)), paths, c.are_any_found(m)]


@pytest.mark.parametrize("matcher", MATCHERS)
def test_fixtures(matcher):
    for c in (r, out):
        theirs, ours = same_nodes(c, matcher)
        assert ours == theirs


def assume_alike(c):
    """Both libraries build the same circuit: automatic names and some classes' hashes differ on purpose."""
    assume(peer().describe(c)["hash"] == c.hash_base16)


HASHED_ALIKE = (rc.Array, rc.Scalar, rc.Symbol, rc.Einsum, rc.Add, rc.Concat, rc.Tag, rc.Module, rc.Cumulant)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(circuits(HASHED_ALIKE))
def test_random_circuits(c):
    assume_alike(c)
    for matcher in MATCHERS[::3]:
        theirs, ours = same_nodes(c, matcher)
        assert ours == theirs


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(circuits(HASHED_ALIKE))
def test_update(c):
    # Only circuits in which every node is named: rust_circuit gives automatic names to nodes that it should leave alone.
    c = rc.deep_map(c, lambda n: n if n.op_name is not None else n.rename("n"))
    assume(all(n.op_name is not None for n in rc.all_children(c)))
    assume_alike(c)
    for matcher in ('"x"', "rc.Scalar", "M(rc.Add).chain(rc.Scalar)", "rc.restrict(rc.Scalar, end_depth=3)"):
        m = eval(matcher, {"rc": rc, "M": M, "I": I})
        ours = c.update(m, lambda n: n.rename(f"{n.name}!"))
        theirs = peer().run(SETUP + f"result = c.update({matcher}, lambda n: n.rename(n.name + '!')).hash_base16", c=c)
        assert ours.hash_base16 == theirs


@pytest.mark.parametrize(
    "expression",
    [
        "rc.toposort_circuit(c)",
        "sorted(rc.all_children(c))",
        "[rc.path_get(c, [0, 1])]",
        "[rc.deep_map_preorder(c, lambda n: n)]",
        "[rc.replace_nodes(c, {c.children[0]: c.children[1]})]",
        "[rc.update_path(c, [0, 0], lambda n: n.rename('B'))]",
        "[M(rc.Scalar).get_first(c), M(True).get_first(c)]",
        "rc.new_traversal(end_depth=2).traversal_edges(c)",
        "[rc.apply_in_traversal(c, rc.new_traversal(end_depth=2), lambda n: n.rename('new'))]",
        "[rc.append_matchers_to_names(c, rc.new_traversal(end_depth=2), True)]",
    ],
)
def test_walks(expression):
    for c in (r, out):
        ours = [n.hash_base16 for n in eval(expression, {"rc": rc, "M": M, "I": I, "c": c})]
        theirs = peer().run(SETUP + f"result = [n.hash_base16 for n in {expression}]", c=c)
        assert sorted(ours) == sorted(theirs) if "edges" in expression else ours == theirs
