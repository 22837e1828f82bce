"""All print options at once, in random combinations over random circuits (spec 06, sections 2 to 5, 9 and 11)."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import iterative_matchers
from tests.text.named_circuits import NAMES, READABLE, tricky_circuits
from tests.text.test_html import Elements, data_of, plain

FLAGS = ["shape_only_when_necessary", "arrows", "force_use_serial_numbers", "comment_arg_names", "sync_tensors", "only_child_below"]
FREE_FLAGS = ["leaves_on_top", "number_leaves", "seen_children_same_line", "tensor_index_literal"]
FLAGS.append("show_all_named_axes")
COLORS = ["Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White", None, *range(16), 2**64 - 1, True]
CSS = [None, "red", "#abc", "rgb(1,2,3)", "hsl(20, 90%, 60%)", "red;", "", '"><script>', "}</style>", "url(http://x)", "\0", "é"]
# Without "#", so that comments can be told from what stands before them.
COMMENTS = ["", "", "note", "two\nlines", "\r", "\x1b[31mred\x1b[0m", " ! 's' tft", "'", "é\u202e"]
TRAVERSALS = st.one_of(st.none(), st.integers(0, 4).map(lambda depth: rc.new_traversal(end_depth=depth)), iterative_matchers())


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", text)


def choice_by_node(values: list):
    """Functions that give each node one of the values, the same each time."""
    return st.integers(0, len(values) - 1).map(lambda start: lambda node: values[(start + node.hash[0]) % len(values)])


COMMENTERS = st.one_of(
    choice_by_node(COMMENTS),
    st.sampled_from([0, 3, 2**63 - 1]).map(rc.PrintOptions.size_threshold_commenter),
    st.booleans().map(lambda flag: rc.PrintOptions.dtype_commenter(only_arrays=flag)),
)
BUILT_IN = ["size_colorer", "type_colorer", "hash_colorer", "computability_colorer"]


@st.composite
def arguments(draw, circuits, folder):
    """Arguments of PrintOptions, most of which can go together."""
    nodes = sorted({node for circuit in circuits for node in circuit.get(True)})
    bijection = draw(st.booleans())
    given = {flag: draw(st.booleans()) for flag in FLAGS}
    given |= {flag: draw(st.booleans()) if not bijection else draw(st.integers(0, 30)) == 0 for flag in FREE_FLAGS}
    given["bijection"] = bijection
    given["traversal"] = draw(TRAVERSALS) if not bijection or draw(st.integers(0, 30)) == 0 else None
    if given["seen_children_same_line"] and draw(st.integers(0, 9)):
        given["comment_arg_names"] = False
    else:
        given["commenters"] = draw(st.lists(COMMENTERS, max_size=2))
    some = st.lists(st.sampled_from(nodes), unique=True, max_size=2) if nodes else st.just([])
    given["reference_circuits"] = {node: draw(NAMES) for node in draw(some)}
    given["reference_circuits_by_name"] = draw(some)
    colorers = [st.none(), choice_by_node(COLORS), *[st.just(getattr(rc.PrintOptions, name)()) for name in BUILT_IN]]
    colorers.append(st.sampled_from(COLORS).map(rc.PrintOptions.fixed_color))
    colorers.append(some.map(lambda found: rc.PrintOptions.circuit_set_colorer({"Red": found, 3: set(found)})))
    given["colorer"] = draw(st.one_of(*colorers))
    given["tensor_save_dir"] = draw(st.sampled_from([None, None, str(folder / "tensors")]))
    return given


def refused(given: dict) -> tuple[type[Exception], ...]:
    """The possible errors of these arguments (section 2.1)."""
    by_name = given["reference_circuits_by_name"]
    identifiers = [*given["reference_circuits"].values(), *[node.op_name for node in by_name if node.op_name is not None]]
    errors = [rc.ReferenceCircByNameHasNoneNameError] if any(node.op_name is None for node in by_name) else []
    if len(identifiers) != len(set(identifiers)):
        errors.append(rc.ReferenceCircDuplicateIdentifierError)
    if given["bijection"] and (given["traversal"] is not None or any(given[flag] for flag in FREE_FLAGS)):
        errors.append(RuntimeError)
    if given["seen_children_same_line"] and (given["comment_arg_names"] or given.get("commenters")):
        errors.append(RuntimeError)
    return tuple(errors)


def lines_of(text: str) -> list[str]:
    return text.split("\n")


ROOTS = st.lists(tricky_circuits(READABLE, max_steps=4), max_size=3)


@given(ROOTS, st.data())
@settings(max_examples=300)
def test_text(tmp_path_factory, roots, data):
    given = data.draw(arguments(roots, tmp_path_factory.getbasetemp()))
    errors = refused(given)
    if errors:
        with pytest.raises(errors):
            rc.PrintOptions(**given)
        return
    options = rc.PrintOptions(**given)
    assert options.validate() is None
    assert options.is_print_as_tree == given["number_leaves"]
    hashes = [circuit.hash for circuit in roots]
    text = options.repr(*roots)
    assert options.evolve().repr(*roots) == copy.copy(options).repr(*roots) == text
    assert [circuit.hash for circuit in roots] == hashes and options == options.evolve()
    assert "\r" not in text and all(root.repr(options) == options.repr(root) for root in roots)

    # Colours and comments only add to the lines.
    colorless = options.evolve(colorer=None, commenters=[])
    bare = colorless.repr(*roots)
    commented = options.evolve(colorer=None).repr(*roots)
    assert without_codes(text) == without_codes(commented)
    assert all(line.startswith(start) for line, start in zip(lines_of(commented), lines_of(bare), strict=True))

    # Both kinds of callbacks: once per line of a node, in the order of the lines.
    if not given["seen_children_same_line"]:
        seen: list[list[rc.Circuit]] = [[], []]
        options.evolve(colorer=seen[0].append, commenters=[lambda node: seen[1].append(node) or ""]).repr(*roots)
        assert seen[0] == seen[1]
        ends = [line for line in lines_of(bare) if not line.endswith("▼")] if roots else []
        assert len(seen[0]) == len(ends) or any("▼" in node.name for node in seen[0])

    # Layouts of the same lines.
    if given["leaves_on_top"]:
        below = options.evolve(leaves_on_top=False).repr(*roots)
        assert [line.replace("┌", "└") for line in reversed(lines_of(text))] == lines_of(below)
    if given["arrows"] and not given["seen_children_same_line"]:
        strip = str.maketrans("│├└┌‣", "     ")
        assert bare.translate(strip) == colorless.evolve(arrows=False).repr(*roots).translate(strip)
    if given["number_leaves"]:
        numbers = [int(number) for number in re.findall(r" # \x1b\[35m(\d+)\x1b\[0m$", bare, re.MULTILINE)]
        assert (numbers[::-1] if given["leaves_on_top"] else numbers) == list(range(len(numbers)))
        assert numbers or not roots

    # What is bijective parses back, comments or not.
    if given["bijection"]:
        colorless.evolve(tensor_save_dir=None).repr(*roots)  # saves the tensors where the parser looks
        references = {identifier: node for node, identifier in options.reference_circuits.items()}
        parser = rc.Parser(reference_circuits=references, module_check_all_inputs_used=False)
        assert parser.parse_circuits(bare) == roots
        assert parser.parse_circuits(commented) == roots


@given(ROOTS, st.data())
@settings(max_examples=60)
def test_combinations_made_by_assignment(tmp_path_factory, roots, data):
    given = data.draw(arguments(roots, tmp_path_factory.getbasetemp()))
    options = rc.PrintOptions()
    for field, value in given.items():
        if not field.startswith("reference_circuits"):
            setattr(options, field, value)
    assert len(lines_of(options.repr(*roots))) >= len(roots)
    given["reference_circuits"], given["reference_circuits_by_name"] = {}, []
    if not refused(given):
        options.validate()
        assert options == rc.PrintOptions(**given)
    else:
        for check in (options.validate, options.evolve):
            with pytest.raises(RuntimeError):
                check()


def without_id(fragment: str) -> str:
    return re.sub(r"pc-[0-9a-f]+", "pc-", fragment)


@given(ROOTS, st.data())
@settings(max_examples=120)
def test_html(roots, data):
    given = {
        "shape_only_when_necessary": data.draw(st.booleans()),
        "traversal": data.draw(TRAVERSALS),
        "overall_traversal": data.draw(TRAVERSALS),
        "display_copy_button": data.draw(st.booleans()),
        "primary_color": data.draw(st.sampled_from([color for color in CSS if color is not None])),
        "number_leaves": data.draw(st.booleans()),
        "keep_all_cells": data.draw(st.booleans()),
        "comment_arg_names": data.draw(st.booleans()),
        "commenters": data.draw(st.lists(COMMENTERS, max_size=2)),
    }
    colorers = [st.just(getattr(rc.PrintHtmlOptions, name)()) for name in BUILT_IN]
    given["colorer"] = data.draw(st.one_of(choice_by_node(CSS), *colorers))
    options = rc.PrintHtmlOptions(**given)
    fragment = options.repr(*roots)
    assert without_id(options.evolve().repr(*roots)) == without_id(fragment)
    page = data_of(fragment)
    assert len(page["roots"]) == len(roots)
    assert len(page["nodes"]) <= len({node for root in roots for node in root.get(True)})
    assert len(lines_of(plain(fragment))) >= len(roots)
    # Nothing that is shown makes an element.
    assert Elements(fragment).tags == Elements(rc.PrintHtmlOptions().repr()).tags
    seen: list[list[rc.Circuit]] = [[], []]
    options.evolve(colorer=seen[0].append, commenters=[lambda node: seen[1].append(node) or ""]).repr(*roots)
    assert len(seen[0]) == len(seen[1]) == len(set(seen[0])) == len(page["nodes"])
