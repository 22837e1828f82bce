"""Circuits in which a node, or one index of it, is replaced: one by one, or many stacked along a new leading axis (spec 08, section 8).

A `Site` is a node that a matcher finds. It is marked with a Tag before Modules are substituted, so that matchers see the circuit as its
author wrote it, and the marked node is known afterwards by its Tag, with the axes that calls of Modules put in front of it.

Where the replaced index is summed over on the way to the output (the heads of an attention), a variant is the sum of the unchanged circuit
plus the change of that one summand. All indices then share the node, and only the change is computed for each.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

import pycircuit as rc

Replacing = Callable[[rc.Circuit], rc.Circuit | torch.Tensor | float]
Positions = tuple[int, ...]  # one for each replaced axis of a site
Axes = tuple[int, ...]  # negative: counted from the end, so that batch axes in front do not matter


@dataclass(frozen=True)
class _SummingRead:
    """The Einsum that sums over an axis of a site's node, and the axis of its operand that carries the node's axis there."""

    einsum: rc.Einsum
    operand: int
    axis: int

    @property
    def label(self) -> int:
        return self.einsum.args[self.operand][1][self.axis]


def _find_summing_read(root: rc.Circuit, node: rc.Circuit, axis: int) -> _SummingRead | None:
    """The read, if every use of the node's axis ends in one sum; position p of the axis must depend on position p of the node alone."""
    users: dict[rc.Circuit, list[tuple[rc.Circuit, int]]] = {}
    for parent in root.get(True):
        for number, child in enumerate(parent.children):
            users.setdefault(child, []).append((parent, number))
    while node != root and len(users[node]) == 1:
        parent, number = users[node][0]
        if parent.is_einsum():
            einsum = parent.cast_einsum()
            labels = einsum.args[number][1]
            if labels.count(labels[axis]) != 1:
                return None
            if labels[axis] not in einsum.out_axes:
                return _SummingRead(einsum, number, axis)
        carried = parent.child_axis_map()[number][axis]
        if carried is None:
            return None
        node, axis = parent, carried
    return None


def _at(node: rc.Circuit, axis: int, index: int | slice | torch.Tensor) -> rc.Circuit:
    elements: list[int | slice | torch.Tensor] = [slice(None)] * node.rank
    elements[axis] = index
    return node.index(elements)


def _put(node: rc.Circuit, replacement: rc.Circuit, axes: Axes, positions: Positions) -> rc.Circuit:
    """The node with the replacement at one position of each axis; without axes the replacement."""
    if not axes:
        return replacement
    axis, at, size = axes[0], positions[0], node.shape[axes[0]]
    here = slice(at, at + 1)
    changed = _put(_at(node, axis, here), _at(replacement, axis, here), axes[1:], positions[1:])
    parts = [_at(node, axis, slice(0, at))] if at else []
    parts.append(changed)
    if at + 1 < size:
        parts.append(_at(node, axis, slice(at + 1, size)))
    return rc.Concat(*parts, axis=node.rank + axis)


def _put_stacked(node: rc.Circuit, replacement: rc.Circuit, axes: Axes, positions: Sequence[Positions]) -> rc.Circuit:
    """`_put` for many positions, along a new leading axis: rows of the node and of the replacement, picked from their Concat."""
    rank, replaced = node.rank, [node.rank + axis for axis in axes]
    kept = [axis for axis in range(rank) if axis not in replaced]
    sizes = [node.shape[axis] for axis in replaced]
    letters = [f"a{axis}" for axis in range(rank)]
    rows = "(" + " ".join(f"{letters[axis]}:{node.shape[axis]}" for axis in replaced) + ")"
    rest = " ".join(letters[axis] for axis in kept)
    flatten = f"{' '.join(letters)} -> {rows} {rest}"
    both = rc.Concat(*(rc.Rearrange.from_string(each, flatten) for each in (node, replacement)), axis=0)
    count = 1
    for size in sizes:
        count *= size
    numbers = torch.arange(count).reshape(sizes)
    picked = torch.arange(count).repeat(len(positions), 1)
    for row, position in enumerate(positions):
        picked[row, numbers[position]] += count
    unflatten = f"(v:{len(positions)} {rows[1:-1]}) {rest} -> v {' '.join(letters)}"
    return rc.Rearrange.from_string(_at(both, 0, picked.flatten()), unflatten)


