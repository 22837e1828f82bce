"""Text that is printed reads back as the same circuits (spec 05, section 9)."""

from __future__ import annotations

import concurrent.futures

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import circuits
from tests.text.named_circuits import NAMES, READABLE, tricky_circuits

FLAGS = ["shape_only_when_necessary", "force_use_serial_numbers", "only_child_below", "arrows", "show_all_named_axes"]
LENIENT = {"module_check_all_inputs_used": False}


@st.composite
def options(draw):
    return {flag: draw(st.booleans()) for flag in FLAGS}


def below(circuit: rc.Circuit) -> list[rc.Circuit]:
    return sorted(circuit.get(True))


@given(tricky_circuits(), options())
@settings(max_examples=400, deadline=None)
def test_one_circuit(circuit, flags):
    text = rc.PrintOptions(**flags).repr(circuit)
    assert rc.Parser(**LENIENT).parse_circuits(text) == [circuit]


@given(st.lists(tricky_circuits(max_steps=3), max_size=4), options())
@settings(max_examples=100, deadline=None)
def test_several_circuits(roots, flags):
    text = rc.PrintOptions(**flags).repr(*roots)
    assert rc.Parser(**LENIENT).parse_circuits(text) == roots


@given(tricky_circuits(), options(), st.data())
@settings(max_examples=200, deadline=None)
def test_references(circuit, flags, data):
    nodes = data.draw(st.lists(st.sampled_from(below(circuit)), unique=True, max_size=4))
    keys = data.draw(st.lists(NAMES, unique=True, min_size=len(nodes), max_size=len(nodes)))
    references = dict(zip(keys, nodes, strict=True))
    text = rc.PrintOptions(reference_circuits={node: key for key, node in references.items()}, **flags).repr(circuit)
    assert rc.Parser(reference_circuits=references, **LENIENT).parse_circuits(text) == [circuit]


@given(tricky_circuits())
@settings(max_examples=150, deadline=None)
def test_idempotence(circuit):
    parser = rc.Parser(**LENIENT)
    again = parser(circuit.repr()).repr()
    assert again == circuit.repr()
    assert parser(again).repr() == again


@given(tricky_circuits(), st.data())
@settings(max_examples=150, deadline=None)
def test_what_does_not_matter(circuit, data):
    """Comments, blank lines, line ends, drawing characters, the indentation of the whole."""
    drawn = rc.PrintOptions(arrows=data.draw(st.booleans()), only_child_below=data.draw(st.booleans()))
    lines = drawn.repr(circuit).split("\n")
    changed = []
    margin = data.draw(st.sampled_from(["", "   ", "│ ", "\t"]))
    for line in lines:
        if data.draw(st.integers(0, 4)) == 0:
            changed.append(data.draw(st.sampled_from(["", "   ", "# a 'note'", " │ # x", "\t#"])))
        comment = data.draw(st.sampled_from(["", "# c", " # it's ! [x", "   "]))
        changed.append(margin + line + comment)
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    assert rc.Parser(**LENIENT)(end.join(changed)) == circuit


@given(tricky_circuits())
@settings(max_examples=100, deadline=None)
def test_one_definition_line_per_node(circuit):
    """Lines are definitions or bare repeats."""
    nodes = set(circuit.get(True)) | {spec.symbol for module in circuit.get(rc.Module) for spec in module.spec.arg_specs}
    text = rc.PrintOptions(force_use_serial_numbers=True).repr(circuit)
    lines = [line for line in text.split("\n") if line.strip()]
    identifiers = set()
    for line in lines:
        identifiers.add(line.split()[0])
        if " ! " in line:
            identifiers |= {part.split()[0] for part in line.split(" ! ") if part.split() and part.split()[0].isdigit()}
    numbers = {identifier for identifier in identifiers if identifier.isdigit()}
    assert len(nodes) == max((int(number) for number in numbers), default=-1) + 1


@pytest.mark.parametrize("only_child_below", [True, False])
def test_ten_threads(only_child_below):
    x = rc.Symbol.new_with_none_uuid((2, 3), "x")
    roots = [rc.Add(x, rc.Einsum.from_einsum_string("ij->ij", x, name=f"e{i}"), name=f"r{i}") for i in range(40)]
    parser, printer = rc.Parser(), rc.PrintOptions(only_child_below=only_child_below)
    expected = [printer.repr(root) for root in roots]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        texts = list(pool.map(printer.repr, roots * 5))
        assert texts == expected * 5
        assert list(pool.map(parser, texts)) == roots * 5


def chain(length: int) -> rc.Circuit:
    node = rc.Scalar(1.0, (2,), "x")
    for i in range(length):
        node = rc.Add(node, name=f"n{i}")
    return node


def test_deep_chain_with_markers():
    node = chain(100_000)
    text = rc.PrintOptions(only_child_below=True).repr(node)
    assert text.count("▼") == 100_000
    assert rc.Parser()(text) == node


def test_deep_list_of_definitions():
    text = "\n".join(["'x' [2] Scalar 1", *(f"'n{i}' Add\n  '{'x' if i == 0 else f'n{i - 1}'}'" for i in range(100_000))])
    roots = rc.Parser().parse_circuits(text)
    assert len(roots) == 100_001
    assert roots[-1] == chain(100_000)
    assert len(rc.PrintOptions().repr(*roots).split("\n")) == 200_001


def test_deep_indented_text():
    node = chain(3_000)
    text = node.repr()
    assert rc.Parser()(text) == node


@given(circuits(READABLE, named=False))
@settings(max_examples=50, deadline=None)
def test_unnamed_circuits(circuit):
    assert rc.Parser(**LENIENT)(circuit.repr()) == circuit
