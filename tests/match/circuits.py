"""The circuits of the examples of spec 07, and naive walks to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

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
