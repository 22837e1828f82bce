"""Text for people: layouts, traversals, comments, colours, debug text (spec 06, sections 1 to 7)."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import pickle
import re
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import circuits
from tests.text.named_circuits import READABLE, tricky_circuits

Options = rc.PrintOptions
MAGENTA = re.compile(r"\x1b\[35m(\d+)\x1b\[0m")


def free(**changes) -> rc.PrintOptions:
    return Options(bijection=False, **changes)


def scalar(value: float, name: str | None = None, shape=(2,)) -> rc.Circuit:
    return rc.Scalar(value, shape, name)


@pytest.fixture
def x():
    a, b = rc.Scalar(2.0, (2, 3), "a"), rc.Symbol.new_with_none_uuid((2, 3), "b")
    ein = rc.Einsum.from_einsum_string("ij,ij->i", a, b)
    return rc.Add(ein, ein.rename(None), rc.Scalar(1.5, (2,)), name="x")


@pytest.fixture
def module():
    s = rc.Symbol.new_with_none_uuid((2,), "s")
    spec = rc.ModuleSpec(rc.Add(s, s, name="m.body"), [rc.ModuleArgSpec(s, True, False, True)])
    return rc.Module(spec, "m", s=rc.Scalar(3.0, (5, 2), "inp"))


BIJECTIVE = """'x' Add
  'a * b' Einsum ij,ij->i
    'a' [2,3] Scalar 2
    'b' [2,3] Symbol
  0 Einsum ij,ij->i
    'a'
    'b'
  1 [2] Scalar 1.5"""


# --- entry points


def test_entry_points(x, capsys):
    assert x.repr() == Options().repr(x) == BIJECTIVE
    x.print()
    Options().print(x)
    assert capsys.readouterr().out == (BIJECTIVE + "\n") * 2
    assert Options().repr() == ""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        Options().print()
        x.print_stats()
    assert out.getvalue() == "\nx Add nodes 6 max_size 16 flops 26\n"
    with pytest.raises(TypeError):
        x.print_html(Options())
    with pytest.raises(TypeError):
        x.print(3)
    with pytest.raises(TypeError):
        x.repr(rc.PrintHtmlOptions())


def test_stats(capsys):
    rc.Add(rc.Scalar(1.0, (3,), "a"), rc.Scalar(2.0, (3,), "b")).print_stats()
    rc.Scalar(1.0, (3,)).print_stats()
    assert capsys.readouterr().out == "a + b Add nodes 3 max_size 24 flops 6\n Scalar nodes 1 max_size 0 flops 0\n"


# --- identifiers


def test_numbers_and_names():
    a, b, c = scalar(1, "x", (3,)), scalar(2, "x", (3,)), scalar(3, None, (3,))
    top = rc.Add(a, b, c, a, c, name="c")
    assert top.repr() == "'c' Add\n  0 'x' [3] Scalar 1\n  1 'x' [3] Scalar 2\n  2 [3] Scalar 3\n  0 'x'\n  2 Scalar"
    forced = Options(force_use_serial_numbers=True)
    assert forced.repr(top) == "0 'c' Add\n  1 'x' [3] Scalar 1\n  2 'x' [3] Scalar 2\n  3 [3] Scalar 3\n  1 'x'\n  3 Scalar"
    assert Options.compiler_default() == forced
    referenced = Options(reference_circuits={c: "q"})
    assert referenced.repr(top) == "'c' Add\n  0 'x' [3] Scalar 1\n  1 'x' [3] Scalar 2\n  'q'\n  0 'x'\n  'q'"
    assert Options(reference_circuits={c: "c"}).repr(top).startswith("0 'c' Add\n")
    assert Options(reference_circuits={top: "t"}).repr(top, top) == "'t'\n't'"


def test_hidden_nodes_count_for_names():
    hidden = rc.Add(scalar(1, "x"), name="h")
    text = Options(reference_circuits={hidden: "ref"}).repr(rc.Add(hidden, scalar(2, "x"), name="top"))
    assert text == "'top' Add\n  'ref'\n  0 'x' [2] Scalar 2"


def test_references(x):
    ein, b = x.children[0], x.children[0].children[1]
    text = Options(reference_circuits={ein: "E x"}, reference_circuits_by_name=[b]).repr(x)
    assert text == "'x' Add\n  'E x'\n  0 Einsum ij,ij->i\n    'a' [2,3] Scalar 2\n    'b'\n  1 [2] Scalar 1.5"
    with pytest.raises(rc.ReferenceCircByNameHasNoneNameError):
        Options(reference_circuits_by_name=[x.children[1]])
    for arguments in [{"reference_circuits": {ein: "q", b: "q"}}, {"reference_circuits": {b: "b"}, "reference_circuits_by_name": [b]}]:
        with pytest.raises(rc.ReferenceCircDuplicateIdentifierError):
            Options(**arguments)


# --- free text


def test_free_text(x):
    assert free().repr(x) == BIJECTIVE.replace("'", "")
    assert free().repr(scalar(1, "it's \\ \n\r\x1b\x85", ())) == "it's \\ \\n\\r\\x1b\\x85 [] Scalar 1"
    assert free().repr(rc.Array(torch.zeros(2, 3), "arr")) == "arr [2,3] Array"
    assert free().repr(scalar(1, "s", ()).with_autoname_disabled()) == "s [] Scalar 1"
    index = rc.Index(scalar(1, "v", (5, 2)), (torch.tensor([1, 2, 3]), 0), "i")
    assert free().repr(index).startswith("i [3] Index [[3],0]\n")
    assert free(tensor_index_literal=True).repr(index).startswith("i [3] Index [[1, 2, 3],0]\n")
    draw = rc.multinomial(rc.Scalar(0.5, (2,), "p"), rc.Array(torch.tensor(3), "seed"), (4,))
    assert free().repr_line_info(draw) == " GeneralFunction multinomial"
    assert Options().repr_line_info(draw) == " GeneralFunction multinomial_[4]"


@given(circuits(READABLE))
@settings(max_examples=100, deadline=None)
def test_free_text_has_the_lines_of_bijective_text(circuit):
    assert len(free().repr(circuit).split("\n")) == len(circuit.repr().split("\n"))


# --- layout


ARROWS = """'x' Add
├‣'a * b' Einsum ij,ij->i
│ ├‣'a' [2,3] Scalar 2
│ └‣'b' [2,3] Symbol
├‣0 Einsum ij,ij->i
│ ├‣'a'
│ └‣'b'
└‣1 [2] Scalar 1.5"""


def test_arrows(x):
    assert Options(arrows=True).repr(x) == ARROWS


@given(tricky_circuits(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_layouts_agree(circuit, below):
    circuit = circuit.rename("x") if "\u2502" in circuit.repr() else circuit
    drawn = Options(arrows=True, only_child_below=below).repr(circuit)
    plain = Options(only_child_below=below).repr(circuit)
    strip = str.maketrans("│├└‣", "    ")
    assert drawn.translate(strip) == plain.translate(strip)
    top = free(arrows=True, leaves_on_top=True).repr(circuit).split("\n")
    assert "\n".join(reversed(top)).replace("┌", "└") == free(arrows=True).repr(circuit)


def test_only_child_below():
    node = scalar(2, "a", (2, 3))
    flat = rc.Rearrange.from_string(rc.Einsum.from_einsum_string("ij->i", node), "a -> a ()")
    top = rc.Add(flat, rc.Scalar(1.0)).rename(None)
    assert Options(arrows=True, only_child_below=True).repr(top) == (
        "0 Add\n├‣'(a) rearrange' Rearrange a -> a ()\n│ ▼\n│ 1 'a' Einsum ij->i\n│ ▼\n│ 2 'a' [2,3] Scalar 2\n└‣3 [] Scalar 1"
    )
    chain = rc.Add(rc.Add(scalar(1, "x"), name="f"), name="e")
    assert Options(only_child_below=True).repr(chain) == "'e' Add\n▼\n'f' Add\n▼\n'x' [2] Scalar 1"
    inner = rc.Add(scalar(1, "x"), chain, name="top")
    assert Options(only_child_below=True).repr(inner) == "'top' Add\n  'x' [2] Scalar 1\n  'e' Add\n  ▼\n  'f' Add\n  ▼\n  'x'"


def test_leaves_on_top(x):
    text = free(arrows=True, leaves_on_top=True)
    assert text.repr(x) == (
        "┌‣1 [2] Scalar 1.5\n│ ┌‣b\n│ ├‣a\n├‣0 Einsum ij,ij->i\n│ ┌‣b [2,3] Symbol\n│ ├‣a [2,3] Scalar 2\n├‣a * b Einsum ij,ij->i\nx Add"
    )
    assert text.repr(scalar(1, " q"), scalar(2, "└")) == "└ [2] Scalar 2\n q [2] Scalar 1"


def test_seen_children_same_line():
    k, q, m = (scalar(i + 1, name) for i, name in enumerate("klm"))
    r = rc.Add(rc.Add(k, q, name="p"), rc.Add(k, rc.Add(k, q, name="new"), m, q, name="q"), name="r")
    assert free(seen_children_same_line=True, arrows=True).repr(r) == (
        "r Add\n├‣p Add\n│ ├‣k [2] Scalar 1\n│ └‣l [2] Scalar 2\n└‣q Add\n  ├─k─l\n  ├‣new Add\n  │ └─k─l\n  └‣m [2] Scalar 3"
    )
    assert free(seen_children_same_line=True).repr(r) == (
        "r Add\n  p Add\n    k [2] Scalar 1\n    l [2] Scalar 2\n  q Add\n   └k─l\n    new Add\n     └k─l\n    m [2] Scalar 3"
    )
    unnamed = scalar(1)
    twice = rc.Add(unnamed, rc.Add(unnamed, name="z"), name="r")
    assert free(seen_children_same_line=True).repr(twice) == "r Add\n  0 [2] Scalar 1\n  z Add\n   └0 Scalar"
    referenced = free(seen_children_same_line=True, reference_circuits={k: "ref"})
    assert referenced.repr(rc.Add(k, rc.Add(k, name="q"), name="w")) == "w Add\n  ref\n  q Add\n    ref"


def test_deep_texts():
    node = scalar(1, "x")
    for i in range(100_000):
        node = rc.Add(node, name=f"n{i}")
    assert repr(node) == "<n99999 [2] Add\n  n99998 [2] Add ...>"
    assert free(only_child_below=True, leaves_on_top=True).repr(node).endswith("n99999 Add")


# --- axis names


def test_shapes_with_axis_names():
    s = rc.Scalar(1.0, (2,), "s")
    named = rc.Add(s.rename_axes({0: "row"}), name="ad")
    assert named.repr() == "'ad' Add\n  's' [row:2] Scalar 1"
    assert Options(show_all_named_axes=True).repr(named).startswith("'ad' [row:2] Add\n")
    assert rc.Add(s, name="ad").rename_axes({0: "row"}).repr() == "'ad' [row:2] Add\n  's' [2] Scalar 1"
    with pytest.raises(rc.NamedAxesForbiddenCharacterError):
        s.rename_axes({0: "a,b"}).repr()
    assert free().repr(s.rename_axes({0: "a,b"})) == "s [a,b:2] Scalar 1"
    assert Options(shape_only_when_necessary=False).repr(named).startswith("'ad' [row:2] Add\n")


# --- traversals


@pytest.fixture
def shared():
    deep = rc.Add(scalar(1, "k"), name="deep")
    return rc.Add(rc.Add(deep, name="p"), deep, name="r")


@pytest.mark.parametrize(
    ("traversal", "text"),
    [
        (rc.new_traversal(end_depth=3), "r Add\n  p Add\n    deep Add ...\n  deep"),
        (rc.new_traversal(term_early_at="p"), "r Add\n  p Add ...\n  deep Add\n    k [2] Scalar 1"),
        (rc.new_traversal(end_depth=0), "r Add ..."),
        (rc.new_traversal(end_depth=1), "r Add ..."),
        (rc.new_traversal(start_depth=5), "r Add\n  p Add\n    deep Add\n      k [2] Scalar 1\n  deep"),
        ("a", "r Add\n  p Add\n    deep Add\n      k [2] Scalar 1\n  deep"),
        (rc.restrict("p", term_if_matches=True), "r Add\n  p Add ...\n  deep Add\n    k [2] Scalar 1"),
    ],
)
def test_traversals(shared, traversal, text):
    printed = free(traversal=traversal).repr(shared)
    if text is not None:
        assert printed == text


def test_traversal_per_child(shared):
    def visit_second(circuit):
        if circuit.name == "r":
            return rc.IterateMatchResults([rc.FINISHED, rc.IterativeMatcher(True)], False)
        return rc.IterateMatchResults()

    traversal = rc.IterativeMatcher.new_func(visit_second)
    assert free(traversal=traversal).repr(shared) == "r Add\n  p Add ...\n  deep Add\n    k [2] Scalar 1"


def test_exceptions_of_traversals(shared):
    error = KeyError("mine")

    def fail(circuit):
        raise error

    with pytest.raises(KeyError) as caught:
        free(traversal=rc.new_traversal(term_early_at=fail)).repr(shared)
    assert caught.value is error


@given(circuits(READABLE), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_depth(circuit, depth):
    text = free(traversal=rc.new_traversal(end_depth=depth)).repr(circuit)
    for line in text.split("\n"):
        assert (len(line) - len(line.lstrip(" "))) // 2 < max(depth, 1)
    assert free(traversal=rc.new_traversal(end_depth=50)).repr(circuit) == free().repr(circuit)


def test_depth_shortcuts(shared, capsys):
    assert Options.repr_depth(shared, end_depth=2) == "r Add\n  p Add ...\n  deep Add ..."
    Options.print_depth(shared)
    assert capsys.readouterr().out == "r Add\n  p Add\n    deep Add ...\n  deep\n"
    assert Options.debug_default() == free(shape_only_when_necessary=False, traversal=rc.new_traversal(end_depth=2))
    assert Options.debug_default(None).repr(shared) == "r [2] Add\n  p [2] Add\n    deep [2] Add\n      k [2] Scalar 1\n  deep"
    with pytest.raises(OverflowError):
        Options.debug_default(-1)


# --- comments


def test_commenters(x):
    seen = []

    def note(circuit):
        seen.append(circuit)
        return circuit.name[:1] + "\nz" if circuit.op_name else ""

    text = Options(commenters=[note, lambda c: "2"]).repr(x)
    assert text.split("\n")[:3] == ["'x' Add # x z # 2", "  'a * b' Einsum ij,ij->i # a z # 2", "    'a' [2,3] Scalar 2 # a z # 2"]
    assert text.split("\n")[4] == "  0 Einsum ij,ij->i # 2"
    ein = x.children[0]
    assert seen == [x, ein, *ein.children, x.children[1], *ein.children, x.children[2]]
    assert rc.Parser()(text) == x
    with pytest.raises(TypeError):
        Options(commenters=[lambda c: 3]).repr(x)


def test_exceptions_of_callbacks(x, capsys):
    error = ZeroDivisionError("mine")

    def fail(circuit):
        if circuit.name == "b":
            raise error
        return ""

    for options in [Options(commenters=[fail]), Options(colorer=lambda c: fail(c) or None)]:
        with pytest.raises(ZeroDivisionError) as caught:
            options.print(x)
        assert caught.value is error
    assert capsys.readouterr().out == ""


def test_built_in_commenters():
    assert Options.size_threshold_commenter(16)(rc.Scalar(0.0, (17,))) == "\x1b[31m17\x1b[0m"
    assert Options.size_threshold_commenter(17)(rc.Scalar(0.0, (17,))) == ""
    assert Options.size_threshold_commenter(1)(rc.Array(torch.zeros(5))) == ""
    assert Options.size_threshold_commenter()(rc.Scalar(0.0, (10**9,))) == "\x1b[31m1G\x1b[0m"
    assert Options.dtype_commenter()(rc.Array(torch.zeros(2))) == "float32"
    assert Options.dtype_commenter()(rc.Scalar(1.0)) == ""
    array = rc.Array(torch.zeros(2), "z")
    assert Options.dtype_commenter(only_arrays=True)(rc.Add(array)) == ""
    text = Options(commenters=[Options.dtype_commenter()]).repr(array)
    assert text.endswith(" # float32")
    with pytest.raises(OverflowError):
        Options.size_threshold_commenter(-1)


def test_argument_names(module):
    text = "'m' Module\n  'm.body' Add # Spec\n    's' [2] Symbol\n    's'\n  'inp' [5,2] Scalar 3 ! 's' tft"
    assert Options(comment_arg_names=True).repr(module) == text
    values = rc.DiscreteVar(scalar(1, "v", (4, 3)), rc.Scalar(0.25, (4,), "p"), name="d")
    both = rc.Einsum.from_einsum_string("ij,->i", rc.Add(values, rc.Scalar(0.0, (2, 3), "o"), name="q"), rc.Scalar(1.0, (), "t"), name="e")
    lines = Options(comment_arg_names=True).repr(both).split("\n")
    assert lines[1] == "  'q' Add # ij"
    assert lines[3:5] == ["      'v' [4,3] Scalar 1 # Values", "      'p' [4] Scalar 0.25 # Probs and Group"]
    assert lines[6] == "  't' [] Scalar 1"
    chain = rc.Einsum.from_einsum_string("i->", scalar(1, "x"), name="e")
    assert Options(comment_arg_names=True, only_child_below=True).repr(chain) == "'e' Einsum a->\n▼\n'x' [2] Scalar 1 # a".replace(
        "a->", "i->"
    ).replace("# a", "# i")


def test_bindings_and_cuts(module):
    text = free(traversal=rc.new_traversal(end_depth=2), commenters=[lambda c: "C"]).repr(module)
    assert text == "m Module # C\n  m.body Add ... # C\n  inp [5,2] Scalar 3 ! s [2] Symbol tft # C"


def test_tree_mode(module):
    v = scalar(1, None, ())
    u = rc.Add(v, v).rename(None)
    text = free(number_leaves=True).repr(rc.Add(u, v).rename(None))
    assert MAGENTA.sub(r"\1", text) == "0 Add\n  1 Add\n    2 [] Scalar 1 # 0\n    2 [] Scalar 1 # 1\n  2 [] Scalar 1 # 2"
    assert free(number_leaves=True).is_print_as_tree
    text = MAGENTA.sub(r"\1", free(number_leaves=True).repr(module))
    assert text == "m Module\n  m.body Add\n    s [2] Symbol # 0\n    s [2] Symbol # 1\n  inp [5,2] Scalar 3 ! s [2] Symbol tft # 2"
    seen = rc.Add(scalar(1, "a"), rc.Add(scalar(1, "a"), name="q"), name="w")
    assert (
        MAGENTA.sub(r"\1", free(number_leaves=True, seen_children_same_line=True).repr(seen))
        == "w Add\n  a [2] Scalar 1 # 0\n  q Add\n   └a"
    )


def number_of_paths(circuit: rc.Circuit) -> int:
    counts = {}
    for node in rc.toposort_circuit(circuit):
        counts[node] = sum(counts[child] for child in node.children) if node.children else 1
    return counts[circuit]


@given(circuits(READABLE, max_steps=4))
@settings(max_examples=80, deadline=None)
def test_leaf_numbers(circuit):
    numbers = [int(number) for number in MAGENTA.findall(free(number_leaves=True).repr(circuit))]
    assert numbers == list(range(number_of_paths(circuit)))


def test_nest_defaults():
    inner = rc.Einsum.from_einsum_string("i->i", rc.Add(scalar(1, "s"), name="sum"), name="inner")
    outer = rc.Einsum.from_einsum_string("i,i->i", inner, scalar(2, "t"), name="outer")
    text = MAGENTA.sub(r"\1", Options.einsum_nest_default().repr(outer))
    assert text == "outer Einsum i,i->i\n  inner Einsum i->i\n    sum Add ... # 0\n  t [2] Scalar 2 # 1"
    assert Options.type_nest_default(rc.Einsum) == Options.einsum_nest_default()
    assert Options.add_nest_default() == Options.type_nest_default(rc.Add)
    for wrong in [int, rc.Circuit, 3]:
        with pytest.raises(TypeError):
            Options.type_nest_default(wrong)


# --- colours


@pytest.mark.parametrize(
    ("color", "code"),
    [
        ("Red", 31),
        ("Green", 32),
        ("Yellow", 33),
        ("Blue", 34),
        ("Magenta", 35),
        ("Cyan", 36),
        ("White", 90),
        (0, 31),
        (6, 90),
        (7, 91),
        (12, 96),
        (13, 97),
        (14, 31),
        (True, 32),
        (2**64 - 1, 32),
    ],
)
def test_colors(color, code):
    a = rc.Scalar(2.0, (2, 3), "a")
    if color == 2**64 - 1:
        code = [31, 32, 33, 34, 35, 36, 90, 91, 92, 93, 94, 95, 96, 97][color % 14]
    assert Options(colorer=lambda c: color).repr(a) == f"\x1b[{code}m'a' [2,3] Scalar 2\x1b[0m"
    assert Options(colorer=Options.fixed_color(color)).repr(a) == f"\x1b[{code}m'a' [2,3] Scalar 2\x1b[0m"


def test_color_errors(x):
    for color in ["red", "None"]:
        with pytest.raises(RuntimeError, match=f"unknown color name {color}"):
            Options(colorer=lambda c, color=color: color).repr(x)
        with pytest.raises(RuntimeError):
            Options.fixed_color(color)
    for color in [1.0, -1, 2**64]:
        with pytest.raises(TypeError):
            Options(colorer=lambda c, color=color: color).repr(x)


@given(circuits(READABLE))
@settings(max_examples=50, deadline=None)
def test_colors_only_add_codes(circuit):
    for colorer in [Options.type_colorer(), Options.hash_colorer(), lambda c: "Red"]:
        assert re.sub(r"\x1b\[\d+m", "", free(colorer=colorer).repr(circuit)) == free().repr(circuit)


def test_built_in_colorers(x):
    by_class = {rc.Einsum: 11, rc.Scalar: 4, rc.Symbol: 2, rc.Add: 12}
    for cls, color in by_class.items():
        for node in x.get(cls):
            assert Options.type_colorer()(node) == color
    for node in x.get(True):
        n = int.from_bytes(node.hash[:8], "little")
        assert Options.hash_colorer()(node) == n % 14
        assert rc.PrintHtmlOptions.hash_colorer()(node) == f"hsl({20 * (n % 18)}, 90%, 60%)"
    sizes = [(300_000, None), (300_001, 1), (300_000_001, 2), (10_000_000_001, 0), (2**62, 0)]
    for size, color in sizes:
        assert Options.size_colorer()(rc.Scalar(1.0, (size,))) == color
    assert Options.size_colorer()(rc.Scalar(1.0, (2**62, 4))) == 4
    assert rc.PrintHtmlOptions.size_colorer()(rc.Scalar(1.0, (300_001,))) == "rgb(57,181,74)"
    var = rc.DiscreteVar(scalar(1, "v", (2, 2)), rc.Scalar(0.5, (2,), "p"))
    assert Options.computability_colorer()(var) == 2
    assert Options.computability_colorer()(scalar(1)) is None
    stored = rc.StoredCumulantVar({1: scalar(1), 2: scalar(1, None, (2, 2)), 3: scalar(1, None, (2, 2, 2))})
    assert Options.computability_colorer()(stored) == 1
    assert rc.PrintHtmlOptions.computability_colorer()(var) == "rgb(255,199,6)"
    a, b = x.children[0].children
    colorer = Options.circuit_set_colorer({"Red": {a, x}, "Blue": [a, b]})
    assert [colorer(node) for node in [a, b, x, x.children[0]]] == [0, 3, 0, None]
    assert rc.PrintHtmlOptions.fixed_color("#abc")(a) == "#abc"
    assert rc.PrintHtmlOptions.type_colorer()(a) == "hsl(280, 90%, 60%)"
    assert rc.PrintHtmlOptions.type_colorer()(x) == "rgb(57,181,74)"


def test_no_color(x, capsys, monkeypatch):
    options = Options(colorer=Options.fixed_color("Red"))
    monkeypatch.setenv("NO_COLOR", "")
    options.print(x)
    assert "\x1b" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    options.print(x)
    assert capsys.readouterr().out == BIJECTIVE + "\n"
    assert "\x1b" in options.repr(x)


# --- options objects


def test_fields_and_evolve():
    options = Options()
    options.arrows = True
    assert options.evolve() == options
    assert options != Options()
    changed = options.evolve(bijection=False, traversal=rc.new_traversal(end_depth=1), arrows=rc.NOT_SET)
    assert changed.arrows
    assert changed.traversal == rc.new_traversal(end_depth=1)
    assert changed.evolve(traversal=None).traversal == rc.new_traversal()
    with pytest.raises(AttributeError):
        options.reference_circuits = {}
    with pytest.raises(AttributeError):
        options.nothing = 1
    with pytest.raises(TypeError):
        options.evolve(nothing=1)
    with pytest.raises(TypeError):
        options.evolve(reference_circuits_by_name=[])
    note = lambda c: "n"  # noqa: E731
    options.commenters.append(note)
    assert options.commenters == []
    options.commenters += [note]
    assert options.commenters == [note]
    s = scalar(1, "s")
    with_references = Options({True: True}.get(True), {}, [s])
    assert with_references.reference_circuits == {s: "s"}
    assert with_references.evolve(arrows=True).reference_circuits == {s: "s"}
    assert with_references.evolve(reference_circuits={}).reference_circuits == {}


def test_copies():
    options = Options(
        bijection=False,
        traversal=rc.new_traversal(end_depth=2),
        colorer=Options.type_colorer(),
        commenters=[Options.dtype_commenter()],
        reference_circuits={scalar(1): "s"},
        tensor_save_dir="d",
    )
    for other in [copy.copy(options), copy.deepcopy(options), pickle.loads(pickle.dumps(options))]:
        assert other == options
        other.arrows = True
        assert other != options
    invalid = Options(arrows=True)
    invalid.leaves_on_top = True
    for bijective in (Options(), Options(arrows=True, comment_arg_names=True), invalid):
        assert pickle.loads(pickle.dumps(bijective)) == bijective
    assert pickle.loads(pickle.dumps(Options())).validate() is None
    assert repr(Options(bijection=False, arrows=True)) == "PrintOptions(bijection=False, arrows=True)"
    assert repr(Options()) == "PrintOptions()"
    assert repr(options).startswith("PrintOptions(bijection=False, ")
    html = rc.PrintHtmlOptions(number_leaves=True)
    assert pickle.loads(pickle.dumps(html)) == copy.copy(html) == html != rc.PrintHtmlOptions()
    assert repr(html) == "PrintHtmlOptions(number_leaves=True)"


INVALID = [
    {"bijection": True, "leaves_on_top": True},
    {"bijection": True, "traversal": rc.new_traversal()},
    {"bijection": True, "seen_children_same_line": True},
    {"bijection": True, "tensor_index_literal": True},
    {"bijection": True, "number_leaves": True},
    {"bijection": False, "seen_children_same_line": True, "comment_arg_names": True},
    {"bijection": False, "seen_children_same_line": True, "commenters": [lambda c: ""]},
]


@pytest.mark.parametrize("fields", INVALID)
def test_validation(fields):
    with pytest.raises(RuntimeError):
        Options(**fields)
    with pytest.raises(RuntimeError):
        Options().evolve(**fields)
    options = Options()
    for name, value in fields.items():
        setattr(options, name, value)
    with pytest.raises(RuntimeError):
        options.validate()
    assert Options().validate() is None


@pytest.mark.parametrize(
    "fields",
    [
        {"bijection": 3},
        {"colorer": 3},
        {"commenters": [3]},
        {"traversal": 3, "bijection": False},
        {"commenters": None},
        {"reference_circuits": {"a": "b"}},
        {"tensor_save_dir": 3},
        {"reference_circuits_by_name": "ab"},
        {"nothing": 1},
    ],
)
def test_wrong_types(fields):
    with pytest.raises(TypeError):
        Options(**fields)


def test_line_methods(x):
    a = x.children[0].children[0]
    assert Options().repr_line_info(a) == " [2,3] Scalar 2"
    assert Options().repr_line_info(x.children[0]) == " Einsum ij,ij->i"
    assert Options().repr_extra_info(a) == "2"
    assert Options().repr_extra_info(x) == ""
    assert Options().string_escape("it's\n\\") == "'it\\'s\\n\\\\'"
    assert free().string_escape("it's\n") == "it's\\n"


def test_tensor_directories(tmp_path):
    value = torch.arange(3.0)
    array = rc.Array(value, "w")
    key = array.tensor_hash_base16()
    Options(tensor_save_dir=str(tmp_path / "new")).repr(array)
    file = tmp_path / "new" / key[:4] / key[4:8] / key[8:]
    assert torch.equal(torch.load(file), value)
    index = rc.Index(rc.Scalar(1.0, (5,), "x"), (torch.tensor([1, 4]),), "i")
    Options(tensor_save_dir=str(tmp_path / "index")).repr(index)
    assert len(list((tmp_path / "index").rglob("*"))) == 3
    free(tensor_save_dir=str(tmp_path / "free")).repr(array)
    assert not (tmp_path / "free").exists()


def test_sync_tensors(tmp_path, monkeypatch):
    monkeypatch.setenv("RR_RRFS_DIR", str(tmp_path))
    array = rc.Array(torch.arange(4.0), "w")
    key = array.tensor_hash_base16()
    free(sync_tensors=True).repr(array)
    assert (tmp_path / "tensor_db" / key[:4] / key[4:8] / key[8:]).is_file()


def test_functions_without_path(x):
    class Mine(rc.GeneralFunctionSpecBase):
        name = "mine"

        def function(self, *tensors):
            return tensors[0]

        def get_shape_info(self, *shapes):
            return rc.get_shape_info_simple(shapes)

    node = rc.GeneralFunction(x, spec=Mine(), name="g")
    with pytest.raises(RuntimeError, match="Can't serialize function mine: no path given"):
        node.repr()
    assert free().repr(node).startswith("g GeneralFunction mine\n")


# --- debug text


def test_debug_text(x):
    assert repr(x) == str(x) == "<x [2] Add\n  a * b [2] Einsum ij,ij->i ...\n  0 [2] Einsum ij,ij->i ...\n  1 [2] Scalar 1.5>"
    assert repr([x.children[2]]) == "[<0 [2] Scalar 1.5>]"
    before = rc.get_debug_print_options()
    assert before == Options.debug_default()
    try:
        options = free(traversal=rc.new_traversal(end_depth=1))
        rc.set_debug_print_options(options)
        options.arrows = True
        assert rc.get_debug_print_options() == options.evolve(arrows=False)
        assert repr(x) == "<x Add ...>"

        def fail(circuit):
            raise ZeroDivisionError

        rc.set_debug_print_options(free(commenters=[fail]))
        with pytest.raises(ZeroDivisionError):
            repr(x)
        with pytest.raises(rc.MiscInputNotBroadcastableError):
            rc.Add(x, rc.Scalar(1.0, (3,), "y"))
        with pytest.raises(rc.TensorEvalNotExplicitlyComputableError):
            x.evaluate()
        with pytest.raises(TypeError):
            rc.set_debug_print_options(3)
        rc.set_debug_print_options(free(commenters=[lambda c: (rc.set_debug_print_options(before), "back")[1]]))
        assert "# back" in repr(x)
        assert rc.get_debug_print_options() == before
    finally:
        rc.set_debug_print_options(before)


@pytest.mark.parametrize(
    ("value", "lines", "warns"),
    [
        ("1", 1, False),
        ("None", 4, False),
        ("none", 4, False),
        ("3", 3, False),
        ("-1", 2, True),
        ("abc", 2, True),
        ("", 2, True),
        (" 3", 2, True),
        ("0", 1, False),
    ],
)
def test_debug_depth_of_environment(value, lines, warns):
    code = "import pycircuit as rc\nn = rc.Scalar(1.0, (), 'a')\nfor i in range(3): n = rc.Add(n, name=str(i))\nprint(repr(n))"
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "RR_DEBUG_END_DEPTH": value}, capture_output=True, text=True, check=True
    )
    assert len(result.stdout.strip().split("\n")) == lines
    assert bool(result.stderr) == warns
