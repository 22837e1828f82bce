"""Damaged versions of valid inputs, as hypothesis strategies.

`mutated_texts(texts)` changes lines, words, numbers, brackets, indentation and characters of a text, or cuts it off;
`mutated_arguments(call)` changes one part, at any depth, of the arguments of a constructor.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import strategies as st

import pycircuit as rc

Pick = Callable[[int], int]  # a number below the given one

# Sizes that fit in memory, or not by far.
NUMBERS = ["0", "1", "2", "-1", "+2", "255", "256", "1_0", "01", "0s", "2*1s", "256s", "9223372036854775807", "9223372036854775808"]
NUMBERS += ["99999999999999999999999999", "255s*255s*255s*255s*255s", "1e400", "-inf", "nan", "٣", "½", "0x10", ""]
WORDS = [cls.__name__ for cls in (rc.Einsum, rc.Array, rc.Symbol, rc.Scalar, rc.Add, rc.Rearrange, rc.Index, rc.GeneralFunction)]
WORDS += ["Concat", "Scatter", "Conv", "Module", "SetSymbolicShape", "Tag", "DiscreteVar", "StoredCumulantVar", "Cumulant", "Circuit"]
WORDS += ["AD", "rand", "ttf", "fft", "fancy:", "softmax", "gen_index_at_0_b", "->", "▼", "\\|/", "...", "│ ├‣", "└‣", "#", "!", "'", "''"]
WORDS += ["'x'", "0", "[]", "[0s]", "1a280c74-fa9f-4dd9-94f4-5cca4a0cf243", "00000000-0000-0000-0000-000000000000"]
CHARACTERS = ["\0", "\t", "\r", "\n", "\r\n", "\x0c", "\x1b[31m", "\x7f", "\x85", "\xa0", "\ufeff", "\u2028", "\u202e", "\u0301", "\u200d"]
CHARACTERS += [
    "é",
    "ß",
    "İ",
    "٣",
    "½",
    "ｘ",
    "▼",
    "‣",
    "│",
    "\U0001f600",
    "\U0010ffff",
    "\ufffd",
    "'",
    '"',
    "\\",
    "#",
    "!",
    ":",
    ",",
    "|",
    " ",
]
BRACKETS = "()[]{}<>'"


def _lines(text: str, pick: Pick, others: Sequence[str]) -> str:
    lines = text.split("\n")
    at, other = pick(len(lines)), pick(len(lines))
    kind = pick(6)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        end = min(len(lines), at + 1 + pick(3))
        lines[other:other] = lines[at:end]
    elif kind == 4:
        foreign = others[pick(len(others))].split("\n")
        lines.insert(at, foreign[pick(len(foreign))])
    else:
        lines[at] = lines[at][: pick(len(lines[at]) + 1)]
    return "\n".join(lines)


def _indentation(text: str, pick: Pick, others: Sequence[str]) -> str:
    lines = text.split("\n")
    first = pick(len(lines))
    last = first + 1 + pick(len(lines) - first)
    change = ["  ", " ", "\t", "    ", "│ ", "├‣", ""][pick(7)]
    for i in range(first, last):
        lines[i] = change + lines[i] if pick(2) else lines[i].removeprefix("  ")
    return "\n".join(lines)


def _words(text: str, pick: Pick, others: Sequence[str]) -> str:
    words = re.findall(r"\w+|[^\S\n]+|.|\n", text)
    if not words:
        return WORDS[pick(len(WORDS))]
    at, other = pick(len(words)), pick(len(words))
    kind = pick(5)
    if kind == 0:
        del words[at]
    elif kind == 1:
        words.insert(at, words[at])
    elif kind == 2:
        words[at], words[other] = words[other], words[at]
    elif kind == 3:
        words[at] = WORDS[pick(len(WORDS))]
    else:
        words.insert(at, WORDS[pick(len(WORDS))])
    return "".join(words)


def _number(text: str, pick: Pick, others: Sequence[str]) -> str:
    found = list(re.finditer(r"\d+", text))
    if not found:
        return text + NUMBERS[pick(len(NUMBERS))]
    at = found[pick(len(found))]
    return text[: at.start()] + NUMBERS[pick(len(NUMBERS))] + text[at.end() :]


def _bracket(text: str, pick: Pick, others: Sequence[str]) -> str:
    found = [i for i, c in enumerate(text) if c in BRACKETS]
    at = found[pick(len(found))] if found else pick(len(text) + 1)
    return text[:at] + ["", *BRACKETS, "[[", "]]"][pick(len(BRACKETS) + 3)] + text[at + (1 if pick(2) else 0) :]


def _character(text: str, pick: Pick, others: Sequence[str]) -> str:
    at = pick(len(text) + 1)
    return text[:at] + CHARACTERS[pick(len(CHARACTERS))] + text[at + pick(2) :]


def _cut(text: str, pick: Pick, others: Sequence[str]) -> str:
    at = pick(len(text) + 1)
    return text[:at] if pick(2) else text[at:]


def _joined(text: str, pick: Pick, others: Sequence[str]) -> str:
    return text + "\n" * pick(2) + others[pick(len(others))]


@st.composite
def mutated_texts(draw: Any, texts: Sequence[str], max_changes: int = 4) -> str:
    """One of the texts with up to max_changes changes, seldom none."""

    def pick(below: int) -> int:
        return draw(st.integers(0, max(0, below - 1)))

    text = draw(st.sampled_from(list(texts)))
    changes = [_lines, _indentation, _words, _words, _number, _bracket, _character, _cut]
    if any("\n" in each for each in texts):
        changes += [_lines, _joined]
    for change in draw(st.lists(st.sampled_from(changes), max_size=max_changes)):
        text = change(text, pick, texts)
    return text


# --- constructors

Call = tuple[type, list[Any], dict[str, Any]]


def call_of(circuit: rc.Circuit) -> Call:
    """The constructor and arguments that make a circuit (but for its axis names and flags)."""
    cls, name = type(circuit), {"name": circuit.op_name}
    c: Any = circuit
    if cls is rc.Einsum:
        return cls, list(c.args), {"out_axes": c.out_axes, **name}
    if cls is rc.Array:
        return cls, [c.value], name
    if cls is rc.Symbol:
        return cls, [c.shape, c.uuid], name
    if cls is rc.Scalar:
        return cls, [c.value, c.shape], name
    if cls in (rc.Add, rc.Cumulant):
        return cls, list(c.children), name
    if cls is rc.Rearrange:
        return cls, [c.node, c.spec], name
    if cls is rc.Index:
        return cls, [c.node, tuple(c.idx)], name
    if cls is rc.GeneralFunction:
        return cls, list(c.children), {"spec": c.spec, **name}
    if cls is rc.Concat:
        return cls, list(c.children), {"axis": c.axis, **name}
    if cls is rc.Scatter:
        return cls, [c.node, tuple(c.idx), c.shape], name
    if cls is rc.Conv:
        return cls, [c.input, c.filter, list(c.stride), list(c.padding)], name
    if cls is rc.Module:
        arguments = [rc.ModuleArgSpec(a.symbol, a.batchable, a.expandable, a.ban_non_symbolic_size_expand) for a in c.spec.arg_specs]
        spec = rc.ModuleSpec(c.spec.circuit, arguments, check_all_inputs_used=False, check_unique_arg_names=False)
        return rc.Module.new_flat, [spec, *c.nodes], name  # type: ignore[return-value]
    if cls is rc.SetSymbolicShape:
        return cls, [c.node, c.shape], name
    if cls is rc.Tag:
        return cls, [c.node, c.uuid], name
    if cls is rc.DiscreteVar:
        return cls, [c.values, c.probs_and_group], name
    assert cls is rc.StoredCumulantVar
    return cls, [dict(c.cumulants), c.uuid], name


INTS = [0, 1, -1, 2, 3, 7, 255, 256, 10007, 2**31, 2**40, 2**63 - 1, 2**63, -(2**63), 2**64]
FLOATS = [0.0, -0.0, 1e-320, 1e308, float("inf"), float("nan")]
NAMES = [None, "", "x", "a b", "\0", "\n", "'", "x" * 5000, "\U0001f600"]


def _changed(value: Any, pick: Pick, spare: Sequence[rc.Circuit]) -> Any:
    """The value with one part of it replaced, dropped, repeated or moved."""
    if isinstance(value, rc.Circuit):
        node = spare[pick(len(spare))]
        kind = pick(4)
        return [node, rc.Scalar(1.0, value.shape[1:]), rc.Scalar(1.0, (*value.shape, 2)), rc.Scalar(2.0, value.shape)][kind]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return [value + 1, value - 1, INTS[pick(len(INTS))]][pick(3)]
    if isinstance(value, float):
        return FLOATS[pick(len(FLOATS))]
    if value is None or isinstance(value, str):
        return NAMES[pick(len(NAMES))]
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=pick(3))
    if isinstance(value, slice):
        bounds = [value.start, value.stop, value.step]
        bounds[pick(3)] = [None, *INTS][pick(len(INTS) + 1)]
        return slice(*bounds)
    if isinstance(value, torch.Tensor):
        kind = pick(4)
        return [value.to(torch.float32), value.long(), value.reshape(-1), value.unsqueeze(0) if value.ndim < 4 else value.sum()][kind]
    if isinstance(value, rc.RearrangeSpec):
        parts = [value.input_ints, value.output_ints, value.int_sizes]
        which = pick(3)
        parts[which] = _changed(parts[which], pick, spare)
        try:
            return rc.RearrangeSpec(*parts)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            return rc.RearrangeSpec.ident(pick(4))
    if isinstance(value, dict):
        items = _changed(list(value.items()), pick, spare)
        return dict(item for item in items if isinstance(item, tuple) and len(item) == 2)
    if isinstance(value, (list, tuple)):
        items = list(value)
        kind = pick(5)
        if not items or kind == 0:
            items.insert(pick(len(items) + 1), items[pick(len(items))] if items else INTS[pick(len(INTS))])
        elif kind == 1:
            del items[pick(len(items))]
        elif kind == 2:
            at, other = pick(len(items)), pick(len(items))
            items[at], items[other] = items[other], items[at]
        else:
            at = pick(len(items))
            items[at] = _changed(items[at], pick, spare)
        return tuple(items) if isinstance(value, tuple) else items
    return value


@st.composite
def mutated_arguments(draw: Any, circuit: rc.Circuit, spare: Sequence[rc.Circuit], max_changes: int = 2) -> Call:
    """The call that makes the circuit, with changed arguments; `spare` are circuits to put in place of its children."""

    def pick(below: int) -> int:
        return draw(st.integers(0, max(0, below - 1)))

    make, positional, keywords = call_of(circuit)
    for _ in range(draw(st.integers(1, max_changes))):
        at = pick(len(positional) + len(keywords) + 1)
        if at < len(positional):
            positional[at] = _changed(positional[at], pick, spare)
        elif at < len(positional) + len(keywords):
            key = list(keywords)[at - len(positional)]
            keywords[key] = _changed(keywords[key], pick, spare)
        else:
            positional = _changed(positional, pick, spare)
    return make, positional, keywords