class Site:
    """A node of a circuit and what takes its place, wholly or at positions of some of its axes."""

    def __init__(self, circuit: rc.Circuit, matcher: rc.IterativeMatcherIn, replacing: Replacing, axes: Sequence[int]) -> None:
        self.matcher = rc.IterativeMatcher(matcher)
        self.found = self.matcher.get_unique(circuit)
        self.axes: Axes = tuple(_from_end(self.found, axis) for axis in axes)
        if len(set(self.axes)) != len(self.axes):
            raise ValueError(f"the axes {tuple(axes)} of {_show(self.found)} must differ")
        tag = uuid.uuid4()
        self._marked = rc.substitute_all_modules(circuit.update(self.matcher, lambda node: rc.Tag(node, tag, node.op_name)))
        self._tags = sorted(self._marked.get(lambda node: node.is_tag() and node.cast_tag().uuid == tag))
        self._replacements = [_fitting(replacing(self._without_tags(mark.children[0])), mark) for mark in self._tags]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the axes whose positions are replaced."""
        return tuple(self.found.shape[axis] for axis in self.axes)

    def variant(self, positions: Positions) -> rc.Circuit:
        """The circuit with the replacement at one position of each axis; same shape."""
        if self._read:
            return self._by_sum([positions], stacked=False)
        return self._with([_put(node, new, self.axes, positions) for node, new in self._pairs])

    def stack(self, positions: Sequence[Positions]) -> rc.Circuit:
        """The variants of several positions along a new leading axis; what cannot gain an axis (a Conv) raises as `expand_node` does."""
        if not self._tags:  # an argument that its Module does not use
            return self._marked.expand_at_axes([0], [len(positions)])
        if self._read:
            return self._by_sum(positions, stacked=True)
        return self._with([_put_stacked(node, new, self.axes, positions) for node, new in self._pairs])

    @property
    def only_node(self) -> rc.Circuit:
        """The node with its batch axes and bound symbols; a Module around it that is called several times: `RuntimeError`."""
        if len(self._tags) != 1:
            raise RuntimeError(f"{_show(self.found)} stands in {len(self._tags)} calls of a Module; match one of them")
        return self._pairs[0][0]

    @cached_property
    def largest_changed(self) -> int:
        """Bytes of the largest node that differs between variants."""
        return max((_bytes(node) for node in self._marked.get(rc.Matcher.match_any_found(set(self._tags)))), default=0)

    @property
    def _pairs(self) -> list[tuple[rc.Circuit, rc.Circuit]]:
        nodes = (self._without_tags(mark.children[0]) for mark in self._tags)
        return list(zip(nodes, self._replacements, strict=True))

    def _without_tags(self, circuit: rc.Circuit) -> rc.Circuit:
        return circuit.update(set(self._tags), lambda mark: mark.children[0])

    def _with(self, replacements: Sequence[rc.Circuit]) -> rc.Circuit:
        return rc.replace_expand_bottom_up_dict(self._marked, dict(zip(self._tags, replacements, strict=True)))

    @cached_property
    def _read(self) -> _SummingRead | None:
        if len(self._tags) != 1 or len(self.axes) != 1:
            return None
        mark = self._tags[0]
        return _find_summing_read(self._marked, mark, mark.rank + self.axes[0])

    def _by_sum(self, positions: Sequence[Positions], stacked: bool) -> rc.Circuit:
        """The Einsum that sums over the replaced axis becomes itself plus the changes of the summands at these positions."""
        read = self._read
        assert read is not None
        mark, replacement = self._tags[0], self._replacements[0]
        operand = read.einsum.children[read.operand]
        numbers = [position for (position,) in positions]
        terms = [self._summands(read, self._without_tags(operand), numbers, stacked, -1.0)]
        if operand != mark or not _is_zero(replacement):
            replaced = operand.update(mark, lambda _: replacement)
            terms.insert(0, self._summands(read, replaced, numbers, stacked, 1.0))
        changed = rc.Add(self._without_tags(read.einsum), *terms)
        return rc.replace_expand_bottom_up_dict(self._marked, {read.einsum: changed})

    def _summands(self, read: _SummingRead, operand: rc.Circuit, positions: Sequence[int], stacked: bool, factor: float) -> rc.Circuit:
        """The summands at these positions times a factor: one, or along a new leading axis."""
        every = stacked and list(positions) == list(range(operand.shape[read.axis]))
        index = slice(None) if every else torch.tensor(positions) if stacked else positions[0]
        args: list[tuple[rc.Circuit, tuple[int, ...]]] = []
        for number, (node, labels) in enumerate(read.einsum.args):
            node = operand if number == read.operand else self._without_tags(node)
            for axis in reversed([axis for axis, label in enumerate(labels) if label == read.label]):
                node = _at(node, axis, index)
            args.append((node, tuple(labels) if stacked else tuple(label for label in labels if label != read.label)))
        if factor != 1.0:
            args.append((rc.Scalar(factor), ()))
        leading = (read.label,) if stacked else ()
        return rc.Einsum(*args, out_axes=(*leading, *read.einsum.out_axes))


def _from_end(node: rc.Circuit, axis: int) -> int:
    if not -node.rank <= axis < node.rank:
        raise ValueError(f"{_show(node)} has no axis {axis}")
    return axis - node.rank if axis >= 0 else axis


def _fitting(replacement: rc.Circuit | torch.Tensor | float, node: rc.Circuit) -> rc.Circuit:
    """The replacement in the node's shape, broadcast to it where needed."""
    if not isinstance(replacement, rc.Circuit):
        tensor = torch.as_tensor(replacement)
        number = tensor.ndim == 0 and not isinstance(replacement, torch.Tensor)
        replacement = rc.Scalar(float(tensor)) if number else rc.Array(tensor)
    if replacement.shape == node.shape:
        return replacement
    together = rc.Add(rc.Scalar(0.0, node.shape), replacement)  # MiscInputNotBroadcastableError where sizes disagree
    if together.shape != node.shape:
        raise rc.MiscInputNotBroadcastableError(
            f"replacing {_show(node)} by {_show(replacement)}: the replacement must have the node's shape or broadcast to it"
        )
    return together


def _is_zero(node: rc.Circuit) -> bool:
    return node.is_scalar() and node.cast_scalar().value == 0


def _bytes(node: rc.Circuit) -> int:
    return node.numel * (node.torch_dtype or torch.float64).itemsize


def _show(node: rc.Circuit) -> str:
    return f"{node.op_name!r} {list(node.shape)} {type(node).__name__}"
