"""Matchers, getting and updating against rust_circuit 0.4.6, as far as it does what the specification says."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.match.circuits import I, M, out, r
from tests.peer import both, needs_peer, peer, plain
from tests.strategies import circuits, iterative_matcher_texts, matcher_texts, shared_circuits

pytestmark = needs_peer

# Everything that reads: found nodes and paths (unless there are too many), with nodes by their numbers; what validating finds wrong.
READING = """
m = {matcher}
n = numbering(c)
result = [sorted(n[found] for found in c.get(m)), c.are_any_found(m)]
result.append({{n[found]: [n[node] for node in path] for found, path in c.get_paths(m).items()}})
if all_paths:
    result.append({{n[found]: [[n[node] for node in path] for path in paths] for found, paths in c.get_all_paths(m).items()}})
for what in [lambda: I(m).validate(c), lambda: c.get_unique(m), lambda: c.get_unique_op(m)]:
    try:
        unique = what()
        result.append(unique and n[unique])
    except RuntimeError as error:  # up to the matcher, which is written otherwise
        result.append(str(error).split("matcher")[0].split(":")[0].split("!")[0][:20])
"""


def assert_reads_alike(c: rc.Circuit, matcher: str, all_paths: bool) -> None:
    ours, theirs = both(READING.format(matcher=matcher), c=c, all_paths=all_paths)
    assert ours == theirs


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
    'I("p").chain_many(["x"], ["y", "y"])',
    'M({"p", "m1"}).chain("x") | rc.restrict("k", end_depth=3)',
]


@pytest.mark.parametrize("matcher", MATCHERS)
def test_fixtures(matcher):
    for c in (r, out):
        assert_reads_alike(c, matcher, True)


@settings(max_examples=40)
@given(shared_circuits(), st.lists(iterative_matcher_texts(), min_size=3, max_size=3))
def test_random_matchers_on_shared_circuits(c, matchers):
    for matcher in matchers:
        assert_reads_alike(c, matcher, True)


@settings(max_examples=40)
@given(circuits(), st.lists(iterative_matcher_texts(), min_size=3, max_size=3), st.sampled_from(MATCHERS))
def test_random_matchers_on_random_circuits(c, matchers, fixed):
    c = plain(c)
    for matcher in (*matchers, fixed):
        assert_reads_alike(c, matcher, False)


@settings(max_examples=40)
@given(circuits(), matcher_texts())
def test_first(c, matcher):
    c = plain(c)
    ours, theirs = both(f"m = {matcher}\nfirst = m.get_first(c)\nresult = first and numbering(c)[first], [m(n) for n in ordered(c)]", c=c)
    assert ours == theirs


# Renaming, replacing and wrapping what is found; the walk looks at the original nodes, so that transforms may meet changed ones.
TRANSFORMS = [
    "lambda n: n.rename(n.name + '!')",
    "lambda n: rc.Scalar(7.0, n.shape, 'seven')",
    "lambda n: rc.Add(n, n, name='twice')",
    "lambda n: n.children[-1] if n.num_children else n",
    "rc.Transform.ident()",
]
UPDATING = """
calls = []
def transform(n):
    calls.append((type(n).__name__, n.op_name))
    return ({transform})(n)
updated = c.update({matcher}, transform)
result = lines_of(updated), calls
"""


def assert_updates_alike(c, matcher, transform):
    ours, theirs = both(UPDATING.format(matcher=matcher, transform=transform), c=c)
    assert ours == theirs


@settings(max_examples=30)
@given(shared_circuits(), iterative_matcher_texts(), st.sampled_from(TRANSFORMS))
def test_updates_of_shared_circuits(c, matcher, transform):
    assert_updates_alike(c, matcher, transform)


@settings(max_examples=40)
@given(circuits(), iterative_matcher_texts(), st.sampled_from(TRANSFORMS))
def test_updates_of_random_circuits(c, matcher, transform):
    # Every node is named: rust_circuit gives automatic names to nodes that it should leave alone (07, 7.2).
    c = rc.deep_map(plain(c), lambda n: n if n.op_name is not None else n.rename("n"))
    assume(all(n.op_name is not None for n in rc.all_children(c)))
    assert_updates_alike(c, matcher, transform)


# Which children are still visited where nothing more is found is not the same for matchers of children: regions are those of `restrict`.
REGIONS = st.builds(
    "rc.restrict({}, {}, {}, {}, {})".format,
    matcher_texts(1),
    st.booleans(),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from([None, 1, 2, 3]),
    matcher_texts(0),
)


@settings(max_examples=30)
@given(st.one_of(shared_circuits(), circuits()), REGIONS)
def test_regions(c, region):
    c = rc.deep_map(plain(c), lambda n: n if n.op_name is not None else n.rename("n"))
    code = f"""
inside, outside = rc.replace_outside_traversal_symbols(c, {region}, lambda n: f"edge {{n.name}}")
n = numbering(c)
mapped = rc.apply_in_traversal(c, {region}, lambda n: rc.Add(n, n, name="top"))
named = rc.append_matchers_to_names(c, {region})
result = [sorted({{n[edge] for edge in outside.values()}}), [n.op_name for n in ordered(inside)], lines_of(mapped)]
result.append(sorted({{n[node] for node in {region}.traversal_edges(c)}}))
# States are written otherwise (07, 9): which nodes are visited is compared.
result.append([(n.name.split(" Matcher ")[0], " Matcher " in n.name) for n in ordered(named)])
"""
    ours, theirs = both(code, c=c)
    assert ours == theirs


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
        theirs = peer().run(f"result = [n.hash_base16 for n in {expression}]", c=c)
        assert sorted(ours) == sorted(theirs) if "edges" in expression else ours == theirs
