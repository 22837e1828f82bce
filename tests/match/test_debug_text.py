"""The walk as text (spec 07, section 9)."""

import pytest
from hypothesis import given

import pycircuit as rc
from tests.match.circuits import M, r, states, x
from tests.strategies import iterative_matchers, shared_circuits


def test_text_of_a_walk():
    assert rc.repr_matcher_debug(r, M("p").chain("x")) == "\n".join(
        [
            """'r' Add # ["p" -> "x"]""",
            """  'p' Add # ["p" -> "x"]""",
            """    'x' [] Scalar 1 # Found # Any(["p" -> "x"], "x")""",
            """    'y' [] Scalar 1 # Any(["p" -> "x"], "x")""",
            """  'q' Add # ["p" -> "x"]""",
            """    'x' [] Scalar 1 # ["p" -> "x"]""",
            """    'z' [] Scalar 1 # ["p" -> "x"]""",
        ]
    )


def test_repeats_and_options():
    options = rc.PrintOptions(bijection=False, arrows=True)
    assert rc.repr_matcher_debug(r, M("x"), options) == "\n".join(
        [
            'r Add # "x"',
            '├‣p Add # "x"',
            '│ ├‣x [] Scalar 1 # Found # "x"',
            '│ └‣y [] Scalar 1 # "x"',
            '└‣q Add # "x"',
            "  ├‣x...",
            '  └‣z [] Scalar 1 # "x"',
        ]
    )
    cut = rc.repr_matcher_debug(r, rc.new_traversal(end_depth=1), print_options=rc.PrintOptions(colorer=lambda c: "Red"))
    assert cut == "\x1b[31m'r' Add\x1b[0m # Found # Restrict{depth_range: :1}"
    same_name = rc.Add(rc.Scalar(1.0, (), "a"), rc.Scalar(2.0, (), "a"), rc.Scalar(3.0), name="t")
    assert rc.repr_matcher_debug(same_name, True).split("\n")[1:] == [
        "  0 'a' [] Scalar 1 # Found # Always",
        "  1 'a' [] Scalar 2 # Found # Always",
        "  2 [] Scalar 3 # Found # Always",
    ]
    upside_down = rc.repr_matcher_debug(r, "x", rc.PrintOptions(bijection=False, leaves_on_top=True)).split("\n")
    assert upside_down[-1] == 'r Add # "x"'


def test_print(capsys):
    rc.print_matcher_debug(x, "x")
    assert capsys.readouterr().out == """'x' [] Scalar 1 # Found # "x"\n"""
    for bad in (3, "x", rc.PrintHtmlOptions()):
        with pytest.raises(TypeError):
            rc.repr_matcher_debug(x, "x", bad)
    with pytest.raises(TypeError):
        rc.repr_matcher_debug(x, 3)


@given(shared_circuits(), iterative_matchers())
def test_one_full_line_per_pair(c, m):
    pairs = set()
    edges = 0
    stack = [(m, c)]
    while stack:
        state, node = stack.pop()
        if (state, node) in pairs:
            continue
        pairs.add((state, node))
        for child, child_state in zip(node.children, states(state, node)[1], strict=True):
            if child_state is not None:
                edges += 1
                stack.append((child_state, child))
    lines = rc.repr_matcher_debug(c, m).split("\n")
    assert len(lines) == edges + 1
    assert sum(not line.endswith("...") for line in lines) == len(pairs)
