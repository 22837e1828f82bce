"""The circuits of the examples of spec 07, and naive walks to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from hypothesis import strategies as st

import pycircuit as rc

M = rc.Matcher
I = rc.IterativeMatcher  # noqa: E741
FINISHED = rc.FINISHED

x, y, z = (rc.Scalar(1.0, (), name) for name in "xyz")
p = rc.Add(x, y, name="p")
q = rc.Add(x, z, name="q")
r = rc.Add(p, q, name="r")

s_in = rc.Symbol((), UUID("aaaaaaaa-69da-4da2-a902-8eaf325f07a7"), "s.in")
s_w = rc.Symbol((), UUID("bbbbbbbb-69da-4da2-a902-8eaf325f07a7"), "s.w")
k, u, v, w = (rc.Scalar(1.0, (), name) for name in "kuvw")
body = rc.Add(s_in, s_w, k, name="body")
spec = rc.ModuleSpec(body, [rc.ModuleArgSpec(s_in), rc.ModuleArgSpec(s_w)])
m1 = rc.Module.new_flat(spec, u, w, name="m1")
m2 = rc.Module.new_flat(spec, v, w, name="m2")
out = rc.Add(m1, m2, name="out")


def prime(c: rc.Circuit) -> rc.Circuit:
    return c.rename(c.name + "'")


def names(nodes) -> str:
    """Names of nodes, sorted, as one string."""
    return " ".join(sorted(node.name for node in nodes))


def states(matcher: rc.IterativeMatcher, node: rc.Circuit) -> tuple[bool, list[rc.IterativeMatcher | None]]:
    """Whether the node is found, and each child's state (None: not visited)."""
    updated, found = rc.IterativeMatcher(matcher).match_iterate(node).to_tup()
    if updated is None:
        updated = rc.IterativeMatcher(matcher)
    if not isinstance(updated, list):
        updated = [updated] * node.num_children
    return found, [None if state is FINISHED else state for state in updated]


def walk(matcher: rc.IterativeMatcher, node: rc.Circuit, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], rc.Circuit, bool]]:
    """Every visit of the unmemoised walk, in its order: child positions from the root, node, found."""
    found, children = states(matcher, node)
    yield path, node, found
    for i, state in enumerate(children):
        if state is not None:
            yield from walk(state, node.children[i], (*path, i))


def naive_get(matcher: rc.IterativeMatcher, node: rc.Circuit) -> set[rc.Circuit]:
    return {found for _, found, is_found in walk(matcher, node) if is_found}


def naive_update(matcher: rc.IterativeMatcher, node: rc.Circuit, transform) -> rc.Circuit:
    """The update by its definition, without memory."""
    found, children = states(matcher, node)
    new = [child if state is None else naive_update(state, child, transform) for child, state in zip(node.children, children, strict=True)]
    if new != node.children:
        replaced = iter(new)
        node = node.map_children(lambda _: next(replaced))
    return transform(node) if found else node


def nodes_on_path(root: rc.Circuit, path: tuple[int, ...]) -> list[rc.Circuit]:
    """The nodes from the root along child positions."""
    nodes = [root]
    for i in path:
        nodes.append(nodes[-1].children[i])
    return nodes


def found_along(matcher: rc.IterativeMatcher, root: rc.Circuit, path: tuple[int, ...]) -> list[bool]:
    """Which nodes along a path a matcher started at the root finds; not visited is not found."""
    result: list[bool] = []
    state: rc.IterativeMatcher | None = matcher
    node = root
    for i in (*path, None):
        if state is None:
            result.append(False)
            continue
        found, children = states(state, node)
        result.append(found)
        if i is not None:
            state = children[i]
            node = node.children[i]
    return result


@st.composite
def small_circuits(draw) -> rc.Circuit:
    """Named Adds and Modules over few leaves, with much sharing; few enough paths for brute force."""
    pool: list[rc.Circuit] = [rc.Scalar(1.0, (), name) for name in "abc"]
    for i in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(["d", "e", "f", "a"]))
        if draw(st.integers(0, 3)) == 0:
            symbol = rc.Symbol((), UUID(int=draw(st.integers(1, 2))), draw(st.sampled_from(["s", "t"])))
            inner = rc.Add(symbol, draw(st.sampled_from(pool[:3])), name="body")
            pool.append(rc.Module.new_flat(rc.ModuleSpec(inner, [rc.ModuleArgSpec(symbol)]), draw(st.sampled_from(pool)), name=name))
        else:
            children = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
            pool.append(rc.Add(pool[-1], *children, name=f"{name}{i}" if draw(st.booleans()) else name))
    return pool[-1]


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "s", "t", "body"])


@st.composite
def matchers(draw, depth: int = 2) -> rc.Matcher:
    """Random Matchers of all kinds."""
    kind = draw(st.integers(0, 9 if depth else 5))
    sub = matchers(depth - 1)
    if kind == 0:
        return M(draw(NAMES))
    if kind == 1:
        return M(draw(st.sets(NAMES, max_size=3)))
    if kind == 2:
        return M(draw(st.sampled_from([rc.Add, rc.Module, rc.Scalar, rc.Symbol])))
    if kind == 3:
        return M(draw(st.booleans()))
    if kind == 4:
        return M.regex(draw(st.sampled_from(["^[a-c]", "d", "b.dy", "[0-9]"])))
    if kind == 5:
        letters = draw(st.sets(st.sampled_from("abcdef"), max_size=3))
        return M(lambda node: node.name[:1] in letters)
    if kind == 6:
        return M.any(*draw(st.lists(sub, max_size=3)))
    if kind == 7:
        return M.all(*draw(st.lists(sub, max_size=3)))
    if kind == 8:
        return ~draw(sub)
    finder = draw(iterative_matchers(depth - 1))
    return M.match_any_child_found(finder) if draw(st.booleans()) else M.match_any_found(finder)


@st.composite
def iterative_matchers(draw, depth: int = 2) -> rc.IterativeMatcher:
    """Random IterativeMatchers of all kinds, those that fail on nodes of the wrong class aside."""
    kind = draw(st.integers(0, 10 if depth else 2))
    sub = iterative_matchers(depth - 1)
    if kind <= 1:
        return I(draw(matchers(min(depth, 1))))
    if kind == 2:
        return I.term(draw(st.booleans()))
    if kind == 3:
        return I.any(*draw(st.lists(sub, max_size=3)))
    if kind == 4:
        return I.all(*draw(st.lists(sub, max_size=3)))
    if kind == 5:
        depths = st.one_of(st.none(), st.integers(0, 3))
        return rc.restrict(draw(sub), draw(st.booleans()), draw(depths), draw(depths), draw(st.one_of(st.just(False), matchers(0))))
    if kind == 6:
        return I.new_chain(*draw(st.lists(sub, min_size=1, max_size=3)), must_be_sub=draw(st.booleans()))
    if kind == 7:
        return draw(sub).filter_module_spec(draw(st.booleans()))
    if kind == 8:
        inner = draw(sub)
        return I.new_func(lambda node: inner.match_iterate(node))
    if kind == 9:
        modules = I.all(draw(sub), rc.Module)
        return modules.spec_circuit_matcher() if draw(st.booleans()) else modules.module_arg_matcher(draw(matchers(0)))
    adds = I.all(draw(sub), M(rc.Add))
    return adds.children_matcher({0, 1} if draw(st.booleans()) else {1})
