"""Random circuits with names, axis names and flags that text has to get through."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import ALL, circuits

READABLE = tuple(cls for cls in ALL if cls is not rc.Conv)

CHARACTERS = st.characters(exclude_categories=["Cs"])
# Few, so that names repeat; and what the grammar is made of.
TRICKY = st.sampled_from(
    [
        "",
        "x",
        "x y",
        "it's",
        "\\",
        "\\n",
        "a\\'b",
        "#",
        "!",
        "a # b",
        "x ! 'y'",
        "'s' ttf",
        " tft",
        "0",
        "1 [2] Scalar 3",
        "\n",
        "\r",
        "a\r\nb",
        "\t",
        " lead",
        "trail ",
        "‣",
        "│ ├",
        "▼",
        "AD",
        "[2]",
        "\u2028",
        "\x85",
        "\x00",
        "\x1b[31m",
        "α",
        "ñ",
        "\U0001f600",
        "\u202eabc",
    ]
)
NAMES = st.one_of(TRICKY, st.text(CHARACTERS, max_size=8))
AXIS_NAMES = st.one_of(
    st.sampled_from(["row", "col", "", "a#b", "x!y", "'", "->", "3", "2s", "a'b'", "│", "‣x", "fancy", "ñ", "x*"]),
    st.text(CHARACTERS.filter(lambda c: not c.isspace() and c not in ":[],\x1c\x1d\x1e\x1f"), max_size=3),
)


@st.composite
def tricky_circuits(draw: Any, classes: Any = READABLE, max_steps: int = 5) -> rc.Circuit:
    """Circuits in which nodes are renamed, unnamed, given axis names and kept from automatic names at random."""
    circuit = draw(circuits(classes, max_steps))
    symbols = {spec.symbol for module in circuit.get(rc.Module) for spec in module.spec.arg_specs}

    def change(node: rc.Circuit) -> rc.Circuit:
        if node in symbols:
            return node
        action = draw(st.integers(0, 5))
        if action == 0:
            return node.rename(None)
        if action == 1:
            return node.rename(draw(NAMES))
        if action == 2 and node.rank:
            axes = draw(st.dictionaries(st.integers(0, node.rank - 1), AXIS_NAMES, max_size=2))
            return node.rename_axes(axes)
        if action == 3:
            return node.with_autoname_disabled()
        return node

    return rc.deep_map(circuit, change)
