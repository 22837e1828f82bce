"""Differences of circuits (spec 06, section 8)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

import pycircuit as rc
from tests.strategies import circuits
from tests.text.named_circuits import READABLE

CODES = {"31": "R", "32": "G", "34": "B", "36": "C"}


def symbol(name: str) -> rc.Circuit:
    return rc.Symbol.new_with_none_uuid((2,), name)


U, V, W = symbol("u"), symbol("v"), symbol("w")


def tagged(text: str) -> str:
    text = re.sub(r"\x1b\[(\d\d)m", lambda m: f"<{CODES[m[1]]}>", text)
    return text.replace("\x1b[0m", "</>")


def pair(right: rc.Circuit) -> rc.Circuit:
    return rc.Add(rc.Add(U, right, name="left"), rc.Add(U, right, right, name="right"), name="top")


EXPECTED = """<B>top  Add</><B> # changed 0</>
  <B>left  Add</><B> # changed 1</>
    u [2] Symbol # same 2
    <G>w [2] Symbol</>
    <R>v [2] Symbol</>
  <B>right  Add</><B> # changed 3</>
     # same 2
    <G>w [2] Symbol</>
    <R>v [2] Symbol</>
    <G>w [2] Symbol</>
    <R>v [2] Symbol</>
None: Same as original <B>Blue: Children changed</> <G>Green: New</> <R>Red: Removed</>
"""


def test_example():
    assert tagged(rc.diff_circuits(pair(W), pair(V))) == EXPECTED


def test_same():
    old = pair(V)
    text = rc.diff_circuits(old, old, print_legend=False)
    lines = rc.PrintOptions(bijection=False).repr(old).split("\n")
    assert text == "\n".join([lines[0] + " # same 0", *lines[1:]]) + "\n"


def test_names():
    old = pair(V)
    renamed = old.rename("top2")
    assert tagged(rc.diff_circuits(renamed, old)).split("\n")[0] == "<G>top2 Add</>"
    lines = tagged(rc.diff_circuits(renamed, old, require_name_same=False)).split("\n")
    assert lines[0] == "<B>top2  Add</><B> # changed 0</>"
    assert lines[1] == "  left Add # same 1"


def test_shapes_of_children():
    def product(size):
        return rc.Einsum.from_einsum_string("ij->i", rc.Scalar(1.0, (2, size), "x"), name="e")

    assert "# changed 0" in rc.diff_circuits(product(3), product(4))
    assert "# changed" not in rc.diff_circuits(product(3), product(4), require_child_shapes_same=True)


def test_changed_pair_again():
    new, old = (rc.Add(pair(s), pair(s), name="two") for s in (W, V))
    lines = tagged(rc.diff_circuits(new, old, print_legend=False)).split("\n")
    assert lines[-2] == "  <B> # changed 1</>"


def test_child_counts():
    new, old = rc.Add(U, V, name="a"), rc.Add(U, name="a")
    lenient = {"require_child_count_same": False, "print_legend": False}
    assert (
        tagged(rc.diff_circuits(new, old, **lenient)) == "<B>a  Add</><B> # changed 0</>\n  u [2] Symbol # same 1\n  <G>v [2] Symbol</>\n"
    )
    assert (
        tagged(rc.diff_circuits(old, new, **lenient)) == "<B>a  Add</><B> # changed 0</>\n  u [2] Symbol # same 1\n  <R>v [2] Symbol</>\n"
    )


def test_options():
    options = rc.PrintOptions(arrows=True, commenters=[lambda c: "C"])
    text = tagged(rc.diff_circuits(pair(V), pair(V), options, same_color="Cyan", print_legend=False))
    assert text.split("\n")[0] == "<C>top Add</> # C<C> # same 0</>"
    assert text.split("\n")[1] == "├‣<C>left Add</> # C"
    assert options == rc.PrintOptions(arrows=True, commenters=options.commenters)
    legend = rc.diff_circuits(U, U, same_color=3, new_color=17, removed_color=9).split("\n")[-2]
    assert re.sub(r"\x1b\[\d+m", "", legend) == "Blue: Same as original Blue: Children changed 17: New 9: Removed"
    for arguments in [{"same_self_color": "red"}, {"removed_color": "no"}]:
        with pytest.raises(RuntimeError):
            rc.diff_circuits(U, U, **arguments)
    with pytest.raises(TypeError):
        rc.diff_circuits(U, U, rc.PrintHtmlOptions())
    with pytest.raises(TypeError):
        rc.diff_circuits(U, U, same_color=1.5)


@given(circuits(READABLE), circuits(READABLE))
@settings(max_examples=60, deadline=None)
def test_properties(new, old):
    free = rc.PrintOptions(bijection=False)
    same = rc.diff_circuits(new, new, print_legend=False)
    assert same.replace(" # same 0", "", 1) == free.repr(new) + "\n"
    new, old = rc.Tag.new_with_random_uuid(new, "N"), rc.Tag.new_with_random_uuid(old, "O")
    text = rc.diff_circuits(new, old, print_legend=False, new_color=None, removed_color=None)
    assert text == f"{free.repr(new)}\n{free.repr(old)}\n"


@given(circuits(READABLE))
@settings(max_examples=60, deadline=None)
def test_marks_are_introduced_before_they_are_used(circuit):
    changed = circuit.update(rc.Scalar, lambda c: rc.Scalar(7.0, c.shape, "changed"))
    seen = set()
    for line in rc.diff_circuits(changed, circuit, print_legend=False, same_self_color=None).split("\n"):
        found = re.search(r" # (?:same|changed) (\d+)$", line)
        if found:
            alone = line.strip() == found[0].strip()
            assert (int(found[1]) in seen) == alone
            seen.add(int(found[1]))
    forward = rc.diff_circuits(changed, circuit, print_legend=False)
    backward = rc.diff_circuits(circuit, changed, print_legend=False, new_color="Red", removed_color="Green")
    assert sorted(re.findall(r"\x1b\[3[12]m[^\x1b]*", forward)) == sorted(re.findall(r"\x1b\[3[12]m[^\x1b]*", backward))


def test_deep():
    def chain(leaf):
        node = leaf
        for i in range(2_000):
            node = rc.Add(node, name=f"n{i}")
        return node

    text = rc.diff_circuits(chain(W), chain(V), print_legend=False)
    assert text.count("# changed") == 2_000
